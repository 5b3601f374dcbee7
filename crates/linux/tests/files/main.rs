//! What is below a cover is what is below the directory, whatever is done with it.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::{FileExt, FileTypeExt, MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use rustix::fs::{
    CWD, FallocateFlags, FileType, Mode, RenameFlags, XattrFlags, fallocate, getxattr, listxattr, mknodat,
    removexattr, renameat_with, setxattr,
};
use steadfast_linux::{
    files::{Covered, counts, ground, mount_namespace, uncover},
    identify,
    trace::hold,
};
use steadfast_model::{
    BootTime, Percent, ProcessIdentity,
    files::{Cover, CoverOrder, FileErrno, FileFault, FileOperation, FileRule},
};
use steadfast_testkit::FileUser;

mod exchanged;

/// The bytes of an access list, as in linux/posix_acl_xattr.h: what the user 65534 may, and all others.
fn access_list(nobody: u16, others: u16) -> Vec<u8> {
    let none = u32::MAX;
    let entries = [(1, 6, none), (2, nobody, 65534), (4, 0, none), (16, 6, none), (32, others, none)];
    let bytes = entries.map(|(tag, may, who): (u16, u16, u32)| {
        [&tag.to_le_bytes()[..], &may.to_le_bytes(), &who.to_le_bytes()].concat()
    });
    [&2_u32.to_le_bytes()[..], &bytes.concat()].concat()
}

/// An order to cover a directory and to fail whoever renames below it.
fn order_over(process: &ProcessIdentity, folder: &Path) -> CoverOrder {
    let cover = Cover {
        process: process.clone(),
        namespace: mount_namespace(process.pid).unwrap().unwrap(),
        path: folder.to_owned(),
        source: format!("steadfast_test_{process}"),
    };
    let rule = FileRule {
        operations: vec![FileOperation::Rename],
        fault: FileFault::Error { errno: FileErrno::Erofs },
        percent: Percent::ALL,
        seed: 0,
    };
    CoverOrder { cover, rule, deadline: BootTime(u64::MAX), lease: BootTime(u64::MAX) }
}

struct Scene {
    user: FileUser,
    process: ProcessIdentity,
    order: CoverOrder,
}

impl Scene {
    fn new_or_skip(test: &str) -> Option<Self> {
        let user = FileUser::new_or_skip(test)?;
        let process = identify(user.pid()).unwrap().unwrap();
        let order = order_over(&process, user.folder());
        Some(Self { user, process, order })
    }

    /// A name as the user of files sees it.
    fn inside(&self, name: &str) -> PathBuf {
        let folder = self.user.folder().strip_prefix("/").unwrap();
        Path::new("/proc").join(self.user.pid().to_string()).join("root").join(folder).join(name)
    }

    fn outside(&self, name: &str) -> PathBuf {
        self.user.folder().join(name)
    }

