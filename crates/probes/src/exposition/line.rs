//! Reads one sample: `name{label="value"} number timestamp`.

use std::borrow::Cow;

use super::{LONGEST_LABEL, LONGEST_NAME, MOST_LABELS, Sample, is_label_letter, is_name_letter};

type Labels<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

pub(super) fn sample(line: &str) -> Result<Sample<'_>, String> {
    let mut rest = line;
    let mut name = word(&mut rest, is_name_letter).map(Cow::Borrowed);
    space(&mut rest);
    let mut labels = Labels::new();
    if eat(&mut rest, '{') {
        read_labels(&mut rest, &mut name, &mut labels)?;
    }
    let name = name.ok_or_else(|| format!("a metric's name is expected, not `{}`", start_of(line)))?;
    if name.len() > LONGEST_NAME {
        return Err(format!("a name is longer than {LONGEST_NAME} bytes"));
    }
    // OpenMetrics: an exemplar follows after ` # `.
    let rest = rest.split_once(" # ").map_or(rest, |(numbers, _)| numbers);
    let mut numbers = rest.split_ascii_whitespace();
    let value = numbers.next().ok_or_else(|| format!("`{}` has no value", start_of(&name)))?;
    let value = number(value).ok_or_else(|| format!("`{}` is no number", start_of(value)))?;
    if let Some(timestamp) = numbers.next()
        && !number(timestamp).is_some_and(f64::is_finite)
    {
        return Err(format!("`{}` is no timestamp", start_of(timestamp)));
    }
    match numbers.next() {
        Some(more) => Err(format!("`{}` is not expected after value and timestamp", start_of(more))),
        None => Ok(Sample { name, labels, value }),
    }
}

fn read_labels<'a>(
    rest: &mut &'a str,
    name: &mut Option<Cow<'a, str>>,
    labels: &mut Labels<'a>,
) -> Result<(), String> {
    loop {
        space(rest);
        if eat(rest, '}') {
            return Ok(());
        }
        let label = if rest.starts_with('"') {
            quoted(rest)?
        } else {
            let label = word(rest, is_label_letter).map(Cow::Borrowed);
            label.ok_or_else(|| format!("a label's name or `}}` is expected, not `{}`", start_of(rest)))?
        };
        if label.is_empty() {
            return Err("a name in quotes is empty".to_owned());
        }
        space(rest);
        if eat(rest, '=') {
            space(rest);
            let value = quoted(rest)?;
            add(labels, label, value)?;
        } else if name.is_none() {
            *name = Some(label);
        } else {
            return Err(format!("`=` is expected after the label `{}`", start_of(&label)));
        }
        space(rest);
        if !eat(rest, ',') && !rest.starts_with('}') {
            return Err(format!("`,` or `}}` is expected, not `{}`", start_of(rest)));
        }
    }
}

fn add<'a>(labels: &mut Labels<'a>, label: Cow<'a, str>, value: Cow<'a, str>) -> Result<(), String> {
    if labels.len() == MOST_LABELS {
        return Err(format!("a sample has more than {MOST_LABELS} labels"));
    }
    if label.len() > LONGEST_NAME || value.len() > LONGEST_LABEL {
        return Err(format!("a label is longer than {LONGEST_NAME} bytes or its value than {LONGEST_LABEL}"));
    }
    if labels.iter().any(|(other, _)| *other == label) {
        return Err(format!("the label `{}` comes twice", start_of(&label)));
    }
    labels.push((label, value));
    Ok(())
}

/// A text in double quotes, with `\\`, `\"` and `\n`.
fn quoted<'a>(rest: &mut &'a str) -> Result<Cow<'a, str>, String> {
    let inner = rest
        .strip_prefix('"')
        .ok_or_else(|| format!("a value in quotes is expected, not `{}`", start_of(rest)))?;
    let mut copy: Option<String> = None;
    let mut letters = inner.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => {
                *rest = &inner[at + 1..];
                return Ok(copy.map_or(Cow::Borrowed(&inner[..at]), Cow::Owned));
            }
            '\\' => {
                let copy = copy.get_or_insert_with(|| inner[..at].to_owned());
                match letters.next() {
                    Some((_, 'n')) => copy.push('\n'),
                    Some((_, same @ ('\\' | '"'))) => copy.push(same),
                    Some((_, other)) => copy.extend(['\\', other]),
                    None => break,
                }
            }
            other => {
                if let Some(copy) = &mut copy {
                    copy.push(other);
                }
            }
        }
    }
    Err("a quote is not closed".to_owned())
}

/// A float as Prometheus writes it: `12`, `1.5e3`, `NaN`, `+Inf`.
fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn word<'a>(rest: &mut &'a str, is_letter: fn(char) -> bool) -> Option<&'a str> {
    let length = rest.find(|letter| !is_letter(letter)).unwrap_or(rest.len());
    let (word, after) = rest.split_at(length);
    if word.is_empty() || word.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    *rest = after;
    Some(word)
}

fn space(rest: &mut &str) {
    *rest = rest.trim_start_matches([' ', '\t']);
}

fn eat(rest: &mut &str, letter: char) -> bool {
    let after = rest.strip_prefix(letter);
    *rest = after.unwrap_or(rest);
    after.is_some()
}

/// Enough of a text to recognise it.
fn start_of(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
