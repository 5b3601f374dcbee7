//! Which Debian this machine is and where it gets its packages: from its own configuration, never from ours.

use std::fs;

/// A release and where its packages are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    /// Such as `bookworm`.
    pub(crate) suite: String,
    /// Its address.
    pub(crate) address: String,
}

/// The mirror of this machine's own release.
pub(crate) fn of_this_machine() -> Option<Mirror> {
    let release = fs::read_to_string("/etc/os-release").ok()?;
    let suite = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?.trim_matches('"');
    let listed = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten();
    let mut files: Vec<_> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.push("/etc/apt/sources.list".into());
    files.sort();
    let texts = files.iter().filter_map(|file| fs::read_to_string(file).ok());
    let address = texts.into_iter().find_map(|text| address_in(&text, suite))?;
    Some(Mirror { suite: suite.to_owned(), address })
}

/// The first address that has packages of `main` of this very suite, in either form that apt reads.
fn address_in(text: &str, suite: &str) -> Option<String> {
    text.split("\n\n").find_map(|stanza| in_stanza(stanza, suite)).or_else(|| {
        text.lines().find_map(|line| {
            let mut words =
                line.split_whitespace().filter(|word| !word.starts_with('[') && !word.ends_with(']'));
            let is_ours = words.next() == Some("deb");
            let address = words.next().filter(|_| is_ours)?;
            (words.next() == Some(suite) && words.any(|word| word == "main")).then(|| address.to_owned())
        })
    })
}

fn in_stanza(stanza: &str, suite: &str) -> Option<String> {
    let field = |name: &str| {
        let line = stanza.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().split_whitespace().collect::<Vec<_>>()
    };
    let fits = field("Types:").contains(&"deb")
        && field("Suites:").contains(&suite)
        && field("Components:").contains(&"main")
        && field("Enabled:") != ["no"];
    field("URIs:").first().filter(|_| fits).map(|address| (*address).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_other_suites_are_passed_over() {
        let stanzas = "Types: deb\nURIs: http://a/security\nSuites: trixie-security\nComponents: main\n\n\
                       # mine\nTypes: deb\nURIs: http://b/debian\nSuites: trixie trixie-updates\nComponents: main contrib\n";
        assert_eq!(address_in(stanzas, "trixie").as_deref(), Some("http://b/debian"));
        let lines = "# deb http://x/debian trixie main\ndeb-src http://y/debian trixie main\n\
                     deb [signed-by=/k.gpg] https://z/apt cloud main\ndeb [arch=amd64] http://c/debian trixie main\n";
        assert_eq!(address_in(lines, "trixie").as_deref(), Some("http://c/debian"));
        assert_eq!(address_in(lines, "sid"), None);
    }
}
