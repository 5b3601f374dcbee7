//! Leads what is sent out through a device of ours into another device, as if it had come in there, by messages of
//! rtnetlink(7). What does that is part of our device and goes with it.

use rustix::io::Errno;

use super::{
    netlink::{Attributes, CREATE, EXCLUSIVE, Netlink},
    qdisc::{KIND, NEW, OPTIONS, header},
};
use crate::LinuxError;

/// Message type of linux/rtnetlink.h.
const NEW_FILTER: u16 = 44;
/// `TC_H_CLSACT` and its place for what goes out, in linux/pkt_sched.h.
const CLSACT: u32 = 0xFFFF_FFF1;
const CLSACT_HANDLE: u32 = 0xFFFF_0000;
const GOING_OUT: u32 = 0xFFFF_FFF3;
/// `ETH_P_ALL` of linux/if_ether.h.
const EVERY_PROTOCOL: u16 = 3;
/// `enum` of `TCA_U32_` in linux/pkt_cls.h.
const SELECTOR: u16 = 5;
const ACTIONS: u16 = 7;
const TERMINAL: u8 = 1;
/// `struct tc_u32_sel` with one `struct tc_u32_key`.
const SELECTOR_BYTES: usize = 16 + 16;
/// `enum` of `TCA_ACT_` in linux/pkt_cls.h, and of `TCA_MIRRED_` in linux/tc_act/tc_mirred.h.
const ACTION_KIND: u16 = 1;
const ACTION_OPTIONS: u16 = 2;
const MIRRED_SETTINGS: u16 = 2;
const INTO: u32 = 3;
const STOLEN: u32 = 4;

/// From now on everything that is sent out through the one comes in at the other, both by their numbers in this thread's
/// namespace.
pub(super) fn lead_into(ours: u32, device: u32) -> Result<(), LinuxError> {
    let failed = |errno| match errno {
        // The kernel looks for a module of that name and finds none.
        Errno::NOENT | Errno::OPNOTSUPP => {
            LinuxError::Missing { what: "lead packets into a device (clsact, u32 and mirred)".to_owned() }
        }
        errno => LinuxError::call("lead packets into a device", errno),
    };
    let mut socket = Netlink::open_route()?;
    let discipline =
        [header(ours, CLSACT_HANDLE, CLSACT, 0), Attributes::new().text(KIND, "clsact").as_bytes().to_vec()];
    socket.ask_route(NEW, CREATE | EXCLUSIVE, &discipline.concat()).map_err(failed)?;
    // With priority 1.
    let everything = 1 << 16 | u32::from(EVERY_PROTOCOL.to_be());
    let filter = [header(ours, 0, GOING_OUT, everything), filter(device).as_bytes().to_vec()];
    socket.ask_route(NEW_FILTER, CREATE | EXCLUSIVE, &filter.concat()).map_err(failed)
}

/// Takes every packet, as nothing of its only key is looked at.
fn filter(device: u32) -> Attributes {
    let mut selector = vec![0; SELECTOR_BYTES];
    selector[0] = TERMINAL;
    selector[2] = 1;
    // `struct tc_mirred`: index, capabilities, verdict, two counts, what to do, device.
    let settings: Vec<u8> =
        [0, 0, STOLEN, 0, 0, INTO, device].into_iter().flat_map(u32::to_ne_bytes).collect();
    let mirred = Attributes::new()
        .text(ACTION_KIND, "mirred")
        .nest(ACTION_OPTIONS, Attributes::new().bytes(MIRRED_SETTINGS, &settings));
    let options =
        Attributes::new().bytes(SELECTOR, &selector).nest(ACTIONS, Attributes::new().nest(1, mirred));
    Attributes::new().text(KIND, "u32").nest(OPTIONS, options)
}
