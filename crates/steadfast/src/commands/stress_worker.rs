//! `steadfast stress-worker`: started by whoever injects, never by hand.

use steadfast_host::run_stress_worker;

use crate::failure::Failure;

/// Puts load on this machine until its injector, deadline or lease ends.
pub(crate) async fn stress_worker() -> Result<u8, Failure> {
    run_stress_worker().await.map_err(|error| Failure::failed(&error))?;
    Ok(0)
}
