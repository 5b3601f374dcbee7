//! Network namespaces of the fake world.

use std::path::PathBuf;

use steadfast_model::{
    ProcessIdentity,
    network::{DisturbanceStatus, NamespaceIdentity, NetworkFault, NetworkStatus},
    target::ResolvedNamespace,
};

#[derive(Debug)]
pub(super) struct FakeNamespace {
    pub(super) resolved: ResolvedNamespace,
    disturbances: Vec<(DisturbanceStatus, NetworkFault)>,
}

impl FakeNamespace {
    pub(super) fn new(name: &str, number: usize) -> Self {
        let cookie = 4_000 + u64::try_from(number).expect("a test makes few namespaces");
        let resolved = ResolvedNamespace {
            identity: NamespaceIdentity { cookie, boot_id: "fake-boot".to_owned() },
            path: PathBuf::from(format!("/run/netns/{name}")),
            title: name.to_owned(),
        };
        Self { resolved, disturbances: Vec::new() }
    }

    /// What the one of a process is called.
    pub(super) fn name_of(process: &ProcessIdentity) -> String {
        format!("of-{}", process.pid)
    }

    pub(super) fn add(&mut self, table: String, fault: NetworkFault) {
        self.disturbances.push((DisturbanceStatus { table, seen: 0, hits: 0 }, fault));
    }

    pub(super) fn remove(&mut self, table: &str) {
        self.disturbances.retain(|(status, _)| status.table != table);
    }

    /// Chance is exact here: 10 % of 100 are 10.
    #[expect(clippy::cast_precision_loss, reason = "tests send few packets")]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count is a count"
    )]
    pub(super) fn carry(&mut self, count: u64) {
        for (status, fault) in &mut self.disturbances {
            status.seen += count;
            status.hits = match fault {
                NetworkFault::Loss { percent, .. }
                | NetworkFault::Duplicate { percent }
                | NetworkFault::Corrupt { percent }
                | NetworkFault::Reorder { percent, .. }
                | NetworkFault::Reset { percent } => (status.seen as f64 * percent.fraction()).floor() as u64,
                _ => status.seen,
            };
        }
    }

    pub(super) fn status(&self, prefix: &str) -> NetworkStatus {
        let ours = self.disturbances.iter().filter(|(status, _)| status.table.starts_with(prefix));
        let disturbances = ours.map(|(status, _)| status.clone()).collect();
        NetworkStatus { namespace: self.resolved.identity.clone(), disturbances }
    }

    pub(super) fn snapshot(&self) -> String {
        let tables: Vec<_> = self.disturbances.iter().map(|(status, fault)| (&status.table, fault)).collect();
        format!("network namespace {}: {tables:?}\n", self.resolved.title)
    }
}
