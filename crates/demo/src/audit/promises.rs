//! The acknowledgement log.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::DemoError;
use crate::services::gateway::ACKNOWLEDGED;
use crate::wire::Payment;

/// Payments by key, and how many lines are unreadable. A payment acknowledged twice is one payment. The end of the
/// file after the last line break is a line still being written, so nobody was told.
pub(super) fn read(state_dir: &Path) -> Result<(BTreeMap<String, Payment>, u64), DemoError> {
    let path = state_dir.join(ACKNOWLEDGED);
    let log = std::fs::read(&path).map_err(DemoError::io("read", &path))?;
    let mut lines: Vec<_> = log.split(|byte| *byte == b'\n').collect();
    lines.pop();
    let (mut promised, mut unreadable) = (BTreeMap::new(), 0);
    for line in lines {
        match serde_json::from_slice::<Payment>(line) {
            Ok(payment) => drop(promised.insert(payment.key.clone(), payment)),
            Err(_) => unreadable += 1,
        }
    }
    Ok((promised, unreadable))
}
