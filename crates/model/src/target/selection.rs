//! How many of what matches a document means.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Percent, Problems};

/// How many of what matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Selection {
    /// Every one.
    All,
    /// Any one of them.
    One,
    /// So many of them; fewer are an error.
    Count(u32),
    /// This share of them, rounded up.
    Percent(Percent),
    /// At most so many of them.
    Max(u32),
}

impl Selection {
    /// Notes what selects nothing, and chance where nothing is left to it.
    pub(super) fn check(select: Option<Self>, seed: Option<u64>, problems: &mut Problems) {
        match select {
            Some(Self::Count(0)) => {
                problems.error(&["select", "count"], "none would be disturbed", Some("write 1 or more"));
            }
            Some(Self::Max(0)) => {
                problems.error(&["select", "max"], "none would be disturbed", Some("write 1 or more"));
            }
            Some(Self::Percent(share)) if share.fraction() <= 0.0 => {
                problems.error(&["select", "percent"], "none would be disturbed", Some("write more than 0%"));
            }
            _ => {}
        }
        if seed.is_some() && matches!(select, None | Some(Self::All)) {
            let hint = "add select: one, { count: 2 }, { percent: 50% } or { max: 3 }; or leave `seed` out";
            problems.error(&["seed"], "nothing is left to chance here", Some(hint));
        }
    }

    /// Writes how many of such things: `one of the processes`.
    pub(super) fn write(
        select: Option<Self>,
        [one, many]: [&str; 2],
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        match select {
            None => f.write_str(one),
            Some(Self::All) => write!(f, "all {many}"),
            Some(Self::One) => write!(f, "one of the {many}"),
            Some(Self::Count(count)) => write!(f, "{count} of the {many}"),
            Some(Self::Percent(share)) => write!(f, "{share} of the {many}"),
            Some(Self::Max(count)) => write!(f, "at most {count} of the {many}"),
        }
    }
}
