//! Questions to DNS servers, led to sockets of ours.
//!
//! What leaves a namespace for port 53 is redirected to loopback, where we listen; what we send on for others bears a mark
//! and passes. All of it is in zones of connection tracking of its own, which packets enter by rules of the same table. So
//! when the table has gone, however that came, no packet is led here any more: not even one of a conversation that
//! connection tracking still remembers in such a zone. A zone has the number of the port that it leads to, so that what is
//! remembered of an earlier one never leads elsewhere.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket},
    os::fd::{AsFd, AsRawFd},
    time::Duration,
};

use rustix::io::Errno;
use steadfast_model::network::Transport;

use super::{
    nft::{ASKED, OwnedTables, SLOWED},
    origin::Origins,
    plan::{Diversion, diverting},
};
use crate::LinuxError;

/// How long a packet may take over loopback.
const ECHO: Duration = Duration::from_millis(500);
/// The mark of what we send ourselves.
const OURS: u32 = 0x5fa5_7002;

/// The table that keeps questions coming here. Dropping it, or the end of the process, takes it away.
#[derive(Debug)]
pub struct Diverted {
    tables: OwnedTables,
}

/// Where questions arrive. It has to outlive the table: nobody must be led to a socket that is closed.
#[derive(Debug)]
pub struct Arrivals {
    /// Packets, without waiting for them.
    pub udp: Vec<UdpSocket>,
    /// Connections, without waiting for them.
    pub tcp: Vec<TcpListener>,
    /// Tells where they were meant to go.
    pub origins: Origins,
}

impl Diverted {
    /// Leads questions here from now on. This thread must be inside the namespace.
    ///
    /// # Errors
    /// [`LinuxError::Missing`] when this kernel does not offer what is needed; then nothing is in place.
    pub fn put(name: &str) -> Result<(Self, Arrivals), LinuxError> {
        let failed = |source| LinuxError::Call { what: "listen for questions".to_owned(), source };
        let (mut udp, mut tcp, mut diversions) = (Vec::new(), Vec::new(), Vec::new());
        for loopback in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
            let Some((socket, listener)) = listen(loopback).map_err(failed)? else { continue };
            let by_udp = socket.local_addr().map_err(failed)?.port();
            let by_tcp = listener.local_addr().map_err(failed)?.port();
            diversions.extend([
                Diversion { loopback, transport: Transport::Udp, to: by_udp },
                Diversion { loopback, transport: Transport::Tcp, to: by_tcp },
            ]);
            udp.push(socket);
            tcp.push(listener);
        }
        if udp.is_empty() {
            return Err(failed(io::Error::other(
                "loopback is switched off in the network namespace, or a firewall is in its way",
            )));
        }
        let origins = Origins::open()?;
        let tables = OwnedTables::make(name, &[diverting(&diversions, OURS)])?;
        Ok((Self { tables }, Arrivals { udp, tcp, origins }))
    }

    /// Whether this kernel offers all that, tried in a namespace made for that.
    pub(super) fn try_out(name: &str) -> Result<(OwnedTables, Origins), LinuxError> {
        let all = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].map(|loopback| Diversion {
            loopback,
            transport: Transport::Udp,
            to: 9,
        });
        Ok((OwnedTables::make(name, &[diverting(&all, OURS)])?, Origins::open()?))
    }

    /// Tells whoever looks of so many questions more, and how many of them were disturbed.
    ///
    /// # Errors
    /// When the table is lost.
    pub fn tell(&mut self, asked: u64, disturbed: u64) -> Result<(), LinuxError> {
        for (what, count) in [(ASKED, asked), (SLOWED, disturbed)] {
            if count > 0 {
                self.tables.tell(what, count)?;
            }
        }
        Ok(())
    }

    /// Lets no more questions come here; what was asked can still be answered.
    ///
    /// # Errors
    /// When the table is lost.
    pub fn close(&mut self) -> Result<(), LinuxError> {
        self.tables.close()
    }
}

/// Lets what this socket sends pass.
///
/// # Errors
/// When this thread may not do so in its network namespace.
pub fn pass_diversion(socket: &impl AsFd) -> io::Result<()> {
    let mark = OURS;
    let length = libc::socklen_t::try_from(size_of::<u32>()).expect("four fits");
    // SAFETY: the kernel reads `length` bytes, which are those of `mark`; both outlive the call.
    let answer = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MARK,
            (&raw const mark).cast(),
            length,
        )
    };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Listens on loopback; `None` where it does not carry this version of IP.
fn listen(loopback: IpAddr) -> io::Result<Option<(UdpSocket, TcpListener)>> {
    let socket = match UdpSocket::bind((loopback, 0)) {
        Ok(socket) => socket,
        Err(error) if is_unknown(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    // Addresses can be bound to also where loopback is switched off: whoever is led there would be heard by nobody.
    socket.set_read_timeout(Some(ECHO))?;
    let own = socket.local_addr()?;
    let comes_back = socket.send_to(&[], own).and_then(|_| socket.recv_from(&mut []));
    if !comes_back.is_ok_and(|(_, from)| from == own) {
        return Ok(None);
    }
    let listener = TcpListener::bind((loopback, 0))?;
    socket.set_nonblocking(true)?;
    listener.set_nonblocking(true)?;
    Ok(Some((socket, listener)))
}

fn is_unknown(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT))
}

#[cfg(test)]
mod tests;
