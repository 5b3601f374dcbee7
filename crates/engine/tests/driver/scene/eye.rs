//! A probe that sees what the script says.

use std::time::Duration as StdDuration;

use async_trait::async_trait;
use steadfast_model::{Problems, sample::Increment};
use steadfast_probes::{
    Counted, Probe, ProbeError, Watch,
    world::{HttpAnswer, HttpRequest, LoadGood, ServiceUrl, World},
};
use tokio::time::sleep;

use super::Scene;

/// A probe that sees what the script says.
pub(super) struct Eye {
    pub(super) scene: Scene,
    pub(super) guard: bool,
}

struct Looking {
    scene: Scene,
    guard: bool,
    looked: bool,
}

impl Probe for Eye {
    fn check(&self, _: &mut Problems) {}

    fn describe(&self) -> String {
        "what the script says".to_owned()
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(Looking { scene: self.scene.clone(), guard: self.guard, looked: false })
    }
}

#[async_trait]
impl Watch for Looking {
    async fn look(&mut self, _: &dyn World) -> Result<Counted, ProbeError> {
        let script = &self.scene.script;
        let in_place = self.scene.state().in_place;
        if script.blind {
            let cause = "the answer is HTML".to_owned();
            return Err(ProbeError { what: "read metrics".to_owned(), cause, hint: None, ours: false });
        }
        if in_place && script.hangs_under_fault && !self.guard {
            sleep(StdDuration::from_secs(60)).await;
        }
        if !std::mem::replace(&mut self.looked, true) {
            return Ok(Counted::default());
        }
        let increment = if self.guard {
            Increment { bad: u64::from(script.guard_fails && in_place), total: 1 }
        } else {
            Increment { bad: if in_place { script.bad_under_fault } else { 0 }, total: script.traffic }
        };
        Ok(Counted { increment, note: None, spans_gap: false })
    }
}

#[async_trait]
impl World for Scene {
    async fn fetch(&self, _: &HttpRequest) -> Result<HttpAnswer, ProbeError> {
        unreachable!("the test's probes do not ask")
    }

    fn service_url(&self, _: &str, _: ServiceUrl) -> Result<String, ProbeError> {
        unreachable!("the test's probes do not ask")
    }

    fn load_increment(&self, _: &str, _: &str, _: &LoadGood) -> Result<Increment, ProbeError> {
        unreachable!("the test's probes do not ask")
    }
}
