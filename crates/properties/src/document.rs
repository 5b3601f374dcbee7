//! Experiment and Binding documents: what reads prints to what reads the same; what does not says where and why.

use std::collections::BTreeMap;

use steadfast_experiment::{Checked, ReadOptions, binding, print, read};
use steadfast_model::{digest, yaml};

use crate::problems::{assert_refusal, assert_said};

/// Holds for any bytes: as an Experiment, as one with values given from outside, and as a Binding.
pub fn holds(bytes: &[u8]) {
    let source = match yaml::text(bytes) {
        Ok(source) => source,
        Err(problems) => return assert!(problems.has_errors()),
    };
    experiment(source, &ReadOptions::default());
    let set =
        BTreeMap::from([("port".to_owned(), "7000".to_owned()), ("rate".to_owned(), "${x}\n- '".to_owned())]);
    experiment(source, &ReadOptions { set, environment: &|name| Some(name.to_lowercase()) });
    match binding::read(source) {
        Ok(read) => {
            let printed = binding::print("fuzzed", &read);
            let again = binding::read(&printed).unwrap_or_else(|why| unreadable(&why, &printed));
            assert_eq!(again, read, "{printed}");
        }
        Err(problems) => assert_refusal(&problems, source),
    }
}

fn experiment(source: &str, options: &ReadOptions<'_>) {
    let checked = match read(source, "fuzzed", options) {
        Ok(checked) => checked,
        Err(problems) => return assert_refusal(&problems, source),
    };
    assert_said(&checked.warnings, source);
    assert!(!checked.warnings.has_errors());
    assert_same(&checked, &read(source, "fuzzed", options).expect("it was read a moment ago"));
    // What is approved by its digest is what is stored as JSON.
    let stored = serde_json::to_string(&checked.document).expect("a tree has text keys and finite numbers");
    let restored = serde_json::from_str(&stored).expect("what was written can be read");
    assert_eq!(digest::of_json(&restored), checked.digest, "{stored}");
    // Values from outside are in the text now.
    let printed = print(&checked.experiment);
    let again =
        read(&printed, "printed", &ReadOptions::default()).unwrap_or_else(|why| unreadable(&why, &printed));
    assert_eq!(again.experiment, checked.experiment, "{printed}");
    assert_eq!(print(&again.experiment), printed);
}

fn assert_same(one: &Checked, other: &Checked) {
    assert_eq!(one.experiment, other.experiment);
    assert_eq!(one.digest, other.digest);
}

fn unreadable<T>(problems: &steadfast_model::Problems, printed: &str) -> T {
    panic!("what was printed cannot be read:\n{}", yaml::render(problems, "printed", printed, false))
}
