//! Reads PromQL before it is sent, so that a query that cannot work is refused before anything is touched.

use std::time::Duration;

use promql_parser::{
    label::{MatchOp, Matcher},
    parser::{self, Expr, Offset, VectorSelector, value::ValueType},
};

use super::LONGEST_QUERY;
use crate::selector::NAME;

/// More brackets than this inside each other are refused.
const DEEPEST: usize = 50;

/// What a query is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    /// It gives a number, or one for every series.
    pub(super) is_number: bool,
    /// The series it reads, each named once.
    pub(super) selectors: Vec<Read>,
    /// How far back a value reaches, in milliseconds: the longest range, of a range within a range the sum.
    pub(super) range: i64,
    /// It reads something at a moment that stands still (`@`).
    pub(super) stands_still: bool,
}

/// Series that a query reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Read {
    /// The series, without the times around them.
    pub(super) series: String,
    /// How long ago it reads them (`offset`), in milliseconds; below zero what is still to come.
    pub(super) offset: i64,
}

impl Read {
    /// The series at the moment at which the query reads them, in a range of milliseconds or without.
    fn written(&self, range: Option<i64>) -> String {
        let range = range.map_or_else(String::new, |range| format!("[{range}ms]"));
        let offset = match self.offset {
            0 => String::new(),
            offset => format!(" offset {offset}ms"),
        };
        format!("{}{range}{offset}", self.series)
    }
}

/// Reads a query.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(text: &str) -> Result<Query, String> {
    if text.len() > LONGEST_QUERY {
        return Err(format!("this query is longer than {LONGEST_QUERY} bytes"));
    }
    if deepest(text) > DEEPEST {
        return Err(format!("this query has more than {DEEPEST} brackets inside each other"));
    }
    let expr = parser::parse(text).map_err(|wrong| one_line(&wrong))?;
    let is_number = matches!(expr.value_type(), ValueType::Scalar | ValueType::Vector);
    let mut query = Query { is_number, selectors: Vec::new(), range: 0, stands_still: false };
    collect(&expr, &mut query);
    query.selectors.sort();
    query.selectors.dedup();
    Ok(query)
}

/// Of every selector the newest moment of any of its series (seconds since 1970) and how many series it has, as one
/// query. The label `i` is the selector's place, with an `n` behind it for the number.
pub(super) fn newest(selectors: &[Read]) -> String {
    let part = |(index, read): (usize, &Read)| {
        let series = read.written(None);
        let moment = labelled(&format!("max(timestamp({series}))"), &index.to_string());
        let number = labelled(&format!("count({series})"), &format!("{index}n"));
        format!("{moment} or {number}")
    };
    selectors.iter().enumerate().map(part).collect::<Vec<_>>().join(" or ")
}

/// Of every selector how many samples its slowest series has within so many milliseconds, as one query with labels as
/// those of [`newest`].
pub(super) fn samples(selectors: &[Read], range: i64) -> String {
    let part = |(index, read): (usize, &Read)| {
        let counted = format!("min(count_over_time({}))", read.written(Some(range)));
        labelled(&counted, &index.to_string())
    };
    selectors.iter().enumerate().map(part).collect::<Vec<_>>().join(" or ")
}

fn labelled(query: &str, i: &str) -> String {
    format!("label_replace({query}, \"i\", \"{i}\", \"\", \"\")")
}

/// The samples that say whether the targets of a selector are scraped.
pub(super) fn up(selector: &str) -> String {
    let Ok(Expr::VectorSelector(selector)) = parser::parse(selector) else { return "up".to_owned() };
    let of_target = |label: &str| label == "job" || label == "instance";
    let matchers = selector.matchers.matchers.iter().filter(|matcher| of_target(&matcher.name));
    let matchers: Vec<String> = matchers.map(ToString::to_string).collect();
    if matchers.is_empty() { "up".to_owned() } else { format!("up{{{}}}", matchers.join(",")) }
}

