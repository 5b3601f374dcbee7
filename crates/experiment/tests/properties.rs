//! No text makes the reader panic, and what is printed reads back the same.
#![expect(clippy::unwrap_used, reason = "a test may end here")]

use std::{collections::BTreeMap, fs, path::PathBuf, sync::LazyLock};

use proptest::prelude::*;
use steadfast_experiment::{
    Confidence, Experiment, MethodStep, ReadOptions, SteadyState, ToleranceSpec, print, read, schema,
};
use steadfast_model::{
    Duration, Target,
    target::{Connection, NetnsTarget},
    yaml,
};

static EXAMPLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    ["http-basic", "process-pause", "proxy-delay"]
        .map(|name| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../examples/{name}.yaml")))
        .map(|path| fs::read_to_string(path).unwrap())
        .to_vec()
});

fn tried(source: &str) {
    if let Err(problems) = read(source, "changed", &ReadOptions::default()) {
        assert!(problems.has_errors());
        assert!(yaml::render(&problems, "changed", source, true).contains("error"));
        assert!(problems.all().iter().all(|problem| problem.span.is_some() || source.trim().is_empty()));
    }
}

/// A text between two characters of the same text.
fn cut(source: &str, at: usize, length: usize, put: &str) -> String {
    let characters: Vec<char> = source.chars().collect();
    let at = at % characters.len();
    let rest = (at + length).min(characters.len());
    characters[..at].iter().copied().chain(put.chars()).chain(characters[rest..].iter().copied()).collect()
}

fn duration() -> impl Strategy<Value = Duration> {
    (1_u64..3_600_000).prop_map(Duration::from_millis)
}

fn name() -> impl Strategy<Value = String> {
    "[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?"
}

/// An example with other values in the places where a document says most.
fn experiment() -> impl Strategy<Value = Experiment> {
    let texts = (".{0,40}", prop::collection::btree_map(".{0,6}", ".{0,12}", 0..3), ".{0,20}");
    let targets = prop_oneof![
        name().prop_map(Target::Service),
        (name(), name())
            .prop_filter("an edge", |(from, to)| from != to)
            .prop_map(|(from, to)| Target::Connection(Connection { from, to })),
        name().prop_map(|name| Target::Netns(NetnsTarget { name: Some(name), pid: None })),
    ];
    let numbers = (0.0001..0.9999_f64, 1.0001..900.0_f64, 0.001..0.499_f64);
    (0..EXAMPLES.len(), name(), texts, targets, duration(), numbers).prop_map(
        |(index, named, (title, labels, body), target, length, (absolute, relative, alpha))| {
            let mut experiment =
                read(&EXAMPLES[index], "example", &ReadOptions::default()).unwrap().experiment;
            experiment.metadata.name = named.clone();
            experiment.metadata.title = Some(title);
            experiment.metadata.labels = labels.into_iter().filter(|(key, _)| key != "<<").collect();
            experiment.spec.claim = Some(named);
            let steadfast_experiment::LoadEntry::Http(load) = &mut experiment.spec.load[0];
            load.body = Some(body);
            for (position, state) in experiment.spec.steady_state.iter_mut().enumerate() {
                let share = steadfast_experiment::Share::new(absolute).unwrap();
                if let SteadyState::Probe(state) = state {
                    state.tolerance = match position {
                        0 => ToleranceSpec::Absolute(share),
                        _ => ToleranceSpec::Relative(relative),
                    };
                }
            }
            for step in &mut experiment.spec.method {
                if let MethodStep::Inject(inject) = step {
                    inject.into = target.clone();
                    inject.duration = length.max(Duration::from_secs(1));
                }
            }
            experiment.spec.confidence = Confidence { alpha, ..Confidence::default() };
            experiment
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_example_never_panics(
        index in 0_usize..3,
        at in any::<usize>(),
        length in 0_usize..30,
        put in "[-a-z0-9:\\[\\]{},&*!|>'\"%@?#$ \n\té]{0,8}",
    ) {
        tried(&cut(&EXAMPLES[index], at, length, &put));
    }

    #[test]
    fn two_examples_cut_together_never_panic(a in 0_usize..3, b in 0_usize..3, at in any::<usize>(), from in any::<usize>()) {
        let tail = cut(&EXAMPLES[b], 0, from % EXAMPLES[b].len(), "");
        tried(&cut(&EXAMPLES[a], at, usize::MAX / 2, &tail));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        tried(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn arbitrary_parameters_never_panic(set in prop::collection::btree_map("[a-z]{1,4}|url|port|rate", ".{0,20}", 0..4)) {
        let set: BTreeMap<String, String> = set;
        let options = ReadOptions { set, environment: &|name| Some(name.to_lowercase()) };
        read(&EXAMPLES[0], "example", &options).ok();
    }

    #[test]
    fn what_is_printed_reads_back_the_same(experiment in experiment()) {
        let printed = print(&experiment);
        let again = read(&printed, "printed", &ReadOptions::default());
        let again = again.map_err(|p| TestCaseError::fail(yaml::render(&p, "printed", &printed, false)))?;
        prop_assert_eq!(&again.experiment, &experiment, "{}", printed);
        prop_assert_eq!(print(&again.experiment), printed);
    }
}

#[test]
fn long_and_deep_documents_are_refused_quickly() {
    let good = &EXAMPLES[1];
    let many =
        |line: &str, times: usize| good.replace("  load:\n", &format!("{}  load:\n", line.repeat(times)));
    let big = [
        many("    - slo: { ref: x }\n", 30_000),
        many("    - http: { name: a, tolerance: { relative: 0 }, urll: x, zzz: y }\n", 5_000),
        good.replace("labels: { team: payments }", &format!("labels: {{ {} }}", "a: b, ".repeat(100_000))),
        format!("{good}{}", "  x: y\n".repeat(100_000)),
        (0..60_000).fold(good.clone(), |text, n| text + &format!("  x{n}: y\n")),
    ];
    for source in big {
        let problems = read(&source, "big", &ReadOptions::default()).unwrap_err();
        assert!(yaml::render(&problems, "big", &source, false).len() < 50_000);
    }
    assert!(schema().to_string().len() < 100_000);
}
