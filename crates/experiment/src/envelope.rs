//! What every document of ours begins with: `apiVersion`, `kind`, `metadata`.

use steadfast_model::{
    API_VERSION, Problems,
    problem::Span,
    yaml::{Node, Place, Value, parse, suggest},
};

use crate::{binding, document};

/// The only document of a text, when it is one of this kind; else everything wrong with its first lines.
pub(crate) fn open(source: &str, kind: &str) -> Result<Node, Problems> {
    let mut documents = parse(source)?;
    let mut problems = Problems::new();
    if documents.len() > 1 {
        let second = Place::top(&documents[1]);
        let hint = "keep one document a file";
        problems.push(
            second.problem(format!("a file holds one {kind}, this is another document"), Some(hint.into())),
        );
        return Err(problems);
    }
    let Some(node) = documents.pop() else {
        problems.error(&[], "the document is empty", Some("`steadfast init` writes a first experiment"));
        if let Some(first) = problems.all_mut().first_mut() {
            first.span = Some(Span { line: 1, column: 1, length: 1 });
        }
        return Err(problems);
    };
    check(&Place::top(&node), kind, &mut problems);
    if problems.has_errors() { Err(problems) } else { Ok(node) }
}

fn check(top: &Place<'_>, kind: &str, problems: &mut Problems) {
    if !matches!(top.node.value, Value::Map(_)) {
        let hint = format!("it begins with apiVersion: {API_VERSION} and kind: {kind}");
        problems.push(top.problem("expected a document with keys", Some(hint)));
        return;
    }
    let found = |key| top.get(key).map(|place| (place.node.as_text().unwrap_or("").to_owned(), place));
    match found("apiVersion") {
        Some((version, _)) if version == API_VERSION => {}
        Some((version, place)) => {
            let hint = match version.starts_with("openslo") {
                true => "this is an OpenSLO document: give it with --slo".to_owned(),
                false => format!("this version of Steadfast reads {API_VERSION}"),
            };
            problems.push(place.problem(format!("unknown apiVersion `{version}`"), Some(hint)));
        }
        None => problems
            .push(top.problem("`apiVersion` is missing", Some(format!("write apiVersion: {API_VERSION}")))),
    }
    match found("kind") {
        Some((found, _)) if found == kind => {}
        Some((found, place)) => {
            let hint = match (found.as_str(), kind) {
                (binding::KIND, document::KIND) => {
                    Some("this is a binding: give it with --binding".to_owned())
                }
                _ => suggest(&found, [kind]),
            };
            problems.push(place.problem(format!("expected kind {kind}, found `{found}`"), hint));
        }
        None => problems.push(top.problem("`kind` is missing", Some(format!("write kind: {kind}")))),
    }
}
