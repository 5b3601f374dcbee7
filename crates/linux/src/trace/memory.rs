//! The memory of another process, through `/proc/PID/mem`.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
};

use rustix::io::Errno;

use crate::{LinuxError, stat};

/// The memory of a process as it was when this was opened: not of a program that it started since.
#[derive(Debug)]
pub struct Memory {
    file: File,
    path: PathBuf,
}

impl Memory {
    /// Opens it; `None` when the process is gone. It need not be held to be read.
    ///
    /// # Errors
    /// [`LinuxError::Denied`] when this user may not: whoever may open it may trace the process.
    pub fn open(pid: u32, to_write: bool) -> Result<Option<Self>, LinuxError> {
        let path = PathBuf::from(format!("/proc/{pid}/mem"));
        match OpenOptions::new().read(true).write(to_write).open(&path) {
            Ok(file) => Ok(Some(Self { file, path })),
            Err(error) if stat::is_gone(&error) => Ok(None),
            Err(error) => Err(failed(format!("open {}", path.display()), error)),
        }
    }

    /// Fills `bytes` from there; `false` when nothing is mapped there, or the process is gone.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<bool, LinuxError> {
        match self.file.read_exact_at(bytes, address) {
            Ok(()) => Ok(true),
            // With the process its memory has gone: reading ends at once.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof || is_unmapped(&error) => Ok(false),
            Err(error) => Err(failed(format!("read {address:#x} of {}", self.path.display()), error)),
        }
    }

    /// Writes there, also where the process itself may only read: it gets a copy of its own of that page.
    ///
    /// # Errors
    /// When nothing is mapped there, the process is gone, or the kernel refuses.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<(), LinuxError> {
        let failed = |error| failed(format!("write to {address:#x} of {}", self.path.display()), error);
        self.file.write_all_at(bytes, address).map_err(failed)
    }
}

fn is_unmapped(error: &io::Error) -> bool {
    [Errno::IO, Errno::FAULT].map(|errno| Some(errno.raw_os_error())).contains(&error.raw_os_error())
}

fn failed(what: String, error: io::Error) -> LinuxError {
    match Errno::from_io_error(&error) {
        Some(errno) => LinuxError::call(what, errno),
        None => LinuxError::Call { what, source: error },
    }
}
