//! Time windows and budgeting methods: kept, and checked for sense.

use steadfast_model::{
    Problems,
    problem::Severity,
    yaml::{Place, suggest},
};

use crate::{BudgetingMethod, TimeWindow, shape};

const METHODS: [(&str, BudgetingMethod); 3] = [
    ("Occurrences", BudgetingMethod::Occurrences),
    ("Timeslices", BudgetingMethod::Timeslices),
    ("RatioTimeslices", BudgetingMethod::RatioTimeslices),
];

/// The only time window of an SLO. What is odd about it is a warning: a run does not depend on it.
pub(crate) fn time_window(
    given: Option<Vec<shape::TimeWindow>>,
    spec: &Place<'_>,
    problems: &mut Problems,
) -> Option<TimeWindow> {
    let place = spec.get("timeWindow")?;
    let mut windows = given?.into_iter();
    let Some(window) = windows.next() else {
        warn(&place, "an empty list of time windows", None, problems);
        return None;
    };
    if windows.next().is_some() {
        warn(&place, "only the first of several time windows is kept", None, problems);
    }
    if !is_shorthand(&window.duration) {
        let message = format!("`{}` is no duration of OpenSLO", window.duration);
        warn(&place, &message, Some("write a whole number and one of m h d w M Q Y, such as 28d"), problems);
    }
    if window.is_rolling == window.calendar.is_some() {
        let hint = "write isRolling: true, or a calendar";
        warn(&place, "a time window is either rolling or follows a calendar", Some(hint), problems);
    }
    let calendar = window.calendar.map(|calendar| (calendar.start_time, calendar.time_zone));
    Some(TimeWindow { duration: window.duration, rolling: window.is_rolling, calendar })
}

/// The budgeting method. An unknown one is a warning.
pub(crate) fn method(
    given: Option<&str>,
    spec: &Place<'_>,
    problems: &mut Problems,
) -> Option<BudgetingMethod> {
    let given = given?;
    let found = METHODS.iter().find(|(name, _)| name.eq_ignore_ascii_case(given));
    if found.is_none_or(|(name, _)| *name != given)
        && let Some(place) = spec.get("budgetingMethod")
    {
        let hint = suggest(given, METHODS.map(|(name, _)| name));
        warn(&place, &format!("unknown budgeting method `{given}`"), hint.as_deref(), problems);
    }
    found.map(|(_, method)| *method)
}

/// One positive whole number and a unit. `m` are minutes, `M` months.
fn is_shorthand(text: &str) -> bool {
    let digits = text.trim_end_matches(['m', 'h', 'd', 'w', 'M', 'Q', 'Y']);
    digits.len() + 1 == text.len()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && digits.parse::<u32>().is_ok_and(|number| number > 0)
}

pub(crate) fn warn(place: &Place<'_>, message: &str, hint: Option<&str>, problems: &mut Problems) {
    let mut problem = place.problem(message, hint.map(str::to_owned));
    problem.severity = Severity::Warning;
    problems.push(problem);
}
