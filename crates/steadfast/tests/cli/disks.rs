//! Faults on a disk of the test's own, by hand and in a run: seen to be there and seen to be gone.

use steadfast_testkit::Disk;

use crate::support::{Experiment, Place, Service};

#[test]
fn disk_fill_fills() {
    let Some(disk) = Disk::new_or_skip("disk_fill_fills") else { return };
    let (place, free) = (Place::new(), disk.free_bytes());
    let with = format!("{{ path: '{}', fill: 80% }}", disk.path().display());
    let words = ["fault", "try", "diskFill", "--with", &with, "--into", "host: {}", "--for", "2s", "--yes"];
    let tried = place.run(&words).expect(0).says("of which 80.0% are then in use").says("in effect: worker");
    tried.says("of the file system are in use").says("taken away; not in place: worker").says("are free, as");
    assert!(disk.free_bytes() + (2 << 20) > free, "{} of {free}", disk.free_bytes());
    place.assert_clean();
}

#[test]
fn disk_stress_reads_and_writes() {
    let Some(disk) = Disk::new_or_skip("disk_stress_reads_and_writes") else { return };
    let place = Place::new();
    let with = format!("{{ path: '{}', size: 16MiB, rate: 32MiB/s }}", disk.path().display());
    let words = ["fault", "try", "diskStress", "--with", &with, "--into", "host: {}", "--for", "4s", "--yes"];
    let tried = place
        .run(&words)
        .expect(0)
        .says("read in 1 thread and write in 1 thread a file of 16MiB, at 32MiB/s each way");
    tried.says("in effect: worker").says("MiB/s and wrote").says("taken away; not in place: worker");
    place.assert_clean();
}

#[test]
fn what_may_not_be_filled_is_refused_with_a_hint() {
    let place = Place::new();
    let attempt = |with: &str| {
        place.run(&["fault", "try", "diskFill", "--with", with, "--into", "host: {}", "--for", "1s", "--yes"])
    };
    let own = place.path().canonicalize().unwrap();
    let own = format!("{{ path: '{}', fill: 5MiB }}", own.display());
    attempt(&own).expect(64).says("must be written there to undo faults").says("--state-dir");
    attempt("{ path: /dev/shm, fill: 1MiB }").expect(64).says("which is memory");
    attempt("{ path: /proc, fill: 1MiB }").expect(64).says("it is on proc");
    attempt("{ path: /proc/self/cwd, fill: 1MiB }").expect(64).says("a symbolic link is on the way");
    attempt("{ path: here, fill: 1% }").expect(64).says("`here` is no absolute path");
    attempt("{ path: /, fill: 90 }").expect(64).says("a share such as 90%");
    attempt("{ path: / }").expect(64).says("fill");
    place.assert_untouched();
}

#[test]
fn a_run_with_a_full_disk_ends_with_a_verdict_that_replays() {
    let Some(disk) = Disk::new_or_skip("a_run_with_a_full_disk_ends_with_a_verdict_that_replays") else {
        return;
    };
    let (place, service) = (Place::new(), Service::new());
    let fault = format!("diskFill: {{ path: '{}', fill: 100% }}", disk.path().display());
    let experiment = Experiment::new(&service.url("/"), &fault, "host: {}").lasting("6s");
    let file = place.write("e.yaml", &experiment.text());
    place
        .run(&["run", &file, "--yes"])
        .expect(0)
        .says("of the file system are in use, 0MiB are left")
        .says("held");
    place.run(&["runs", "replay", place.runs()[0]["name"].as_str().unwrap()]).expect(0);
    place.assert_clean();
}
