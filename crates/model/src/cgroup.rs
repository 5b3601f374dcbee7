//! Cgroups, as far as they limit CPU time.

use std::{fmt, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stress::CpuLimit;

/// A cgroup for as long as it is there. One that is made again under the same name is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CgroupIdentity {
    /// The folder it is seen at.
    pub folder: PathBuf,
    /// The number of that folder, which the kernel gives to no other one in the same boot.
    pub inode: u64,
    /// The boot it belongs to.
    pub boot_id: String,
    /// Whether it is of version 2.
    pub unified: bool,
}

/// How much CPU time a cgroup may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CpuQuota {
    /// In every period, in microseconds; as much as there is when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_micros: Option<u64>,
    /// How long a period is, in microseconds.
    pub period_micros: u64,
}

/// A cgroup, its limit, and what it counted. Counts only grow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CpuGroup {
    /// Which cgroup.
    pub identity: CgroupIdentity,
    /// Whether it is the one that all others are in.
    pub is_root: bool,
    /// Its own limit.
    pub quota: CpuQuota,
    /// The tightest limit of it and of those it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tightest: Option<CpuLimit>,
    /// In how many periods it was held back.
    pub throttled: u64,
    /// How long its threads were held back, all together, in nanoseconds.
    pub throttled_nanos: u64,
}

impl CpuQuota {
    /// In thousandths of one CPU; `None` without a limit.
    #[must_use]
    pub fn millis(self) -> Option<u64> {
        self.quota_micros?.checked_mul(1_000)?.checked_div(self.period_micros)
    }

    /// The same periods with so many thousandths of one CPU.
    #[must_use]
    pub fn with_millis(self, millis: u64) -> Self {
        Self { quota_micros: Some(millis.saturating_mul(self.period_micros) / 1_000), ..self }
    }
}

impl CgroupIdentity {
    /// The file that sets the limit.
    #[must_use]
    pub fn quota_file(&self) -> PathBuf {
        self.folder.join(if self.unified { "cpu.max" } else { "cpu.cfs_quota_us" })
    }

    /// What is written into it for a quota in microseconds.
    #[must_use]
    pub fn quota_text(&self, quota_micros: Option<u64>) -> String {
        let none = if self.unified { "max" } else { "-1" };
        quota_micros.map_or_else(|| none.to_owned(), |quota| quota.to_string())
    }
}

impl fmt::Display for CgroupIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cgroup {}", self.folder.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_a_part_of_its_period() {
        let none = CpuQuota { quota_micros: None, period_micros: 100_000 };
        assert_eq!(none.millis(), None);
        assert_eq!(none.with_millis(200).quota_micros, Some(20_000));
        assert_eq!(none.with_millis(1_500).millis(), Some(1_500));
        assert_eq!(CpuQuota { quota_micros: Some(1), period_micros: 0 }.millis(), None);
    }

    #[test]
    fn both_versions_say_no_limit_in_their_own_way() {
        let cgroup =
            |unified| CgroupIdentity { folder: "/c/shop".into(), inode: 7, boot_id: "b".to_owned(), unified };
        let both = |unified: bool| {
            let cgroup = cgroup(unified);
            (cgroup.quota_file().display().to_string(), cgroup.quota_text(None), cgroup.quota_text(Some(5)))
        };
        let text = |one: &str, two: &str| (one.to_owned(), two.to_owned(), "5".to_owned());
        assert_eq!(both(true), text("/c/shop/cpu.max", "max"));
        assert_eq!(both(false), text("/c/shop/cpu.cfs_quota_us", "-1"));
    }
}
