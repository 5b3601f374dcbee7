use proptest::prelude::*;

use super::*;

fn sample(line: &str) -> Sample<'_> {
    crate::exposition::samples(line).next().unwrap().unwrap()
}

fn selector(text: &str) -> Selector {
    text.parse().unwrap()
}

#[test]
fn labels_are_matched_as_prometheus_does() {
    let line = r#"http_requests_total{code="503",route="/pay"} 7"#;
    for (text, expected) in [
        ("http_requests_total", true),
        ("http_requests", false),
        (r#"http_requests_total{code="503"}"#, true),
        (r#"http_requests_total{code='503',}"#, true),
        (r#"http_requests_total{code!="503"}"#, false),
        (r#"http_requests_total{code=~"5.."}"#, true),
        (r#"http_requests_total{code=~"5."}"#, false),
        (r#"http_requests_total{code=~"4..|5.."}"#, true),
        (r#"http_requests_total{code!~"2.."}"#, true),
        (r#"http_requests_total{ code =~ "5.." , route = "/pay" }"#, true),
        (r#"http_requests_total{zone=""}"#, true),
        (r#"http_requests_total{zone!=""}"#, false),
        (r#"http_requests_total{zone=~".*"}"#, true),
        (r#"{__name__="http_requests_total",code="503"}"#, true),
        (r#"{__name__=~"http_.*_total"}"#, true),
        (r#"{__name__=~"grpc_.*"}"#, false),
    ] {
        assert_eq!(selector(text).matches(&sample(line)), expected, "{text}");
    }
}

#[test]
fn what_cannot_be_read_says_where_and_why() {
    for (text, expected) in [
        ("", "names no metric"),
        ("{}", "names no metric"),
        (r#"{code="500"}"#, "names no metric"),
        (r#"a{__name__="b"}"#, "twice"),
        (r"rate(x_total[5m])", "functions"),
        (r"x_total[5m]", "range"),
        (r#"x{code=500}"#, "character 8: a value in quotes"),
        (r#"x{code>"4"}"#, "=, !=, =~ and !~"),
        (r#"x{code="5"#, "not closed"),
        (r#"x{code="5" route="a"}"#, "`,` or `}`"),
        (r#"x{code=~"5(."}"#, "no regular expression"),
        (r#"x{code="a\d"}"#, "backslash"),
        ("x{", "a label's name or `}`"),
        (r#"x{9="a"}"#, "a label's name"),
        ("x y", "not expected"),
        (r#"x{a=~"(((((a{1000}){1000}){1000}){1000}){1000})"}"#, "no regular expression"),
    ] {
        let wrong = text.parse::<Selector>().unwrap_err();
        assert!(wrong.contains(expected), "{text}: {wrong}");
    }
    let wrong = "x".repeat(5_000).parse::<Selector>().unwrap_err();
    assert!(wrong.len() < 200, "{wrong}");
}

#[test]
fn needed_labels_are_those_that_may_not_be_absent() {
    let needed = selector(r#"x{a="1",b!="1",c=~"1|",d=~".+",e!~".*"}"#);
    assert_eq!(needed.needed_labels().collect::<Vec<_>>(), ["a", "d", "e"]);
}

/// A selector that was read is written as it was; a refusal says why.
fn said_something(text: &str) -> bool {
    match text.parse::<Selector>() {
        Ok(selector) => selector.to_string() == text.trim(),
        Err(why) => !why.is_empty(),
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*") {
        prop_assert!(said_something(&text));
    }

    #[test]
    fn no_text_of_its_own_letters_makes_the_parser_panic(text in r#"[a{}"'=!~,\\ \[\](é]{0,24}"#) {
        prop_assert!(said_something(&text));
    }

    #[test]
    fn a_series_is_matched_by_its_own_labels_and_by_no_others(
        name in "[a-z_:][a-z0-9_:]{0,8}",
        labels in proptest::collection::btree_map("[a-z_][a-z0-9_]{0,5}", "\\PC{0,6}", 0..4),
        other in "[0-9]{7}",
    ) {
        let quoted = |value: &str| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
        let inner: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={}", quoted(value))).collect();
        let series = format!("{name}{{{}}}", inner.join(","));
        let line = format!("{series} 1");
        prop_assert!(selector(&series).matches(&sample(&line)));
        for label in labels.keys() {
            let differs = format!("{name}{{{label}=\"{other}\"}}");
            prop_assert!(!selector(&differs).matches(&sample(&line)));
            let not = format!("{name}{{{label}!=\"{other}\"}}");
            prop_assert!(selector(&not).matches(&sample(&line)));
        }
    }
}
