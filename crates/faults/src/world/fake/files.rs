//! Files of the fake world: every process sees its own, below any path.

use std::path::Path;

use steadfast_model::{
    InjectionId, ProcessIdentity,
    files::{Cover, CoverStatus, FileRule, Ground, MountNamespace},
};

/// What covers the files of a process.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FakeCover {
    pub(super) cover: Cover,
    rule: FileRule,
    seen: u64,
}

/// Each process is in a mount namespace of its own.
pub(super) fn namespace(process: &ProcessIdentity) -> MountNamespace {
    MountNamespace { inode: process.pid.into(), boot_id: process.boot_id.clone() }
}

/// What every directory is until a test says otherwise: nothing is in the way.
pub(super) fn usual_ground(process: &ProcessIdentity) -> Ground {
    Ground {
        namespace: namespace(process),
        is_the_machines: false,
        has_another_root: false,
        shows_in: Vec::new(),
        mounts_below: Vec::new(),
        covered_by: None,
        mapped: Vec::new(),
        locked: Vec::new(),
        special: Vec::new(),
        removed: Vec::new(),
        unholdable: Vec::new(),
        filtered: Vec::new(),
        processes: 1,
        open: 0,
    }
}

impl FakeCover {
    pub(super) fn new(process: &ProcessIdentity, path: &Path, source: String, rule: FileRule) -> Self {
        let namespace = namespace(process);
        let cover = Cover { process: process.clone(), namespace, path: path.to_owned(), source };
        Self { cover, rule, seen: 0 }
    }

    /// So many operations that the rule is for.
    pub(super) fn meet(&mut self, count: u64) {
        self.seen += count;
    }

    /// Chance is exact here: 10 % of 100 are 10.
    pub(super) fn status(&self) -> CoverStatus {
        let hits = crate::amounts::part(self.rule.percent.fraction(), self.seen);
        let source = Some(self.cover.source.clone());
        CoverStatus { process: self.cover.process.clone(), source, seen: self.seen, hits }
    }

    pub(super) fn is_of(&self, injection: InjectionId) -> bool {
        self.cover.source.starts_with(&Cover::sources_of(injection))
    }
}
