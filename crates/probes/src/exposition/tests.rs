use proptest::prelude::*;

use super::*;

fn read(page: &str) -> Result<Vec<Sample<'_>>, ExpositionError> {
    samples(page).collect()
}

#[test]
fn a_page_of_a_real_service_is_read() {
    let page = concat!(
        "# HELP http_requests_total All requests.\n",
        "# TYPE http_requests_total counter\n",
        "http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n",
        "http_requests_total{method=\"post\",code=\"400\",}    3\r\n",
        "\n",
        "# a comment of no meaning\n",
        "msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot find:\\n\\\"F\\\"\"} 1.458255915e9\n",
        "metric_without_timestamp_and_labels 12.47\n",
        "something_weird{problem=\"division by zero\"} +Inf -3982045\n",
        "rpc_seconds{quantile=\"0.01\"} NaN\n",
        "\tlatency_seconds_bucket { le = \"0.05\" } 24054 # {trace_id=\"a # b\"} 0.039 1.6e9\n",
        "{\"http.requests\", route=\"/pay\"} 3\n",
        "# EOF\n",
        "this is not read any more\n",
    );
    let all = read(page).unwrap();
    assert_eq!(all.len(), 8);
    assert_eq!((all[0].label("code"), all[0].value), (Some("200"), 1027.0));
    assert_eq!(all[2].label("path"), Some("C:\\DIR\\FILE.TXT"));
    assert_eq!(all[2].label("error"), Some("Cannot find:\n\"F\""));
    assert!(all[4].value.is_infinite() && all[5].value.is_nan());
    assert_eq!((all[6].label("le"), all[6].value), (Some("0.05"), 24054.0));
    assert_eq!((&*all[7].name, all[7].label("route")), ("http.requests", Some("/pay")));
}

#[test]
fn what_is_not_metrics_is_refused_with_its_line() {
    for (page, line, expected) in [
        ("<!doctype html>\n<html></html>", 1, "web page"),
        ("\n\n  <html>", 3, "web page"),
        ("{\"status\": \"ok\"}", 1, "JSON"),
        ("[1]", 1, "JSON"),
        ("a 1\nb\n", 2, "`b` has no value"),
        ("a 1\n# x\na one\n", 3, "`one` is no number"),
        ("a{b=\"c} 1", 1, "not closed"),
        ("a{b=c} 1", 1, "in quotes"),
        ("a{b=\"c\" d=\"e\"} 1", 1, "`,` or `}`"),
        ("a{b=\"1\",b=\"2\"} 1", 1, "twice"),
        ("a{b} 1", 1, "`=`"),
        ("a 1 2 3", 1, "not expected"),
        ("a 1 NaN", 1, "no timestamp"),
        ("9a 1", 1, "name is expected"),
        ("{b=\"c\"} 1", 1, "name is expected"),
        ("{\"\"} 1", 1, "empty"),
        ("a{\"\"=\"b\"} 1", 1, "empty"),
        ("404 page not found", 1, "name is expected"),
        ("upstream connect error", 1, "`connect` is no number"),
    ] {
        let wrong = read(page).unwrap_err();
        assert_eq!(wrong.line, line, "{page}: {wrong}");
        assert!(wrong.message.contains(expected), "{page}: {wrong}");
    }
}

#[test]
fn limits_are_kept() {
    let labels: Vec<String> = (0..65).map(|n| format!("l{n}=\"\"")).collect();
    for page in [
        format!("a{{{}}} 1", labels.join(",")),
        format!("{} 1", "a".repeat(LONGEST_NAME + 1)),
        format!("a{{b=\"{}\"}} 1", "c".repeat(LONGEST_LABEL + 1)),
        " ".repeat(LONGEST_PAGE + 1),
        "a 1\n".repeat(MOST_SAMPLES + 1),
    ] {
        let wrong = read(&page).unwrap_err();
        assert!(wrong.message.contains("than"), "{wrong}");
        assert!(wrong.message.len() < 200);
    }
}

#[test]
fn nothing_is_read_after_the_first_error() {
    let mut all = samples("a 1\nb\nc 3\n");
    assert!(all.next().unwrap().is_ok());
    assert!(all.next().unwrap().is_err());
    assert!(all.next().is_none());
}

#[test]
fn a_series_is_the_same_in_any_order_of_labels() {
    let page = "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 1\na{x=\"1\\\",y=\\\"2\"} 1\n";
    let series: Vec<String> = read(page).unwrap().iter().map(|sample| sample.series("")).collect();
    assert_eq!(series[0], series[1]);
    assert_ne!(series[0], series[2]);
}

proptest! {
    #[test]
    fn no_page_makes_the_parser_panic(page in "(\\PC|\n){0,200}") {
        prop_assert!(read(&page).map_or_else(|why| why.line > 0, |all| all.len() <= page.lines().count()));
    }

    #[test]
    fn no_page_of_its_own_letters_makes_the_parser_panic(page in "[a1{}\"=,\\\\ #\n\té.+-]{0,60}") {
        prop_assert!(read(&page).map_or_else(|why| why.line > 0, |all| all.len() <= page.lines().count()));
    }

    #[test]
    fn what_is_written_is_read(
        name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,9}",
        labels in proptest::collection::btree_map("[a-zA-Z_][a-zA-Z0-9_]{0,5}", "(\\PC|\n){0,8}", 0..5),
        value in proptest::num::f64::NORMAL,
    ) {
        let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let inner: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let page = format!("# TYPE {name} counter\n{name}{{{}}} {value}\n# EOF\n", inner.join(","));
        let all = read(&page).unwrap();
        prop_assert_eq!(all.len(), 1);
        prop_assert_eq!(&*all[0].name, name.as_str());
        prop_assert_eq!(all[0].value, value);
        let read: std::collections::BTreeMap<String, String> =
            all[0].labels.iter().map(|(label, value)| (label.to_string(), value.to_string())).collect();
        prop_assert_eq!(read, labels);
    }
}
