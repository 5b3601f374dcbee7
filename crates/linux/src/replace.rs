//! Putting another program in the place of this one.

use std::{ffi::OsString, os::unix::process::CommandExt, process::Command};

use crate::LinuxError;

/// Goes on as another program, under the same number, with the same environment, directory, streams and parent: whoever
/// waits for this process, or signals it, does so for the other. Threads end, and files that are not inherited close.
///
/// Returns only when that is not possible, with the reason.
#[must_use]
pub fn replace_this_program(command: &[OsString]) -> LinuxError {
    let Some((program, arguments)) = command.split_first() else {
        return LinuxError::start("start a program", std::io::Error::other("no program named"));
    };
    #[expect(clippy::disallowed_methods, reason = "this is the place where programs are started")]
    let error = Command::new(program).args(arguments).exec();
    LinuxError::start(format!("start {}", program.to_string_lossy()), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_started_leaves_this_program_at_work() {
        let said = |command: &[&str]| {
            let command: Vec<OsString> = command.iter().map(Into::into).collect();
            replace_this_program(&command).with_causes()
        };
        assert!(said(&["/no/such/program"]).starts_with("start /no/such/program: "));
        assert_eq!(said(&[]), "start a program: no program named");
    }
}
