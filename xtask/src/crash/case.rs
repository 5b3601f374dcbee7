//! The faults, with parameters that fit a short round.

use steadfast_testkit::{BusyCgroup, FileUser, NetnsPair};

/// Faults that stand for the others of their kind.
const THOROUGH: [&str; 9] = [
    "processPause",
    "tcpDelay",
    "httpDelay",
    "networkPartition",
    "dnsError",
    "cpuThrottle",
    "diskFill",
    "timeSkew",
    "ioError",
];

/// A fault with parameters that fit a short round.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Its name.
    pub(crate) fault: &'static str,
    /// Its parameters, as YAML.
    pub(crate) parameters: &'static str,
}

impl Case {
    /// Every fault there is.
    pub(crate) fn all() -> Vec<Self> {
        let case = |fault, parameters| Self { fault, parameters };
        vec![
            case("processKill", "{}"),
            case("processPause", "{}"),
            case("cpuStress", "{workers: 1, load: 20%}"),
            case("memoryStress", "{size: 64MiB}"),
            case("cpuThrottle", "{quota: 0.1}"),
            case("timeSkew", "{offset: +1h}"),
            case("diskStress", "{path: DISK, size: 16MiB, rate: 20MiB/s}"),
            case("diskFill", "{path: DISK, fill: 80%}"),
            case("ioDelay", "{path: FILES, latency: 20ms}"),
            case("ioError", "{path: FILES, operations: [write, open]}"),
            case("networkPartition", "{}"),
            case("networkLoss", "{percent: 100%}"),
            case("networkDelay", "{latency: 40ms, direction: both}"),
            case("networkDuplicate", "{percent: 100%}"),
            case("networkCorrupt", "{percent: 100%}"),
            case("networkReorder", "{percent: 50%, latency: 40ms}"),
            case("networkBandwidth", "{rate: 8kbit/s, burst: 3kB}"),
            case("networkReset", "{}"),
            case("dnsError", "{names: ['*'], answer: nxdomain}"),
            case("dnsSpoof", "{names: [db.shop], answers: [10.9.8.7]}"),
            case("dnsDelay", "{names: ['*.shop'], latency: 40ms}"),
            case("tcpDelay", "{latency: 40ms, stream: both}"),
            case("tcpReset", "{}"),
            case("tcpDown", "{}"),
            case("httpDelay", "{latency: 40ms}"),
            case("httpStatus", "{status: 503}"),
            case("grpcStatus", "{code: UNAVAILABLE}"),
            case("tcpBandwidth", "{rate: 500B/s}"),
            case("tcpSlowClose", "{delay: 200ms}"),
            case("tcpTimeout", "{}"),
            case("tcpSlice", "{size: 4B, pause: 10ms}"),
            case("tcpLimitData", "{limit: 10B}"),
            case("httpAbort", "{}"),
            case("httpBody", "{change: {replace: xx}, side: response}"),
            case("httpHeaders", "{set: {Content-Type: text/strange}, side: response}"),
        ]
    }

    /// Whether it is sampled thoroughly in every test run.
    pub(crate) fn is_thorough(&self) -> bool {
        THOROUGH.contains(&self.fault)
    }

    /// Whether there is something to undo.
    pub(crate) fn reversible(&self) -> bool {
        self.fault != "processKill"
    }

    /// Whether it is put into a proxy.
    pub(crate) fn needs_proxy(&self) -> bool {
        ["tcp", "http", "grpc"].iter().any(|family| self.fault.starts_with(family))
    }

    /// Whether it is put into a network namespace.
    pub(crate) fn needs_namespace(&self) -> bool {
        self.fault.starts_with("network") || self.needs_names()
    }

    /// Whether names must be asked for there.
    pub(super) fn needs_names(&self) -> bool {
        self.fault.starts_with("dns")
    }

    /// Whether it is put on a disk.
    pub(crate) fn needs_disk(&self) -> bool {
        self.fault.starts_with("disk")
    }

    /// Whether it is put into a cgroup.
    pub(super) fn needs_cgroup(&self) -> bool {
        self.fault == "cpuThrottle"
    }

    /// Whether it is put into a process that says what time it is told.
    pub(super) fn needs_clocks(&self) -> bool {
        self.fault == "timeSkew"
    }

    /// Whether it is put over files that are in use.
    pub(super) fn needs_files(&self) -> bool {
        self.fault.starts_with("io")
    }

    /// Why there can be no scene for it here.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        if self.needs_cgroup() {
            return BusyCgroup::missing();
        }
        if self.needs_files() {
            return FileUser::missing();
        }
        let may_be_made = !(self.needs_namespace() || self.needs_disk()) || NetnsPair::may_be_made();
        (!may_be_made).then_some("network namespaces and mounting need root")
    }

    /// Whether it is put into this machine.
    pub(super) fn needs_host(&self) -> bool {
        self.fault.ends_with("Stress") || self.needs_disk()
    }

    /// Whether a worker holds it, so that it is gone soon after the injector is.
    pub(crate) fn has_worker(&self) -> bool {
        self.needs_namespace() || self.needs_host() || self.needs_files()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_case() {
        let folders =
            steadfast_folders::list(&crate::program::root().join("crates/faults/src/faults")).unwrap();
        let known: Vec<_> = folders.iter().map(steadfast_folders::Folder::key).collect();
        let cases: Vec<_> = Case::all().into_iter().map(|case| case.fault.to_owned()).collect();
        assert_eq!(known.len(), cases.len());
        assert!(known.iter().all(|kind| cases.contains(kind)), "{known:?} {cases:?}");
    }
}
