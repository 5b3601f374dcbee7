//! What a run can find, told before it runs.

use crate::support::{Experiment, Place, Service};

const FAULT: &str = "httpDelay: { latency: 20ms }";

#[test]
fn a_plan_tells_what_can_be_found_and_touches_nothing() {
    let place = Place::new();
    // Nobody listens there: nothing is looked at.
    let text = Experiment::new("http://127.0.0.1:1/", FAULT, "proxy: { control: 'nowhere.sock' }").text();
    let file = place.write("e.yaml", &text);
    place
        .run(&["run", &file, "--plan"])
        .expect(0)
        .says("held if nothing is wrong      over 99 %")
        .says("smallest effect found (80 %)")
        .says("longest until it is stopped")
        .says("usually stopped after")
        .says("usual cost")
        .says(", at best")
        .says("no earlier runs");
    let plan = place.run(&["run", &file, "--plan", "--output", "json"]).expect(0).json();
    assert_eq!((&plan["experiment"], &plan["faultSeconds"]), (&"short".into(), &3.0.into()));
    let metric = &plan["metrics"][0];
    assert_eq!((&metric["name"], &metric["traffic"]), (&"answers".into(), &200.0.into()));
    assert!(metric["held"].as_f64().unwrap() > 0.99, "{metric}");
    assert!(metric["detectable"]["rate"].as_f64().unwrap() > 0.1, "{metric}");
    assert!(plan["warnings"].as_array().unwrap().is_empty(), "{plan}");
    assert!(place.runs().is_empty());
}

#[test]
fn a_run_that_cannot_conclude_says_so_before_it_starts() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let text = Experiment::new(&proxy.url(), FAULT, &proxy.target()).text();
    let thin = place.write("thin.yaml", &text.replace("200/s", "2/s"));
    for way in ["--plan", "--dry-run"] {
        place
            .run(&["run", &thin, way])
            .expect(0)
            .says("cannot end in held")
            .says("more of the fault would do");
    }
    let warned = place.run(&["run", &thin, "--plan", "--output", "json"]).expect(0).json();
    assert_eq!(warned["warnings"].as_array().unwrap().len(), 1, "{warned}");
    place.run(&["run", &thin, "--yes"]).expect(2).says("cannot end in held");
    let enough = place.write("enough.yaml", &text);
    place.run(&["run", &enough, "--dry-run"]).expect(0).says("that nothing is wrong (chance ");
}

#[test]
fn earlier_runs_tell_the_usual_share() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let file = place.write("e.yaml", &Experiment::new(&proxy.url(), FAULT, &proxy.target()).text());
    place.run(&["run", &file, "--yes"]).expect(0);
    place.run(&["run", &file, "--plan"]).expect(0).says("1 earlier run").says("usually 0.");
    let plan = place.run(&["run", &file, "--plan", "--output", "json"]).expect(0).json();
    assert_eq!(plan["earlierRuns"], 1);
    // Nothing bad among some hundreds does not mean that nothing ever is.
    let rate = plan["metrics"][0]["rate"].as_f64().unwrap();
    assert!((0.0002..0.005).contains(&rate), "{rate}");
    place.run(&["runs", "replay", "--all"]).expect(0).says("1 agree, 0 disagree");
}
