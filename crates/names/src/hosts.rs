//! `/etc/hosts`: an address and its names, one a line.

use std::{io, net::IpAddr, path::Path};

/// The addresses of a name in lower case, in the order of the file, IPv6 first. None when there is no such file.
pub(crate) fn find(path: &Path, name: &str) -> io::Result<Vec<IpAddr>> {
    let text = crate::read(path)?.unwrap_or_default();
    Ok(addresses(&String::from_utf8_lossy(&text), name))
}

/// What cannot be understood is passed over, as everybody does.
fn addresses(text: &str, name: &str) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse) else { continue };
        let is_it = |word: &str| word.strip_suffix('.').unwrap_or(word).eq_ignore_ascii_case(name);
        if words.any(is_it) && !found.contains(&address) {
            found.push(address);
        }
    }
    found.sort_by_key(IpAddr::is_ipv4);
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_comments_are_not() {
        let text = "127.0.0.1\tlocalhost\n10.0.0.1 Risk.Example risk # wallet\n#10.0.0.2 risk\nnonsense risk\n::5 risk\n";
        let find = |name| addresses(text, name).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(find("risk"), ["::5", "10.0.0.1"]);
        assert_eq!(find("risk.example"), ["10.0.0.1"]);
        assert_eq!(find("wallet"), Vec::<String>::new());
        assert_eq!(find("10.0.0.1"), Vec::<String>::new(), "an address is no name of its line");
    }

    proptest! {
        #[test]
        fn what_was_written_is_found_among_whatever_else(
            noise in proptest::collection::vec("[ -~\t]{0,40}", 0..8),
            name in "w[a-z]{1,8}w\\.[a-z]{1,4}",
            address in any::<IpAddr>(),
        ) {
            let text = format!("{}\n{address}  other {name}\n", noise.join("\n"));
            prop_assert!(addresses(&text, &name).contains(&address));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}", name in "\\PC{0,20}") {
            addresses(&text, &name);
        }
    }
}