/// How many series the metric of a part has, and how many of them have each of its labels, as one query: the label `i` is
/// empty or the label. Only where `total` looks, as far as that can be said of the part's metric. Nothing when the part
/// names no metric.
pub(super) fn named(part: &str, total: &str, labels: &[&str]) -> Option<String> {
    let (Ok(Expr::VectorSelector(part)), Ok(Expr::VectorSelector(total))) =
        (parser::parse(part), parser::parse(total))
    else {
        return None;
    };
    let name = |selector: &VectorSelector| {
        let written = selector.matchers.matchers.iter().find(|matcher| is_name(matcher));
        selector.name.clone().or_else(|| written.map(|matcher| matcher.value.clone()))
    };
    let wanted = name(&part)?;
    let same = name(&total).as_ref() == Some(&wanted);
    let shared = |matcher: &&Matcher| {
        matcher.name != NAME && (same || part.matchers.matchers.iter().any(|own| own == *matcher))
    };
    let shared = total.matchers.matchers.iter().filter(shared).map(ToString::to_string);
    let all: Vec<String> = [format!("{NAME}={wanted:?}")].into_iter().chain(shared).collect();
    let all = all.join(",");
    let with = |label: &&str| labelled(&format!("count({{{all},{label}!=\"\"}})"), label);
    let parts: Vec<String> =
        [labelled(&format!("count({{{all}}})"), "")].into_iter().chain(labels.iter().map(with)).collect();
    Some(parts.join(" or "))
}

fn is_name(matcher: &Matcher) -> bool {
    matcher.name == NAME && matcher.op == MatchOp::Equal
}

