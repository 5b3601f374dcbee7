//! Runs the machine.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::kernel::Kernel;
use crate::{
    program::{program, watch},
    say::say,
};

/// Emulated on two threads. What the console says goes to a file, what the tests say to us.
const MACHINE: [&str; 16] = [
    "-accel",
    "tcg,thread=multi",
    "-cpu",
    "max",
    "-smp",
    "2",
    "-m",
    "3072",
    "-nodefaults",
    "-no-user-config",
    "-display",
    "none",
    "-nic",
    "none",
    "-serial",
    "file:console.log",
];
const KERNEL_WORDS: &str =
    "console=ttyS0 root=/dev/vda rw quiet panic=-1 mitigations=off systemd.show_status=false";
/// However slow it is: no machine runs longer.
const LONGEST: &str = "3600";

/// Boots from the disk until the machine turns itself off. Every line that was said on the second serial line.
pub(super) fn boot(folder: &Path, kernel: &Kernel, disk: &Path) -> Result<Vec<String>> {
    say("booting (the console is in target/vm/console.log)");
    let drive = format!("file={},format=raw,if=virtio,cache=unsafe", disk.display());
    let mut command = program("timeout", &["--kill-after=10", LONGEST, "qemu-system-x86_64"]);
    command.args(MACHINE).args(["-serial", "stdio", "-drive", &drive, "-append", KERNEL_WORDS]);
    command.arg("-kernel").arg(&kernel.image).arg("-initrd").arg(&kernel.initial).current_dir(folder);
    let mut said = Vec::new();
    let ended = watch(command, |line| said.push(line.trim_end_matches('\r').to_owned()));
    ensure!(
        ended.context("run the machine")?,
        "the machine ended in failure, or took longer than {LONGEST} s"
    );
    Ok(said)
}
