//! Reads PromQL before it is sent, so that a query that cannot work is refused before anything is touched.

use promql_parser::parser::{self, Expr, VectorSelector, value::ValueType};

use super::LONGEST_QUERY;

/// More brackets than this inside each other are refused.
const DEEPEST: usize = 50;

/// What a query is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    /// It gives a number, or one for every series.
    pub(super) is_number: bool,
    /// The series it reads, without the times around them. Each is named once.
    pub(super) selectors: Vec<String>,
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
    let mut selectors = Vec::new();
    collect(&expr, &mut selectors);
    let is_number = matches!(expr.value_type(), ValueType::Scalar | ValueType::Vector);
    Ok(Query { is_number, selectors })
}

/// Of every selector the newest moment of any of its series, as one query: seconds since 1970, with the selector's
/// place as the label `i`.
pub(super) fn newest(selectors: &[String]) -> String {
    let part = |(index, selector): (usize, &String)| {
        format!("label_replace(max(timestamp({selector})), \"i\", \"{index}\", \"\", \"\")")
    };
    selectors.iter().enumerate().map(part).collect::<Vec<_>>().join(" or ")
}

/// The samples that say whether the targets of a selector are scraped.
pub(super) fn up(selector: &str) -> String {
    let Ok(Expr::VectorSelector(selector)) = parser::parse(selector) else { return "up".to_owned() };
    let of_target = |label: &str| label == "job" || label == "instance";
    let matchers = selector.matchers.matchers.iter().filter(|matcher| of_target(&matcher.name));
    let matchers: Vec<String> = matchers.map(ToString::to_string).collect();
    if matchers.is_empty() { "up".to_owned() } else { format!("up{{{}}}", matchers.join(",")) }
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
fn collect(whole: &Expr, selectors: &mut Vec<String>) {
    let mut waiting = vec![whole];
    while let Some(expr) = waiting.pop() {
        match expr {
            Expr::VectorSelector(selector) => note(selector, selectors),
            Expr::MatrixSelector(range) => note(&range.vs, selectors),
            Expr::Aggregate(aggregate) => {
                waiting.push(&aggregate.expr);
                waiting.extend(aggregate.param.as_deref());
            }
            Expr::Unary(unary) => waiting.push(&unary.expr),
            Expr::Binary(binary) => waiting.extend([&*binary.lhs, &*binary.rhs]),
            Expr::Paren(paren) => waiting.push(&paren.expr),
            Expr::Subquery(subquery) => waiting.push(&subquery.expr),
            Expr::Call(call) => waiting.extend(call.args.args.iter().map(|argument| &**argument)),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }
    selectors.sort();
    selectors.dedup();
}

fn note(selector: &VectorSelector, selectors: &mut Vec<String>) {
    let plain = VectorSelector { offset: None, at: None, ..selector.clone() };
    selectors.push(plain.to_string());
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
        read(query).unwrap().selectors
    }

    #[test]
    fn all_series_of_a_query_are_found_without_their_times() {
        assert_eq!(selectors("1 + 2"), Vec::<String>::new());
        assert_eq!(selectors("sum(rate(a{x=\"1\"}[5m] offset 1h)) / -sum(b @ 12) + (a{x=\"1\"})").len(), 2);
        assert_eq!(selectors("quantile_over_time(0.9, rate(a[1m])[10m:1m]) > topk(3, c)").len(), 2);
        let all = selectors("rate(a_total{code=~\"5..\",x!=\"y\"}[5m] offset 1h)");
        assert_eq!(all, ["a_total{code=~\"5..\",x!=\"y\"}"]);
        assert!(read(&newest(&all)).unwrap().is_number);
    }

    #[test]
    fn whether_targets_are_scraped_is_asked_of_those_that_are_meant() {
        let selector = "a{job=\"g\",code=\"500\",instance=~\"x.*\"}";
        assert_eq!(up(selector), "up{job=\"g\",instance=~\"x.*\"}");
        assert_eq!(up("a{code=\"500\"}"), "up");
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
