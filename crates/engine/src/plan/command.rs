//! A program to run.

use std::collections::BTreeMap;

use steadfast_model::{Duration, secret::TextOrSecret};
use steadfast_probes::{
    program,
    world::{CommandEnd, CommandRequest, World, complaint},
};

/// The most that a program may print, in bytes. It is ended when it prints more.
const LONGEST_OUTPUT: usize = 1024 * 1024;

/// A program to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables of its environment.
    pub env: BTreeMap<String, TextOrSecret>,
    /// It is ended after this time.
    pub deadline: Duration,
    /// Exit codes that mean that it did what it should.
    pub exit_codes: Vec<i32>,
}

impl Command {
    /// It in a few words. Arguments stay out: nobody knows what they are.
    #[must_use]
    pub fn describe(&self) -> String {
        let program = self.argv.first().map_or("nothing", String::as_str);
        format!("`{program}{}`", if self.argv.len() > 1 { " …" } else { "" })
    }

    /// Runs it to its end. Dropping this ends it, with all that it started.
    ///
    /// # Errors
    /// Why it did not do what it should.
    pub async fn run(&self, world: &dyn World) -> Result<String, String> {
        let request = CommandRequest {
            argv: self.argv.clone(),
            env: program::environment(&self.env, world).map_err(|error| format!("failed to {error}"))?,
            timeout: self.deadline.std(),
            longest_output: LONGEST_OUTPUT,
        };
        let answer = world.run(&request).await.map_err(|error| format!("failed to {error}"))?;
        let how = match answer.end {
            CommandEnd::Exited(code) => format!("exit code {code}"),
            CommandEnd::Killed(signal) => format!("it was ended by signal {signal}"),
            CommandEnd::Late => format!("it did not end within {}", self.deadline),
            CommandEnd::TooMuch => format!("it printed more than {LONGEST_OUTPUT} bytes"),
        };
        let left = &answer.left;
        let left = (!left.is_empty()).then(|| format!("it left processes of another user behind: {left:?}"));
        if matches!(answer.end, CommandEnd::Exited(code) if self.exit_codes.contains(&code)) {
            return Ok(match left {
                Some(left) => format!("{how}; {left}"),
                None => how,
            });
        }
        let said = complaint(&program::hide(&answer.errors, &self.env, &request.env));
        let said = said.map(|said| format!("it says: {said}"));
        Err([Some(how), said, left].into_iter().flatten().collect::<Vec<_>>().join("; "))
    }
}
