use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::{Duration, Percent, Problems, Rate, problem::Path};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Ride {
    name: String,
    stops: Vec<Stop>,
    every: Duration,
    share: Option<Percent>,
    pace: Rate,
    seats: u8,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Stop {
    Platform { number: u16 },
    Hail,
}

const RIDE: &str = "\
# yaml-language-server: $schema=ride.json
name: night
stops:
  - platform: { number: 4 }
  - hail
every: 20m
pace: 200/s
seats: 40
";

fn read(source: &str) -> Result<Ride, String> {
    let shown = |problems: &Problems| render(problems, "ride.yaml", source, false);
    let nodes = parse(source).map_err(|problems| shown(&problems))?;
    let mut problems = Problems::new();
    let top = nodes.first().ok_or("nothing")?;
    let ride = decode(&Place::top(top), &mut problems);
    problems.sort();
    ride.ok_or_else(|| shown(&problems))
}

#[track_caller]
fn refused(source: &str, expected: &str) {
    assert_eq!(read(source).unwrap_err().trim_end(), expected.trim(), "for\n{source}");
}

#[test]
fn a_fitting_document_is_read() {
    let ride = read(RIDE).unwrap();
    assert_eq!((ride.name.as_str(), ride.seats, ride.stops.len()), ("night", 40, 2));
    assert_eq!((ride.pace.get(), ride.every.seconds(), ride.share), (200.0, 1200.0, None));
}

#[test]
fn all_problems_are_found_at_once() {
    refused(
        "\
nane: night
stops:
  - platform: { number: 4, nunber: 5 }
  - platform: {}
  - plattform: { number: 3 }
  - platform: { number: -1 }
  - hail: 3
every: 200 parsecs
share: 101%
seats: 300
labels: { tier: true }
",
        "\
error: `name` is missing
 --> ride.yaml:1:1
  |
1 | nane: night
  | ^^^^^^^^^^^

error: `pace` is missing
 --> ride.yaml:1:1
  |
1 | nane: night
  | ^^^^^^^^^^^

error: unknown key `nane`
 --> ride.yaml:1:1
  |
1 | nane: night
  | ^^^^
help: did you mean `name`?

error: unknown key `nunber`
 --> ride.yaml:3:28
  |
3 |   - platform: { number: 4, nunber: 5 }
  |                            ^^^^^^
help: did you mean `number`?

error: `number` is missing
 --> ride.yaml:4:5
  |
4 |   - platform: {}
  |     ^^^^^^^^

error: unknown stop `plattform`
 --> ride.yaml:5:5
  |
5 |   - plattform: { number: 3 }
  |     ^^^^^^^^^
help: did you mean `platform`?

error: expected a whole number from 0 to 65535, found the number -1
 --> ride.yaml:6:25
  |
6 |   - platform: { number: -1 }
  |                         ^^

error: `hail` takes no value
 --> ride.yaml:7:5
  |
7 |   - hail: 3
  |     ^^^^
help: write only `hail`

error: `200 parsecs` is not a duration
 --> ride.yaml:8:8
  |
8 | every: 200 parsecs
  |        ^^^^^^^^^^^
help: write a number and a unit, such as 300ms, 20s, 2m or 1h

error: `101%` is outside 0% to 100%
 --> ride.yaml:9:8
  |
9 | share: 101%
  |        ^^^^

error: expected a whole number from 0 to 255, found the number 300
  --> ride.yaml:10:8
   |
10 | seats: 300
   |        ^^^

error: expected a text, found `true`
  --> ride.yaml:11:17
   |
11 | labels: { tier: true }
   |                 ^^^^
help: quote it: \"true\"
",
    );
}

#[test]
fn what_could_hurt_is_refused() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let last = level - 1;
        laughs += &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{last}"); 9].join(", "));
    }
    let flow = "[".repeat(500_000);
    let block: String = (0..200).map(|depth| " ".repeat(depth) + "a:\n").collect();
    let long = "x".repeat(LONGEST_BYTES + 1);
    for (source, expected) in [
        (laughs.as_str(), "anchors and aliases copy more than 10000 values"),
        (&flow, "nested deeper than 64"),
        (&block, "nested deeper than 64"),
        (&long, "at most 1048576 are read"),
        ("a: &a [*a]", "this alias stands inside of what it refers to"),
        ("a: *nowhere", "not valid YAML"),
        ("a: 1\nb:\n\tc: 2", "tabs cannot indent YAML"),
        ("a: [1, 2", "not valid YAML"),
        ("a: \u{0}b", "control character U+0000"),
        ("a: b\rc: d\n", "f:1:5"),
        ("a: b\rc: d\n", "carriage return without a line feed"),
        ("a: !!python/object:os.system x", "is not supported"),
        ("<<: {a: 1}", "merge keys"),
        ("? [a, b]\n: c", "a key must be a text"),
    ] {
        let shown = render(&parse(source).unwrap_err(), "f", source, false);
        assert!(shown.contains(expected), "{shown}");
        assert!(shown.len() < 2_000, "{}", shown.len());
    }
}

