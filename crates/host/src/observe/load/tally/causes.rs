//! Why requests of a load were not good, for people.

use std::collections::BTreeMap;

/// More different causes than this are counted together.
const MOST: usize = 12;

/// How often each cause was met.
#[derive(Debug, Default)]
pub(super) struct Causes(BTreeMap<String, u64>);

impl Causes {
    pub(super) fn note(&mut self, mut cause: String) {
        if self.0.len() >= MOST && !self.0.contains_key(&cause) {
            cause = "other".to_owned();
        }
        *self.0.entry(cause).or_default() += 1;
    }

    pub(super) fn all(&self) -> BTreeMap<String, u64> {
        self.0.clone()
    }
}
