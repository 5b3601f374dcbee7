//! What a worker does to disturb files: it covers a directory, and takes that away itself, as whoever uses the directory
//! would meet errors without it.

use std::{sync::Arc, time::Duration};

use rustix::process::{Resource, getrlimit, setrlimit};
use steadfast_linux::{LinuxError, files::Covered};
use steadfast_model::network::{WorkerAnswer, WorkerRequest};

use super::{Talk, WorkerError, refusal};

/// How long to wait until it is tried again to take a cover away. Meanwhile everything is passed on.
const BETWEEN_TRIES: Duration = Duration::from_millis(300);
/// How long the kernel may take to say that nothing is left of a cover.
const PATIENCE: Duration = Duration::from_millis(200);

/// Serves one injector until its cover is over, and ends when it is taken away.
///
/// # Errors
/// When it cannot begin.
pub async fn run_file_worker() -> Result<(), WorkerError> {
    let mut talk = Talk::begin().await?;
    let Some(WorkerRequest::Cover(order)) = talk.first_order().await else { return Ok(()) };
    let (lease, deadline) = (order.lease, order.deadline);
    allow_many_files();
    let covered = match blocking(move || Covered::put(&order)).await {
        Ok(covered) => Arc::new(covered),
        Err(error) => return Ok(talk.answer(&refusal(&error)).await?),
    };
    covered.arm();
    let over = match talk.answer(&WorkerAnswer::Done {}).await {
        Ok(()) => talk.keep(lease, deadline, || !covered.has_ended()).await,
        Err(error) => Err(error.into()),
    };
    // However it ended. Whoever undoes kills this process when that takes too long, and goes on itself.
    let take_away = || {
        let covered = covered.clone();
        blocking(move || covered.take_away())
    };
    while take_away().await.is_err() {
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    // Not more than a courtesy: nobody uses anything of it any more.
    let _unused = blocking(move || Ok(covered.is_unused_within(PATIENCE))).await?;
    over
}

/// Every file that somebody knows below the directory is held open.
fn allow_many_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Without it there are fewer.
    let _raised = setrlimit(Resource::Nofile, limit);
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LinuxError> + Send + 'static,
) -> Result<T, LinuxError> {
    let broken = |error: tokio::task::JoinError| LinuxError::Call {
        what: "disturb files".to_owned(),
        source: std::io::Error::other(error),
    };
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}
