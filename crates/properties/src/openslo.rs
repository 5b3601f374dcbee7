//! OpenSLO documents: what reads prints to what reads the same, and what is watched because of it is sound.

use steadfast_model::{event::Tolerance, yaml};
use steadfast_slo::{IndicatorRef, Slo, SloFile, read_slos};

use crate::problems::{assert_refusal, assert_said};

/// Holds for any bytes.
pub fn holds(bytes: &[u8]) {
    let source = match yaml::text(bytes) {
        Ok(source) => source,
        Err(problems) => return assert!(problems.has_errors()),
    };
    let file = match read_slos(source) {
        Ok(file) => file,
        Err(problems) => return assert_refusal(&problems, source),
    };
    assert!(!file.warnings.has_errors());
    assert_said(&file.warnings, source);
    for slo in &file.slos {
        sound(slo, &file);
    }
    let documents = yaml::parse(source).expect("it was read a moment ago");
    let printed: Vec<String> = documents.iter().map(|document| yaml::print(&document.to_json())).collect();
    let printed = printed.join("---\n");
    let again = read_slos(&printed).unwrap_or_else(|why| {
        panic!("what was printed cannot be read:\n{}", yaml::render(&why, "printed", &printed, false))
    });
    assert_eq!(without_places(&again), without_places(&file), "{printed}");
}

fn sound(slo: &Slo, file: &SloFile) {
    assert!(!slo.name.is_empty() && file.find(&slo.name).is_some());
    assert!(!slo.objectives.is_empty());
    for objective in &slo.objectives {
        assert!((0.0..1.0).contains(&objective.target), "{objective:?}");
    }
    match slo.metric() {
        Ok(metric) => {
            let Tolerance::Absolute(tolerated) = metric.tolerance else { panic!("{:?}", metric.tolerance) };
            assert!(tolerated > 0.0 && tolerated < 1.0, "{metric:?}");
            assert!(matches!(slo.indicator, IndicatorRef::Known(_)));
        }
        Err(problems) => assert!(problems.has_errors()),
    }
}

/// The SLOs and SLIs as text, wherever they stood.
fn without_places(file: &SloFile) -> String {
    let all = format!("{:#?}", (&file.slos, &file.indicators));
    let places = ["line: ", "column: ", "length: "];
    let kept = all.lines().filter(|line| !places.iter().any(|place| line.trim_start().starts_with(place)));
    kept.collect::<Vec<_>>().join("\n")
}
