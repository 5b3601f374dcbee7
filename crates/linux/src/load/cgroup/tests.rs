use proptest::prelude::*;

use super::*;

const MOUNTS: &str = "\
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 /docker/abc /sys/fs/cgroup/my\\040memory rw,relatime shared:9 - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
42 31 0:39 / /proc rw - proc proc rw
";

fn place(mount: &str, below: &str, unified: bool) -> Place {
    Place { mount: PathBuf::from(mount), below: below.to_owned(), unified }
}

#[test]
fn a_process_is_found_in_either_version_and_in_a_part_of_a_hierarchy() {
    let cgroups = "5:cpu,cpuacct:/shop/risk\n4:memory:/docker/abc/inner\n1:name=systemd:/x\n0::/user.slice\n";
    let unified = place("/sys/fs/cgroup/unified", "/user.slice", true);
    assert_eq!(
        parse(cgroups, MOUNTS, "cpu"),
        [place("/sys/fs/cgroup/cpu", "/shop/risk", false), unified.clone()]
    );
    assert_eq!(
        parse(cgroups, MOUNTS, "memory"),
        [place("/sys/fs/cgroup/my memory", "/inner", false), unified.clone()]
    );
    assert_eq!(parse(cgroups, MOUNTS, "io"), [unified]);
    assert_eq!(parse("0::/../outside\n", MOUNTS, "cpu"), [place("/sys/fs/cgroup/unified", "", true)]);
    assert_eq!(parse(cgroups, "", "cpu"), []);
}

#[test]
fn a_cgroup_is_bound_by_those_above_it() {
    let names: Vec<_> = place("/m", "/a/b", true).folders().into_iter().collect();
    let expected = [("/m/a/b", "/a/b"), ("/m/a", "/a"), ("/m/", "/")];
    assert_eq!(names, expected.map(|(folder, name)| (PathBuf::from(folder), name.to_owned())));
}

#[test]
fn quotas_of_both_versions_are_read() {
    for (text, millis) in [
        ("50000 100000\n", Some(500)),
        ("max 100000\n", None),
        ("-1 100000", None),
        ("200000 100000", Some(2_000)),
        ("1 0", None),
        ("x", None),
    ] {
        assert_eq!(quota(text), millis, "{text}");
    }
}

#[test]
fn what_is_cached_of_files_can_be_had_and_no_limit_leaves_no_number() {
    assert_eq!(left("1000\n", "600\n", 100), Some(500));
    assert_eq!(left("1000", "2000", 0), Some(0));
    assert_eq!(left("max", "600", 0), None);
    // No limit, in version 1.
    assert!(ByteSize::new(left("9223372036854771712", "4096", 0).unwrap()).is_none());
    assert_eq!(named("cache 1\ninactive_file 4096\ntotal_inactive_file 8192\n", "total_inactive_file"), 8192);
    assert_eq!(named("inactive_filet 1\n", "inactive_file"), 0);
}

#[test]
fn this_process_is_somewhere() {
    // Whether there are limits is up to the machine: looking must work.
    cpu_limit(std::process::id()).unwrap();
    memory_left(std::process::id()).unwrap();
    assert_eq!(places(u32::MAX, "cpu").unwrap(), []);
}

/// Folders made like those of a cgroup file system, as no test may limit the machine it runs on.
#[test]
fn the_tightest_limit_on_the_way_up_counts() {
    let folder = tempdir();
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("shop/cpu.max", "100000 100000");
    write("shop/risk/cpu.max", "max 100000");
    let place = Place { mount: folder.clone(), below: "/shop/risk".to_owned(), unified: true };
    let limits: Vec<_> = place
        .folders()
        .into_iter()
        .filter_map(|(folder, name)| Some((quota(&fs::read_to_string(folder.join("cpu.max")).ok()?)?, name)))
        .collect();
    assert_eq!(limits, [(1_000, "/shop".to_owned())]);
    fs::remove_dir_all(folder).unwrap();
}

fn tempdir() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("steadfast-cgroup-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

proptest! {
    #[test]
    fn whatever_stands_there_is_read_without_harm(cgroups in "([0-9]?:[a-z,]{0,4}:.{0,8}\n){0,3}.*", mounts in ".*( - cgroup[2]? x .*\n)?.*") {
        for controller in ["cpu", "memory"] {
            for place in parse(&cgroups, &mounts, controller) {
                place.folders();
            }
        }
        quota(&cgroups);
        left(&cgroups, &mounts, 1);
        named(&cgroups, "a");
        unescaped(&mounts);
    }
}