fn deepest(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for letter in text.chars() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Goes through all of it with a list of its own, so that no query is too deep for the stack.
fn collect(whole: &Expr, query: &mut Query) {
    // With the range and the offset around each part.
    let mut waiting = vec![(whole, 0_i64, 0_i64)];
    while let Some((expr, range, offset)) = waiting.pop() {
        match expr {
            Expr::VectorSelector(selector) => note(selector, range, offset, query),
            Expr::MatrixSelector(matrix) => {
                note(&matrix.vs, range.saturating_add(milliseconds(matrix.range)), offset, query);
            }
            Expr::Subquery(subquery) => {
                query.stands_still |= subquery.at.is_some();
                let offset = offset.saturating_add(ago(subquery.offset.as_ref()));
                let range = range.saturating_add(milliseconds(subquery.range));
                waiting.push((&subquery.expr, range, offset));
            }
            Expr::Aggregate(aggregate) => {
                let parts = [Some(&*aggregate.expr), aggregate.param.as_deref()];
                waiting.extend(parts.into_iter().flatten().map(|part| (part, range, offset)));
            }
            Expr::Unary(unary) => waiting.push((&unary.expr, range, offset)),
            Expr::Binary(binary) => {
                waiting.extend([&*binary.lhs, &*binary.rhs].map(|part| (part, range, offset)));
            }
            Expr::Paren(paren) => waiting.push((&paren.expr, range, offset)),
            Expr::Call(call) => {
                waiting.extend(call.args.args.iter().map(|argument| (&**argument, range, offset)));
            }
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }
}

fn note(selector: &VectorSelector, range: i64, offset: i64, query: &mut Query) {
    let plain = VectorSelector { offset: None, at: None, ..selector.clone() };
    query.stands_still |= selector.at.is_some();
    query.range = query.range.max(range);
    let offset = offset.saturating_add(ago(selector.offset.as_ref()));
    query.selectors.push(Read { series: plain.to_string(), offset });
}

fn ago(offset: Option<&Offset>) -> i64 {
    match offset {
        None => 0,
        Some(Offset::Pos(ago)) => milliseconds(*ago),
        Some(Offset::Neg(ahead)) => -milliseconds(*ahead),
    }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    super::answer::shortened(&format!("this is no PromQL: {}", words.join(" ")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn selectors(query: &str) -> Vec<String> {
        read(query).unwrap().selectors.into_iter().map(|read| read.series).collect()
    }

    #[test]
    fn all_series_of_a_query_are_found_with_their_times() {
        assert_eq!(selectors("1 + 2"), Vec::<String>::new());
        assert_eq!(selectors("sum(rate(a{x=\"1\"}[5m])) / -sum(b @ 12) + (a{x=\"1\"})").len(), 2);
        assert_eq!(selectors("quantile_over_time(0.9, rate(a[1m])[10m:1m]) > topk(3, c)").len(), 2);
        let all = read("rate(a_total{code=~\"5..\",x!=\"y\"}[5m] offset 1h)").unwrap().selectors;
        assert_eq!(all, [Read { series: "a_total{code=~\"5..\",x!=\"y\"}".to_owned(), offset: 3_600_000 }]);
        for query in [newest(&all), samples(&all, 5_000)] {
            assert_eq!(read(&query).unwrap().selectors, all, "{query}");
        }
    }

    #[test]
    fn how_far_back_a_query_reaches_is_known() {
        let range = |query: &str| read(query).unwrap().range;
        assert_eq!([range("a"), range("rate(a[5m]) + rate(b[1m])")], [0, 300_000]);
        assert_eq!(range("max_over_time(rate(a[1m])[10m:1m])"), 660_000);
        assert!(read("a @ end()").unwrap().stands_still && !read("a offset 1m").unwrap().stands_still);
        let within = read("max_over_time((a offset 1m)[2m:1m] offset -3m)").unwrap();
        assert_eq!((within.selectors[0].offset, within.range), (-120_000, 120_000));
    }

    #[test]
    fn whether_targets_are_scraped_is_asked_of_those_that_are_meant() {
        let selector = "a{job=\"g\",code=\"500\",instance=~\"x.*\"}";
        assert_eq!(up(selector), "up{job=\"g\",instance=~\"x.*\"}");
        assert_eq!(up("a{code=\"500\"}"), "up");
    }

    #[test]
    fn the_metric_of_a_part_is_looked_for_where_the_whole_is() {
        let (part, total) = ("a_total{job=\"g\",status=~\"5..\"}", "a_total{job=\"g\",route!=\"/x\"}");
        let query = named(part, total, &["status"]).unwrap();
        assert!(
            query.contains("count({__name__=\"a_total\",job=\"g\",route!=\"/x\",status!=\"\"})"),
            "{query}"
        );
        assert_eq!(read(&query).unwrap().selectors.len(), 2);
        let other = named("errors_total{job=\"g\"}", total, &[]).unwrap();
        assert!(other.contains("{__name__=\"errors_total\",job=\"g\"}"), "{other}");
        assert_eq!(named("{code=\"500\"}", total, &["code"]), None);
    }

    #[test]
    fn what_is_no_promql_is_refused_with_the_reason() {
        for query in ["", "rate(x)", "sum(", "a b", "x{", "x[5m", "histogram_quantile(x)", "{}"] {
            assert!(read(query).is_err(), "{query}");
        }
        assert!(read("rate(x)").unwrap_err().contains("expected type"), "{:?}", read("rate(x)"));
        assert!(!read("x[5m]").unwrap().is_number);
        assert!(!read("\"text\"").unwrap().is_number);
    }

    #[test]
    fn a_query_that_is_long_or_deep_is_no_danger() {
        let long = |part: &str| part.repeat(LONGEST_QUERY / part.len() - 1);
        for query in
            [long("("), long("-"), format!("{}x", long("-")), format!("{}x", long("x+")), long("x[5m:")]
        {
            drop(read(&query));
        }
        assert!(read(&"x".repeat(LONGEST_QUERY + 1)).unwrap_err().contains("longer"));
    }

    proptest! {
        #[test]
        fn no_text_can_do_harm(text in "\\PC{0,80}") {
            drop(read(&text));
        }

        #[test]
        fn no_query_can_do_harm(words in proptest::collection::vec("sum|rate|by|a|\\(|\\)|\\{|\\}|\\[|5m|:|\\]|,|=|\"|1|-|offset|@| ", 0..40)) {
            if let Ok(query) = read(&words.concat()) && !query.selectors.is_empty() {
                prop_assert!(read(&newest(&query.selectors)).is_ok());
            }
        }
    }
}
