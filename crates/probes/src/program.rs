//! A program as a document names it: words of a command line, and variables.

use std::collections::BTreeMap;

use steadfast_model::{
    Problems,
    secret::{Secret, TextOrSecret},
};

use crate::{ProbeError, world::World};

/// The most words of a command line.
const MOST_WORDS: usize = 100;
/// The longest word of a command line and the longest variable, in bytes.
const LONGEST_WORD: usize = 8 * 1024;
/// The most variables.
const MOST_VARIABLES: usize = 100;

/// Notes what is wrong with `argv` and `env`.
pub fn check(argv: &[String], env: &BTreeMap<String, TextOrSecret>, problems: &mut Problems) {
    match argv.first() {
        None => problems.error(&["argv"], "no program is named", Some("write argv: [./check, --quick]")),
        Some(program) if program.is_empty() => {
            problems.error(&["argv"], "the name of the program is empty", None);
        }
        Some(program) if argv.len() == 1 && program.contains(' ') => problems.error(
            &["argv"],
            format!("there is hardly a program called `{program}`"),
            Some("one list item a word: argv: [./check, --quick]; for a shell: argv: [sh, -c, '…']"),
        ),
        Some(_) => {}
    }
    let longest = argv.iter().map(String::len).max().unwrap_or(0);
    if argv.len() > MOST_WORDS || longest > LONGEST_WORD {
        let limits = format!("at most {MOST_WORDS} words of at most {LONGEST_WORD} bytes are possible");
        problems.error(&["argv"], limits, Some("put it into a script"));
    }
    if argv.iter().any(|word| word.contains('\0')) {
        problems.error(&["argv"], "no word can hold a zero byte", None);
    }
    if env.len() > MOST_VARIABLES {
        problems.error(&["env"], format!("these are more than {MOST_VARIABLES}"), None);
    }
    for (name, value) in env {
        if name.is_empty() || name.contains(['=', '\0']) || name.len() > LONGEST_WORD {
            problems.error(&["env", name], "this is no name of a variable", None);
        }
        if let TextOrSecret::Text(text) = value
            && (text.contains('\0') || text.len() > LONGEST_WORD)
        {
            problems.error(&["env", name], "this cannot be the value of a variable", None);
        }
    }
}

/// The variables with their values; secrets are read now.
///
/// # Errors
/// When a secret is not there.
pub fn environment(
    env: &BTreeMap<String, TextOrSecret>,
    world: &dyn World,
) -> Result<Vec<(String, Secret)>, ProbeError> {
    let value = |value: &TextOrSecret| match value {
        TextOrSecret::Text(text) => Ok(Secret::new(text.clone())),
        TextOrSecret::Secret { secret } => world.secret(secret),
    };
    env.iter().map(|(name, text)| Ok((name.clone(), value(text)?))).collect()
}

/// A text of a program without the secrets that it was given: many print their arguments or tokens when they fail. What
/// a program has encoded or cut is not found.
#[must_use]
pub fn hide(text: &str, env: &BTreeMap<String, TextOrSecret>, values: &[(String, Secret)]) -> String {
    let is_secret = |name: &str| matches!(env.get(name), Some(TextOrSecret::Secret { .. }));
    let secrets = values.iter().filter(|(name, _)| is_secret(name));
    let mut secrets: Vec<&str> = secrets.map(|(_, value)| value.expose().trim()).collect();
    // One may hold another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
        .into_iter()
        .filter(|secret| !secret.is_empty())
        .fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_nothing_else() {
        let env: BTreeMap<String, TextOrSecret> = serde_json::from_str(
            r#"{ "A": { "secret": { "env": "A" } }, "B": { "secret": { "env": "B" } }, "C": "plain", "D": { "secret": { "env": "D" } } }"#,
        )
        .unwrap();
        let values = [("A", "s3cret\n"), ("B", "s3cret-long"), ("C", "plain"), ("D", "")];
        let values = values.map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned())));
        assert_eq!(hide("plain s3cret-long=s3cret", &env, &values), "plain …=…");
    }
}
