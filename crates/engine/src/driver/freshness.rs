//! Whether an effect that was seen once is still seen.

use std::time::Duration;

use steadfast_faults::Fault;
use steadfast_model::{Effect, Observation};
use tokio::time::Instant;

/// A fault whose effect is counted (chunks delayed, requests answered) is quiet when the count has stood still for this
/// share of the fault's time. Shorter pauses are those of the traffic, and would only make noise.
const QUIET_SHARE: u32 = 8;

/// Remembers when the effect was last seen to grow. One request that met the fault in its first second says nothing
/// about the minute after.
pub(super) struct Freshness {
    quiet: Duration,
    grown: Option<(Observation, Instant)>,
}

impl Freshness {
    pub(super) fn new(fault: Duration) -> Self {
        Self { quiet: fault / QUIET_SHARE, grown: None }
    }

    /// Judges a look by what was seen before the fault and, once there was an effect, by what was seen since.
    pub(super) fn judge(&mut self, fault: &dyn Fault, before: &Observation, now: Observation) -> Effect {
        let effect = fault.judge(before, &now);
        if !matches!(effect, Effect::Active { .. }) {
            return effect;
        }
        if let Some((seen, when)) = &self.grown
            && let Effect::Idle { why } = fault.judge(seen, &now)
        {
            let since = when.elapsed();
            return if since < self.quiet {
                effect
            } else {
                Effect::Idle { why: format!("{why}, for {:.0} s", since.as_secs_f64()) }
            };
        }
        self.grown = Some((now, Instant::now()));
        effect
    }
}

#[cfg(test)]
mod tests {
    use steadfast_faults::FaultSpec;
    use steadfast_model::{
        InjectionId, ProcessIdentity,
        effect::Sighting,
        proxy::{Protocol, ProxyStatus, RuleId, RuleStatus},
    };
    use tokio::time::{advance, sleep};

    use super::*;

    fn hits(injection: InjectionId, hits: u64) -> Observation {
        let rule = RuleStatus { id: RuleId { injection, number: 0 }, hits, seen: hits };
        let identity = ProcessIdentity { pid: 1, start_time: 1, boot_id: "boot".to_owned() };
        let status = ProxyStatus {
            name: "p".to_owned(),
            identity,
            listen: "127.0.0.1:1".to_owned(),
            upstream: "127.0.0.1:2".to_owned(),
            protocol: Protocol::Http,
            open_connections: 1,
            connections: 1,
            requests: hits,
            unreadable: 0,
            bytes: 1,
            rules: vec![rule],
        };
        Observation { targets: vec![Sighting::Proxy(Box::new(status))] }
    }

    #[tokio::test(start_paused = true)]
    async fn an_effect_that_stands_still_goes_quiet_and_comes_back_with_the_next_request() {
        let fault: FaultSpec = serde_json::from_str(r#"{ "httpDelay": { "latency": "60ms" } }"#).unwrap();
        let injection = InjectionId::new();
        let mut freshness = Freshness::new(Duration::from_secs(80));
        let before = Observation::default();
        let mut judge = |count| freshness.judge(fault.as_fault(), &before, hits(injection, count));
        assert!(matches!(judge(0), Effect::Idle { .. }), "nothing came by yet");
        assert!(matches!(judge(1), Effect::Active { .. }));
        advance(Duration::from_secs(9)).await;
        assert!(matches!(judge(1), Effect::Active { .. }), "traffic pauses");
        sleep(Duration::from_secs(2)).await;
        let Effect::Idle { why } = judge(1) else { panic!("11 s without a request") };
        assert!(why.ends_with("for 11 s"), "{why}");
        assert!(matches!(judge(2), Effect::Active { .. }));
    }
}