    /// Runs a script in a folder, in the mount namespace of the user of files.
    fn run(&self, folder: &Path, script: &str) -> Output {
        #[expect(clippy::disallowed_methods, reason = "in another mount namespace")]
        let mut command = Command::new("nsenter");
        command.args(["--mount", "--target", &self.user.pid().to_string(), "sh", "-c"]);
        command.arg(format!(r#"cd "$1" && {script}"#)).arg("sh").arg(folder).output().unwrap()
    }

    /// The same as somebody without privileges, who enters the folder before: on the way there are directories of others.
    fn run_as_nobody(&self, folder: &Path, script: &str) -> Output {
        let become_nobody = "exec setpriv --reuid=65534 --regid=65533 --clear-groups sh -c";
        self.run(folder, &format!("{become_nobody} '{script}'"))
    }
}

#[test]
fn everything_passes_through_and_belongs_to_whoever_made_it() {
    let test = "everything_passes_through_and_belongs_to_whoever_made_it";
    let Some(scene) = Scene::new_or_skip(test) else { return };
    let covered = Covered::put(&scene.order).unwrap();
    let (inside, outside) = (|name: &str| scene.inside(name), |name: &str| scene.outside(name));

    // Reads and writes, where they belong, by several who append, and through holes.
    let mut file = OpenOptions::new().create_new(true).read(true).write(true).open(inside("a")).unwrap();
    file.write_all(b"hello world").unwrap();
    file.seek(SeekFrom::Start(6)).unwrap();
    file.write_all(b"there").unwrap();
    assert_eq!(fs::read(outside("a")).unwrap(), b"hello there");
    let mut appends = [1, 2].map(|_| OpenOptions::new().append(true).open(inside("a")).unwrap());
    appends[0].write_all(b"1").unwrap();
    appends[1].write_all(b"2").unwrap();
    OpenOptions::new().append(true).open(outside("a")).unwrap().write_all(b"3").unwrap();
    appends[0].write_all(b"4").unwrap();
    assert_eq!(fs::read(inside("a")).unwrap(), b"hello there1234");
    file.set_len(1 << 20).unwrap();
    file.write_all_at(&[7; 100_000], 2 << 20).unwrap();
    file.sync_all().unwrap();
    file.sync_data().unwrap();
    let mut bytes = vec![1; 200_000];
    file.read_exact_at(&mut bytes[..100_000], (2 << 20) - 50_000).unwrap();
    assert!(
        bytes[..50_000].iter().all(|byte| *byte == 0) && bytes[50_000..100_000].iter().all(|byte| *byte == 7)
    );
    fallocate(&file, FallocateFlags::KEEP_SIZE, 4 << 20, 1 << 20).unwrap();
    let (is, was) = (fs::metadata(inside("a")).unwrap(), fs::metadata(outside("a")).unwrap());
    assert_eq!(
        (is.len(), is.ino(), is.blocks(), is.mode()),
        (was.len(), was.ino(), was.blocks(), was.mode())
    );
    assert_eq!((is.mtime_nsec(), is.ctime()), (was.mtime_nsec(), was.ctime()));

    // Names.
    fs::hard_link(inside("a"), inside("b")).unwrap();
    assert_eq!(fs::metadata(outside("b")).unwrap().nlink(), 2);
    symlink("a", inside("c")).unwrap();
    assert_eq!(fs::read_link(outside("c")).unwrap(), Path::new("a"));
    assert_eq!(fs::read_link(inside("c")).unwrap(), Path::new("a"));
    fs::create_dir(inside("d")).unwrap();
    fs::rename(inside("b"), inside("d/b")).unwrap();
    let no_replace = renameat_with(CWD, inside("a"), CWD, inside("d/b"), RenameFlags::NOREPLACE);
    assert_eq!(no_replace, Err(rustix::io::Errno::EXIST));
    renameat_with(CWD, inside("c"), CWD, inside("d/b"), RenameFlags::EXCHANGE).unwrap();
    assert!(fs::symlink_metadata(outside("d/b")).unwrap().is_symlink());
    mknodat(CWD, inside("pipe"), FileType::Fifo, Mode::from_raw_mode(0o640), 0).unwrap();
    assert!(fs::metadata(outside("pipe")).unwrap().file_type().is_fifo());
    for number in 0..1_500 {
        fs::write(outside(&format!("d/many-{number}")), []).unwrap();
    }
    assert_eq!(fs::read_dir(inside("d")).unwrap().count(), 1_501);
    assert!(fs::remove_dir(inside("d")).is_err());
    fs::remove_dir_all(inside("d")).unwrap();
    assert!(!outside("d").exists() && inside("nothing").metadata().is_err());

    // Attributes.
    fs::set_permissions(inside("a"), fs::Permissions::from_mode(0o751)).unwrap();
    std::os::unix::fs::chown(inside("a"), Some(1), Some(2)).unwrap();
    let changed = fs::metadata(outside("a")).unwrap();
    assert_eq!((changed.mode() & 0o7777, changed.uid(), changed.gid()), (0o751, 1, 2));
    let times = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH + std::time::Duration::new(9, 7));
    file.set_times(times).unwrap();
    assert_eq!(
        (fs::metadata(outside("a")).unwrap().mtime(), fs::metadata(inside("a")).unwrap().mtime_nsec()),
        (9, 7)
    );
    setxattr(inside("a"), "user.colour", b"red", XattrFlags::CREATE).unwrap();
    let mut value = [0; 64];
    assert_eq!(getxattr(outside("a"), "user.colour", &mut value[..]).unwrap(), 3);
    assert_eq!(getxattr(inside("a"), "user.colour", &mut value[..]).unwrap(), 3);
    assert_eq!(getxattr(inside("a"), "user.colour", &mut value[..2]), Err(rustix::io::Errno::RANGE));
    assert_eq!(listxattr(inside("a"), &mut value[..]).unwrap(), "user.colour\0".len());
    removexattr(inside("a"), "user.colour").unwrap();
    let (name, list) = ("system.posix_acl_access", access_list(4, 0));
    setxattr(inside("a"), name, &list, XattrFlags::empty()).unwrap();
    for path in [outside("a"), inside("a")] {
        assert_eq!(
            getxattr(path, name, &mut value[..]).map(|length| value[..length].to_vec()),
            Ok(list.clone())
        );
    }
    removexattr(inside("a"), name).unwrap();
    assert_eq!(getxattr(outside("a"), name, &mut value[..]), Err(rustix::io::Errno::NODATA));
    let (is, was) = (rustix::fs::statvfs(inside("")).unwrap(), rustix::fs::statvfs(outside("")).unwrap());
    assert_eq!((is.f_blocks, is.f_bsize, is.f_namemax), (was.f_blocks, was.f_bsize, was.f_namemax));

    // What was removed goes on to be there for who has it open.
    fs::remove_file(inside("a")).unwrap();
    file.write_all_at(b"still", 0).unwrap();
    let mut still = [0; 5];
    file.read_exact_at(&mut still, 0).unwrap();
    assert_eq!(&still, b"still");

    // Whoever may not, may not; and what others make is theirs.
    fs::set_permissions(outside(""), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(outside("open")).unwrap();
    fs::set_permissions(outside("open"), fs::Permissions::from_mode(0o777)).unwrap();
    std::os::unix::fs::chown(outside("open"), None, Some(77)).unwrap();
    for (name, list) in [("secret", None), ("denied", Some(6)), ("granted", Some(0))] {
        fs::write(outside(name), "x").unwrap();
        // Of the last two the mode tells the opposite of what nobody in particular may.
        fs::set_permissions(outside(name), fs::Permissions::from_mode(0o600)).unwrap();
        if let Some(others) = list {
            let list = access_list(6 - others, others);
            setxattr(outside(name), "system.posix_acl_access", &list, XattrFlags::empty()).unwrap();
        }
    }
    let script = r#"umask 027; ! cat secret && ! cat denied && cat granted && ! touch mine &&
        echo x >open/file && mkdir open/folder && ln -s file open/link && chmod g+s open/folder && ! cat secret"#;
    let ended = scene.run_as_nobody(scene.user.folder(), script);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(ended.stdout, b"x");
    for (name, mode) in [("open/file", 0o640), ("open/folder", 0o2750), ("open/link", 0o777)] {
        let made = fs::symlink_metadata(outside(name)).unwrap();
        assert_eq!((made.uid(), made.gid(), made.mode() & 0o7777), (65534, 65533, mode), "{name}");
    }

    // Only what the rule is for is disturbed, once it is armed.
    covered.arm();
    assert_eq!(fs::rename(inside("pipe"), inside("other")).unwrap_err().raw_os_error(), Some(30));
    fs::rename(outside("pipe"), outside("other")).unwrap();
    let counted = counts(&scene.process, scene.user.folder()).unwrap().unwrap();
    assert_eq!((counted.source, counted.seen, counted.hits), (scene.order.cover.source.clone(), 1, 1));
    drop(file);
    drop(appends);
    covered.take_away().unwrap();
    covered.take_away().unwrap();
    assert!(covered.is_unused_within(std::time::Duration::from_secs(2)));
    assert_eq!(scene.user.differences(), Vec::<String>::new());
    assert_eq!(counts(&scene.process, scene.user.folder()).unwrap(), None);
    uncover(&scene.order.cover).unwrap();
}

#[test]
fn the_mode_alone_judges_where_there_are_no_access_lists() {
    let Some(mut scene) = Scene::new_or_skip("the_mode_alone_judges_where_there_are_no_access_lists") else {
        return;
    };
    let folder = scene.outside("plain");
    let script = "mkdir plain && mount -t ramfs none plain && cd plain && echo x >read && echo x >secret && chmod 640 secret";
    let made = scene.run(scene.user.folder(), script);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    scene.order.cover.path.clone_from(&folder);
    let covered = Covered::put(&scene.order).unwrap();
    let ended = scene.run_as_nobody(&folder, "cat read && cat secret");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.stdout == b"x\n" && said.ends_with("secret: Permission denied\n"), "{said}");
    covered.take_away().unwrap();
}

#[test]
fn one_that_cannot_be_held_and_mounts_elsewhere_do_not_keep_anybody_from_their_files() {
    let test = "one_that_cannot_be_held_and_mounts_elsewhere_do_not_keep_anybody_from_their_files";
    let Some(scene) = Scene::new_or_skip(test) else { return };
    let covered = Covered::put(&scene.order).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["bound", "other"] {
        fs::create_dir(elsewhere.path().join(name)).unwrap();
    }
    let script = r#"mount --bind "$1" "$2/bound" && mount -t tmpfs "$3" "$2/other" || exit 1
        exec 3>>"$1/before"; echo ready; exec cat"#;
    #[expect(clippy::disallowed_methods, reason = "another one in the same mount namespace")]
    let mut other = Command::new("nsenter");
    other.args(["--mount", "--target", &scene.user.pid().to_string(), "sh", "-c", script, "sh"]);
    other.arg(scene.user.folder()).arg(elsewhere.path()).arg(&scene.order.cover.source);
    let mut other = other.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 6];
    other.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
    let device = |path: PathBuf| fs::metadata(path).unwrap().dev();
    let of_other = || device(format!("/proc/{}/fd/3", other.id()).into());
    let own = device(scene.outside(""));
    assert_ne!(of_other(), own);
    // Processes are looked through by their numbers, so that the one which is held comes first.
    let refused = hold(&scene.process, Duration::from_secs(2), |_| Ok(covered.take_away())).unwrap().unwrap();
    let refused = refused.unwrap_err().with_causes();
    assert!(refused.contains("traces it"), "{refused}");
    assert_eq!(of_other(), own);
    let mounts = fs::read_to_string(format!("/proc/{}/mountinfo", scene.user.pid())).unwrap();
    let named = mounts.lines().filter(|line| line.contains(&scene.order.cover.source));
    let kinds: Vec<_> = named.map(|line| line.contains("tmpfs")).collect();
    assert_eq!(kinds, [true], "{mounts}");
    covered.take_away().unwrap();
    assert_eq!(
        scene.user.differences().len(),
        1,
        "only the mount of somebody else: {:?}",
        scene.user.differences()
    );

