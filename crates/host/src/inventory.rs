//! What this machine can and cannot do, for `steadfast doctor`.

use std::io::Write;

use steadfast_engine::host::Capability;
use steadfast_ledger::{StateDir, private_file};
use steadfast_linux::{ProcessHandle, SystemClock, network, own_identity};
use steadfast_model::{
    Clock, Duration,
    network::{Backend, NetworkFault, Traffic},
};

use crate::{Policies, reaper::ReaperKeeper};

/// One entry a capability. Starts a reaper to see that one can be started; it leaves by itself.
pub(crate) async fn inventory(dir: &StateDir, keeper: &ReaperKeeper, policies: &Policies) -> Vec<Capability> {
    let reaper = keeper.ensure().await;
    let reaper = reaper.map(|identity| format!("process {identity} looks after {}", dir.path().display()));
    vec![
        capability("pidfd", pidfd(), "Linux 5.3 or later is needed; some sandboxes lack it"),
        capability("boot clock", boot_clock(), "/proc must be mounted"),
        capability("state directory", writable(dir), "name a directory of yours on a disk with --state-dir"),
        capability("reaper", reaper.map_err(|error| error.message), "see reaper.log in the state directory"),
        policy(policies),
        capability("privileges", Ok(format!("{}; {}", privileges(), network_faults().await)), ""),
    ]
}

fn capability(name: &str, found: Result<String, String>, hint: &str) -> Capability {
    let works = found.is_ok();
    let detail = found.unwrap_or_else(|why| format!("failed to {why}"));
    Capability { name: name.to_owned(), works, detail, hint: (!works).then(|| hint.to_owned()) }
}

fn policy(policies: &Policies) -> Capability {
    match policies.load() {
        Ok(limits) => capability("policy", Ok(limits.to_string()), ""),
        Err(error) => capability("policy", Err(error.message), error.hint.as_deref().unwrap_or_default()),
    }
}

fn pidfd() -> Result<String, String> {
    let own = own_identity().map_err(|error| error.with_causes())?;
    let handle = ProcessHandle::open(&own).map_err(|error| error.with_causes())?;
    handle.ok_or("find this process")?.may_signal().map_err(|error| error.with_causes())?;
    Ok("processes can be held, watched and signalled without mistaking them".to_owned())
}

fn boot_clock() -> Result<String, String> {
    let clock = SystemClock::new().map_err(|error| error.with_causes())?;
    Ok(format!("boot {}, {} s ago", clock.boot_id(), clock.boot().0 / 1_000_000_000))
}

fn writable(dir: &StateDir) -> Result<String, String> {
    let path = dir.path().join("doctor");
    drop(std::fs::remove_file(&path));
    let written =
        private_file::create_new(&path).map_err(|error| error.with_causes()).and_then(|mut file| {
            let written = file.write_all(&[0; 4096]).and_then(|()| file.sync_all());
            written.map_err(|error| format!("write {}: {error}", path.display()))
        });
    drop(std::fs::remove_file(&path));
    written.map(|()| format!("{} is on a disk, private and writable", dir.path().display()))
}

/// What would hold packets, both ways: it needs the most. A machine without it is no broken machine.
async fn network_faults() -> String {
    let delay = NetworkFault::Delay {
        latency: Duration::from_millis(1),
        jitter: Duration::ZERO,
        keep_order: false,
        seed: 0,
        backend: Backend::Nftables,
    };
    let tried = tokio::task::spawn_blocking(move || network::probe(&Traffic::default(), &delay)).await;
    match tried
        .map_err(|error| error.to_string())
        .and_then(|found| found.map_err(|error| error.with_causes()))
    {
        Ok(found) => format!("network namespaces, with {found}"),
        Err(why) => format!("not all network faults: failed to {why}"),
    }
}

fn privileges() -> String {
    match rustix::process::geteuid() {
        root if root.is_root() => "root: every process of this machine".to_owned(),
        user => format!("user {}: own processes only", user.as_raw()),
    }
}
