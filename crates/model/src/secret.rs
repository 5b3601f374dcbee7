//! Values that must not be seen. A document holds only where a secret is, never the secret.

use std::{fmt, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a secret is kept: `{ env: NAME }` or `{ file: PATH }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SecretSource {
    /// In this environment variable.
    Env(String),
    /// In this file, without its last line break.
    File(PathBuf),
}

/// A text that is either written out or a reference to a secret: `plain` or `{ secret: { env: NAME } }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text or { secret: { env: NAME } }")]
pub enum TextOrSecret {
    /// Written out.
    Text(String),
    /// Kept elsewhere.
    Secret {
        /// Where.
        secret: SecretSource,
    },
}

/// A secret in memory. It cannot be printed or serialised.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
