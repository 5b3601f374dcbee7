//! The control socket as a file.

use std::{
    fs::{self, DirBuilder, Metadata, Permissions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use tokio::net::{UnixListener, UnixStream};

use crate::ProxyError;

/// Bytes of a path that fit into a Unix socket's address, which has 108 with the zero at its end.
pub(super) const LONGEST_PATH: usize = 107;

/// A bound control socket. Dropping it removes the file, if it is still ours.
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the file.
    file: (u64, u64),
}

impl ControlSocket {
    /// Makes the socket with mode 0600, its directory with 0700 when missing. Replaces what a dead proxy left.
    pub(crate) async fn bind(path: &Path) -> Result<Self, ProxyError> {
        let length = path.as_os_str().as_bytes().len();
        if length > LONGEST_PATH {
            return Err(ProxyError::ControlTooLong { path: path.to_owned(), length, limit: LONGEST_PATH });
        }
        let wrong = |source| ProxyError::Control { path: path.to_owned(), source };
        ensure_private_directory(path)?;
        match UnixStream::connect(path).await {
            Ok(_) => return Err(ProxyError::ControlInUse { path: path.to_owned() }),
            // Somebody listens, though too slowly.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(ProxyError::ControlInUse { path: path.to_owned() });
            }
            // A socket nobody listens on.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                remove_stale(path).map_err(wrong)?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(wrong(error)),
        }
        let listener = UnixListener::bind(path).map_err(wrong)?;
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(wrong)?;
        let file = identify(&fs::symlink_metadata(path).map_err(wrong)?);
        Ok(Self { listener, path: path.to_owned(), file })
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(client, _)| client)
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|metadata| identify(&metadata) == self.file) {
            // What stays is replaced by the next proxy.
            drop(fs::remove_file(&self.path));
        }
    }
}

fn identify(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn remove_stale(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "something that is not a socket is in the way",
        ));
    }
    fs::remove_file(path)
}

fn ensure_private_directory(path: &Path) -> Result<(), ProxyError> {
    let wrong = |source| ProxyError::Control { path: path.to_owned(), source };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(wrong)?;
    let metadata = fs::metadata(directory).map_err(wrong)?;
    let (mode, owner) = (metadata.mode() & 0o777, metadata.uid());
    if mode & 0o077 != 0 || owner != rustix::process::geteuid().as_raw() {
        return Err(ProxyError::ControlExposed { path: path.to_owned(), mode, owner });
    }
    Ok(())
}
