//! Debian's kernel, its modules, and the little that finds the disk.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    program::{program, run, text},
    say::say,
};

/// A kernel and its first file system.
pub(super) struct Kernel {
    pub(super) image: PathBuf,
    pub(super) initial: PathBuf,
}

/// Folders and files of modules that the tests can want; the rest is drivers for hardware that is not there.
const WANTED: [&str; 11] = [
    "arch",
    "crypto",
    "fs",
    "lib",
    "net",
    "drivers/block",
    "drivers/net/dummy.ko",
    "drivers/net/ifb.ko",
    "drivers/net/tun.ko",
    "drivers/net/veth.ko",
    "drivers/virtio",
];

/// Finds the disk and goes on there.
const INIT: &str = r#"#!/bin/busybox sh
bb=/bin/busybox
$bb mkdir -p /dev /proc /disk
$bb mount -t devtmpfs dev /dev
$bb mount -t proc proc /proc
for module in $($bb cat /modules); do $bb insmod $module; done
while [ ! -e /dev/vda ]; do $bb sleep 0.1; done
$bb mount -t ext4 /dev/vda /disk
$bb umount /proc
exec $bb switch_root /disk /sbin/init
"#;

/// Fetches the kernel of this machine's Debian release once, and puts its modules into the root.
pub(super) fn fetch(folder: &Path, root: &Path) -> Result<Kernel> {
    let kernel = Kernel { image: folder.join("vmlinuz"), initial: folder.join("initrd") };
    if kernel.image.exists() && kernel.initial.exists() {
        return Ok(kernel);
    }
    let package = package()?;
    say(&format!("fetching {package}"));
    let unpacked = folder.join("kernel");
    drop(fs::remove_dir_all(&unpacked));
    fs::create_dir_all(&unpacked)?;
    let mut download = program("apt-get", &["download", "--quiet", &package]);
    run({
        download.current_dir(&unpacked);
        download
    })
    .context("fetch the kernel: does `apt-get update` work?")?;
    let archive = only(&unpacked, ".deb")?;
    run(program("dpkg-deb", &["--extract", text(&archive)?, text(&unpacked)?]))?;
    let version = package.strip_prefix("linux-image-").context("a kernel's package is named after it")?;
    modules(&unpacked.join("lib/modules").join(version), root, version)?;
    initial(&kernel.initial, root, version)?;
    fs::rename(unpacked.join("boot").join(format!("vmlinuz-{version}")), &kernel.image)?;
    fs::remove_dir_all(&unpacked)?;
    Ok(kernel)
}

/// What Debian's `linux-image-amd64` stands for now.
fn package() -> Result<String> {
    let kind = if cfg!(target_arch = "x86_64") { "amd64" } else { bail!("only x86-64 is emulated so far") };
    let output = program("apt-cache", &["depends", &format!("linux-image-{kind}")]).output()?;
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = output.lines().find_map(|line| line.trim().strip_prefix("Depends: "));
    found.map(str::to_owned).context("apt knows no kernel: does `apt-get update` work?")
}

fn modules(from: &Path, root: &Path, version: &str) -> Result<()> {
    let to = root.join("lib/modules").join(version);
    drop(fs::remove_dir_all(&to));
    for wanted in WANTED {
        let target = to.join("kernel").join(wanted);
        let parent = target.parent().context("it lies in a folder")?;
        fs::create_dir_all(parent)?;
        run(program("cp", &["-r", text(&from.join("kernel").join(wanted))?, text(parent)?]))?;
    }
    for list in ["modules.builtin", "modules.builtin.modinfo", "modules.order"] {
        fs::copy(from.join(list), to.join(list))?;
    }
    run(program("chroot", &[text(root)?, "depmod", version]))
}

/// The first file system: a shell and the modules that lead to the disk, packed by the programs of the root itself.
fn initial(file: &Path, root: &Path, version: &str) -> Result<()> {
    let wanted = ["virtio_pci", "virtio_blk", "ext4"];
    let arguments =
        [&[text(root)?, "modprobe", "--show-depends", "--all", "--set-version", version], &wanted[..]];
    let listed = program("chroot", &arguments.concat()).output()?;
    let listed = String::from_utf8_lossy(&listed.stdout);
    let files: Vec<&str> = listed.lines().filter_map(|line| line.trim().strip_prefix("insmod ")).collect();
    ensure!(!files.is_empty(), "modprobe names no modules for the disk");
    let inside = root.join("initial");
    drop(fs::remove_dir_all(&inside));
    fs::create_dir_all(inside.join("bin"))?;
    fs::write(inside.join("init"), INIT)?;
    fs::copy(root.join("bin/busybox"), inside.join("bin/busybox"))?;
    let mut names: Vec<String> = Vec::new();
    for file in files {
        let name = format!("/{}", file.trim().rsplit('/').next().context("a module is a file")?);
        if !names.contains(&name) {
            fs::copy(root.join(file.trim().trim_start_matches('/')), inside.join(&name[1..]))?;
            names.push(name);
        }
    }
    fs::write(inside.join("modules"), names.join("\n") + "\n")?;
    let pack = "chmod 755 init bin/busybox && find . | cpio --quiet -o -H newc | gzip -1";
    let packed = program("chroot", &[text(root)?, "sh", "-c", &format!("cd /initial && {pack}")]).output()?;
    ensure!(packed.status.success(), "cpio ended with {}", packed.status);
    fs::write(file, &packed.stdout)?;
    fs::remove_dir_all(&inside).context("remove what was packed")
}

fn only(folder: &Path, ending: &str) -> Result<PathBuf> {
    let mut found = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let found = found.find(|path| path.to_string_lossy().ends_with(ending));
    found.with_context(|| format!("there is no {ending} in {}", folder.display()))
}
