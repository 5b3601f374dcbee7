//! One name everywhere: folder `network_delay`, struct `NetworkDelay`, key `networkDelay`.

/// The struct and enum variant of a folder: `network_delay` becomes `NetworkDelay`.
#[must_use]
pub fn variant_of(folder: &str) -> String {
    folder.split('_').map(capitalised).collect()
}

/// The key in a document of a folder: `network_delay` becomes `networkDelay`.
#[must_use]
pub fn key_of(folder: &str) -> String {
    let mut words = folder.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |key, word| key + &capitalised(word))
}

/// Whether a folder's name can become all the other names: lower-case words of letters and digits, joined by `_`.
pub(crate) fn is_well_formed(folder: &str) -> bool {
    folder.split('_').all(|word| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    })
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_folder_name_gives_all_other_names() {
        for (folder, variant, key) in [
            ("network_delay", "NetworkDelay", "networkDelay"),
            ("http", "Http", "http"),
            ("http2_reset_all", "Http2ResetAll", "http2ResetAll"),
        ] {
            assert!(is_well_formed(folder));
            assert_eq!(variant_of(folder), variant);
            assert_eq!(key_of(folder), key);
        }
    }

    #[test]
    fn names_that_would_not_survive_the_way_are_refused() {
        for folder in ["", "Network", "net-delay", "net__delay", "_net", "net_", "2net", "net_2", "nét"] {
            assert!(!is_well_formed(folder), "{folder}");
        }
    }
}
