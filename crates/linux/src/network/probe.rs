//! What this kernel can do, tried where it harms nobody.

use rustix::thread::UnshareFlags;
use steadfast_model::network::{NetworkFault, Traffic};

use super::hold::Held;
use crate::LinuxError;

/// Any handle will do where there are no others.
const PROBE: u16 = 0x5fad;

/// What would disturb packets so by nftables: tried in a network namespace made for that and gone at once.
///
/// # Errors
/// [`LinuxError::Missing`] when this kernel does not offer what is needed, [`LinuxError::Denied`] when this user may not.
pub fn probe(traffic: &Traffic, fault: &NetworkFault) -> Result<String, LinuxError> {
    aside(|| Held::put_on("steadfast_probe", traffic, fault, &["lo".to_owned()]).map(drop))?;
    let direction = traffic.direction;
    Ok(match fault {
        NetworkFault::Delay { .. } => match (direction.includes_ingress(), direction.includes_egress()) {
            (true, false) => "nftables and NFQUEUE",
            (false, _) => "nftables and TAP",
            (true, true) => "nftables, NFQUEUE and TAP",
        },
        NetworkFault::Partition { visible: true } => "nftables",
        NetworkFault::Partition { .. } | NetworkFault::Loss { .. } => "nftables at the devices",
    }
    .to_owned())
}

/// Whether this kernel has netem that does so, tried in the same way. The kernel may load its own module for it.
///
/// # Errors
/// As for [`probe`].
pub fn probe_netem(fault: &NetworkFault) -> Result<(), LinuxError> {
    aside(|| Held::queue_at(PROBE, fault, &["lo".to_owned()]).map(drop))
}

/// On a thread that has a network namespace of its own and takes it along.
fn aside<T: Send>(work: impl FnOnce() -> Result<T, LinuxError> + Send) -> Result<T, LinuxError> {
    std::thread::scope(|scope| {
        let inside = scope.spawn(|| {
            // SAFETY: it moves this thread, which ends below, into a new network namespace; no descriptor changes hands.
            let moved = unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) };
            moved.map_err(|errno| LinuxError::call("make a network namespace", errno))?;
            work()
        });
        inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
