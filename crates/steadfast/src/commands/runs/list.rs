//! `steadfast runs list`

use std::time::Duration;

use steadfast_model::{WallTime, run::RunSummary};
use steadfast_report::instant_in_words;

use crate::{
    cli::Output,
    failure::Failure,
    terminal::{Style, Terminal, paint, verdict},
};

/// Lists runs, newest first.
pub(crate) fn list(runs: &[RunSummary], output: Output, terminal: Terminal) -> Result<u8, Failure> {
    if output == Output::Json {
        terminal.print_data(serde_json::to_string_pretty(runs).map_err(Failure::failed)?);
        return Ok(0);
    }
    if runs.is_empty() {
        terminal.say("No such runs. `steadfast demo` or `steadfast run FILE` makes some.");
        return Ok(0);
    }
    let colour = terminal.stdout_colour;
    let width = runs.iter().map(|run| run.name.chars().count()).max().unwrap_or(0);
    for run in runs {
        // Padding must not count the colour's own characters.
        let word = run.verdict.map_or("unfinished".to_owned(), |word| word.to_string());
        let shown =
            run.verdict.map_or_else(|| paint(colour, Style::Dim, &word), |word| verdict(colour, word));
        let outcome = run.outcome.map_or(String::new(), |outcome| outcome.to_string());
        terminal.print(format_args!(
            "{}  {:width$}  {shown}{}  {outcome:9}  {}",
            instant_in_words(run.started_at),
            run.name,
            " ".repeat(12_usize.saturating_sub(word.len())),
            run.title,
        ));
    }
    Ok(0)
}

/// The moment that `--since` names: a time ago, a day, or a moment.
pub(crate) fn moment(text: &str, now: WallTime) -> Result<WallTime, String> {
    let ago = |length: Duration| {
        let micros = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
        Ok(WallTime(now.0.saturating_sub(micros)))
    };
    if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()) {
        return ago(Duration::from_secs(u64::from(days) * 24 * 60 * 60));
    }
    if let Ok(length) = text.parse::<steadfast_model::Duration>() {
        return ago(length.std());
    }
    let day = || text.parse::<jiff::civil::Date>().and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC));
    let moment = text.parse::<jiff::Timestamp>().or_else(|_| day().map(|day| day.timestamp()));
    moment
        .map(|moment| WallTime(moment.as_microsecond()))
        .map_err(|_| format!("`{text}` is no time: write 90m, 7d, 2026-03-01 or 2026-03-01T14:05:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_ago_a_day_or_a_moment() {
        let now = WallTime(1_772_373_909_000_000);
        let at = |text: &str| moment(text, now).map(instant_in_words);
        assert_eq!(at("90m").unwrap(), "2026-03-01 12:35:09 UTC");
        assert_eq!(at("7d").unwrap(), "2026-02-22 14:05:09 UTC");
        assert_eq!(at("2026-02-28").unwrap(), "2026-02-28 00:00:00 UTC");
        assert_eq!(at("2026-02-28T01:00:00+02:00").unwrap(), "2026-02-27 23:00:00 UTC");
        for text in ["", "yesterday", "-1h", "d", "99999999999d", "2026-13-01"] {
            assert!(at(text).unwrap_err().contains("write 90m"), "{text}");
        }
    }
}
