//! What faults on questions for names have in common.

use steadfast_model::{
    Problems,
    network::{Direction, NameFault, NetworkFault, Traffic},
};

use crate::on_network::Unit;

/// Questions to DNS servers, from within the namespace.
pub(crate) const QUESTIONS: Unit = Unit {
    key: "names",
    many: "questions to DNS servers",
    that_match: "",
    none: "question to a DNS server was asked",
};

/// More patterns than these are refused: every name is compared with each.
const MOST: usize = 64;
/// No name is longer: RFC 1035, section 2.3.4, without the dot at the end.
const LONGEST: usize = 253;

/// Patterns that names can match.
pub(crate) fn check_names(names: &[String], problems: &mut Problems) {
    if names.is_empty() {
        let hint = "write the names that are meant, such as [db.example.com, '*.internal'], or ['*'] for all";
        problems.error(&["names"], "no name is meant", Some(hint));
    }
    if names.len() > MOST {
        let hint = "write patterns such as '*.example.com'";
        problems.error(&["names"], format!("{} are more than {MOST}", names.len()), Some(hint));
    }
    for name in names {
        if let Some((what, hint)) = wrong(name) {
            problems.error(&["names"], format!("`{}` {what}", name.escape_debug()), Some(hint));
        }
    }
}

/// What is wrong with a pattern, and what to try.
fn wrong(name: &str) -> Option<(&'static str, &'static str)> {
    let bare = name.strip_suffix('.').unwrap_or(name);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.*".contains(&byte);
    if !name.is_ascii() {
        Some((
            "is not how names are asked for",
            "write it as DNS does: xn--bcher-kva.example for bücher.example",
        ))
    } else if bare.is_empty() || !bare.bytes().all(plain) || bare.split('.').any(str::is_empty) {
        Some(("matches no name of a host", "write letters, digits, dashes, dots and *, as in *.example.com"))
    } else if bare.len() > LONGEST {
        Some(("is longer than any name", "shorten it to at most 253 characters"))
    } else {
        None
    }
}

/// All that leaves the namespace for port 53.
pub(crate) fn all_questions() -> Traffic {
    Traffic { direction: Direction::Egress, ..Traffic::default() }
}

/// What happens to questions for these names.
pub(crate) fn fault(names: &[String], then: NameFault) -> NetworkFault {
    NetworkFault::Names { names: names.to_vec(), then }
}

/// Before an injection nobody knows what will be asked.
pub(crate) fn warnings() -> Vec<String> {
    let unknown = "whether names are looked up by DNS is not known before: what is in /etc/hosts or remembered, and DNS over TLS or HTTPS, is not disturbed";
    vec![unknown.to_owned()]
}

/// ` for db.example.com, *.internal`
pub(crate) fn which(names: &[String]) -> String {
    format!(" for {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(names: &[&str]) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut problems = Problems::new();
        check_names(&names, &mut problems);
        problems.all().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn patterns_that_match_no_name_are_problems() {
        let long = "a.".repeat(128);
        for wrong in ["", ".", "a..b", "a b", "http://a", "bücher.example", "a/b", &long] {
            assert_eq!(problems(&[wrong]).len(), 1, "{wrong}");
        }
        assert_eq!(problems(&[]).len(), 1);
        assert_eq!(problems(&["a"; 65]).len(), 1);
        assert_eq!(problems(&["*", "db", "*.Example.com.", "_sip._tcp.a-b.c1"]), Vec::<String>::new());
    }
}
