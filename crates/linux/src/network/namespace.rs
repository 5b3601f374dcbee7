//! Network namespaces: finding one, telling it from all others, and working in it.

use std::{
    ffi::c_void,
    fs::File,
    io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketFlags, SocketType, socket_with},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};
use steadfast_model::{ProcessIdentity, network::NamespaceIdentity};

use super::{apart::move_thread, cable::switch_on};
use crate::{
    LinuxError,
    identity::{boot_id, process_state},
};

/// Where `ip netns add NAME` keeps namespaces.
const NAMED: &str = "/run/netns";
/// `SO_NETNS_COOKIE` of asm-generic/socket.h, Linux 5.14.
const NETNS_COOKIE: i32 = 71;

/// A network namespace, held open: it lives as long as this does.
#[derive(Debug)]
pub struct Namespace {
    file: File,
    identity: NamespaceIdentity,
}

impl Namespace {
    /// A new one with nothing in it but loopback, which is switched on. It has no name.
    ///
    /// # Errors
    /// [`LinuxError::Denied`] when this user may not make one.
    pub fn make() -> Result<Self, LinuxError> {
        on_a_thread(|| {
            move_thread()?;
            switch_on("lo")?;
            Self::own()
        })
    }

    /// The one with this name; `None` when there is none.
    ///
    /// # Errors
    /// [`LinuxError::Denied`] when this user may not enter it, [`LinuxError::Missing`] before Linux 5.14.
    pub fn named(name: &str) -> Result<Option<Self>, LinuxError> {
        match Path::new(name).components().collect::<Vec<_>>().as_slice() {
            [std::path::Component::Normal(only)] if *only == name => Self::at(&Path::new(NAMED).join(name)),
            _ => Ok(None),
        }
    }

    /// The one a process is in; `None` when the process is gone.
    ///
    /// # Errors
    /// As for [`Namespace::named`].
    pub fn of_process(process: &ProcessIdentity) -> Result<Option<Self>, LinuxError> {
        use steadfast_model::process::ProcessState::{Dead, Gone};
        let found = Self::at(&PathBuf::from(format!("/proc/{}/ns/net", process.pid)))?;
        // Looked at last: so what was opened belongs to that very process.
        let lives = !matches!(process_state(process)?, Dead | Gone);
        Ok(found.filter(|_| lives))
    }

    /// The one this thread is in.
    ///
    /// # Errors
    /// As for [`Namespace::named`].
    pub fn own() -> Result<Self, LinuxError> {
        let missing = || LinuxError::Missing { what: "find the own network namespace".to_owned() };
        Self::at(Path::new("/proc/thread-self/ns/net"))?.ok_or_else(missing)
    }

