//! Text that somebody else wrote, made harmless: a terminal obeys escape sequences, and marks of writing direction show one
//! text as another.

/// What stands for a character that is not shown.
pub const REPLACED: char = '\u{fffd}';

/// The text in one line without anything a terminal would obey: tabs and ends of lines are spaces, other control characters
/// and marks of writing direction are [`REPLACED`].
#[must_use]
pub fn harmless(text: &str) -> String {
    let shown = |letter: char| match letter {
        '\t' | '\n' | '\r' => ' ',
        letter if is_harmful(letter) => REPLACED,
        letter => letter,
    };
    text.chars().map(shown).collect()
}

/// The same with ends of lines and tabs as they are.
#[must_use]
pub fn harmless_lines(text: &str) -> String {
    let shown = |letter: char| match letter {
        '\t' | '\n' => letter,
        letter if is_harmful(letter) => REPLACED,
        letter => letter,
    };
    text.chars().map(shown).collect()
}

/// Whether a terminal would obey this instead of showing it, or show what stands around it in another order.
#[must_use]
pub fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        let nasty = "\u{1b}]0;OWNED\u{7}\u{9b}2J\u{202e}dleh\r\nü\t€";
        assert_eq!(harmless(nasty), "\u{fffd}]0;OWNED\u{fffd}\u{fffd}2J\u{fffd}dleh  ü €");
        assert_eq!(harmless_lines("a\r\nb\u{1b}[2J"), "a\u{fffd}\nb\u{fffd}[2J");
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_harmless(text in ".{0,80}") {
            prop_assert!(!harmless(&text).chars().any(is_harmful));
            prop_assert_eq!(harmless(&text).chars().count(), text.chars().count());
        }
    }
}