#[test]
fn keys_given_twice_are_all_reported() {
    refused(
        "name: a\nseats: 1\nname: b\nlabels: { x: a, y: b, \"x\": c }\n",
        "\
error: the key `name` is given twice
 --> ride.yaml:3:1
  |
3 | name: b
  | ^^^^
help: it was given first on line 1; keep one of them

error: the key `x` is given twice
 --> ride.yaml:4:23
  |
4 | labels: { x: a, y: b, \"x\": c }
  |                       ^^^
help: it was given first on line 4; keep one of them
",
    );
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    let problems = text(b"a: 1\nb: \xff").unwrap_err();
    assert_eq!(problems.all()[0].span.map(|span| (span.line, span.column)), Some((2, 4)));
}

#[test]
fn scalars_follow_the_core_schema() {
    let source = "[no, on, yes, 0755, 1_000, 12:30, 1.10, +5, -0.5, .5, 1e3, 0x1F, 0o17, ~, True, '5', \"null\", !!str 7, 2026-01-01, 1.2.3, '']";
    let json = parse(source).unwrap()[0].to_json();
    let expected = serde_json::json!([
        "no",
        "on",
        "yes",
        "0755",
        "1_000",
        "12:30",
        1.10,
        5,
        -0.5,
        0.5,
        1000.0,
        31,
        15,
        null,
        true,
        "5",
        "null",
        "7",
        "2026-01-01",
        "1.2.3",
        ""
    ]);
    assert_eq!(json, expected);
}

#[test]
fn a_file_may_hold_several_documents_and_aliases() {
    let nodes = parse("a: &x { b: 1 }\nc: *x\n---\nsecond\n").unwrap();
    assert_eq!(nodes.len(), 2);
    assert_eq!(nodes[0].to_json(), serde_json::json!({ "a": { "b": 1 }, "c": { "b": 1 } }));
    assert!(parse("").unwrap().is_empty());
}

#[test]
fn colour_changes_nothing_but_colour_and_nothing_reaches_the_terminal() {
    let source = "nane: \u{202e}x";
    let nodes = parse(source).unwrap();
    let mut problems = Problems::new();
    assert!(decode::<Ride>(&Place::top(&nodes[0]), &mut problems).is_none());
    let plain = render(&problems, "f\u{1b}[2J", source, false);
    assert!(!plain.contains('\u{1b}') && !plain.contains('\u{202e}'), "{plain}");
    assert!(render(&problems, "f", source, true).contains("\u{1b}[1;31merror"));
    assert_eq!(to_json(&problems, "f")[0]["line"], 1);
}

#[test]
fn problems_by_path_find_their_line_also_when_the_path_ends_early() {
    let nodes = parse("spec:\n  method:\n    - inject: { for: 0s }\n").unwrap();
    let mut problems = Problems::new();
    problems.below(Path::default().key("spec").key("method").index(0).key("inject"), |problems| {
        problems.error(&["for"], "too short", None);
        problems.error(&["fault", "latency"], "missing", None);
    });
    Place::top(&nodes[0]).locate(&mut problems);
    let spans: Vec<_> = problems.all().iter().map(|p| p.span.unwrap()).map(|s| (s.line, s.column)).collect();
    assert_eq!(spans, [(3, 22), (3, 7)]);
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
        "[-+:#&*!?%@`'\"{}\\[\\], ynote0-9.\n]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec((".{0,8}", inner), 0..5).prop_map(|entries| serde_json::Value::Object(
                entries.into_iter().filter(|(k, _)| k != "<<").collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn reading_what_was_printed_gives_the_same(value in json()) {
        let printed = print(&value);
        let nodes = parse(&printed).map_err(|p| TestCaseError::fail(format!("{p}\n{printed}")))?;
        prop_assert_eq!(nodes[0].to_json(), value, "{}", printed);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(text) = text(&bytes) {
            read(text).ok();
        }
    }

    #[test]
    fn no_yaml_like_text_makes_it_panic(text in "[-a:\\[\\]{},&*!|>'\"%@?# \n\t0é]{0,120}") {
        read(&text).ok();
    }

    #[test]
    fn no_changed_document_makes_it_panic(at in 0..RIDE.len(), drop in 0_usize..6, add in "[-a:\\[\\]{},&*!|>'\"%@?# \n\t0]{0,4}") {
        let end = (at + drop).min(RIDE.len());
        read(&format!("{}{add}{}", &RIDE[..at], &RIDE[end..])).ok();
    }
}

#[test]
fn a_long_line_of_many_maps_is_read_without_measuring_it_for_each() {
    // Quadratic reading takes ten seconds here, and a minute on a slow machine.
    let source = format!("[{}]", "? a, ".repeat((LONGEST_BYTES - 10) / 5));
    let Value::List(items) = &parse(&source).unwrap()[0].value else { panic!() };
    assert_eq!(items.len(), (LONGEST_BYTES - 10) / 5);
}
