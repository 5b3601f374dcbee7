//! Which processes listen on a TCP port: `/proc/net/tcp`, `/proc/net/tcp6` and everybody's descriptors.

use std::{collections::BTreeSet, io, path::PathBuf};

use steadfast_model::ProcessIdentity;

use crate::{
    LinuxError,
    identity::{every_process_number, identify},
    stat::is_gone,
};

/// Who listens on a port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listeners {
    /// Processes that hold a listening socket, by number.
    pub processes: Vec<ProcessIdentity>,
    /// Listening sockets on that port, also those whose holder could not be seen.
    pub sockets: usize,
    /// Processes whose descriptors this user may not see. Above zero, `processes` may be incomplete.
    pub unreadable: usize,
}

/// Looks for the processes that listen on a TCP port of this network namespace.
///
/// # Errors
/// When the kernel's tables cannot be read.
pub fn listeners(port: u16) -> Result<Listeners, LinuxError> {
    let mut sockets = BTreeSet::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let path = PathBuf::from(table);
        match std::fs::read_to_string(&path) {
            Ok(text) => sockets.extend(listening_inodes(&text, port)),
            // A kernel without IPv6.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(LinuxError::Read { path, source }),
        }
    }
    let mut found = Listeners { sockets: sockets.len(), ..Listeners::default() };
    if sockets.is_empty() {
        return Ok(found);
    }
    for pid in every_process_number()? {
        match holds_one(pid, &sockets) {
            Ok(true) => found.processes.extend(identify(pid)?),
            Ok(false) => {}
            Err(error) if is_gone(&error) => {}
            Err(_) => found.unreadable += 1,
        }
    }
    Ok(found)
}

/// Inodes of the sockets in state 0A (`TCP_LISTEN`) on a port. Columns as in proc_net_tcp: the second is address and
/// port in hexadecimal, the fourth the state, the tenth the inode.
fn listening_inodes(table: &str, port: u16) -> Vec<u64> {
    let socket = |line: &str| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let (_, local_port) = columns.get(1)?.rsplit_once(':')?;
        let matches = u16::from_str_radix(local_port, 16).ok()? == port && *columns.get(3)? == "0A";
        if matches { columns.get(9)?.parse().ok() } else { None }
    };
    table.lines().skip(1).filter_map(socket).collect()
}

fn holds_one(pid: u32, sockets: &BTreeSet<u64>) -> io::Result<bool> {
    for descriptor in std::fs::read_dir(format!("/proc/{pid}/fd"))? {
        let Ok(link) = std::fs::read_link(descriptor?.path()) else { continue };
        let link = link.to_string_lossy();
        let inode = link.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
        if inode.and_then(|inode| inode.parse().ok()).is_some_and(|inode: u64| sockets.contains(&inode)) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_process_that_listens_is_found() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let found = listeners(listener.local_addr().unwrap().port()).unwrap();
            let pids: Vec<u32> = found.processes.iter().map(|process| process.pid).collect();
            assert_eq!((pids, found.sockets), (vec![std::process::id()], 1), "{address}");
        }
    }

    #[test]
    fn a_port_nobody_listens_on_has_nobody() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert_eq!(listeners(port).unwrap(), Listeners::default());
    }

    #[test]
    fn connections_and_other_ports_are_not_listeners() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1B58 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0\n\
            1: 0100007F:1B58 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 4343 1 0\n\
            2: 0100007F:1B59 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4444 1 0\n\
            broken";
        assert_eq!(listening_inodes(table, 7000), [4242]);
    }
}
