use futures_util::FutureExt;

use super::*;
use crate::world::{CommandAnswer, fake::FakeWorld};

const CHECK: &str = r#"{ "argv": ["./check", "--quick"] }"#;
const NUMBER: &str = r#"{ "argv": ["lag"], "expect": { "number": { "atMost": 5 } } }"#;
const JSON: &str = r#"{ "argv": ["state"], "expect": { "json": { "pointer": "/lag", "atMost": 5 } } }"#;
const EQUALS: &str = r#"{ "argv": ["state"], "expect": { "json": { "pointer": "/ok", "equals": true } } }"#;

fn probe(document: &str) -> Command {
    serde_json::from_str(document).unwrap()
}

/// What a second look counts, or why it counts nothing.
fn second(document: &str, end: CommandEnd, output: &str) -> Result<(u64, u64, String), String> {
    let world = FakeWorld::new();
    let mut watch = probe(document).watch();
    let mut look = || {
        world.end(CommandAnswer {
            end,
            output: output.to_owned(),
            errors: "oops\n".to_owned(),
            left: Vec::new(),
        });
        watch.look(&world).now_or_never().expect("the fake world never waits")
    };
    if let Ok(first) = look() {
        assert_eq!(first.increment, Increment::default());
    }
    let counted = look().map_err(|error| error.to_string())?;
    Ok((counted.increment.bad, counted.increment.total, counted.note.unwrap_or_default()))
}

#[test]
fn an_exit_code_decides() {
    assert_eq!(second(CHECK, CommandEnd::Exited(0), ""), Ok((0, 1, String::new())));
    assert_eq!(second(CHECK, CommandEnd::Exited(3), ""), Ok((1, 1, "exit code 3".to_owned())));
    assert_eq!(second(CHECK, CommandEnd::Late, ""), Ok((1, 1, "it did not end within 5s".to_owned())));
}

#[test]
fn what_a_program_tells_of_its_secrets_is_not_passed_on() {
    let document = r#"{ "argv": ["lag"], "env": { "T": { "secret": { "env": "TOKEN" } } },
        "expect": { "json": { "pointer": "/state", "equals": "ready" } } }"#;
    let mut world = FakeWorld::new();
    world.secrets.insert("TOKEN".to_owned(), "t0ken".to_owned());
    let mut watch = probe(document).watch();
    let mut look = |end, output: &str| {
        let errors = "cannot log in as t0ken\n".to_owned();
        world.end(CommandAnswer { end, output: output.to_owned(), errors, left: vec![7] });
        watch.look(&world).now_or_never().unwrap()
    };
    let error = look(CommandEnd::Exited(1), "").unwrap_err();
    assert_eq!(
        error.cause,
        "it ended with exit code 1; it says: cannot log in as …; it left processes of another user behind: [7]"
    );
    assert_eq!(look(CommandEnd::Exited(0), r#"{"state":"ready"}"#).unwrap().increment.bad, 0);
    let counted = look(CommandEnd::Exited(0), r#"{"state":"t0ken"}"#).unwrap();
    assert_eq!(counted.increment.bad, 1);
    let note = counted.note.unwrap();
    assert!(!note.contains("t0ken") && note.contains("left processes"), "{note}");
}

#[test]
fn a_number_or_a_value_decides() {
    assert_eq!(second(NUMBER, CommandEnd::Exited(0), " 4.5\n"), Ok((0, 1, String::new())));
    assert_eq!(second(NUMBER, CommandEnd::Exited(0), "6"), Ok((1, 1, "6 is not at most 5".to_owned())));
    assert_eq!(second(JSON, CommandEnd::Exited(0), "{\"lag\":5}"), Ok((0, 1, String::new())));
    assert_eq!(second(JSON, CommandEnd::Exited(0), "{\"lag\":7}").unwrap().0, 1);
    assert_eq!(second(EQUALS, CommandEnd::Exited(0), "{\"ok\":false}").unwrap().0, 1);
}

#[test]
fn a_program_that_says_nothing_about_the_system_is_a_gap() {
    for (document, end, output, expected) in [
        (CHECK, CommandEnd::Exited(127), "", "exit code 127"),
        (CHECK, CommandEnd::Killed(9), "", "signal 9"),
        (CHECK, CommandEnd::TooMuch, "", "more than 65536 bytes"),
        (NUMBER, CommandEnd::Exited(1), "4", "exit code 1"),
        (NUMBER, CommandEnd::Late, "4", "did not end within 5s"),
        (NUMBER, CommandEnd::Exited(0), "", "no number"),
        (NUMBER, CommandEnd::Exited(0), "NaN", "no number"),
        (JSON, CommandEnd::Exited(0), "lag: 5", "not JSON"),
        (JSON, CommandEnd::Exited(0), "{}", "nothing at `/lag`"),
        (JSON, CommandEnd::Exited(0), "{\"lag\":\"5\"}", "no number"),
    ] {
        let error = second(document, end, output).unwrap_err();
        assert!(error.contains(expected) && error.contains("it says: oops"), "{error}");
    }
}

#[test]
fn secrets_reach_the_program_and_nobody_else() {
    let mut world = FakeWorld::new();
    world.secrets.insert("PW".to_owned(), "s3cret".to_owned());
    let probe = probe(r#"{ "argv": ["psql"], "env": { "PGPASSWORD": { "secret": { "env": "PW" } } } }"#);
    let request = probe.request(&world).unwrap();
    assert_eq!(request.env[0].1.expose(), "s3cret");
    assert!(!format!("{request:?} {probe:?} {}", probe.describe()).contains("s3cret"));
}

#[test]
fn all_that_is_wrong_with_a_probe_is_said_at_once() {
    let check = |document: &str| {
        let mut problems = Problems::new();
        probe(document).check(&mut problems);
        problems.all().len()
    };
    for sound in [CHECK, NUMBER, JSON, EQUALS] {
        assert_eq!(check(sound), 0, "{sound}");
    }
    assert_eq!(
        check(r#"{ "argv": [], "timeout": "2m", "env": { "A=B": "x" }, "expect": { "exitCode": [] } }"#),
        4
    );
    assert_eq!(check(r#"{ "argv": ["check --quick"], "expect": { "exitCode": [256] } }"#), 2);
    assert_eq!(check(r#"{ "argv": ["a"], "expect": { "number": {} } }"#), 1);
    assert_eq!(
        check(r#"{ "argv": ["a"], "expect": { "json": { "pointer": "x", "equals": 1, "atMost": 2 } } }"#),
        2
    );
}
