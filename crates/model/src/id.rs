//! Ids of runs and injections, and the short names people see.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($name:ident, $what:literal) => {
        #[doc = $what]
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id: UUID version 7, so that ids sort by the time they were made.
            #[must_use]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    };
}

id!(RunId, "One execution of an experiment.");
id!(InjectionId, "One fault put into one set of targets. Chosen by the caller: repeating it is a no-op.");

/// Letters that cannot be mistaken for one another.
const ALPHABET: &[u8; 31] = b"23456789abcdefghjkmnpqrstuvwxyz";

/// The name people see for a run: the experiment's name and six letters of the id, such as `risk-slow-7k2m9q`.
#[must_use]
pub fn run_name(experiment: &str, id: RunId) -> String {
    let mut rest = id.0.as_u128() & ((1 << 62) - 1);
    let mut name = format!("{experiment}-");
    for _ in 0..6 {
        let letter = usize::try_from(rest % 31).expect("a remainder of 31 fits");
        name.push(char::from(ALPHABET[letter]));
        rest /= 31;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_after_its_experiment() {
        let name = run_name("risk-slow", RunId::new());
        assert_eq!(name.len(), "risk-slow-".len() + 6);
        assert_ne!(name, run_name("risk-slow", RunId::new()));
    }
}
