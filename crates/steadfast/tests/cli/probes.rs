//! Services that do not say what they should: a gap, never a `held`.

use std::time::Duration;

use crate::support::{Experiment, Output, Place, Service};

const RATIO: &str = "ratio: { bad: 'http_requests_total{code=\"500\"}', total: http_requests_total }, tolerance: { absolute: 10% }";

/// Watches one metrics page while a proxy nobody cares about is slow.
#[track_caller]
fn scraping(page: &str, code: i32) -> Output {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let steady = format!("scrape: {{ name: answered, url: '{}', {RATIO} }}", service.url(page));
    let mut experiment = Experiment::new(&proxy.url(), "httpDelay: { latency: 20ms }", &proxy.target());
    experiment.steady = steady;
    let file = place.write("e.yaml", &experiment.text());
    let output = place.run(&["run", &file, "--yes"]).expect(code);
    place.assert_clean();
    output
}

#[test]
fn a_metrics_page_that_counts_is_judged() {
    scraping("/metrics", 0).says("held");
}

#[test]
fn a_page_of_html_is_no_metrics() {
    scraping("/html", 2).says("inconclusive").says("HTML");
}

#[test]
fn a_counter_that_is_no_number_is_a_gap() {
    scraping("/nan-metrics", 2).says("inconclusive").says("NaN");
}

#[test]
fn a_counter_that_does_not_move_is_no_traffic() {
    scraping("/still-metrics", 2).says("inconclusive").never_says("held");
}

#[test]
fn a_counter_that_starts_again_is_never_negative() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let mut experiment = Experiment::new(&proxy.url(), "httpDelay: { latency: 20ms }", &proxy.target());
    experiment.steady =
        format!("scrape: {{ name: answered, url: '{}', {RATIO} }}", service.url("/resetting-metrics"));
    let file = place.write("e.yaml", &experiment.text());
    let output = place.run(&["run", &file, "--yes", "--output", "json"]).expect(0);
    let mut totals = Vec::new();
    for line in output.stdout.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let total = &event["body"]["sampled"]["metrics"][0]["increment"]["total"];
        totals.extend(total.as_u64());
    }
    assert!(totals.len() > 15 && totals.contains(&0) && totals.contains(&100), "{totals:?}");
    assert!(totals.iter().all(|total| *total <= 100), "{totals:?}");
}

#[test]
fn a_probe_that_hangs_does_not_hold_up_the_run() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let mut experiment = Experiment::new(&proxy.url(), "httpDelay: { latency: 20ms }", &proxy.target());
    experiment.steady =
        format!("scrape: {{ name: answered, url: '{}', timeout: 500ms, {RATIO} }}", service.url("/hang"));
    let file = place.write("e.yaml", &experiment.text());
    let begun = std::time::Instant::now();
    place.run(&["run", &file, "--yes"]).expect(2).says("inconclusive").never_says("held");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    place.assert_clean();
}

#[test]
fn a_service_that_never_answers_does_not_meet_its_steady_state() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let url = service.url("/hang");
    let steady = format!(
        "http: {{ name: answers, url: '{url}', timeout: 300ms, times: 5, tolerance: {{ absolute: 10% }} }}"
    );
    let mut experiment = Experiment::new(&proxy.url(), "httpDelay: { latency: 20ms }", &proxy.target());
    experiment.steady = steady;
    let file = place.write("e.yaml", &experiment.text());
    place.run(&["run", &file, "--yes"]).expect(2).says("refused").never_says("Injecting");
    place.assert_clean();
}

#[test]
fn without_traffic_nothing_is_held() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let steady = format!("scrape: {{ name: answered, url: '{}', {RATIO} }}", service.url("/metrics"));
    let experiment =
        Experiment::new(&proxy.url(), "httpDelay: { latency: 20ms }", &proxy.target()).watching(&steady);
    let file = place.write("e.yaml", &experiment.text());
    place.run(&["run", &file, "--yes"]).expect(2).says("inconclusive").says("traffic");
    place.assert_clean();
}

#[test]
fn a_service_that_dies_under_the_fault_refutes() {
    let (place, mut service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let experiment =
        Experiment::new(&proxy.url(), "httpDelay: { latency: 20ms }", &proxy.target()).lasting("20s");
    let file = place.write("e.yaml", &experiment.text());
    let mut run = place.start(&["run", &file, "--yes"]);
    run.wait_for("Watching under the fault");
    service.die();
    run.wait().expect(1).says("refuted");
    place.assert_clean();
}
