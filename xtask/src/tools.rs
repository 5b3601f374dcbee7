//! Programs that the chores use, built once into `target/tools`.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::program::{cargo, root, run};

/// A program from a package of the same name, with the version we know to work.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

/// Checks licences, bans and sources of dependencies. This version reads our `deny.toml`.
pub(crate) const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
/// Builds fuzz targets.
pub(crate) const FUZZ: Tool = Tool { name: "cargo-fuzz", version: "0.13.2" };

impl Tool {
    /// Where it is, built if it was not yet.
    pub(crate) fn path(&self) -> Result<PathBuf> {
        let tools = root().join("target/tools");
        let path = tools.join("bin").join(self.name);
        if !path.exists() {
            say(&format!("building {} once; it takes some minutes", self.name));
            let tools = tools.to_str().context("the path is UTF-8")?;
            run(cargo(&[
                "install",
                self.name,
                "--locked",
                "--version",
                self.version,
                "--root",
                tools,
                // It runs for seconds and is built on every fresh clone: optimising it takes longer than it saves.
                "--debug",
                "--quiet",
            ]))?;
        }
        Ok(path)
    }
}

#[expect(clippy::print_stdout, reason = "tells people what takes so long")]
fn say(line: &str) {
    println!("{line}");
}
