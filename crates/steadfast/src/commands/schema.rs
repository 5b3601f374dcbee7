//! `steadfast schema`

use crate::{cli::DocumentKind, failure::Failure, terminal::Terminal};

/// Prints the JSON Schema of a kind of document.
pub(crate) fn schema(document: DocumentKind, terminal: Terminal) -> Result<u8, Failure> {
    let schema = match document {
        DocumentKind::Experiment => steadfast_experiment::schema(),
        DocumentKind::Policy => steadfast_host::policy::schema(),
    };
    terminal.print_data(serde_json::to_string_pretty(&schema).map_err(Failure::failed)?);
    Ok(0)
}
