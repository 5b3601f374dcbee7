//! `steadfast network-worker`: started by whoever injects, never by hand.

use steadfast_host::run_worker;

use crate::failure::Failure;

/// Holds one fault in a network namespace until its injector, deadline or lease ends.
pub(crate) async fn network_worker() -> Result<u8, Failure> {
    run_worker().await.map_err(|error| Failure::failed(&error))?;
    Ok(0)
}
