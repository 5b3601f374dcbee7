//! One folder, and finding them all.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    names::{is_well_formed, key_of, variant_of},
    readme::summary,
};

/// One thing with a folder of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Name of the folder and module: `network_delay`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// The first sentence of its README.
    pub summary: String,
}

impl Folder {
    /// Name of its struct and enum variant: `NetworkDelay`.
    #[must_use]
    pub fn variant(&self) -> String {
        variant_of(&self.name)
    }

    /// Its key in documents: `networkDelay`.
    #[must_use]
    pub fn key(&self) -> String {
        key_of(&self.name)
    }
}

/// Why a folder of folders could not be turned into code. Messages are fragments after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum FoldersError {
    /// A file or folder cannot be read or written.
    #[error("use {path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A folder's name cannot become a struct and a key.
    #[error("name a module after {path}: folders are lower-case words joined by `_`")]
    Name {
        /// Which.
        path: PathBuf,
    },
    /// A README has no first sentence.
    #[error("find a first sentence in {path}")]
    NoSummary {
        /// Which.
        path: PathBuf,
    },
    /// There are no folders at all.
    #[error("find a folder with a mod.rs under {path}")]
    Empty {
        /// Where.
        path: PathBuf,
    },
    /// Cargo did not say where things are.
    #[error("read {variable}: this runs in a build script only")]
    NotInBuild {
        /// Which variable is missing.
        variable: &'static str,
    },
}

/// All folders with a `mod.rs` directly under `root`, by name.
///
/// # Errors
/// [`FoldersError`] when one of them is named wrongly, lacks `README.md` or `example.yaml`, or when there is none.
pub fn list(root: &Path) -> Result<Vec<Folder>, FoldersError> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(root).map_err(|cause| file(root, cause))? {
        let path = entry.map_err(|cause| file(root, cause))?.path();
        if path.join("mod.rs").is_file() {
            folders.push(read(path)?);
        }
    }
    if folders.is_empty() {
        return Err(FoldersError::Empty { path: root.to_owned() });
    }
    folders.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(folders)
}

fn read(path: PathBuf) -> Result<Folder, FoldersError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    if !is_well_formed(&name) {
        return Err(FoldersError::Name { path });
    }
    let example = path.join("example.yaml");
    fs::metadata(&example).map_err(|cause| file(&example, cause))?;
    let readme = path.join("README.md");
    let text = fs::read_to_string(&readme).map_err(|cause| file(&readme, cause))?;
    let summary = summary(&text).ok_or(FoldersError::NoSummary { path: readme })?;
    Ok(Folder { name, path, summary })
}

pub(crate) fn file(path: &Path, cause: io::Error) -> FoldersError {
    FoldersError::File { path: path.to_owned(), cause }
}
