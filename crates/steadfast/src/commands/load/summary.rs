//! What became of a load, for people and programs.

use std::time::Duration;

use serde_json::{Value, json};
use steadfast_engine::host::LoadReport;
use steadfast_host::observe::{LoadCounts, LoadTiming};
use steadfast_model::Percent;

use crate::{
    cli::load::LoadArguments,
    failure::code,
    terminal::{Style, Terminal, paint},
};

/// What became of a load.
pub(super) struct Summary {
    pub(super) counts: LoadCounts,
    pub(super) report: LoadReport,
    pub(super) timing: LoadTiming,
    pub(super) took: Duration,
    pub(super) seed: u64,
    /// By a person.
    pub(super) stopped: bool,
    pub(super) tolerated: Percent,
}

impl Summary {
    fn bad(&self) -> u64 {
        let LoadCounts { rejected, failed, timed_out, unsent, .. } = self.counts;
        rejected + failed + timed_out + unsent
    }

    fn bad_share(&self) -> Option<f64> {
        let decided = self.counts.good + self.bad();
        (decided > 0).then(|| self.bad() as f64 / decided as f64)
    }

    /// Whether one latency in a hundred may be half our own error.
    fn is_mostly_ours(&self) -> bool {
        let [.., late99, _] = self.timing.late_us;
        let [.., p99, _] = self.report.latency_us;
        p99 > 0 && late99 > p99 / 2
    }

    /// Why nothing was shown.
    fn nothing_shown(&self) -> Option<String> {
        if self.timing.faults > 0 {
            let times = self.timing.faults;
            return Some(format!("this machine was at fault {times} times: {}", self.timing.fault));
        }
        let Some(bad_share) = self.bad_share() else { return Some("no request was decided".to_owned()) };
        let (open, tolerated) = (self.counts.undecided, self.tolerated.fraction());
        let at_worst = (self.bad() + open) as f64 / (self.counts.good + self.bad() + open) as f64;
        (bad_share <= tolerated && at_worst > tolerated)
            .then(|| format!("{open} requests were open when it ended: more than tolerated could be bad"))
    }

    pub(super) fn exit_code(&self) -> u8 {
        let bad = self.bad_share().is_some_and(|share| share > self.tolerated.fraction());
        match () {
            () if self.stopped => code::STOPPED,
            () if self.nothing_shown().is_some() => code::INCONCLUSIVE,
            () if bad => code::REFUTED,
            () => 0,
        }
    }

    pub(super) fn json(&self, arguments: &LoadArguments) -> Value {
        let LoadCounts { due, sent, good, rejected, failed, timed_out, unsent, our_fault, undecided } =
            self.counts;
        let answered = good + rejected + timed_out > 0;
        let [p50, p90, p99, max] = self.report.latency_us;
        let [late50, late99, late_max] = self.timing.late_us;
        json!({
            "url": steadfast_probes::address::shown(&arguments.url),
            "rate": arguments.rate,
            "seconds": self.took.as_secs_f64(),
            "seed": self.seed,
            "stopped": self.stopped,
            "due": due,
            "sent": sent,
            "good": good,
            "bad": self.bad(),
            "badShare": self.bad_share(),
            "rejected": rejected,
            "failed": failed,
            "timedOut": timed_out,
            "unsent": unsent,
            "ourFault": our_fault,
            "undecided": undecided,
            "causes": self.report.failures,
            "latencyMicros": answered.then(|| json!({ "p50": p50, "p90": p90, "p99": p99, "max": max })),
            "lateStartMicros": (due > 0).then(|| json!({ "p50": late50, "p99": late99, "max": late_max })),
            "mostlyOurs": self.is_mostly_ours(),
            "nothingShown": self.nothing_shown(),
        })
    }

