//! What is kept: runs, shown again, compared, computed again, and written as one page.

use std::{fs, path::Path};

use crate::support::{Experiment, Place, Service};

/// A place with two runs: one held, one refuted.
fn with_two_runs() -> (Place, String, String) {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let run = |fault: &str, code| {
        let file = place.write("e.yaml", &Experiment::new(&proxy.url(), fault, &proxy.target()).text());
        let output = place.run(&["run", &file, "--yes"]).expect(code);
        output.stdout.lines().find_map(|line| line.strip_prefix("run ")).unwrap().to_owned()
    };
    let held = run("httpDelay: { latency: 20ms }", 0);
    let refuted = run("httpStatus: { status: 503 }", 1);
    (place, held, refuted)
}

#[test]
fn runs_are_kept_shown_compared_and_computed_again() {
    let (place, held, refuted) = with_two_runs();
    let list = place.runs();
    assert_eq!(list.len(), 2);
    assert_eq!((&list[0]["name"], &list[0]["verdict"]), (&refuted.clone().into(), &"refuted".into()));
    assert_eq!((&list[1]["name"], &list[1]["verdict"]), (&held.clone().into(), &"held".into()));
    let only = place.run(&["runs", "list", "--verdict", "held"]).expect(0);
    assert!(only.stdout.contains(&held) && !only.stdout.contains(&refuted), "{}", only.stdout);
    place.run(&["runs", "list", "--experiment", "other"]).expect(0).says("No such runs");

    place.run(&["runs", "show", &held]).expect(0).says("held (completed)").says("answers");
    let part = held.rsplit('-').next().unwrap();
    place.run(&["runs", "show", part, "--events"]).expect(0).says("The fault was taken away");
    let shown = place.run(&["runs", "show", &held, "--output", "json"]).expect(0).json();
    assert_eq!(shown["run"]["name"], held.as_str());
    place.run(&["runs", "show", "nothing-like-it"]).expect(64).says("nothing-like-it");
    place.run(&["runs", "show", "short"]).expect(64);

    place.run(&["runs", "diff", &held, &refuted]).expect(0).says("verdict").says("- held").says("+ refuted");
    place.run(&["runs", "diff", &held, &held]).expect(0).says("nothing differs");

    place.run(&["runs", "replay", "--all"]).expect(0).says("2 agree, 0 disagree");
    change_one_increment(&place.history());
    place.run(&["runs", "replay", "--all"]).expect(1).says("1 agree, 1 disagree");
}

#[test]
fn a_report_is_one_file_that_needs_nothing_else() {
    let (place, held, refuted) = with_two_runs();
    for run in [&held, &refuted] {
        place.run(&["runs", "report", run, "--file", "r.html"]).expect(0).says("r.html");
        let page = fs::read_to_string(place.path().join("r.html")).unwrap();
        assert!(page.contains("<svg") && page.contains(run.as_str()), "{run}");
        for reference in ["src=\"http", "href=\"http", "url(http", "@import", "<link", "<script src"] {
            assert!(!page.contains(reference), "{reference}");
        }
        let beside = place.state().join("reports").join(format!("{run}.html"));
        assert!(beside.exists(), "every run leaves its page");
    }
    place.run(&["runs", "report", &held, "--output", "json"]).expect(0);
    let json = fs::read_to_string(place.path().join(format!("{held}.json"))).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json.to_string().contains("\"held\""));
    place
        .run(&["runs", "report", &held, "--file", "no/such/folder.html"])
        .expect(4)
        .says("no/such/folder.html");
}

#[test]
fn a_report_for_ci_never_shows_what_was_not_shown_as_passed() {
    let (place, held, refuted) = with_two_runs();
    let report = |run: &str, format: &str| {
        place.run(&["runs", "report", run, "--format", format, "--file", "-"]).expect(0).stdout
    };
    let junit = report(&held, "junit");
    assert!(junit.contains("tests=\"2\" failures=\"0\" errors=\"0\""), "{junit}");
    let junit = report(&refuted, "junit");
    assert!(junit.contains("tests=\"2\" failures=\"2\" errors=\"0\""), "{junit}");
    assert!(report(&refuted, "markdown").contains("**refuted**"));

    let (service, file) = (Service::new(), "quiet.yaml");
    let proxy = place.proxy(service.address);
    let experiment = Experiment::new(&proxy.url(), "httpDelay: { latency: 20ms }", &proxy.target());
    let steady =
        format!("http: {{ name: once, url: '{}', tolerance: {{ absolute: 1% }} }}", service.url("/"));
    let file = place.write(file, &experiment.watching(&steady).text());
    let output = place.run(&["run", &file, "--yes"]).expect(2);
    let quiet = output.stdout.lines().find_map(|line| line.strip_prefix("run ")).unwrap().to_owned();
    let junit = report(&quiet, "junit");
    assert!(junit.contains("errors=\"2\"") && junit.contains("type=\"inconclusive\""), "{junit}");
    assert!(report(&quiet, "markdown").contains("**inconclusive**"));
}

