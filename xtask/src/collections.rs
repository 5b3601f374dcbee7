//! Where the things are that have a folder each.

/// A folder of folders.
#[derive(Debug)]
pub(crate) struct Collection {
    /// From the repository's root.
    pub(crate) root: &'static str,
    /// What one of them is called.
    pub(crate) noun: &'static str,
    /// The reference page about all of them.
    pub(crate) page: &'static str,
    /// The first words of that page.
    pub(crate) introduction: &'static str,
}

/// All of them.
pub(crate) const COLLECTIONS: &[Collection] = &[
    Collection {
        root: "crates/faults/src/faults",
        noun: "fault",
        page: "docs/reference/faults.md",
        introduction: "# Faults\n\nWhat an experiment can inject. `steadfast fault list` and `steadfast fault show KIND` say the same.\n",
    },
    Collection {
        root: "crates/probes/src/probes",
        noun: "probe",
        page: "docs/reference/probes.md",
        introduction: "# Probes\n\nHow an experiment observes.\n",
    },
];
