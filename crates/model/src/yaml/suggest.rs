//! What somebody probably meant.

/// A hint for a word that is not one of `known`: the nearest one, or all of them when none is near and they are few.
#[must_use]
pub fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    let word: String = word.chars().take(100).collect::<String>().to_lowercase();
    let nearest = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), *candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1));
    match nearest {
        Some((_, candidate)) => Some(format!("did you mean `{candidate}`?")),
        None if known.is_empty() => None,
        None if known.len() <= 24 => Some(format!("possible here: {}", known.join(", "))),
        None => None,
    }
}
