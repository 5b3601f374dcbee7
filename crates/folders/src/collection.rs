//! What a folder of folders becomes.

use std::{
    env,
    fmt::{self, Write as _},
    fs,
    path::Path,
};

use crate::folder::{Folder, FoldersError, file, list};

/// A folder of folders, and the names its code goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collection {
    /// Where the folders are, from the crate's own folder: `src/faults`.
    pub root: &'static str,
    /// The trait every one of them implements: `crate::Fault`.
    pub item: &'static str,
    /// What one of them is called in sentences and in `as_…()`: `fault`.
    pub noun: &'static str,
    /// The enum with one variant for each: `FaultSpec`.
    pub spec: &'static str,
    /// The struct that describes one: `FaultKind`.
    pub entry: &'static str,
    /// The list of all descriptions: `FAULTS`.
    pub registry: &'static str,
}

impl Collection {
    /// Writes the code to `file` in the build's output directory, and tells Cargo when to do it again. For build scripts.
    ///
    /// # Errors
    /// [`FoldersError`] when a folder is not as it should be or a file cannot be read or written.
    pub fn generate(&self, file_name: &str) -> Result<(), FoldersError> {
        let crate_folder = variable("CARGO_MANIFEST_DIR")?;
        let output = Path::new(&variable("OUT_DIR")?).join(file_name);
        let root = Path::new(&crate_folder).join(self.root);
        announce(&format!("cargo::rerun-if-changed={}", root.display()));
        fs::write(&output, self.render(&list(&root)?)).map_err(|cause| file(&output, cause))
    }

    /// The code for these folders. The same folders give the same text.
    #[must_use]
    pub fn render(&self, folders: &[Folder]) -> String {
        let mut code = String::new();
        self.write(&mut code, folders).expect("writing to a String does not fail");
        code
    }

    fn write(&self, code: &mut String, folders: &[Folder]) -> fmt::Result {
        let Self { root, noun, .. } = self;
        writeln!(code, "// Written at build time from the folders under {root}.\n")?;
        for Folder { name, path, .. } in folders {
            writeln!(code, "#[path = {:?}]\npub mod {name};", path.join("mod.rs"))?;
        }
        self.write_spec(code, folders)?;
        self.write_entry(code)?;
        writeln!(code, "\n/// Every kind of {noun}, by key.")?;
        writeln!(code, "pub static {}: &[{}] = &[", self.registry, self.entry)?;
        for folder in folders {
            self.write_registration(code, folder)?;
        }
        writeln!(code, "];")
    }

    fn write_spec(&self, code: &mut String, folders: &[Folder]) -> fmt::Result {
        let Self { item, noun, spec, .. } = self;
        writeln!(code, "\n/// One {noun} with its settings: a map with one key.")?;
        writeln!(
            code,
            "#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]"
        )?;
        writeln!(code, "pub enum {spec} {{")?;
        for folder in folders {
            writeln!(code, "    #[doc = {:?}]\n    #[serde(rename = {:?})]", folder.summary, folder.key())?;
            writeln!(code, "    {0}({1}::{0}),", folder.variant(), folder.name)?;
        }
        writeln!(code, "}}\n\nimpl {spec} {{")?;
        writeln!(code, "    /// The {noun} behind the key.\n    #[must_use]")?;
        writeln!(code, "    pub fn as_{noun}(&self) -> &dyn {item} {{\n        match self {{")?;
        for folder in folders {
            writeln!(code, "            Self::{}({noun}) => {noun},", folder.variant())?;
        }
        writeln!(code, "        }}\n    }}\n\n    /// Its key in documents.\n    #[must_use]")?;
        writeln!(code, "    pub fn kind(&self) -> &'static str {{\n        match self {{")?;
        for folder in folders {
            writeln!(code, "            Self::{}(_) => {:?},", folder.variant(), folder.key())?;
        }
        writeln!(code, "        }}\n    }}\n}}")
    }

    fn write_entry(&self, code: &mut String) -> fmt::Result {
        let Self { noun, spec, entry, registry, .. } = self;
        write!(
            code,
            "
/// What is known about a kind of {noun} without having one.
#[derive(Debug, Clone, Copy)]
pub struct {entry} {{
    /// Its key in documents.
    pub kind: &'static str,
    /// Its folder and module.
    pub folder: &'static str,
    /// Its README, as Markdown.
    pub readme: &'static str,
    /// The smallest useful one, as YAML.
    pub example: &'static str,
    /// The first sentence of its README.
    pub summary: &'static str,
    /// The JSON Schema of its settings.
    pub schema: fn() -> serde_json::Value,
    /// Reads its settings: what stands below the key.
    pub parse: fn(serde_json::Value) -> Result<{spec}, serde_json::Error>,
}}

impl {entry} {{
    /// The kind with this key.
    #[must_use]
    pub fn find(kind: &str) -> Option<&'static Self> {{
        {registry}.iter().find(|entry| entry.kind == kind)
    }}
}}
"
        )
    }

    fn write_registration(&self, code: &mut String, folder: &Folder) -> fmt::Result {
        let Folder { name, path, summary } = folder;
        let (variant, key) = (folder.variant(), folder.key());
        write!(
            code,
            "    {} {{
        kind: {key:?},
        folder: {name:?},
        readme: include_str!({:?}),
        example: include_str!({:?}),
        summary: {summary:?},
        schema: || schemars::schema_for!({name}::{variant}).to_value(),
        parse: |settings| serde_json::from_value(settings).map({}::{variant}),
    }},
",
            self.entry,
            path.join("README.md"),
            path.join("example.yaml"),
            self.spec,
        )
    }
}

fn variable(variable: &'static str) -> Result<String, FoldersError> {
    env::var(variable).map_err(|_| FoldersError::NotInBuild { variable })
}

#[expect(clippy::print_stdout, reason = "a build script talks to Cargo on standard output")]
fn announce(line: &str) {
    println!("{line}");
}
