//! Reads what the experiment's own load saw.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{Duration, Problems, sample::Increment};

use crate::{
    Counted, Probe, ProbeError, Watch,
    world::{LoadGood, World},
};

/// Reads what the experiment's own load saw: what clients really get.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Load {
    /// The load's name; may be left out when there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<String>,
    /// Which answers are good.
    #[serde(default)]
    pub good: Good,
}

/// Which answers of a load are good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Good {
    /// Those with a status the load accepts.
    #[default]
    Answered,
    /// Those that also are complete within this time from the moment the request was due.
    Within(Duration),
}

impl Good {
    fn as_load_good(self) -> LoadGood {
        match self {
            Self::Answered => LoadGood::Answered,
            Self::Within(time) => LoadGood::Within(time.std()),
        }
    }
}

impl Probe for Load {
    fn check(&self, problems: &mut Problems) {
        if self.load.as_deref() == Some("") {
            problems.error(&["load"], "the name is empty", Some("leave it out when there is only one load"));
        }
        if self.good == Good::Within(Duration::ZERO) {
            problems.error(&["good", "within"], "nothing is answered in no time", Some("write 300ms"));
        }
    }

    fn describe(&self) -> String {
        let load = self.load.as_ref().map_or("the load".to_owned(), |name| format!("load {name}"));
        match self.good {
            Good::Answered => format!("requests of {load}: bad unless answered with an accepted status"),
            Good::Within(time) => {
                format!("requests of {load}: bad unless answered with an accepted status within {time}")
            }
        }
    }

    fn watch(&self) -> Box<dyn Watch> {
        // Two probes may be written alike and still count for themselves.
        static WATCHES: AtomicU64 = AtomicU64::new(0);
        let reader = format!("probe-{}", WATCHES.fetch_add(1, Ordering::Relaxed));
        Box::new(LoadWatch { name: self.load.clone(), good: self.good.as_load_good(), reader, looked: false })
    }
}

struct LoadWatch {
    name: Option<String>,
    good: LoadGood,
    reader: String,
    looked: bool,
}

#[async_trait]
impl Watch for LoadWatch {
    async fn look(&mut self, world: &dyn World) -> Result<Counted, ProbeError> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => self.name.insert(world.only_load()?).clone(),
        };
        let mut increment = world.load_increment(&name, &self.reader, &self.good)?;
        if !std::mem::replace(&mut self.looked, true) {
            increment = Increment::default();
        }
        Ok(Counted { increment, note: None, spans_gap: false })
    }
}