#[test]
fn runs_go_to_another_history_and_their_verdicts_still_follow_from_their_events() {
    let (place, held, refuted) = with_two_runs();
    place.run(&["runs", "export", "--all", "--file", "runs.jsonl"]).expect(0).says("runs.jsonl");
    let one = place.run(&["runs", "export", &held]).expect(0).stdout;
    let file = place.path().join("runs.jsonl").display().to_string();

    let other = Place::new();
    other.run(&["runs", "import", &file]).expect(0).says("2 imported, 0 kept already");
    other.run(&["runs", "import", &file]).expect(0).says("0 imported, 2 kept already");
    other.run(&["runs", "import", &other.write("one", &one)]).expect(0).says("0 imported, 1 kept already");
    other.run(&["runs", "replay", "--all"]).expect(0).says("2 agree, 0 disagree");
    assert_eq!(other.runs(), place.runs());
    let again = other.run(&["runs", "export", "--all"]).expect(0).stdout;
    assert_eq!(again.trim_end(), fs::read_to_string(&file).unwrap().trim_end());

    let text = fs::read_to_string(&file).unwrap();
    let third = Place::new();
    let tampered = third.write("t", &text.replacen("\"bad\":0", "\"bad\":1", 1));
    third.run(&["runs", "import", &tampered]).expect(65).says("does not agree").says("nothing was imported");
    let foreign = third.write("f", &text.replace("\"format\":1", "\"format\":9"));
    third.run(&["runs", "import", &foreign]).expect(65).says("this is format 9");
    assert!(third.runs().is_empty());

    let forged = third.write("v", &forged(&text));
    third.run(&["runs", "import", &forged]).expect(65).says("does not follow from its events");
    assert!(third.runs().is_empty());

    let list = |arguments: &[&str]| place.run(&[&["runs", "list"], arguments].concat()).expect(0).stdout;
    assert!(list(&["--outcome", "completed"]).contains(&held));
    assert!(!list(&["--outcome", "completed"]).contains(&refuted));
    assert!(list(&["--since", "1h"]).contains(&held));
    assert!(list(&["--label", "team=nobody"]).is_empty());
    place.run(&["runs", "list", "--since", "yesterday"]).expect(64).says("write 90m");
}

/// Adds one bad event to one interval of one run.
fn change_one_increment(history: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let changed = runtime.block_on(async {
        let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", history.display())).await.unwrap();
        let done = sqlx::query(
            "UPDATE events SET body = replace(body, '\"bad\":0', '\"bad\":1') WHERE (run, sequence) =
             (SELECT run, sequence FROM events WHERE body LIKE '%sampled%\"bad\":0%' LIMIT 1)",
        );
        let done = done.execute(&pool).await.unwrap();
        pool.close().await;
        done.rows_affected()
    });
    assert_eq!(changed, 1);
}

/// An archive in which every refuted run is held, with digests that agree.
fn forged(text: &str) -> String {
    use steadfast_model::digest::of_bytes;
    let (mut out, mut start) = (String::new(), 0);
    for line in text.lines() {
        if line.starts_with("{\"run\":") {
            start = out.len();
        }
        let mut line = line.replace("\"verdict\":\"refuted\"", "\"verdict\":\"held\"");
        let from = if line.starts_with("{\"runEnd\":") { Some(start) } else { None };
        let from = if line.starts_with("{\"archiveEnd\":") { Some(0) } else { from };
        if let Some(from) = from {
            let mut end: serde_json::Value = serde_json::from_str(&line).unwrap();
            let inner = end.as_object_mut().unwrap().values_mut().next().unwrap();
            inner["digest"] = of_bytes(&out.as_bytes()[from..]).into();
            line = end.to_string();
        }
        out += &line;
        out.push('\n');
    }
    out
}
