//! Who may use whom. The levels are those of ARCHITECTURE.md.

use super::{
    Finding, Metadata,
    metadata::{Dependency, Kind, Package},
};

/// A crate uses only crates of a lower level.
const LEVELS: &[(&str, u8)] = &[
    ("model", 0),
    ("analysis", 0),
    ("faults", 1),
    ("probes", 1),
    ("experiment", 2),
    ("slo", 2),
    ("knowledge", 2),
    ("formats", 2),
    ("engine", 3),
    ("linux", 3),
    ("ledger", 3),
    ("proxy", 3),
    ("store", 3),
    ("api", 3),
    ("report", 3),
    ("host", 4),
    ("toxiproxy", 4),
    ("agent", 5),
    ("server", 5),
    ("operator", 5),
    ("steadfast", 6),
];

/// Crates beside the levels: what they may use, as the first level they may not, and who may use them.
const BESIDE: &[(&str, u8, Users)] = &[
    ("demo", 4, Users::Program),
    ("folders", 0, Users::Builds),
    ("names", 0, Users::World),
    ("properties", 4, Users::Tests),
    ("testkit", 4, Users::Tests),
];

/// Who may use a crate beside the levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Users {
    /// The crate `steadfast`, and tests.
    Program,
    /// Build scripts, tests and `xtask`.
    Builds,
    /// Crates that touch the world: those above the pure ones.
    World,
    /// Tests only.
    Tests,
}

/// Up to this level code needs no runtime, database, server or cluster.
const PURE: u8 = 2;
const NOT_IN_PURE: &[&str] = &["tokio", "sqlx", "axum", "hyper", "hyper-util", "reqwest", "kube"];

/// Libraries that only some crates may use.
const OWNED: &[(&str, &[&str])] =
    &[("sqlx", &["store", "demo"]), ("axum", &["server", "demo", "toxiproxy"]), ("kube", &["operator"])];

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["common", "core", "helpers", "lib", "misc", "shared", "util", "utils"];

pub(crate) fn check(metadata: &Metadata) -> Vec<Finding> {
    metadata.packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |rule, what: String, remedy: &str| {
        findings.push(Finding::new(&package.manifest_path, rule, what, remedy));
    };
    // Anything but a crate is a chore of the repository: it may use what it needs, and nobody can use it.
    let Some(folder) = package.folder() else { return findings };
    if EMPTY_NAMES.contains(&folder) {
        find("names", format!("`{folder}` says nothing"), "name the crate after the one thing it holds");
    }
    let expected = if folder == "steadfast" { folder.to_owned() } else { format!("steadfast-{folder}") };
    if package.name != expected {
        find(
            "names",
            format!("folder `{folder}` holds package `{}`", package.name),
            &format!("name it `{expected}`"),
        );
    }
    if below(folder).is_none() {
        let remedy = "give it a level in xtask/src/tidy/arrows.rs and in ARCHITECTURE.md";
        find("arrows", format!("`{folder}` has no level"), remedy);
        return findings;
    }
    for dependency in &package.dependencies {
        if let Some((what, remedy)) =
            wrong_arrow(folder, dependency).or_else(|| wrong_library(folder, dependency))
        {
            find("arrows", what, &remedy);
        }
    }
    findings
}

/// The first level that a crate may not use.
fn below(folder: &str) -> Option<u8> {
    let level = LEVELS.iter().find(|(name, _)| *name == folder).map(|(_, level)| *level);
    level.or_else(|| BESIDE.iter().find(|(name, ..)| *name == folder).map(|(_, below, _)| *below))
}

fn wrong_arrow(folder: &str, dependency: &Dependency) -> Option<(String, String)> {
    let used = match dependency.name.as_str() {
        "steadfast" => "steadfast",
        name => name.strip_prefix("steadfast-")?,
    };
    if used == folder && dependency.kind == Some(Kind::Dev) {
        // Its own feature, turned on for its tests.
        return None;
    }
    let what = format!("`{folder}` uses `{used}`");
    if let Some((.., users)) = BESIDE.iter().find(|(name, ..)| *name == used) {
        let allowed = match users {
            Users::Program => folder == "steadfast" || dependency.kind == Some(Kind::Dev),
            Users::Builds => dependency.kind.is_some(),
            Users::World => dependency.kind.is_some() || below(folder).is_some_and(|below| below > PURE),
            Users::Tests => dependency.kind == Some(Kind::Dev),
        };
        let remedy = match users {
            Users::Program => "only `steadfast` may use it, or a test as a dev-dependency",
            Users::Builds => "make it a build-dependency",
            Users::World => "move what connects to a crate above the pure ones",
            Users::Tests => "make it a dev-dependency",
        };
        return (!allowed).then(|| (what, remedy.to_owned()));
    }
    let Some((_, level)) = LEVELS.iter().find(|(name, _)| *name == used) else {
        return Some((what, format!("there is no crate `{used}` in the levels of xtask/src/tidy/arrows.rs")));
    };
    let below = below(folder)?;
    let remedy = || {
        format!(
            "it may use only levels below {below}, and `{used}` has {level}: move the code, or ask through a trait"
        )
    };
    (*level >= below).then(|| (what, remedy()))
}

fn wrong_library(folder: &str, Dependency { name, kind }: &Dependency) -> Option<(String, String)> {
    if *kind == Some(Kind::Dev) {
        return None;
    }
    let what = format!("`{folder}` uses `{name}`");
    let pure = LEVELS.iter().any(|(pure, level)| *pure == folder && *level <= PURE);
    if pure && NOT_IN_PURE.contains(&name.as_str()) {
        return Some((
            what,
            "its traits may be async, its code needs no runtime: move what needs it to a higher crate"
                .to_owned(),
        ));
    }
    let (_, owners) = OWNED.iter().find(|(owned, _)| owned == name)?;
    (!owners.contains(&folder))
        .then(|| (what, format!("only {} may: move the code there", owners.join(", "))))
}

#[cfg(test)]
mod tests;
