//! How a change is undone, as plain data that any Steadfast process can carry out.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    cgroup::CgroupIdentity, files::Cover, network::NamespaceIdentity, process::ProcessIdentity,
    proxy::RuleId, skew::ClockPatch, stress::Stress,
};

/// One step back: a map with one key. Carrying it out twice, or for a change that never happened, succeeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum UndoVerb {
    /// Let a stopped process run again (`SIGCONT`).
    ResumeProcess {
        /// Which process. One that is gone needs nothing.
        process: ProcessIdentity,
    },
    /// Take a rule out of a proxy.
    RemoveRule {
        /// The proxy's control socket.
        control: PathBuf,
        /// The proxy process the rule was given to. When that process is gone, so is the rule.
        proxy: ProcessIdentity,
        /// The rule.
        rule: RuleId,
    },
    /// End a worker that holds a fault in a network namespace; the kernel drops what it holds.
    EndWorker {
        /// Which process. When it is gone, so is what it held.
        worker: ProcessIdentity,
        /// Where it works.
        namespace: NamespaceIdentity,
        /// The name of its nftables tables there.
        table: String,
        /// What it holds there by more than descriptors, if anything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        qdisc: Option<HeldQdisc>,
    },
    /// End a worker that puts load on this machine.
    EndStress {
        /// Which process. When it is gone, so is its load.
        worker: ProcessIdentity,
        /// What it does.
        stress: Stress,
    },
    /// End a worker that covers a directory, take the cover away, and give everybody the files below it back.
    UncoverFiles {
        /// Which process. When it is killed the cover stays, and fails whoever uses it.
        worker: ProcessIdentity,
        /// What is covered. When nobody is left in its mount namespace, there is nothing to take away.
        cover: Cover,
    },
    /// Give a cgroup its limit of CPU time back, unless somebody else has changed it since.
    RestoreCpuQuota {
        /// Which cgroup. When it is gone, so is its limit.
        cgroup: CgroupIdentity,
        /// The quota that the fault set, in microseconds.
        ours_micros: u64,
        /// The quota before, in microseconds; none without a limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was_micros: Option<u64>,
    },
    /// Let a process read its clocks as before, and with it every process that it has forked meanwhile.
    RestoreClocks {
        /// Which process. What it forked stays to be looked for when it is gone.
        process: ProcessIdentity,
        /// What was changed there.
        patch: Box<ClockPatch>,
    },
    /// A change that cannot be taken back, recorded so that it is known: a killed process.
    Irreversible {
        /// What was done, for people.
        what: String,
    },
}

/// A queueing discipline, which stays in a network namespace when the process that made it is killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldQdisc {
    /// A file that leads to the namespace, or did. Others may lead there too.
    pub path: PathBuf,
    /// The upper half of its handle. Only what bears it is deleted.
    pub major: u16,
}

impl UndoVerb {
    /// What a person could type when nothing of ours works any more.
    #[must_use]
    pub fn manual_command(&self) -> String {
        match self {
            Self::ResumeProcess { process } => format!("kill -CONT {}", process.pid),
            Self::RemoveRule { proxy, .. } => {
                format!("steadfast recover   # or, ending the proxy with its rule: kill {}", proxy.pid)
            }
            Self::EndWorker { worker, qdisc: Some(HeldQdisc { path, major }), .. } => format!(
                "kill -KILL {}; for each DEVICE that shows {major:x}: in `nsenter --net={path} tc qdisc`: nsenter --net={path} tc qdisc del dev DEVICE root handle {major:x}:",
                worker.pid,
                path = path.display()
            ),
            Self::EndWorker { worker, .. } | Self::EndStress { worker, .. } => {
                format!("kill -KILL {}", worker.pid)
            }
            Self::UncoverFiles { worker, cover } => format!(
                "nsenter --mount --target={} umount --lazy {}; kill -KILL {}; then restart what had files open there",
                cover.process.pid,
                quoted(&cover.path),
                worker.pid
            ),
            Self::RestoreCpuQuota { cgroup, was_micros, .. } => {
                format!("echo {} > {}", cgroup.quota_text(*was_micros), cgroup.quota_file().display())
            }
            Self::RestoreClocks { process, patch } => {
                let each = patch.sites.iter().map(|site| {
                    let bytes: String = site.was.iter().map(|byte| format!("\\{byte:03o}")).collect();
                    let (memory, at) = (format!("/proc/{}/mem", process.pid), site.address);
                    // Each in one write: a thread must not meet half of it.
                    format!("printf '{bytes}' | dd of={memory} bs=16 oflag=seek_bytes seek={at} conv=notrunc status=none")
                });
                let pid = process.pid;
                format!("kill -STOP {pid}; {}; kill -CONT {pid}", each.collect::<Vec<_>>().join("; "))
            }
            Self::Irreversible { what } => format!("# nothing to undo: {what}"),
        }
    }
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_path_is_one_word_of_a_shell() {
        assert_eq!(quoted(Path::new("/a b/$c")), "'/a b/$c'");
        assert_eq!(quoted(Path::new("/it's; rm x")), r"'/it'\''s; rm x'");
    }
}