    pub(super) fn print(&self, terminal: Terminal) {
        let colour = terminal.stdout_colour;
        let LoadCounts { due, good, undecided, timed_out, rejected, .. } = self.counts;
        let seconds = self.took.as_secs_f64();
        terminal.print(format_args!(
            "due         {due} in {seconds:.1} s, {:.1}/s",
            due as f64 / seconds.max(1e-9)
        ));
        terminal.print(format_args!("good        {}", paint(colour, Style::Green, good)));
        let style = if self.bad() > 0 { Style::Red } else { Style::Dim };
        let share = steadfast_report::share_in_words(self.bad_share());
        terminal.print(format_args!("bad         {}, {share}", paint(colour, style, self.bad())));
        for (cause, times) in &self.report.failures {
            terminal.print(format_args!("              {times} {cause}"));
        }
        if undecided > 0 {
            terminal.print(format_args!("open        {undecided} when it ended; they count for neither"));
        }
        if good + rejected + timed_out > 0 {
            let [p50, p90, p99, max] = self.report.latency_us.map(micros);
            terminal.print(format_args!("latency     p50 {p50}   p90 {p90}   p99 {p99}   max {max}"));
        }
        if due > 0 {
            let [p50, p99, max] = self.timing.late_us.map(micros);
            terminal.print(format_args!("late start  p50 {p50}   p99 {p99}   max {max}   (our own error)"));
        }
        if self.is_mostly_ours() {
            let word = paint(colour, Style::Yellow, "note:");
            terminal.print(format_args!(
                "{word} much of these latencies is ours: this machine is too busy for this rate"
            ));
        }
        if let Some(why) = self.nothing_shown() {
            terminal.print(format_args!("{} {why}", paint(colour, Style::Yellow, "nothing was shown:")));
        }
    }
}

/// Microseconds in the unit that people would use.
fn micros(micros: u64) -> String {
    match micros as f64 {
        micros if micros < 1_000.0 => format!("{micros:.0} us"),
        micros if micros < 1_000_000.0 => format!("{:.2} ms", micros / 1_000.0),
        micros => format!("{:.2} s", micros / 1_000_000.0),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn summary(counts: LoadCounts, faults: u64) -> Summary {
        let report = LoadReport {
            due: counts.due,
            sent: counts.sent,
            good: counts.good,
            latency_us: [0; 4],
            failures: BTreeMap::new(),
        };
        let timing = LoadTiming { late_us: [0; 3], faults, fault: "no memory".to_owned() };
        let tolerated = "1%".parse().unwrap();
        Summary { counts, report, timing, took: Duration::from_secs(1), seed: 1, stopped: false, tolerated }
    }

    #[test]
    fn the_exit_code_is_no_false_green() {
        let counts = |good, rejected, unsent| LoadCounts {
            due: good + rejected + unsent,
            good,
            rejected,
            unsent,
            ..LoadCounts::default()
        };
        assert_eq!(summary(counts(99, 1, 0), 0).exit_code(), 0, "1 % is tolerated");
        assert_eq!(summary(counts(98, 1, 1), 0).exit_code(), 1, "what was not sent is bad");
        assert_eq!(summary(counts(0, 0, 0), 0).exit_code(), 2, "nothing was decided");
        let open = |good, rejected, undecided| LoadCounts { undecided, ..counts(good, rejected, 0) };
        assert_eq!(summary(open(90, 0, 10), 0).exit_code(), 2, "they could all be bad");
        assert_eq!(summary(open(199, 0, 1), 0).exit_code(), 0, "as few as are tolerated");
        assert_eq!(summary(open(50, 50, 10), 0).exit_code(), 1, "bad whatever becomes of them");
        assert_eq!(summary(counts(100, 0, 0), 1).exit_code(), 2, "this machine was at fault");
        let stopped = Summary { stopped: true, ..summary(counts(100, 0, 0), 0) };
        assert_eq!(stopped.exit_code(), 3);
    }

    #[test]
    fn times_are_told_in_the_unit_people_would_use() {
        assert_eq!([7, 1_250, 2_500_000].map(micros), ["7 us", "1.25 ms", "2.50 s"]);
    }
}
