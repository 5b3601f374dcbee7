//! Pairs of network namespaces with a cable between them, made and removed by the test.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Two network namespaces, [`NetnsPair::ADDRESS_A`] and [`NetnsPair::ADDRESS_B`] and the same for IPv6, with nothing
/// else in them than loopback and the cable. Both are removed when dropped.
#[derive(Debug)]
pub struct NetnsPair {
    /// The name of the first, as `ip netns` knows it.
    pub a: String,
    /// The name of the second.
    pub b: String,
}

impl NetnsPair {
    /// The IPv4 address in the first.
    pub const ADDRESS_A: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 1));
    /// The IPv4 address in the second.
    pub const ADDRESS_B: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 2));
    /// The IPv6 address in the first.
    pub const ADDRESS6_A: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 1));
    /// The IPv6 address in the second.
    pub const ADDRESS6_B: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 2));

    /// Whether this user may make one.
    #[must_use]
    pub fn may_be_made() -> bool {
        rustix::process::geteuid().is_root()
    }

    /// Makes a pair; `None` for a user who may not. Then the test is skipped, and `cargo xtask test` is told of it.
    ///
    /// # Panics
    /// When root cannot make one.
    #[must_use]
    pub fn new_or_skip(test: &str) -> Option<Self> {
        if !Self::may_be_made() {
            crate::skip(test, "network namespaces need root");
            return None;
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = |end| format!("sft{}-{number}{end}", std::process::id());
        let pair = Self { a: name("a"), b: name("b") };
        let (a, b) = (pair.a.as_str(), pair.b.as_str());
        ip(&["netns", "add", a]);
        ip(&["netns", "add", b]);
        ip(&["-n", a, "link", "add", "veth0", "type", "veth", "peer", "name", "veth0", "netns", b]);
        // Each end knows the other from the start: a kernel loses the first questions for an IPv6 neighbour while the
        // routes of a new device are still being made, and asks again only after a second.
        let ends = [
            (a, Self::ADDRESS_A, Self::ADDRESS6_A, "02:00:00:00:77:01"),
            (b, Self::ADDRESS_B, Self::ADDRESS6_B, "02:00:00:00:77:02"),
        ];
        for (netns, four, six, mac) in ends {
            ip(&["-n", netns, "addr", "add", &format!("{four}/24"), "dev", "veth0"]);
            ip(&["-n", netns, "addr", "add", &format!("{six}/64"), "dev", "veth0", "nodad"]);
            ip(&["-n", netns, "link", "set", "lo", "up"]);
            ip(&["-n", netns, "link", "set", "veth0", "address", mac, "up"]);
        }
        for (netns, (_, four, six, mac)) in [(b, ends[0]), (a, ends[1])] {
            for address in [four, six] {
                let known =
                    format!("-n {netns} neigh replace {address} lladdr {mac} dev veth0 nud permanent");
                ip(&known.split(' ').collect::<Vec<_>>());
            }
        }
        Some(pair)
    }

    /// Removes the first, whatever is in it. Its name is free at once; the kernel keeps it as long as it is used.
    ///
    /// # Panics
    /// When it cannot be removed.
    pub fn remove_a(&self) {
        ip(&["netns", "del", &self.a]);
    }

    /// What is in a namespace that a fault could leave behind: devices and traffic control.
    ///
    /// # Panics
    /// When it cannot be looked at.
    #[must_use]
    pub fn snapshot(netns: &str) -> String {
        let (program, arguments) = ("tc", ["-n", netns, "qdisc", "show"]);
        ip(&["-n", netns, "-o", "link", "show"]) + &run(program, &arguments)
    }
}

impl Drop for NetnsPair {
    fn drop(&mut self) {
        for name in [&self.a, &self.b] {
            // One of them may have been removed by the test.
            drop(quiet("ip", &["netns", "del", name]).status());
        }
    }
}

fn ip(arguments: &[&str]) -> String {
    run("ip", arguments)
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = quiet(program, arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {said}", arguments.join(" "));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn quiet(program: &str, arguments: &[&str]) -> Command {
    #[expect(clippy::disallowed_methods, reason = "the programs that make network namespaces")]
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::piped());
    command
}
