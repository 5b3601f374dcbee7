//! Programs that the chores use, built once into `target/tools`.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{
    background::Background,
    program::{cargo, root, run},
    say::say,
};

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
        if !self.place().exists() {
            say(&format!("building {} once; it takes some minutes", self.name));
            run(self.compiler()?)?;
        }
        Ok(self.place())
    }

    /// Begins to build it with processor time that nothing else wants, if it was not yet.
    pub(crate) fn in_the_background(&self) -> Result<Option<Background>> {
        if self.place().exists() {
            return Ok(None);
        }
        Background::start_idle(&self.compiler()?).map(Some)
    }

    fn place(&self) -> PathBuf {
        root().join("target/tools/bin").join(self.name)
    }

    fn compiler(&self) -> Result<Command> {
        let tools = root().join("target/tools");
        let tools = tools.to_str().context("the path is UTF-8")?;
        let mut command =
            cargo(&["install", self.name, "--locked", "--version", self.version, "--root", tools]);
        // It runs for seconds and is built on every fresh clone: optimising it takes longer than it saves.
        command.args(["--debug", "--quiet"]);
        Ok(command)
    }
}
