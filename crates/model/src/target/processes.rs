//! Which processes a document means.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Selection;
use crate::Problems;

/// Picks processes: those that match, less what is excluded, and of these as many as selected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessTarget {
    /// Its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The TCP port it listens on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listening: Option<u16>,
    /// The file it runs: the whole path, or without any `/` its last part. `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<String>,
    /// What it was started with, its arguments joined by blanks. `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_line: Option<String>,
    /// The user it acts for, by name in `/etc/passwd` or by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The systemd unit it belongs to, such as `payments.service`; a slice stands for all units in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Those that are left out all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<ProcessMatch>,
    /// How many of them; without it exactly one must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Selection>,
    /// Makes the choice repeatable: with the same seed the same places in the row of the matching, oldest first. 0 when left
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// Describes processes: all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessMatch {
    /// Its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The TCP port it listens on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listening: Option<u16>,
    /// The file it runs: the whole path, or without any `/` its last part. `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<String>,
    /// What it was started with, its arguments joined by blanks. `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_line: Option<String>,
    /// The user it acts for, by name in `/etc/passwd` or by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The systemd unit it belongs to, such as `payments.service`; a slice stands for all units in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl ProcessTarget {
    /// The process with this number.
    #[must_use]
    pub fn with_pid(pid: u32) -> Self {
        Self { pid: Some(pid), ..Self::default() }
    }

    /// The process that listens on this TCP port.
    #[must_use]
    pub fn listening_on(port: u16) -> Self {
        Self { listening: Some(port), ..Self::default() }
    }

    /// What must match.
    #[must_use]
    pub fn wanted(&self) -> ProcessMatch {
        let Self { pid, listening, executable, command_line, user, unit, .. } = self.clone();
        ProcessMatch { pid, listening, executable, command_line, user, unit }
    }

    /// Notes what picks nothing, or everything.
    pub fn check(&self, problems: &mut Problems) {
        self.wanted().check(problems);
        let exclude = problems.base().key("exclude");
        for (index, one) in self.exclude.iter().enumerate() {
            problems.below(exclude.index(index), |problems| one.check(problems));
        }
        Selection::check(self.select, self.seed, problems);
    }
}

impl ProcessMatch {
    fn check(&self, problems: &mut Problems) {
        let mut error = |key: &str, message: String, hint: &str| problems.error(&[key], message, Some(hint));
        match self.pid {
            Some(0) => error("pid", "there is no process 0".into(), "see `ps -e`"),
            Some(1) => error("pid", "process 1 is never touched".into(), "name another process"),
            _ => {}
        }
        if self.listening == Some(0) {
            error("listening", "there is no port 0".into(), "see `ss -ltn`");
        }
        let texts = [
            ("executable", &self.executable, "/usr/bin/java"),
            ("commandLine", &self.command_line, "*payments*"),
            ("user", &self.user, "www-data"),
            ("unit", &self.unit, "payments.service"),
        ];
        for (key, text, example) in texts {
            if let Some(text) = text
                && text.chars().all(|letter| letter == '*')
            {
                error(
                    key,
                    format!("`{text}` tells no process from another"),
                    &format!("write {key}: '{example}'"),
                );
            }
        }
        if *self == Self::default() {
            let hint =
                "write { listening: 7000 }, { executable: java }, or one of pid, commandLine, user, unit";
            problems.error(&[], "nothing says which process", Some(hint));
        }
    }
}

impl fmt::Display for ProcessTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Selection::write(self.select, ["process", "processes"], f)?;
        self.wanted().fmt(f)?;
        for exclude in &self.exclude {
            write!(f, ", not{exclude}")?;
        }
        Ok(())
    }
}

/// ` 4711`, ` listening on 7000`, ` running java for user payments`: what follows the word process.
impl fmt::Display for ProcessMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(pid) = self.pid {
            write!(f, " {pid}")?;
        }
        if let Some(port) = self.listening {
            write!(f, " listening on {port}")?;
        }
        if let Some(path) = &self.executable {
            write!(f, " running {path}")?;
        }
        if let Some(line) = &self.command_line {
            write!(f, " started as `{line}`")?;
        }
        if let Some(user) = &self.user {
            write!(f, " for user {user}")?;
        }
        if let Some(unit) = &self.unit {
            write!(f, " in unit {unit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(document: serde_json::Value) -> ProcessTarget {
        serde_json::from_value(document).unwrap()
    }

    fn problems(document: serde_json::Value) -> Vec<String> {
        let mut problems = Problems::new();
        read(document).check(&mut problems);
        problems.all().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_picks_nothing_or_everything_is_a_problem() {
        for document in [
            json!({}),
            json!({ "pid": 0 }),
            json!({ "pid": 1 }),
            json!({ "listening": 0 }),
            json!({ "commandLine": "**" }),
            json!({ "user": "" }),
            json!({ "executable": "java", "select": { "count": 0 } }),
            json!({ "executable": "java", "select": { "percent": 0 } }),
            json!({ "executable": "java", "select": { "max": 0 } }),
            json!({ "executable": "java", "seed": 7 }),
            json!({ "executable": "java", "exclude": [{}] }),
        ] {
            assert_eq!(problems(document.clone()).len(), 1, "{document}");
        }
        for document in [
            json!({ "pid": 4711 }),
            json!({ "executable": "java", "user": "payments", "select": "one", "seed": 7 }),
            json!({ "unit": "payments.service", "exclude": [{ "commandLine": "*standby*" }], "select": "all" }),
        ] {
            assert_eq!(problems(document.clone()), Vec::<String>::new(), "{document}");
        }
    }

    #[test]
    fn what_is_meant_is_said_in_words() {
        for (document, words) in [
            (json!({ "pid": 7 }), "process 7"),
            (json!({ "listening": 80, "user": "www" }), "process listening on 80 for user www"),
            (
                json!({ "executable": "java", "select": { "percent": "50%" }, "exclude": [{ "unit": "a.service" }] }),
                "50% of the processes running java, not in unit a.service",
            ),
            (json!({ "commandLine": "*pay*", "select": "all" }), "all processes started as `*pay*`"),
        ] {
            assert_eq!(read(document).to_string(), words);
        }
    }
}
