//! Asking before anything is touched.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::{failure::Failure, terminal::Terminal};

/// Asks on a terminal. Without one there is nobody to ask, so the answer must have been given with `--yes`.
///
/// # Errors
/// When nobody can be asked.
pub(crate) fn confirm(yes: bool, terminal: Terminal) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("nobody is there to agree").hint(Some("say --yes if you do")));
    }
    let mut stream = io::stderr().lock();
    // When the question cannot be shown, the answer cannot be yes.
    if write!(stream, "Go on? [y/N] ").and_then(|()| stream.flush()).is_err() {
        return Ok(false);
    }
    drop(stream);
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::failed(format!("read the answer: {error}")))?;
    let agreed = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    if !agreed {
        terminal.say("Nothing was touched.");
    }
    Ok(agreed)
}
