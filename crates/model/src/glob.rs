//! Patterns in which `*` stands for any characters.

/// Whether the whole of `text` matches. Takes at most `pattern × text` steps.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and how much of the text it has swallowed up to.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && pattern[p] == text[t] {
            p += 1;
            t += 1;
        } else if let Some((at, swallowed)) = star {
            star = Some((at, swallowed + 1));
            p = at + 1;
            t = swallowed + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&rest| rest == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_characters_slashes_included() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("*", "/pay"),
            ("/pay", "/pay"),
            ("/pay/*", "/pay/1/2"),
            ("/*/status", "/pay/7/status"),
            ("*a*b", "xaxbxb"),
            ("/pay**", "/pay"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn everything_else_stands_for_itself() {
        for (pattern, text) in
            [("", "x"), ("/pay", "/pay/"), ("/pay/*", "/pay"), ("/Pay", "/pay"), ("*a*b", "xbxa"), ("?", "x")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