    // Nor does something over the cover, which stays then: whoever put it there has to take it away.
    let covered = Covered::put(&scene.order).unwrap();
    assert_ne!(of_other(), own);
    assert!(
        scene
            .run(Path::new("/"), &format!("mount -t ramfs none {}", scene.user.folder().display()))
            .status
            .success()
    );
    let refused = covered.take_away().unwrap_err().with_causes();
    assert!(refused.contains("unmount that first"), "{refused}");
    assert_eq!(of_other(), own);
    assert!(scene.run(Path::new("/"), &format!("umount {}", scene.user.folder().display())).status.success());
    covered.take_away().unwrap();
    drop(other.stdin.take());
    other.wait().unwrap();
}

#[test]
fn a_process_stands_still_for_less_than_ten_milliseconds() {
    let Some(scene) = Scene::new_or_skip("a_process_stands_still_for_less_than_ten_milliseconds") else {
        return;
    };
    let stop = || {
        let covered = Covered::put(&scene.order).unwrap();
        covered.take_away().unwrap();
        covered.longest_stop()
    };
    // Other tests run beside this one: what it takes by itself is what the quickest of some takes.
    let mut stops = (0..40).map(|_| stop());
    assert!(stops.any(|stop| stop.as_millis() < 10), "none of 40 was quicker than 10 ms");
}

