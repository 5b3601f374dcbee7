//! Runs a program and looks at what it says.

mod expect;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{Duration, Problems, sample::Increment, secret::TextOrSecret};

pub use expect::{CommandExpectation, JsonExpectation, NumberExpectation};

use crate::{
    Counted, Probe, ProbeError, Watch, program,
    world::{CommandAnswer, CommandEnd, CommandRequest, World, complaint},
};

/// The most that a program may print, in bytes. It is ended when it prints more.
pub const LONGEST_OUTPUT: usize = 64 * 1024;

/// Runs a program once a look and counts whether it says that all is well: one event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Command {
    /// The program and its arguments, word for word: no shell is between.
    pub argv: Vec<String>,
    /// It and all it started are killed after this time. At most a minute.
    #[serde(default = "five_seconds")]
    pub timeout: Duration,
    /// Variables of its environment, beside `PATH`, `HOME`, `USER`, `LANG` and `TZ`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, TextOrSecret>,
    /// What is good.
    #[serde(default)]
    pub expect: CommandExpectation,
}

fn five_seconds() -> Duration {
    Duration::from_secs(5)
}

impl Probe for Command {
    fn check(&self, problems: &mut Problems) {
        program::check(&self.argv, &self.env, problems);
        crate::address::check_timeout(self.timeout.std(), problems);
        self.expect.check(problems);
    }

    fn describe(&self) -> String {
        let program = self.argv.first().map_or("nothing", String::as_str);
        let (more, timeout) = (if self.argv.len() > 1 { " …" } else { "" }, self.timeout);
        format!("`{program}{more}`: bad unless {}, within {timeout}", self.expect)
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(CommandWatch { probe: self.clone(), looked: false })
    }
}

struct CommandWatch {
    probe: Command,
    looked: bool,
}

#[async_trait]
impl Watch for CommandWatch {
    async fn look(&mut self, world: &dyn World) -> Result<Counted, ProbeError> {
        let request = self.probe.request(world)?;
        let answer = world.run(&request).await?;
        let first = !std::mem::replace(&mut self.looked, true);
        let hide = |text: &str| program::hide(text, &self.probe.env, &request.env);
        let CommandAnswer { end, output, errors, left } = answer;
        // It is judged by what it said, and told without what it must not tell.
        let judged = self.probe.wrong_with(&end, &output);
        let told = self.probe.wrong_with(&end, &hide(&output));
        let left = (!left.is_empty()).then(|| format!("it left processes of another user behind: {left:?}"));
        let wrong = match (judged, told) {
            (Ok(None), _) => None,
            (Ok(Some(_)), Ok(Some(wrong))) => Some(wrong),
            (Ok(Some(_)), _) => Some("it says something else".to_owned()),
            (Err((_, hint)), told) => {
                let cause = told.err().map_or_else(|| "it cannot be read".to_owned(), |(cause, _)| cause);
                let said = complaint(&hide(&errors)).map(|said| format!("it says: {said}"));
                let cause = [Some(cause), said, left].into_iter().flatten().collect::<Vec<_>>().join("; ");
                return Err(self.probe.error(cause, hint));
            }
        };
        let increment = match first {
            true => Increment::default(),
            false => Increment { bad: u64::from(wrong.is_some()), total: 1 },
        };
        let notes: Vec<String> = wrong.into_iter().chain(left).collect();
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        Ok(Counted { increment, note, spans_gap: false })
    }
}

type Gap = (String, Option<&'static str>);

impl Command {
    fn request(&self, world: &dyn World) -> Result<CommandRequest, ProbeError> {
        Ok(CommandRequest {
            argv: self.argv.clone(),
            env: program::environment(&self.env, world)?,
            timeout: self.timeout.std(),
            longest_output: LONGEST_OUTPUT,
        })
    }

    /// What is bad about how it ended and what it printed; `None` when it is good. An error when it said nothing about
    /// the system at all.
    fn wrong_with(&self, end: &CommandEnd, output: &str) -> Result<Option<String>, Gap> {
        let late = || format!("it did not end within {}", self.timeout);
        match (end, &self.expect) {
            (CommandEnd::Exited(code), CommandExpectation::ExitCode(good)) => match code {
                code if good.contains(code) => Ok(None),
                126 | 127 => Err((
                    format!("it ended with exit code {code}: a shell could not start what it should"),
                    Some("is the program there, and may it be executed?"),
                )),
                code => Ok(Some(format!("exit code {code}"))),
            },
            (CommandEnd::Exited(0), expect) => expect.wrong_with(output),
            (CommandEnd::Exited(code), _) => Err((format!("it ended with exit code {code}"), None)),
            // Whoever asks only for an end has waited for it in vain.
            (CommandEnd::Late, CommandExpectation::ExitCode(_)) => Ok(Some(late())),
            (CommandEnd::Late, _) => Err((late(), Some("a longer `timeout`, of at most a minute"))),
            (CommandEnd::Killed(signal), _) => Err((format!("it was ended by signal {signal}"), None)),
            (CommandEnd::TooMuch, _) => {
                Err((format!("it printed more than {LONGEST_OUTPUT} bytes"), Some("print only what counts")))
            }
        }
    }

    fn error(&self, cause: String, hint: Option<&str>) -> ProbeError {
        ProbeError {
            what: format!("run `{}`", self.argv.first().map_or("", String::as_str)),
            cause,
            hint: hint.map(str::to_owned),
            ours: false,
        }
    }
}
