//! What a worker does to put load on its machine.

use steadfast_linux::{
    LinuxError,
    load::{Load, be_the_first_to_go},
};
use steadfast_model::network::{WorkerAnswer, WorkerRequest};
use tokio::sync::oneshot;

use super::{Talk, WorkerError, refusal};

/// Serves one injector until its load is over. The end of the process is the end of the load.
///
/// # Errors
/// When it cannot begin, or the load cannot be kept up.
pub async fn run_stress_worker() -> Result<(), WorkerError> {
    be_the_first_to_go()?;
    let mut talk = Talk::begin().await?;
    let Some(WorkerRequest::Stress(order)) = talk.first_order().await else { return Ok(()) };
    let (lose, lost) = oneshot::channel::<LinuxError>();
    let begun = Load::begin(&order.stress, move |error| drop(lose.send(error)));
    let load = match begun {
        Ok(load) => load,
        Err(error) => return Ok(talk.answer(&refusal(&error)).await?),
    };
    talk.answer(&WorkerAnswer::Done {}).await?;
    tokio::select! {
        // Computing loses nothing: then nobody is left who could tell, and that is no loss.
        Ok(error) = lost => return Err(error.into()),
        over = talk.keep(order.lease, order.deadline, || true) => over?,
    }
    drop(load);
    Ok(())
}