#[test]
fn ground_is_told_with_all_that_is_in_use_there() {
    let Some(scene) = Scene::new_or_skip("ground_is_told_with_all_that_is_in_use_there") else { return };
    let look = || ground(&scene.process, scene.user.folder()).unwrap().unwrap();
    let found = look();
    assert!(!found.is_the_machines && !found.has_another_root && found.shows_in.is_empty(), "{found:?}");
    assert!(found.locked.is_empty() && found.special.is_empty() && found.mapped.is_empty(), "{found:?}");
    assert!(found.open >= 1 && found.processes >= 1 && found.covered_by.is_none(), "{found:?}");
    let covered = Covered::put(&scene.order).unwrap();
    assert_eq!(look().covered_by.as_ref(), Some(&scene.order.cover.source));
    assert!(
        Covered::put(&CoverOrder {
            cover: Cover { path: "/nowhere".into(), ..scene.order.cover.clone() },
            ..scene.order.clone()
        })
        .is_err()
    );
    covered.take_away().unwrap();
    let own = identify(std::process::id()).unwrap().unwrap();
    assert!(ground(&own, scene.user.folder()).unwrap().unwrap().is_the_machines);
    let mut text = String::new();
    File::open(scene.outside("after")).unwrap().read_to_string(&mut text).unwrap();
    assert!(text.lines().all(|line| line == "line"));
}
