//! What this kernel can do, tried where it harms nobody.

use std::sync::mpsc;

use steadfast_model::network::{NetworkFault, Traffic};

use super::{apart::move_thread, divert::Diverted, hold::Held};
use crate::LinuxError;

/// Any handle will do where there are no others.
const PROBE: u16 = 0x5fad;
const PROBE_TABLE: &str = "steadfast_probe";

/// What would disturb packets so by nftables: tried in a network namespace made for that and gone at once.
///
/// # Errors
/// [`LinuxError::Missing`] when this kernel does not offer what is needed, [`LinuxError::Denied`] when this user may not.
pub fn probe(traffic: &Traffic, fault: &NetworkFault) -> Result<String, LinuxError> {
    let (traffic_there, fault_there) = (traffic.clone(), fault.clone());
    match fault {
        NetworkFault::Names { .. } => aside(|| Diverted::try_out(PROBE_TABLE))?,
        _ => aside(move || Held::put_on(PROBE_TABLE, &traffic_there, &fault_there, &["lo".to_owned()]))?,
    }
    let direction = traffic.direction;
    Ok(match fault {
        NetworkFault::Delay { .. }
        | NetworkFault::Bandwidth { .. }
        | NetworkFault::Corrupt { .. }
        | NetworkFault::Reorder { .. } => match (direction.includes_ingress(), direction.includes_egress()) {
            (true, false) => "nftables and NFQUEUE",
            (false, _) => "nftables and TAP",
            (true, true) => "nftables, NFQUEUE and TAP",
        },
        NetworkFault::Names { .. } => "nftables and a DNS server of our own",
        NetworkFault::Duplicate { .. } if direction.includes_ingress() => "nftables at the devices and TAP",
        NetworkFault::Partition { visible: true } | NetworkFault::Reset { .. } => "nftables",
        NetworkFault::Partition { .. } | NetworkFault::Loss { .. } | NetworkFault::Duplicate { .. } => {
            "nftables at the devices"
        }
    }
    .to_owned())
}

/// Whether this kernel has netem that does so, tried in the same way. The kernel may load its own module for it.
///
/// # Errors
/// As for [`probe`].
pub fn probe_netem(fault: &NetworkFault) -> Result<(), LinuxError> {
    let fault = fault.clone();
    aside(move || Held::queue_at(PROBE, &fault, &["lo".to_owned()]))
}

/// On a thread that has a network namespace of its own and takes it along. Nobody waits for that: the kernel needs some
/// moments to take rules away, and they are where no packets are.
fn aside<T>(work: impl FnOnce() -> Result<T, LinuxError> + Send + 'static) -> Result<(), LinuxError> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let (held, answer) = match move_thread().and_then(|()| work()) {
            Ok(held) => (Some(held), Ok(())),
            Err(error) => (None, Err(error)),
        };
        // Nobody listens any more only when this process is ending.
        tell.send(answer).ok();
        drop(held);
    });
    told.recv()
        .unwrap_or_else(|_| Err(LinuxError::Gone { what: "try it: the thread that tried ended".to_owned() }))
}
