//! `steadfast schema`

use crate::{failure::Failure, terminal::Terminal};

/// Prints the JSON Schema of the experiment document.
pub(crate) fn schema(terminal: Terminal) -> Result<u8, Failure> {
    terminal
        .print_data(serde_json::to_string_pretty(&steadfast_experiment::schema()).map_err(Failure::failed)?);
    Ok(0)
}
