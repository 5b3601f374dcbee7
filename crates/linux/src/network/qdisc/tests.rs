use std::time::Duration;

use proptest::prelude::*;
use steadfast_model::{Percent, network::Backend};
use steadfast_testkit::NetnsPair;

use super::*;

const MAJOR: u16 = 0x5fa1;

fn delay(latency: Duration, jitter: Duration) -> Qdisc {
    let (latency, jitter) = (latency.into(), jitter.into());
    let fault = NetworkFault::Delay { latency, jitter, keep_order: false, seed: 0, backend: Backend::Netem };
    Qdisc::netem(&fault).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    let words = bytes.chunks(4).map(|word| word.iter().map(|byte| format!("{byte:02x}")).collect());
    words.collect::<Vec<String>>().join(" ")
}

/// Byte for byte, as on a little-endian machine: both that Steadfast runs on are.
#[test]
fn the_message_that_makes_a_delay_is_what_the_kernels_headers_say() {
    let qdisc = delay(Duration::from_millis(300), Duration::from_millis(20));
    let expected = [
        "00000000 02000000 0000a15f ffffffff 00000000", // struct tcmsg: family, ifindex 2, handle 5fa1:0, TC_H_ROOT, info
        "0a000100 6e657465 6d000000", // TCA_KIND (1), 4 + 6 bytes: "netem" and its zero, padded
        "34000200",                   // TCA_OPTIONS (2), 4 + 24 + 24 bytes
        "00000000 00400000 00000000 00000000 00000000 00000000", // struct tc_netem_qopt: latency, limit 16384, loss, gap, duplicate, jitter
        "0c000a00 00a3e111 00000000", // TCA_NETEM_LATENCY64 (10): 300,000,000 ns as 64 bits
        "0c000b00 002d3101 00000000", // TCA_NETEM_JITTER64 (11): 20,000,000 ns
    ];
    assert_eq!(hex(&new_message(2, MAJOR, &qdisc)), expected.join(" "));
}

#[test]
fn the_message_that_makes_a_loss_is_what_the_kernels_headers_say() {
    let percent = Percent::new(25.0).unwrap();
    let qdisc = Qdisc::netem(&NetworkFault::Loss { percent, backend: Backend::Netem }).unwrap();
    let expected = [
        "00000000 07000000 0000a15f ffffffff 00000000", // struct tcmsg, ifindex 7
        "0a000100 6e657465 6d000000",                   // TCA_KIND: "netem"
        "1c000200",                                     // TCA_OPTIONS, 4 + 24 bytes
        "00000000 00400000 00000040 00000000 00000000 00000000", // loss: a quarter of ~0
    ];
    assert_eq!(hex(&new_message(7, MAJOR, &qdisc)), expected.join(" "));
    assert_eq!(of_all(1.0), u32::MAX);
    assert_eq!(Qdisc::netem(&NetworkFault::Partition { visible: false }), None);
}

#[test]
fn the_message_that_deletes_names_our_handle() {
    let expected = "00000000 02000000 0000a15f ffffffff 00000000";
    assert_eq!(hex(&header(2, handle(MAJOR), ROOT, 0)), expected);
}

/// A discipline that every kernel has stands for netem here: all but its options is the same.
#[test]
fn what_is_made_is_listed_counted_and_deleted_and_the_default_is_back() {
    let name = "what_is_made_is_listed_counted_and_deleted_and_the_default_is_back";
    let Some(pair) = NetnsPair::new_or_skip(name) else { return };
    let namespace = Namespace::named(&pair.a).unwrap().unwrap();
    let pfifo = Qdisc { kind: "pfifo", options: 5_u32.to_ne_bytes().to_vec() };
    let before = NetnsPair::snapshot(&pair.a);
    let make = || namespace.inside(|| OwnedQdiscs::make(MAJOR, &pfifo, &[veth()])).unwrap();
    assert!(!has_qdiscs(&namespace).unwrap());
    let made = make().unwrap();
    assert!(has_qdiscs(&namespace).unwrap());
    let shown = NetnsPair::snapshot(&pair.a);
    assert!(shown.contains("qdisc pfifo 5fa1: dev veth0 root refcnt"), "{shown}");
    assert!(shown.contains("limit 5p"), "{shown}");
    // Somebody's discipline is not replaced, and another handle deletes nothing.
    assert!(make().unwrap_err().with_causes().contains("has a queueing discipline already"));
    remove_qdiscs(&namespace, MAJOR + 1).unwrap();
    assert_eq!(NetnsPair::snapshot(&pair.a), shown);
    assert!(qdisc_status(&namespace, MAJOR + 1).unwrap().is_none());
    let socket = namespace.inside(|| std::net::UdpSocket::bind((NetnsPair::ADDRESS_A, 0)).unwrap()).unwrap();
    for _ in 0..10 {
        socket.send_to(b"x", (NetnsPair::ADDRESS_B, 7000)).unwrap();
    }
    let status = qdisc_status(&namespace, MAJOR).unwrap().unwrap();
    assert!(status.seen >= 10, "{status:?}");
    drop(made);
    assert_eq!(NetnsPair::snapshot(&pair.a), before);
    // As after the process that made it was killed.
    std::mem::forget(make().unwrap());
    assert_eq!(NetnsPair::snapshot(&pair.a), shown);
    for _ in 0..2 {
        remove_qdiscs(&namespace, MAJOR).unwrap();
        assert_eq!(NetnsPair::snapshot(&pair.a), before);
    }
}

#[test]
fn a_kind_that_the_kernel_does_not_have_is_missing() {
    let Some(pair) = NetnsPair::new_or_skip("a_kind_that_the_kernel_does_not_have_is_missing") else {
        return;
    };
    let namespace = Namespace::named(&pair.a).unwrap().unwrap();
    let nonsense = Qdisc { kind: "steadfast", options: Vec::new() };
    let refused = namespace.inside(|| OwnedQdiscs::make(MAJOR, &nonsense, &[veth()]).unwrap_err()).unwrap();
    assert!(matches!(refused, LinuxError::Missing { .. }), "{refused}");
}

/// The number of `veth0` in this thread's namespace.
fn veth() -> u32 {
    super::super::device::number_of("veth0").unwrap()
}

proptest! {
    #[test]
    fn whatever_the_kernel_lists_is_read_without_a_panic(bytes: Vec<u8>) {
        let listed = read(&bytes);
        prop_assert!(listed.is_none() || bytes.len() > HEADER);
    }
}
