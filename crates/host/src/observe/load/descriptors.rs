//! Every open connection is a descriptor, and the ledger and the database need theirs.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Descriptors that everything but the load may need.
const OTHERS: u64 = 256;

/// Makes sure that so many connections may be open at once, raising the soft limit of this process when it must.
///
/// # Errors
/// When the hard limit is lower.
pub(super) fn ensure_for(connections: u32) -> Result<(), String> {
    let needed = u64::from(connections) + OTHERS;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if let Some(hard) = limit.maximum.filter(|hard| *hard < needed) {
        return Err(format!(
            "{connections} requests in flight need {needed} open files, but {hard} are allowed here: lower inFlight to {} or raise `ulimit -Hn`",
            hard.saturating_sub(OTHERS),
        ));
    }
    limit.current = Some(needed);
    setrlimit(Resource::Nofile, limit)
        .map_err(|cause| format!("{needed} open files cannot be allowed: {cause}"))
}
