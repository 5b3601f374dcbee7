//! What Cargo knows about the workspace, as far as the rules need it.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::program::{cargo, root};

/// `cargo metadata --no-deps --format-version 1`.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
}

/// One of our packages.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// From the repository's root.
    pub(crate) manifest_path: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// What a package asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Absent for one that is always linked.
    pub(crate) kind: Option<Kind>,
}

/// When a dependency is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Dev,
    Build,
}

impl Metadata {
    pub(crate) fn of_repository() -> Result<Self> {
        let output =
            cargo(&["metadata", "--no-deps", "--format-version", "1"]).output().context("start cargo")?;
        ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let mut metadata: Self = serde_json::from_slice(&output.stdout).context("read cargo metadata")?;
        let root = root();
        let root = root.to_str().context("the repository's path is UTF-8")?;
        for package in &mut metadata.packages {
            let path = package.manifest_path.trim_start_matches(root).trim_start_matches('/').to_owned();
            package.manifest_path = path;
        }
        Ok(metadata)
    }
}

impl Package {
    /// The name of its folder under `crates/`; `None` for a package that lies elsewhere.
    pub(crate) fn folder(&self) -> Option<&str> {
        self.manifest_path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")
    }
}