    /// The one behind a file; `None` when there is no such file, or it is no network namespace.
    ///
    /// # Errors
    /// As for [`Namespace::named`].
    pub fn at(path: &Path) -> Result<Option<Self>, LinuxError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if crate::stat::is_gone(&error) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(LinuxError::Denied { what: format!("open {}", path.display()) });
            }
            Err(source) => return Err(LinuxError::Read { path: path.to_owned(), source }),
        };
        match within(&file, cookie) {
            Ok(cookie) => {
                Ok(Some(Self { file, identity: NamespaceIdentity { cookie: cookie?, boot_id: boot_id()? } }))
            }
            // A file that is no namespace, such as what `ip netns` leaves behind after a crash.
            Err(Errno::INVAL) => Ok(None),
            Err(errno) => Err(LinuxError::call(format!("enter {}", path.display()), errno)),
        }
    }

    /// The one that was meant, behind the file that led there or behind any other that does now; `None` when nothing
    /// does, neither a name nor a process.
    ///
    /// # Errors
    /// As for [`Namespace::named`].
    pub fn find(identity: &NamespaceIdentity, path: &Path) -> Result<Option<Self>, LinuxError> {
        if identity.boot_id != boot_id()? {
            return Ok(None);
        }
        let is_it = |found: &Self| found.identity == *identity;
        if let Some(found) = Self::at(path)?.filter(is_it) {
            return Ok(Some(found));
        }
        let entries = |folder: &str| std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let named = entries(NAMED).map(|entry| entry.path());
        let of_processes = entries("/proc").map(|entry| entry.path().join("ns/net"));
        let mut looked_at = std::collections::HashSet::new();
        for path in named.chain(of_processes) {
            let Ok(meta) = std::fs::metadata(&path) else { continue };
            // Many processes share one. What this user may not enter is passed over: it holds nothing of this user's that
            // outlives the processes in it.
            if looked_at.insert((meta.dev(), meta.ino()))
                && let Ok(Some(found)) = Self::at(&path)
                && is_it(&found)
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// What tells it from every other of this boot.
    #[must_use]
    pub fn identity(&self) -> &NamespaceIdentity {
        &self.identity
    }

    /// A file that leads there, for whoever may look at this process, as long as this lives.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), self.descriptor()))
    }

    pub(super) fn descriptor(&self) -> i32 {
        self.file.as_raw_fd()
    }

    /// Does something on a thread inside it, which ends before this returns.
    ///
    /// # Errors
    /// [`LinuxError::Denied`] when this user may not enter it.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, LinuxError> {
        within(&self.file, work).map_err(|errno| LinuxError::call("enter the network namespace", errno))
    }

    /// Moves this thread into it for good.
    ///
    /// # Errors
    /// [`LinuxError::Denied`] when this user may not enter it.
    pub fn enter(&self) -> Result<(), LinuxError> {
        let entered = move_into_link_name_space(self.file.as_fd(), Some(LinkNameSpaceType::Network));
        entered.map_err(|errno| LinuxError::call("enter the network namespace", errno))
    }
}

/// The namespace this thread is in, without the right to enter it.
///
/// # Errors
/// [`LinuxError::Missing`] before Linux 5.14.
pub fn own_namespace() -> Result<NamespaceIdentity, LinuxError> {
    Ok(NamespaceIdentity { cookie: cookie()?, boot_id: boot_id()? })
}

/// On a thread of its own, as a thread that moved stays where it is.
fn within<T: Send>(file: &File, work: impl FnOnce() -> T + Send) -> Result<T, Errno> {
    on_a_thread(|| {
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
        Ok(work())
    })
}

fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        scope.spawn(work).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The number the kernel gives to a network namespace once, and never again during this boot.
fn cookie() -> Result<u64, LinuxError> {
    let failed = |errno| LinuxError::call("tell which network namespace this is", errno);
    let socket: OwnedFd =
        socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None).map_err(failed)?;
    let mut cookie = 0_u64;
    let mut length = libc::socklen_t::try_from(size_of::<u64>()).expect("eight fits");
    // SAFETY: the kernel writes at most `length` bytes, which are those of `cookie`; both outlive the call.
    let answer = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            NETNS_COOKIE,
            (&raw mut cookie).cast::<c_void>(),
            &raw mut length,
        )
    };
    if answer == 0 {
        return Ok(cookie);
    }
    match Errno::from_io_error(&io::Error::last_os_error()) {
        Some(Errno::NOPROTOOPT) | None => {
            Err(LinuxError::Missing { what: "tell network namespaces apart (Linux 5.14)".to_owned() })
        }
        Some(errno) => Err(failed(errno)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_in_one_namespace_and_always_the_same() {
        // As an ordinary user nobody may enter even the own one; then there is nothing to see here.
        let Ok(own) = Namespace::own() else { return };
        let process = crate::own_identity().unwrap();
        let again = Namespace::of_process(&process).unwrap().unwrap();
        assert_eq!(own.identity(), again.identity());
        assert_ne!(own.identity().cookie, 0);
        assert_eq!(own.inside(|| Namespace::own().unwrap().identity().clone()).unwrap(), *own.identity());
    }

    #[test]
    fn what_is_no_namespace_is_none() {
        for name in ["no-such-namespace", "", ".", "..", "../netns/x", "/etc/passwd"] {
            assert!(Namespace::named(name).unwrap().is_none(), "{name}");
        }
        let gone = ProcessIdentity { pid: u32::MAX, start_time: 1, boot_id: "x".to_owned() };
        assert!(Namespace::of_process(&gone).unwrap().is_none());
    }
}
