//! Words on a terminal: colours only where they are seen, and sense without them.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
};

use steadfast_model::{
    Verdict,
    text::{REPLACED, harmless_lines},
};

use crate::cli::Colour;

/// How to write to people.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Standard output is a terminal that shows colours.
    pub(crate) stdout_colour: bool,
    /// Standard error is.
    pub(crate) stderr_colour: bool,
    /// Standard error is a terminal, so that a line may be drawn over.
    pub(crate) live: bool,
}

impl Terminal {
    /// Looks at the streams and at `NO_COLOR`.
    pub(crate) fn new(colour: Colour) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let use_colour = |is_terminal: bool| match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => is_terminal && !plain && !dumb,
        };
        Self {
            stdout_colour: use_colour(io::stdout().is_terminal()),
            stderr_colour: use_colour(io::stderr().is_terminal()),
            live: io::stderr().is_terminal() && !dumb,
        }
    }

    /// Width of the terminal in columns, from `COLUMNS` or 100.
    pub(crate) fn width(self) -> usize {
        std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(100).clamp(40, 400)
    }

    /// Writes a line for people to standard output. A reader that went away is no error.
    pub(crate) fn print(self, line: impl Display) {
        Self::write(io::stdout().lock(), &shown(&line.to_string()));
    }

    /// Writes data to standard output, word for word unless a terminal would obey it.
    pub(crate) fn print_data(self, data: impl Display) {
        match io::stdout().is_terminal() {
            true => self.print(data),
            false => Self::write(io::stdout().lock(), &data),
        }
    }

    /// Writes a line for people to standard error.
    pub(crate) fn say(self, line: impl Display) {
        Self::write(io::stderr().lock(), &shown(&line.to_string()));
    }

    fn write(mut stream: impl Write, line: &impl Display) {
        // There is nobody left to tell when this fails.
        drop(writeln!(stream, "{line}"));
    }
}

/// The text as a terminal may have it: whatever it would obey is replaced, apart from our own styles, since names, reasons
/// and notes may be written by somebody else.
pub(crate) fn shown(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut out = harmless_lines(parts.next().unwrap_or_default());
    for part in parts {
        let style = part.strip_prefix('[').and_then(|rest| rest.split_once('m'));
        match style.filter(|(code, _)| STYLES.contains(code)) {
            Some((code, rest)) => out += &format!("\u{1b}[{code}m{}", harmless_lines(rest)),
            None => {
                out.push(REPLACED);
                out += &harmless_lines(part);
            }
        }
    }
    out
}

/// All styles that this program writes, here and in problems of documents.
const STYLES: [&str; 12] = ["0", "1", "2", "31", "32", "33", "36", "1;31", "1;33", "1;34", "1;36", "1;32"];

/// A colour or weight.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

/// Puts a style around a text, when colours are on.
pub(crate) fn paint(on: bool, style: Style, text: impl Display) -> String {
    if !on {
        return text.to_string();
    }
    let code = match style {
        Style::Bold => 1,
        Style::Dim => 2,
        Style::Red => 31,
        Style::Green => 32,
        Style::Yellow => 33,
        Style::Cyan => 36,
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// A verdict in its colour.
pub(crate) fn verdict(on: bool, verdict: Verdict) -> String {
    let style = match verdict {
        Verdict::Held => Style::Green,
        Verdict::Refuted => Style::Red,
        Verdict::Inconclusive => Style::Yellow,
    };
    paint(on, style, verdict)
}

/// A row of bars, one a value between 0 and 1; a gap is a dot.
pub(crate) fn sparkline(values: &[Option<f64>]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    values
        .iter()
        .map(|value| match value {
            None => '·',
            Some(share) => {
                // Any bad event shows: the lowest bar means none at all.
                let step = (share.clamp(0.0, 1.0) * 7.0).ceil();
                BARS.into_iter()
                    .nth((0..8).find(|index| f64::from(*index) >= step).unwrap_or(7) as usize)
                    .unwrap_or('█')
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_shows_none_little_all_and_missing() {
        assert_eq!(sparkline(&[Some(0.0), Some(0.001), Some(1.0), None]), "▁▂█·");
    }

    #[test]
    fn only_our_own_styles_reach_the_terminal() {
        let nasty = "\u{1b}]0;OWNED\u{7}\u{1b}[2J\u{1b}[8mhidden";
        let said = format!("{}: {nasty}\n\tnext", paint(true, Style::Red, "refuted"));
        let expected =
            "\u{1b}[31mrefuted\u{1b}[0m: \u{fffd}]0;OWNED\u{fffd}\u{fffd}[2J\u{fffd}[8mhidden\n\tnext";
        assert_eq!(shown(&said), expected);
        for style in [Style::Bold, Style::Dim, Style::Red, Style::Green, Style::Yellow, Style::Cyan] {
            assert_eq!(shown(&paint(true, style, "x")), paint(true, style, "x"));
        }
    }

    #[test]
    fn without_colours_text_is_untouched() {
        assert_eq!(paint(false, Style::Red, "x"), "x");
    }
}
