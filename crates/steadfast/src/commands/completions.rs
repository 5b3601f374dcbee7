//! `steadfast completions SHELL`

use clap::CommandFactory;

use crate::{cli::Cli, failure::Failure, terminal::Terminal};

/// Prints a completion script.
pub(crate) fn completions(shell: clap_complete::Shell, terminal: Terminal) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "steadfast", &mut script);
    terminal.print(String::from_utf8_lossy(&script).trim_end());
    Ok(0)
}
