//! `steadfast file-worker`: started by whoever injects, never by hand.

use steadfast_host::run_file_worker;

use crate::failure::Failure;

/// Covers a directory until its injector, deadline or lease ends.
pub(crate) async fn file_worker() -> Result<u8, Failure> {
    run_file_worker().await.map_err(|error| Failure::failed(&error))?;
    Ok(0)
}
