//! Judges a million intervals and prints how long that takes one core: `cargo run --release -p steadfast-analysis
//! --example million`. One line for each kind of metric: its name, nanoseconds an interval, seconds in all.
#![expect(clippy::print_stdout, reason = "what it is for")]
#![expect(clippy::disallowed_methods, reason = "a measurement of real time")]

use std::time::Instant;

use steadfast_analysis::{Control, Counts, Entry, Increments, Interval, Judge, Metric, Tally, Tolerance};

const INTERVALS: u32 = 1_000_000;

fn main() {
    let calm = || Counts::complete(&[1.0; 1_200], &[1_000.0; 1_200]);
    let metric = |name: &str, tolerance| Metric::new(name, tolerance, calm(), Counts::default());
    let mut beside = metric("relative, beside a control group", Tolerance::Relative(1.5));
    beside.control = Some(Control { history: None, baseline: calm(), fault: Counts::default() });
    let absolute = metric("absolute", Tolerance::Absolute(0.01));
    let cold = Metric::new(
        "absolute, cold start",
        Tolerance::Absolute(0.01),
        Counts::complete(&[0.0; 60], &[1_000.0; 60]),
        Counts::default(),
    );
    for metric in [absolute, cold, metric("relative", Tolerance::Relative(1.5)), beside] {
        let name = metric.name.clone();
        let setup = Increments::new(Interval::from_seconds(1), vec![metric]);
        let mut judge = Judge::new(&setup).expect("the counts are valid");
        let began = Instant::now();
        for index in 0..INTERVALS {
            let entry = Some(Tally::new(f64::from(index % 3), 1_000.0));
            judge.feed(&[Entry { counted: entry, control: entry, ..Entry::default() }]);
        }
        let finding = judge.conclude();
        let seconds = began.elapsed().as_secs_f64();
        assert_eq!(finding.ln_evidence.len(), INTERVALS as usize);
        println!("{name}: {:.0} ns an interval, {seconds:.3} s in all", seconds * 1e9 / f64::from(INTERVALS));
    }
}
