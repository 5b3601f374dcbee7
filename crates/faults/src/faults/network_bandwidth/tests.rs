use serde_json::json;

use super::*;
use crate::Fault;

fn fault(settings: serde_json::Value) -> NetworkBandwidth {
    serde_json::from_value(settings).unwrap()
}

fn problems(settings: serde_json::Value) -> Vec<String> {
    let mut problems = Problems::new();
    fault(settings).check(&mut problems);
    problems.all().iter().map(ToString::to_string).collect()
}

#[test]
fn what_cannot_be_kept_is_a_problem() {
    for settings in [
        json!({ "rate": "1kbit/s" }),
        json!({ "rate": "20Gbit/s" }),
        json!({ "rate": "1Mbit/s", "burst": "1kB" }),
        json!({ "rate": "1Mbit/s", "limit": "1GB" }),
        json!({ "rate": "1Mbit/s", "peers": ["::1"] }),
    ] {
        assert_eq!(problems(settings.clone()).len(), 1, "{settings}");
    }
    assert_eq!(
        problems(json!({ "rate": "10Gbit/s", "burst": "64MiB", "limit": "3kB" })),
        Vec::<String>::new()
    );
    assert!(
        serde_json::from_value::<NetworkBandwidth>(json!({ "rate": "1Mbit/s", "backend": "tbf" })).is_err()
    );
}

#[test]
fn burst_and_limit_follow_the_rate_unless_they_are_given() {
    let sizes = |settings| match fault(settings).fault() {
        NetworkFault::Bandwidth { burst, limit, .. } => (burst.bytes(), limit.bytes()),
        other => panic!("{other:?}"),
    };
    assert_eq!(sizes(json!({ "rate": "8kbit/s" })), (3_000, 64 * 1024));
    assert_eq!(sizes(json!({ "rate": "100Mbit/s" })), (125_000, 2_500_000));
    assert_eq!(sizes(json!({ "rate": "10Gbit/s" })), (12_500_000, 64 * 1024 * 1024));
    assert_eq!(sizes(json!({ "rate": "1Mbit/s", "burst": "5kB", "limit": "6kB" })), (5_000, 6_000));
}
