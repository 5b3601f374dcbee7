use super::*;

fn reset(after: Duration, percent: f64) -> TcpReset {
    TcpReset { after, percent: Percent::new(percent).unwrap(), seed: 0 }
}

#[test]
fn resetting_everything_at_once_leaves_nothing_for_other_rules() {
    assert_eq!(reset(Duration::ZERO, 100.0).holds(), on_proxy::ALL_ASPECTS);
    assert_eq!(reset(Duration::ZERO, 99.0).holds(), ["tcp-reset"]);
    assert_eq!(reset(Duration::from_secs(1), 100.0).holds(), ["tcp-reset"]);
}

#[test]
fn all_problems_are_found_at_once() {
    let mut problems = Problems::new();
    reset(Duration::from_secs(3_601), 0.0).check(&mut problems);
    assert_eq!(problems.all().len(), 2, "{problems:?}");
}
