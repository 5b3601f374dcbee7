//! What every fault can do.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use steadfast_model::{Effect, InjectionId, Observation, Problems, ResolvedTarget};

use crate::world::{Injection, World};

/// One disturbance with its parameters. The fields of the struct are the document.
#[async_trait]
pub trait Fault: Send + Sync {
    /// All problems with these parameters, not just the first. No IO.
    fn check(&self, problems: &mut Problems);

    /// Looks at the targets and changes nothing: what will be touched, what is missing, which backend.
    ///
    /// # Errors
    /// [`FaultError::Unsupported`] when this fault cannot be put into such a target, and whatever the world says.
    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError>;

    /// Puts the fault in place through the verbs of the injection.
    ///
    /// # Errors
    /// Whatever a verb says. What was done before the error is undone by the caller, from the records.
    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError>;

    /// What can be seen of this fault from outside: taken before, during and after. Passive.
    ///
    /// Of a proxy's rules only those of `injection` are kept, so that an observation speaks of one injection alone.
    /// Before the injection there are none.
    ///
    /// # Errors
    /// When the world cannot be looked at at all; a single target that cannot is [`steadfast_model::effect::Sighting::Unseen`].
    async fn observe(
        &self,
        world: &dyn World,
        targets: &[ResolvedTarget],
        injection: InjectionId,
    ) -> Result<Observation, FaultError>;

    /// Pure: is it in effect, is it gone? Active only when every target shows it, absent only when none does; what is
    /// true of some targets only is unknown.
    fn judge(&self, before: &Observation, now: &Observation) -> Effect;

    /// Whether there is anything to take back: a killed process cannot be.
    fn reversible(&self) -> bool {
        true
    }

    /// Whether a process stands for the whole network namespace it is in.
    fn is_for_whole_namespace(&self) -> bool {
        false
    }
}

/// What would happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// How it would be done: `pidfd`, `proxy`.
    pub backend: String,
    /// One sentence a target: what will be done to it.
    pub actions: Vec<String>,
    /// Keys held while the fault is in place. A live injection that holds one refuses another.
    pub keys: Vec<String>,
    /// What people should know before they agree.
    pub warnings: Vec<String>,
}

/// Why a fault could not do its part. Messages are fragments after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    /// This fault and this target or machine do not go together.
    #[error("{what}")]
    Unsupported {
        /// What does not go together.
        what: String,
        /// What to try.
        hint: Option<String>,
    },
    /// The target is not there any more.
    #[error("find {what}: it is gone")]
    TargetGone {
        /// Which target.
        what: String,
    },
    /// A privilege is missing.
    #[error("{what}: permission denied")]
    Denied {
        /// What was tried.
        what: String,
        /// What to try.
        hint: String,
    },
    /// The way back could not be written down, so nothing was changed.
    #[error("write the undo record: {cause}")]
    NotRecorded {
        /// Why.
        cause: String,
    },
    /// The world answered with something else.
    #[error("{what}: {cause}")]
    World {
        /// What was tried.
        what: String,
        /// Why it did not work.
        cause: String,
    },
}

impl FaultError {
    /// What to try, if anything is known.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Unsupported { hint, .. } => hint.as_deref(),
            Self::Denied { hint, .. } => Some(hint),
            _ => None,
        }
    }
}
