//! `cargo xtask tidy`: what no compiler checks. Reads, changes nothing.
//!
//! | rule | what it wants |
//! |---|---|
//! | [`arrows`] | a crate uses only crates of a lower level, and heavy libraries only where they belong |
//! | [`folders`] | every fault and probe folder is complete, under one name, and formatted |
//! | [`generated`] | what `cargo xtask codegen` writes is as it would write it |
//! | [`safety`] | unsafe code in `linux` only |
//! | [`sizes`] | no file over 400 lines, a median source file below 160 |
//! | [`words`] | no leftovers, machine paths, registries or stray `mod.rs` |

use anyhow::{Result, bail};

use crate::say::say;

mod arrows;
mod finding;
mod folders;
mod generated;
mod metadata;
mod safety;
mod sizes;
mod tree;
mod words;

use finding::Finding;
use metadata::Metadata;
pub(crate) use tree::Tree;

/// Applies every rule; fails when one finds something.
pub(crate) fn tidy() -> Result<()> {
    let tree = Tree::of_repository()?;
    let metadata = Metadata::of_repository()?;
    let mut findings = Vec::new();
    findings.extend(arrows::check(&metadata));
    findings.extend(folders::check(&tree));
    findings.extend(folders::check_format(&tree)?);
    findings.extend(safety::check(&tree, &metadata));
    findings.extend(sizes::check(&tree));
    findings.extend(words::check(&tree));
    findings.extend(generated::check(&tree));
    findings.sort();
    for finding in &findings {
        say(&finding.to_string());
    }
    match findings.len() {
        0 => say(&format!(
            "tidy: {} files and {} crates, nothing to do",
            tree.files.len(),
            metadata.packages.len()
        )),
        1 => bail!("there is 1 thing to tidy"),
        many => bail!("there are {many} things to tidy"),
    }
    Ok(())
}
