//! Reads a selector, left to right.

use regex::RegexBuilder;

use super::{LONGEST, Matcher, NAME, Selector, Test};
use crate::exposition::{is_label_letter, is_name_letter};

const MOST_MATCHERS: usize = 64;
const LARGEST_REGEX: usize = 1024 * 1024;

pub(super) fn selector(text: &str) -> Result<Selector, String> {
    let text = text.trim();
    if text.len() > LONGEST {
        return Err(format!("this selector is longer than {LONGEST} bytes"));
    }
    let mut cursor = Cursor { text, at: 0 };
    let mut name = cursor.word(is_name_letter).map(str::to_owned);
    cursor.space();
    let mut matchers = Vec::new();
    if cursor.eat('{') {
        cursor.matchers(&mut matchers)?;
    }
    cursor.space();
    if let Some(letter) = cursor.peek() {
        return Err(cursor.wrong(&unexpected_end(letter)));
    }
    for matcher in matchers.iter().filter(|matcher| matcher.label == NAME) {
        match &matcher.test {
            Test::Equal(value) if name.is_none() => name = Some(value.clone()),
            _ if name.is_some() => return Err(format!("`{text}` names the metric twice")),
            _ => {}
        }
    }
    if name.is_none() && !matchers.iter().any(|matcher| matcher.label == NAME) {
        return Err(format!("`{text}` names no metric: write http_requests_total{{code=\"500\"}}"));
    }
    Ok(Selector { text: text.to_owned(), name, matchers })
}

fn unexpected_end(letter: char) -> String {
    match letter {
        '[' => {
            "a range such as [5m] is not needed: counters are compared from one look to the next".to_owned()
        }
        '(' => "functions cannot be used: name the series, and counting is done here".to_owned(),
        other => format!("`{other}` is not expected: a selector is a name and {{matchers}}"),
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn matchers(&mut self, into: &mut Vec<Matcher>) -> Result<(), String> {
        loop {
            self.space();
            if self.eat('}') {
                return Ok(());
            }
            if into.len() == MOST_MATCHERS {
                return Err(self.wrong(&format!("more than {MOST_MATCHERS} matchers")));
            }
            into.push(self.matcher()?);
            self.space();
            if !self.eat(',') && self.peek() != Some('}') {
                return Err(self.wrong("`,` or `}` is expected after a matcher"));
            }
        }
    }

    fn matcher(&mut self) -> Result<Matcher, String> {
        let label = self
            .word(is_label_letter)
            .ok_or_else(|| self.wrong("a label's name or `}` is expected"))?
            .to_owned();
        self.space();
        let start = self.at;
        while matches!(self.peek(), Some('=' | '!' | '~' | '<' | '>')) {
            self.at += 1;
        }
        let operator = &self.text[start..self.at];
        self.space();
        let test = match operator {
            "=" => Test::Equal(self.value()?),
            "!=" => Test::NotEqual(self.value()?),
            "=~" => Test::Like(self.regex()?),
            "!~" => Test::NotLike(self.regex()?),
            _ => return Err(self.wrong("one of =, !=, =~ and !~ is expected after a label's name")),
        };
        Ok(Matcher { label, test })
    }

    fn regex(&mut self) -> Result<regex::Regex, String> {
        let at = self.at;
        let pattern = self.value()?;
        RegexBuilder::new(&format!("^(?s:{pattern})$")).size_limit(LARGEST_REGEX).build().map_err(|wrong| {
            let reason = wrong.to_string();
            let reason = reason.lines().last().unwrap_or("it cannot be read").trim_start_matches("error: ");
            Cursor { text: self.text, at }.wrong(&format!("`{pattern}` is no regular expression: {reason}"))
        })
    }

    /// A value in quotes, with `\\`, `\n`, `\t` and escaped quotes.
    fn value(&mut self) -> Result<String, String> {
        let Some(quote @ ('"' | '\'')) = self.peek() else {
            return Err(self.wrong("a value in quotes is expected"));
        };
        let start = self.at;
        self.at += 1;
        let mut value = String::new();
        while let Some(letter) = self.next() {
            match letter {
                '\\' => match self.next() {
                    Some('n') => value.push('\n'),
                    Some('t') => value.push('\t'),
                    Some(same @ ('\\' | '"' | '\'')) => value.push(same),
                    _ => {
                        return Err(
                            self.wrong("only \\\\, \\\", \\', \\n and \\t may follow a backslash; double it")
                        );
                    }
                },
                end if end == quote => return Ok(value),
                other => value.push(other),
            }
        }
        Err(Cursor { text: self.text, at: start }.wrong("this quote is not closed"))
    }

    fn word(&mut self, is_letter: fn(char) -> bool) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let length = rest.find(|letter| !is_letter(letter)).unwrap_or(rest.len());
        let word = &rest[..length];
        if word.is_empty() || word.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        self.at += length;
        Some(word)
    }

    fn space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    fn eat(&mut self, letter: char) -> bool {
        let found = self.peek() == Some(letter);
        if found {
            self.at += letter.len_utf8();
        }
        found
    }

    fn wrong(&self, what: &str) -> String {
        let column = self.text[..self.at].chars().count() + 1;
        format!("`{}` cannot be read at character {column}: {what}", self.text)
    }
}
