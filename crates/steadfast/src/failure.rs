//! Why a command did not do what it was asked, and the exit code that says so.

use std::fmt::Display;

use steadfast_api::ApiError;
use steadfast_store::StoreError;

/// The exit codes of the program (`decisions`: exit codes).
pub(crate) mod code {
    /// The hypothesis was refuted; also a replay that does not agree.
    pub(crate) const REFUTED: u8 = 1;
    /// Nothing was shown: no effect was seen; also a replay that cannot be compared.
    pub(crate) const INCONCLUSIVE: u8 = 2;
    /// A person stopped it.
    pub(crate) const STOPPED: u8 = 3;
    /// Something of ours broke.
    pub(crate) const FAILED: u8 = 4;
    /// A fault could not be undone.
    pub(crate) const ABANDONED: u8 = 5;
    /// The command line makes no sense.
    pub(crate) const USAGE: u8 = 64;
    /// A document makes no sense.
    pub(crate) const DOCUMENT: u8 = 65;
    /// A privilege is missing.
    pub(crate) const PRIVILEGE: u8 = 77;
}

/// Why a command ended without its result.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: u8,
    /// What went wrong: a whole sentence without its full stop, or rendered problems.
    pub(crate) message: String,
    /// What to try.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// Something of ours, or of the machine, did not work. `message` is a fragment after "failed to".
    pub(crate) fn failed(message: impl Display) -> Self {
        Self { code: code::FAILED, message: format!("failed to {message}"), hint: None }
    }

    /// The command line makes no sense.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self { code: code::USAGE, message: message.to_string(), hint: None }
    }

    /// A document makes no sense; the message is already rendered.
    pub(crate) fn document(message: impl Display) -> Self {
        Self { code: code::DOCUMENT, message: message.to_string(), hint: None }
    }

    /// The same with a hint.
    pub(crate) fn hint(mut self, hint: Option<impl Display>) -> Self {
        self.hint = hint.map(|hint| hint.to_string());
        self
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::failed(&error).hint(error.hint());
        match error {
            StoreError::NoSuchRun { .. } | StoreError::Ambiguous { .. } => {
                Self { code: code::USAGE, ..failure }
            }
            _ => failure,
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let code = match error.kind {
            steadfast_api::ApiErrorKind::NotFound => code::USAGE,
            steadfast_api::ApiErrorKind::Unavailable | steadfast_api::ApiErrorKind::Conflict => code::FAILED,
        };
        Self { code, ..Self::failed(&error).hint(error.hint.as_ref()) }
    }
}
