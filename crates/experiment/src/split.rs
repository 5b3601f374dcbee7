//! Probes with keys of their own beside the probe's: `http: { name: checkout, tolerance: …, url: … }`.

use serde::de::DeserializeOwned;
use steadfast_model::{
    Problems,
    yaml::{Entry, Node, Place, Value, decode, decode_most, suggest},
};
use steadfast_probes::ProbeSpec;

/// The one key of a map and what stands below it.
pub(crate) fn one_key<'a>(
    item: &Place<'a>,
    noun: &str,
    known: &[&str],
    problems: &mut Problems,
) -> Option<(&'a str, Place<'a>)> {
    let mut entries = item.entries();
    let Some((entry, body)) = entries.next() else {
        let hint = format!("possible here: {}", known.join(", "));
        problems.push(item.problem(format!("expected a {noun}: a map with one key"), Some(hint)));
        return None;
    };
    if let Some((second, place)) = entries.next() {
        let hint = match known.contains(&second.key.as_str()) {
            true => format!("begin another list item: `- {}:`", second.key),
            false => format!("indent it further, below `{}`", entry.key),
        };
        let mut problem = place
            .problem(format!("`{}` is one key too many: a {noun} has exactly one", second.key), Some(hint));
        problem.span = Some(second.key_span);
        problems.push(problem);
        return None;
    }
    if !known.contains(&entry.key.as_str()) {
        let hint = suggest(&entry.key, known.iter().copied());
        let mut problem = body.problem(format!("unknown {noun} `{}`", entry.key), hint);
        problem.span = Some(entry.key_span);
        problems.push(problem);
        return None;
    }
    Some((&entry.key, body))
}

/// Reads and checks the probe below a key, leaving out the keys that are not the probe's.
pub(crate) fn probe(item: &Place<'_>, own: &[&str], problems: &mut Problems) -> Option<ProbeSpec> {
    let (entry, body) = item.entries().next()?;
    let rest = match &body.node.value {
        Value::Map(entries) => Value::Map(without(entries, own)),
        other => other.clone(),
    };
    let entry = Entry { value: Node { value: rest, span: body.node.span }, ..entry.clone() };
    let node = Node { value: Value::Map(vec![entry]), span: item.node.span };
    let before = problems.all().len();
    let place = Place { node: &node, ..item.clone() };
    let spec: Option<ProbeSpec> = decode_most(&place, problems);
    // A key that is nearly one of ours is not one of the probe's.
    for problem in &mut problems.all_mut()[before..] {
        let word = problem.message.strip_prefix("unknown key `").and_then(|rest| rest.strip_suffix('`'));
        if let Some(hint) = word.and_then(|word| suggest(word, own.iter().copied()))
            && hint.starts_with("did you mean")
        {
            problem.hint = Some(hint);
        }
    }
    let spec = spec?;
    problems.below(body.path, |problems| spec.as_probe().check(problems));
    Some(spec)
}

/// Reads a key of a map that must be there.
pub(crate) fn required<T: DeserializeOwned>(
    body: &Place<'_>,
    key: &str,
    hint: &str,
    problems: &mut Problems,
) -> Option<T> {
    match body.get(key) {
        Some(place) => decode(&place, problems),
        None => {
            problems.push(body.problem(format!("`{key}` is missing"), Some(hint.to_owned())));
            None
        }
    }
}

/// Some entries left out.
pub(crate) fn without(entries: &[Entry], keys: &[&str]) -> Vec<Entry> {
    entries.iter().filter(|entry| !keys.contains(&entry.key.as_str())).cloned().collect()
}
