//! A run while it happens. Reads events and nothing else: what a replay would show is what is shown.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use steadfast_engine::Follower;
use steadfast_model::{
    Event,
    event::Known,
    sample::{Increment, MetricSample},
};
use steadfast_report::{Teller, share_in_words};

use crate::{
    cli::Output,
    terminal::{Style, Terminal, paint, sparkline},
};

/// Shows events as they come.
pub(crate) struct Live {
    terminal: Terminal,
    output: Output,
    follower: Follower,
    words: Teller,
    rows: Vec<Row>,
    /// Lines of the block that is drawn over.
    drawn: usize,
}

/// One metric so far.
struct Row {
    name: String,
    shares: Vec<Option<f64>>,
    total: Increment,
}

impl Live {
    /// Nothing has happened yet.
    pub(crate) fn new(output: Output, terminal: Terminal) -> Self {
        Self {
            terminal,
            output,
            follower: Follower::default(),
            words: Teller::default(),
            rows: Vec::new(),
            drawn: 0,
        }
    }

    /// Shows one event.
    pub(crate) fn show(&mut self, event: &Event) {
        if self.output == Output::Json {
            if let Ok(line) = serde_json::to_string(event) {
                self.terminal.print_data(line);
            }
            return;
        }
        self.follower.follow(event);
        match event.body.known() {
            Some(Known::RunStarted { plan, .. }) => {
                let row = |name: &String| Row {
                    name: name.clone(),
                    shares: Vec::new(),
                    total: Increment::default(),
                };
                self.rows = plan.metrics.iter().map(|metric| row(&metric.name)).collect();
            }
            Some(Known::Sampled { metrics, .. }) => {
                self.sample(metrics);
                self.clear();
                self.draw();
                return;
            }
            // The conclusion is data: the caller prints it.
            Some(Known::Concluded(_)) => {
                self.clear();
                return;
            }
            _ => {}
        }
        if let Some(what) = self.words.sentence(&event.body) {
            self.clear();
            #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
            let at = event.since_start as f64 / 1e9;
            let colour = self.terminal.stderr_colour;
            self.terminal
                .say(format_args!("{} {what}", paint(colour, Style::Dim, format_args!("{at:6.1} s"))));
            self.draw();
        }
    }

    fn sample(&mut self, metrics: &[MetricSample]) {
        for (row, sample) in self.rows.iter_mut().zip(metrics) {
            let increment = sample.increment.unwrap_or_default();
            #[expect(clippy::cast_precision_loss, reason = "counts of one interval are far below 2^53")]
            let share = (increment.total > 0).then(|| increment.bad as f64 / increment.total as f64);
            row.shares.push(share);
            row.total.bad += increment.bad;
            row.total.total += increment.total;
        }
    }

    fn draw(&mut self) {
        let Some(progress) = self.follower.machine().map(steadfast_engine::machine::Machine::progress) else {
            return;
        };
        if !self.terminal.live || self.rows.iter().all(|row| row.shares.is_empty()) {
            return;
        }
        let colour = self.terminal.stderr_colour;
        let names = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        let room = self.terminal.width().saturating_sub(names + 60).clamp(8, 60);
        let mut block = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            let recent = &row.shares[row.shares.len().saturating_sub(room)..];
            // Of several faults the one that shows most.
            let evidence = progress.evidence.as_ref().and_then(|step| {
                let own = step.ln_evidence.iter().skip(index).step_by(self.rows.len());
                let most = own.copied().reduce(f64::max)?;
                Some(format!("  evidence {most:.1} of {:.1}", step.threshold))
            });
            writeln!(
                block,
                "  {}{}  {}  {:>8}  {} of {} bad{}",
                paint(colour, Style::Bold, &row.name),
                " ".repeat(names - row.name.chars().count()),
                paint(colour, Style::Cyan, sparkline(recent)),
                share_in_words(row.shares.last().copied().flatten()),
                row.total.bad,
                row.total.total,
                evidence.unwrap_or_default(),
            )
            .expect("writing to a String does not fail");
        }
        let of = progress.of.map_or(String::new(), |of| format!(" {} of {of}", progress.done));
        let phase = serde_json::to_value(progress.phase).ok();
        let phase = phase.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
        writeln!(block, "  {}", paint(colour, Style::Dim, format_args!("{phase}{of}")))
            .expect("writing to a String does not fail");
        let mut stream = io::stderr().lock();
        drop(stream.write_all(crate::terminal::shown(&block).as_bytes()).and_then(|()| stream.flush()));
        self.drawn = self.rows.len() + 1;
    }

    /// Takes away the block that was drawn last.
    fn clear(&mut self) {
        if self.drawn > 0 {
            let mut stream = io::stderr().lock();
            drop(write!(stream, "\u{1b}[{}A\u{1b}[J", self.drawn).and_then(|()| stream.flush()));
            self.drawn = 0;
        }
    }
}
