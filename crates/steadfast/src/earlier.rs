//! What earlier runs say about a run to come.

use steadfast_engine::{Plan, plan::Earlier};
use steadfast_model::run::RunFilter;
use steadfast_store::Runs;

use crate::{failure::Failure, session::Session};

/// Most earlier runs that are asked, the newest.
const RUNS: u32 = 60;
/// Most events that are read of them: of long runs fewer are asked.
const EVENTS: usize = 300_000;

/// Lets a plan learn from the stored runs of the same experiment.
pub(crate) async fn ask(plan: &mut Plan, session: &Session) -> Result<(), Failure> {
    if !session.history_file().exists() {
        return Ok(());
    }
    let store = session.history().await?;
    // Runs of elsewhere tell of another place, which may be calmer.
    let (experiment, limit) = (Some(plan.name.clone()), Some(RUNS));
    let filter = RunFilter { experiment, limit, made_here: true, ..RunFilter::default() };
    let (mut runs, mut read) = (Vec::new(), 0);
    for run in store.list(&filter).await? {
        let events = store.events(run.id).await?;
        read += events.len();
        if read > EVENTS {
            break;
        }
        runs.push(events);
    }
    store.close().await;
    runs.reverse();
    let recorded = plan.run_plan();
    for (index, metric) in plan.metrics.iter_mut().enumerate() {
        metric.earlier = Earlier::of(&recorded, &plan.parameters, index, &runs);
    }
    Ok(())
}
