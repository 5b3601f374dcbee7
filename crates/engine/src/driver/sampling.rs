//! Looks at all metrics and guards once an interval.

use std::{sync::Arc, time::Duration};

use steadfast_probes::{Probe, world::World};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at},
};

use super::{
    Message,
    look::{Lookers, sample},
};
use crate::{
    guard::{Guard, Streak},
    machine::Input,
    plan::Plan,
};

/// Looks are waited for at most this long after the end of an interval, so that a fault ends well within its grace.
const LATEST: Duration = Duration::from_secs(3);

/// Looks once to remember, then once an interval, until it is dropped or nobody listens.
pub(super) async fn sample_for_ever(
    plan: Arc<Plan>,
    world: Arc<dyn World>,
    inbox: mpsc::UnboundedSender<Message>,
) {
    let mut metrics =
        Lookers::new(&plan.metrics.iter().map(|metric| metric.probe.clone()).collect::<Vec<_>>(), &world);
    let own: Vec<Arc<dyn Probe>> = plan.guards.iter().filter_map(probe).collect();
    let mut guards = Lookers::new(&own, &world);
    let mut streaks = vec![Streak::default(); plan.guards.len()];
    let mut tripped = vec![false; plan.guards.len()];
    let interval = plan.windows.interval.std();
    let patience = (interval * 9 / 10).min(LATEST);

    let began = Instant::now();
    let deadline = began + patience;
    futures_util::future::join(metrics.look(deadline), guards.look(deadline)).await;
    let mut ticks = interval_at(began + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let deadline = ticks.tick().await + patience;
        let (looks, seen) = futures_util::future::join(metrics.look(deadline), guards.look(deadline)).await;
        let samples: Vec<_> =
            plan.metrics.iter().zip(looks).map(|(metric, look)| sample(&metric.name, look)).collect();
        let mut seen = seen.iter();
        // Guards first: what they forbid must not begin with this very interval.
        for ((guard, streak), tripped) in plan.guards.iter().zip(&mut streaks).zip(&mut tripped) {
            let why = match guard {
                Guard::Metric { metric, above, intervals } => samples
                    .iter()
                    .find(|sample| sample.metric == *metric)
                    .and_then(|sample| streak.feed_metric(sample, *above, *intervals)),
                Guard::Probe { failures, .. } => {
                    seen.next().and_then(|look| streak.feed_look(look.as_ref(), *failures))
                }
            };
            if let Some(why) = why.filter(|_| !std::mem::replace(tripped, true)) {
                drop(inbox.send(Input::GuardTripped { guard: guard.name().to_owned(), why }.into()));
            }
        }
        if inbox.send(Input::Sampled { metrics: samples }.into()).is_err() {
            return;
        }
    }
}

fn probe(guard: &Guard) -> Option<Arc<dyn Probe>> {
    match guard {
        Guard::Metric { .. } => None,
        Guard::Probe { probe, .. } => Some(probe.clone()),
    }
}
