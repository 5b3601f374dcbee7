//! Somebody without privileges.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use super::{Output, Place};

const NOBODY: u32 = 65534;

/// A directory that everybody can reach, with the program and room for somebody's state.
pub(crate) struct Nobody {
    pub(crate) root: PathBuf,
}

impl Nobody {
    /// `None` when `test` is not run by root, who alone can become somebody else; it is then noted as skipped.
    pub(crate) fn new(test: &str) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if fs::metadata("/proc/self").unwrap().uid() != 0 {
            steadfast_testkit::skip(test, "only root can become somebody else");
            return None;
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = PathBuf::from(format!("/var/tmp/sf-cli-{}-{number}", std::process::id()));
        fs::create_dir_all(root.join("state")).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_steadfast"), root.join("steadfast")).unwrap();
        fs::set_permissions(root.join("steadfast"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(root.join("state"), fs::Permissions::from_mode(0o700)).unwrap();
        chown(root.join("state"), Some(NOBODY), Some(NOBODY)).unwrap();
        Some(Self { root })
    }

    /// Types a command as this somebody; without a state directory of their own there is an empty `HOME`.
    pub(crate) fn run(&self, place: &Place, arguments: &[&str], with_state: bool) -> Output {
        let mut command = place.bare("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(self.root.join("steadfast"));
        command.current_dir("/").env("HOME", "").args(arguments);
        if with_state {
            command.env("STEADFAST_STATE_DIR", self.root.join("state"));
        }
        place.start_command(command).wait()
    }
}

impl Drop for Nobody {
    fn drop(&mut self) {
        // What cannot be removed is in /var/tmp, where it does no harm.
        drop(fs::remove_dir_all(&self.root));
    }
}
