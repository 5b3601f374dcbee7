//! Documents as people have them: what they become, and what is said about them.
#![expect(clippy::unwrap_used, reason = "a test may end here")]

use proptest::prelude::*;
use steadfast_model::{Duration, Problems, event::Tolerance, yaml};
use steadfast_probes::{
    ProbeSpec,
    probes::load::{Good, Load},
};
use steadfast_slo::{IndicatorRef, SloFile, SloMetric, read_inline, read_slos};

const DEMO: &str = include_str!("../../demo/documents/slos.yaml");

const RATIO: &str = "\
apiVersion: openslo/v1
kind: SLO
metadata: { name: pay }
spec:
  service: gateway
  indicator:
    spec:
      ratioMetric:
        good: { metricSource: { type: steadfast.dev/scrape, spec: { service: gateway, metric: paid_total } } }
        total: { metricSource: { type: steadfast.dev/scrape, spec: { service: gateway, metric: asked_total } } }
  timeWindow: [{ duration: 28d, isRolling: true }]
  budgetingMethod: Occurrences
  objectives: [{ target: 0.99 }]
";

const THRESHOLD: &str = "\
apiVersion: openslo/v1
kind: SLO
metadata: { name: fast }
spec:
  service: gateway
  indicator:
    spec:
      thresholdMetric: { metricSource: { type: steadfast.dev/load, spec: { load: pay } } }
  timeWindow: [{ duration: 28d, isRolling: true }]
  budgetingMethod: Occurrences
  objectives: [{ op: lte, value: 0.3, target: 0.99 }]
";

fn lines(problems: &Problems) -> Vec<String> {
    let line = |problem: &steadfast_model::Problem| {
        let (line, column) = problem.span.map_or((0, 0), |span| (span.line, span.column));
        format!("{line}:{column} {}", problem.message)
    };
    problems.all().iter().map(line).collect()
}

fn metric(source: &str) -> Result<SloMetric, Problems> {
    read_slos(source)?.slos[0].metric()
}

/// One change to a document; then nothing but these problems, from reading or from watching.
#[track_caller]
fn refused(good: &str, from: &str, to: &str, expected: &[&str]) {
    assert!(good.contains(from), "{from}");
    let source = good.replacen(from, to, 1);
    assert_eq!(lines(&metric(&source).unwrap_err()), expected, "for\n{source}");
}

/// One change to a document that is fine, apart from this warning.
#[track_caller]
fn warned(from: &str, to: &str, expected: &str) {
    assert!(RATIO.contains(from), "{from}");
    let file = read_slos(&RATIO.replacen(from, to, 1)).unwrap();
    assert_eq!(lines(&file.warnings), [expected]);
    assert!(file.slos[0].metric().is_ok());
}

#[test]
fn the_demos_slos_become_probes_with_tolerances() {
    let file = read_slos(DEMO).unwrap();
    let metric = |name| file.find(name).unwrap().metric().unwrap();
    let load = |good| ProbeSpec::Load(Load { load: Some("pay".to_owned()), good });
    let answered = metric("qr-pay-availability");
    assert_eq!((answered.probe, answered.accepts.as_deref()), (load(Good::Answered), Some("2xx")));
    let Tolerance::Absolute(tolerated) = answered.tolerance else { panic!() };
    assert!((tolerated - 0.1).abs() < 1e-12 && (answered.target - 0.99).abs() < 1e-12);
    assert_eq!(metric("qr-pay-latency").probe, load(Good::Within(Duration::from_millis(300))));
    let ProbeSpec::Scrape(scrape) = metric("qr-pay-availability-scraped").probe else { panic!() };
    let ratio = scrape.ratio.unwrap();
    assert_eq!(scrape.service.as_deref(), Some("gateway"));
    assert!(ratio.good.unwrap().to_string().starts_with("http_requests_total{"));
    assert!(ratio.total.to_string().starts_with("http_requests_total{"));
    assert!(file.suggest("qr-pay-latencies").unwrap().contains("qr-pay-latency"));
}

