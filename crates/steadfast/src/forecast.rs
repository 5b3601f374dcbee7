//! What a run can find, told before it runs.

use serde::Serialize;
use steadfast_analysis::{
    Source, Tolerance,
    plan::{Effect, MetricForecast},
};
use steadfast_engine::{Plan, plan::Foretold};
use steadfast_report::{duration_in_words as duration, share_in_words};

use crate::{
    cli::Output,
    failure::Failure,
    terminal::{Style, Terminal, paint},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    experiment: &'a str,
    warnings: Vec<String>,
    #[serde(flatten)]
    foretold: &'a Foretold,
}

/// Prints what the plan can find on stdout: the answer to `--plan`.
pub(crate) fn print(plan: &Plan, output: Output, terminal: Terminal) -> Result<(), Failure> {
    let foretold = plan.foretell();
    let warnings = warnings(&foretold);
    if output == Output::Json {
        let answer = Answer { experiment: &plan.name, warnings, foretold: &foretold };
        terminal.print_data(serde_json::to_string_pretty(&answer).map_err(Failure::failed)?);
        return Ok(());
    }
    let colour = terminal.stdout_colour;
    terminal.print(format_args!("{}  {}", paint(colour, Style::Bold, &plan.name), plan.title));
    terminal.print(format_args!(
        "baseline {}, {} under {}, {}",
        plan.run_plan().baseline,
        duration(foretold.fault_seconds),
        match foretold.faults {
            1 => "a fault".to_owned(),
            faults => format!("the shortest of {faults} faults, of which this is told"),
        },
        match foretold.earlier_runs {
            0 => "no earlier runs".to_owned(),
            1 => "1 earlier run".to_owned(),
            runs => format!("{runs} earlier runs"),
        }
    ));
    for metric in &foretold.forecast.metrics {
        terminal.print("");
        print_metric(metric, foretold.fault_seconds, terminal);
    }
    if !warnings.is_empty() {
        terminal.print("");
    }
    for warning in warnings {
        terminal.print(format_args!("{} {warning}", paint(colour, Style::Yellow, "warning:")));
    }
    Ok(())
}

/// Tells in a line for each metric what the run can find, and what it cannot, before it begins.
pub(crate) fn say(plan: &Plan, terminal: Terminal) {
    let foretold = plan.foretell();
    for metric in &foretold.forecast.metrics {
        let found = match &metric.detectable {
            Some(effect) => format!(
                ", or that {} or more are bad ({})",
                share(effect.rate),
                match effect.stop_seconds {
                    Some(usual) => format!(
                        "usually stopped after {}, at the latest after {}",
                        duration(usual),
                        duration(foretold.fault_seconds)
                    ),
                    None => format!("not stopped early, over after {}", duration(foretold.fault_seconds)),
                }
            ),
            None => String::new(),
        };
        // The verdict's own words stay out of this: nothing has been shown yet.
        let best = if metric.rate.is_none() { "at best " } else { "" };
        let held = format!("{best}{}", chance(metric.held));
        terminal
            .say(format_args!("  shows    {}: that nothing is wrong (chance {held}){found}", metric.name));
    }
    for warning in warnings(&foretold) {
        let word = paint(terminal.stderr_colour, Style::Yellow, "warning");
        terminal.say(format_args!("  {word}  {warning}"));
    }
}

/// What a run cannot do, and what is not known.
fn warnings(foretold: &Foretold) -> Vec<String> {
    let unknown = foretold.unknown.iter().map(|name| {
        format!("{name}: nothing can be foretold: no earlier run has measured how many events there are.")
    });
    foretold.forecast.warnings().into_iter().chain(unknown).collect()
}

fn print_metric(metric: &MetricForecast, fault_seconds: f64, terminal: Terminal) {
    let allowed = match metric.tolerance {
        Tolerance::Absolute(rate) => format!("at most {} bad", share(rate)),
        Tolerance::Relative(factor) => format!("at most {factor} times as bad as before"),
    };
    let name = paint(terminal.stdout_colour, Style::Bold, &metric.name);
    terminal.print(format_args!("{name}  {allowed}"));
    let usual = match metric.rate {
        Some(rate) => format!("usually {} bad", share(rate)),
        None => "usual share not known: the best case is shown".to_owned(),
    };
    let source = match metric.dispersion_source {
        Source::Given => "given",
        Source::Estimated => "learned from earlier runs",
        Source::FewErrors => "assumed: too few failures in earlier runs to learn from",
        Source::Assumed { .. } => "assumed: less than 15 minutes of history",
    };
    let decimals = if metric.traffic >= 10.0 { 0 } else { 2 };
    terminal.print(format_args!("  traffic                       {:.decimals$}/s, {usual}", metric.traffic));
    terminal.print(format_args!("  dispersion                    {:.1}, {source}", metric.dispersion.end));
    let best = if metric.rate.is_none() { ", at best" } else { "" };
    terminal.print(format_args!("  held if nothing is wrong      {}{best}", chance(metric.held)));
    let Some(effect) = &metric.detectable else {
        terminal.print("  smallest effect found         none, or not known before the baseline is");
        return;
    };
    let usually = effect.stop_seconds.map_or("not stopped early".to_owned(), duration);
    terminal.print(format_args!(
        "  smallest effect found (80 %)  {} bad{}",
        share(effect.rate),
        times(effect)
    ));
    terminal.print(format_args!("  usually stopped after         {usually}"));
    terminal.print(format_args!("  longest until it is stopped   {}", duration(fault_seconds)));
    terminal
        .print(format_args!("  usual cost                    {:.0} more bad events than usual", effect.cost));
    terminal.print("  bad under the fault   found      stopped after   more bad events");
    for effect in &metric.effects {
        let stops = effect.stop_seconds.map_or("the end".to_owned(), duration);
        terminal.print(format_args!(
            "  {:<20}  {:<9}  {:<14}  {:.0}",
            share(effect.rate),
            chance(effect.found),
            stops,
            effect.cost
        ));
    }
}

fn share(share: f64) -> String {
    share_in_words(Some(share))
}

fn times(effect: &Effect) -> String {
    effect.factor.map_or(String::new(), |factor| format!(", {factor:.1} times the usual"))
}

/// A chance in whole percent; what is nearly certain is not called so.
fn chance(chance: f64) -> String {
    match chance * 100.0 {
        percent if percent < 1.0 => "under 1 %".to_owned(),
        percent if percent > 99.0 => "over 99 %".to_owned(),
        percent => format!("{percent:.0} %"),
    }
}
