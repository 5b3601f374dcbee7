use serde_json::json;

use super::*;
use crate::Fault;

fn problems(settings: serde_json::Value) -> Vec<String> {
    let mut problems = Problems::new();
    serde_json::from_value::<DnsSpoof>(settings).unwrap().check(&mut problems);
    problems.all().iter().map(ToString::to_string).collect()
}

#[test]
fn there_must_be_either_addresses_or_chance() {
    let none = problems(json!({ "names": ["a"] }));
    assert!(none.len() == 1 && none[0].starts_with("answers"), "{none:?}");
    let both = problems(json!({ "names": ["a"], "answers": ["10.0.0.9"], "random": true }));
    assert!(both.len() == 1 && both[0].starts_with("random"), "{both:?}");
    assert_eq!(problems(json!({ "names": ["a"], "answers": vec!["10.0.0.9"; 17] })).len(), 1);
    assert_eq!(problems(json!({ "names": [], "answers": ["::1"], "seed": 3 })).len(), 2);
    for good in [json!({ "answers": ["10.0.0.9", "2001:db8::9"] }), json!({ "random": true, "seed": 3 })] {
        let mut settings = good;
        settings["names"] = json!(["*.shop"]);
        assert_eq!(problems(settings), Vec::<String>::new());
    }
}

#[test]
fn an_answer_that_is_no_address_is_refused() {
    let settings = json!({ "names": ["a"], "answers": ["b.example"] });
    assert!(serde_json::from_value::<DnsSpoof>(settings).is_err());
}