#[test]
fn labels_are_regular_expressions() {
    let labelled =
        RATIO.replace("metric: paid_total", "metric: asked_total, labels: { code: '2..', path: 'a\"b' }");
    let ProbeSpec::Scrape(scrape) = metric(&labelled).unwrap().probe else { panic!() };
    assert_eq!(scrape.ratio.unwrap().good.unwrap().to_string(), r#"asked_total{code=~"2..",path=~"a\"b"}"#);
}

#[test]
fn histograms_selectors_and_burn_rates_are_understood() {
    let source = THRESHOLD.replace(
        "{ type: steadfast.dev/load, spec: { load: pay } }",
        "{ type: steadfast.dev/scrape, spec: { url: 'http://127.0.0.1:1/m', histogram: 'took_ms{a=\"b\"}', unit: ms } }",
    );
    let source = source.replace("value: 0.3", "value: 250").replace("target: 0.99", "targetPercent: 99.9");
    let slo = read_slos(&source).unwrap().slos.remove(0);
    let ProbeSpec::Scrape(scrape) = slo.metric().unwrap().probe else { panic!() };
    let latency = scrape.latency.unwrap();
    assert_eq!(latency.threshold, Duration::from_millis(250));
    assert_eq!(latency.histogram.to_string(), "took_ms{a=\"b\"}");
    let Tolerance::Absolute(tolerated) = slo.metric_at(5.0).unwrap().tolerance else { panic!() };
    assert!((tolerated - 0.005).abs() < 1e-12);
}

#[test]
fn what_decides_a_verdict_is_read_strictly() {
    refused(RATIO, "target: 0.99", "target: 99", &["13:26 this cannot be promised"]);
    refused(RATIO, "target: 0.99", "target: 1", &["13:26 this cannot be promised"]);
    refused(RATIO, "target: 0.99", "target: .nan", &["13:26 this cannot be promised"]);
    refused(
        RATIO,
        "target: 0.99",
        "targt: 0.99",
        &["13:16 neither `target` nor `targetPercent` is given", "13:18 unknown key `targt`"],
    );
    refused(
        RATIO,
        "target: 0.99",
        "target: 0.9",
        &["13:16 with a target of 0.9 and 10 times its error budget, every event may be bad"],
    );
    refused(
        RATIO,
        "{ target: 0.99 }",
        "{ target: 0.99 }, { target: 0.5 }",
        &["3:19 this SLO has 2 objectives; one can be watched"],
    );
    refused(RATIO, "[{ target: 0.99 }]", "[]", &["4:1 an SLO without objectives promises nothing"]);
    refused(
        RATIO,
        "total: {",
        "totals: {",
        &["8:7 a ratio needs what is counted and of what", "10:9 unknown key `totals`"],
    );
    refused(
        RATIO,
        "{ service: gateway, metric: asked_total }",
        "{ service: payments, metric: asked_total }",
        &["9:61 both counters of a ratio must be on the same page"],
    );
    refused(
        RATIO,
        "metric: paid_total",
        "metric: paid_total, lables: { a: b }",
        &["9:107 unknown key `lables`"],
    );
    refused(
        RATIO,
        "metric: paid_total",
        "metric: asked_total",
        &["3:19 `asked_total` counts both a part and all of the events"],
    );
    refused(
        RATIO,
        "steadfast.dev/scrape",
        "prometheus",
        &["9:17 the metric source `prometheus` cannot be read"],
    );
    refused(
        RATIO,
        "steadfast.dev/scrape",
        "steadfast.dev/load",
        &["9:67 unknown key `service`", "9:85 unknown load metric `paid_total`"],
    );
    refused(THRESHOLD, "op: lte, ", "", &["11:16 a threshold needs `op` and `value`"]);
    refused(THRESHOLD, "lte", "gte", &["11:16 a latency is good when it is small"]);
    refused(THRESHOLD, "lte", "le", &["11:22 unknown op `le`"]);
    refused(THRESHOLD, "value: 0.3", "value: -1", &["11:16 a latency limit is above zero and at most a day"]);
    refused(
        THRESHOLD,
        "value: 0.3",
        "value: .inf",
        &["11:16 a latency limit is above zero and at most a day"],
    );
    refused(THRESHOLD, "load: pay", "load: pay, within: 1s", &["8:68 `within` has no place in a threshold"]);
    refused(
        THRESHOLD,
        "load: pay",
        "load: pay, status: nice",
        &["8:95 `nice` is no status: write a number from 100 to 599 or a class such as 2xx"],
    );
    refused(THRESHOLD, "openslo/v1", "openslo/v1alpha", &["1:13 unknown apiVersion `openslo/v1alpha`"]);
    refused(
        THRESHOLD,
        "  indicator:",
        "  indicatorRef: other\n  indicator:",
        &["6:17 both `indicator` and `indicatorRef` are given"],
    );
}

#[test]
fn a_bad_of_total_ratio_and_thresholds_on_status_are_fine() {
    let ProbeSpec::Scrape(scrape) = metric(&RATIO.replace("good:", "bad:")).unwrap().probe else { panic!() };
    assert_eq!(scrape.ratio.unwrap().bad.unwrap().to_string(), "paid_total");
    assert_eq!(
        metric(&THRESHOLD.replace("load: pay", "status: 2xx")).unwrap().accepts.as_deref(),
        Some("2xx")
    );
}

#[test]
fn what_is_odd_but_harmless_is_a_warning() {
    warned("duration: 28d", "duration: 1h30m", "11:3 `1h30m` is no duration of OpenSLO");
    warned(
        "isRolling: true",
        "isRolling: false",
        "11:3 a time window is either rolling or follows a calendar",
    );
    warned("Occurrences", "TimeSlices", "12:20 unknown budgeting method `TimeSlices`");
    warned("name: pay", "name: PayFast", "3:19 this is no name by OpenSLO's rules");
    warned("service: gateway\n", "service: gateway\n  owner: me\n", "6:3 unknown key `owner`");
    let other = "---\napiVersion: openslo/v1\nkind: Dashboard\n";
    let file = read_slos(&format!("{RATIO}{other}")).unwrap();
    assert_eq!(lines(&file.warnings), ["16:7 a document of kind `Dashboard` is passed over"]);
    // The specification's own examples have `op` in ratio objectives and leave the window out.
    let spare = RATIO
        .replace("{ target", "{ op: gt, target")
        .replace("  timeWindow: [{ duration: 28d, isRolling: true }]\n", "");
    assert!(read_slos(&spare).unwrap().warnings.is_empty());
}

#[test]
fn slis_are_found_by_name_in_the_same_file_or_another() {
    let by_name = "\
apiVersion: openslo/v1
kind: SLO
metadata: { name: by-name }
spec: { service: x, indicatorRef: answered, objectives: [{ target: 0.99 }] }
";
    let sli = "\
apiVersion: openslo/v1
kind: SLI
metadata: { name: answered }
spec:
  ratioMetric:
    good: { metricSource: { type: steadfast.dev/load, spec: { load: pay, within: 1s } } }
    total: { metricSource: { type: steadfast.dev/load, spec: { load: pay } } }
";
    let together = read_slos(&format!("{by_name}---\n{sli}")).unwrap();
    assert!(matches!(together.slos[0].indicator, IndicatorRef::Known(_)));
    let mut first = read_slos(by_name).unwrap();
    assert_eq!(lines(&first.slos[0].metric().unwrap_err()), ["4:35 there is no SLI `answered`"]);
    assert!(first.merge(read_slos(sli).unwrap()).is_empty());
    let good = Good::Within(Duration::from_secs(1));
    assert_eq!(
        first.slos[0].metric().unwrap().probe,
        ProbeSpec::Load(Load { load: Some("pay".to_owned()), good })
    );
    assert_eq!(first.merge(together), ["by-name"]);
}

fn tried(source: &str) {
    if let Ok(SloFile { slos, .. }) = read_slos(source) {
        for slo in slos {
            slo.metric().ok();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_document_never_panics(at in 0..1_000_usize, length in 0_usize..40, put in "[-a-z0-9:\\[\\]{},&*!|>'\"%@?#$ \n\t.]{0,8}") {
        let characters: Vec<char> = DEMO.chars().collect();
        let at = (at * 3) % characters.len();
        let end = (at + length).min(characters.len());
        let changed: String = characters[..at].iter().copied().chain(put.chars()).chain(characters[end..].iter().copied()).collect();
        tried(&changed);
    }

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,200}") {
        tried(&text);
    }

    #[test]
    fn a_tolerance_is_the_burn_rate_times_the_budget(target in 0.0..0.999_999_f64, burn in 0.001..1_000.0_f64) {
        let slo = read_slos(&RATIO.replace("0.99", &target.to_string())).unwrap().slos.remove(0);
        let wanted = burn * (1.0 - target);
        match slo.metric_at(burn) {
            Ok(SloMetric { tolerance: Tolerance::Absolute(given), .. }) => {
                prop_assert!((given - wanted).abs() < 1e-9 && given > 0.0 && given < 1.0);
            }
            Ok(other) => prop_assert!(false, "{other:?}"),
            Err(_) => prop_assert!(wanted >= 1.0 - 1e-9),
        }
    }
}

#[test]
fn an_inline_slo_keeps_its_places() {
    let inner = RATIO.lines().skip(2).map(|line| format!("    {line}\n")).collect::<String>();
    let source = format!("spec:\n  slo:\n{inner}    tolerance: {{ burnRate: 5 }}\n");
    let nodes = yaml::parse(&source).unwrap();
    let place = yaml::Place::top(&nodes[0]).get("spec").unwrap().get("slo").unwrap();
    let mut problems = Problems::new();
    let slo = read_inline(&place, &mut problems).unwrap();
    assert!(problems.is_empty(), "{problems}");
    assert_eq!((slo.name.as_str(), slo.metric().is_ok()), ("pay", true));
    let wrong = source.replace("metric: paid_total", "metric: 'paid total'");
    let nodes = yaml::parse(&wrong).unwrap();
    let place = yaml::Place::top(&nodes[0]).get("spec").unwrap().get("slo").unwrap();
    assert!(read_inline(&place, &mut problems).is_none());
    let problem = &problems.all()[0];
    assert!(problem.path.to_string().starts_with("spec.slo.spec.indicator"), "{problem}");
    assert_eq!(problem.span.unwrap().line, 9);
}
