//! Trouble with what is written down: nothing is injected that could not be undone, and nothing is called held.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
};

use sqlx::{Connection, SqliteConnection};

use crate::support::{Experiment, Nobody, Output, Place, Service, Sleeper, get};

/// Somebody else's hands on the history, until dropped.
struct Locked {
    runtime: tokio::runtime::Runtime,
    connection: Option<SqliteConnection>,
}

impl Locked {
    fn new(history: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(async {
            let mut connection =
                SqliteConnection::connect(&format!("sqlite://{}", history.display())).await.unwrap();
            sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await.unwrap();
            connection
        });
        Self { runtime, connection: Some(connection) }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(self.runtime.block_on(connection.close()));
        }
    }
}

/// Runs in a shell that lets no file grow beyond this many blocks of 512 bytes: a full disk, without a disk.
fn with_little_room(place: &Place, blocks: u32, arguments: &[&str]) -> Output {
    let script = format!("ulimit -f {blocks}; exec \"$@\"");
    let mut command = place.bare("sh");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_steadfast")]).args(arguments);
    // Through pipes: what it says must not be cut by the same limit.
    let output = command.env("STEADFAST_STATE_DIR", place.state()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Output { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

#[test]
fn a_locked_history_stops_a_run_before_anything_is_touched() {
    let (place, service, sleeper) = (Place::new(), Service::new(), Sleeper::new());
    place.run(&["runs", "list"]).expect(0);
    let locked = Locked::new(&place.history());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let file = place.write("e.yaml", &Experiment::new(&service.url("/"), "processPause: {}", &into).text());
    place.run(&["run", &file, "--yes"]).expect(4).says("another process holds it");
    assert_eq!((service.served(), sleeper.state()), (0, 'S'));
    drop(locked);
    place.assert_untouched();
}

#[test]
fn a_history_that_is_locked_in_the_middle_ends_the_run_and_the_rest_is_spooled() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let experiment =
        Experiment::new(&proxy.url(), "httpStatus: { status: 503, percent: 1% }", &proxy.target())
            .lasting("40s");
    let file = place.write("e.yaml", &experiment.text());
    let mut run = place.start(&["run", &file, "--yes"]);
    run.wait_for("Watching under the fault");
    let locked = Locked::new(&place.history());
    let output = run.wait();
    drop(locked);
    output.expect(4).says("inconclusive").says("the history could not be written");
    assert_eq!(get(proxy.address, "/").unwrap().0, 200);
    let spooled = fs::read_dir(place.state().join("spool")).unwrap().filter_map(Result::ok);
    let spooled: Vec<_> =
        spooled.filter(|file| file.path().extension().is_some_and(|e| e == "events")).collect();
    assert_eq!(spooled.len(), 1);
    assert!(fs::read_to_string(spooled[0].path()).unwrap().contains("concluded"));
    place.assert_clean();
}

#[test]
fn a_corrupt_history_is_said_and_left_as_it_is() {
    let (place, service, sleeper) = (Place::new(), Service::new(), Sleeper::new());
    place.run(&["status"]).expect(0);
    let garbage = b"this is no database, whatever it is called. ".repeat(200);
    fs::write(place.history(), &garbage).unwrap();
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let file = place.write("e.yaml", &Experiment::new(&service.url("/"), "processPause: {}", &into).text());
    for words in [&["runs", "list"][..], &["run", &file, "--yes"], &["runs", "replay", "--all"]] {
        place.run(words).expect(4).says("the history").says("damaged");
    }
    assert_eq!((service.served(), sleeper.state()), (0, 'S'));
    assert_eq!(fs::read(place.history()).unwrap(), garbage);
    place.assert_clean();
}

#[test]
fn no_room_for_the_history_means_nothing_is_touched() {
    let (place, service, sleeper) = (Place::new(), Service::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let file = place.write("e.yaml", &Experiment::new(&service.url("/"), "processPause: {}", &into).text());
    let output = with_little_room(&place, 8, &["run", &file, "--yes"]);
    output.expect(4).says("history");
    assert_eq!((service.served(), sleeper.state()), (0, 'S'));
    place.assert_clean();
}

#[test]
fn a_disk_that_fills_up_ends_the_run_without_a_verdict() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let experiment =
        Experiment::new(&proxy.url(), "httpDelay: { latency: 20ms }", &proxy.target()).lasting("20s");
    let file = place.write("e.yaml", &experiment.text());
    place.run(&["runs", "list"]).expect(0);
    let output = with_little_room(&place, 300, &["run", &file, "--yes"]);
    output.expect(4).says("the history could not be written").never_says("held");
    assert_eq!(get(proxy.address, "/").unwrap().0, 200);
    place.assert_clean();
}

#[test]
fn no_room_for_the_ledger_means_nothing_is_injected() {
    let (place, sleeper) = (Place::new(), Sleeper::new());
    place.run(&["status"]).expect(0);
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    for kind in ["processPause", "processKill"] {
        let words = ["fault", "try", kind, "--into", &into, "--for", "1s", "--yes"];
        with_little_room(&place, 0, &words).expect(4).says("failed to");
        assert_eq!(sleeper.state(), 'S');
    }
    place.assert_clean();
}

#[test]
fn a_state_directory_in_memory_is_refused() {
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else {
        return steadfast_testkit::skip("storage::a_state_directory_in_memory_is_refused", "no /dev/shm");
    };
    fs::set_permissions(memory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let place = Place::new();
    let shown = memory.path().display().to_string();
    for words in [&["status"][..], &["runs", "list"], &["doctor"]] {
        place.run(&[&["--state-dir", &shown], words].concat()).expect(4).says("tmpfs").says("--state-dir");
    }
    assert_eq!(fs::read_dir(memory.path()).unwrap().count(), 0);
}

#[test]
fn a_state_directory_of_somebody_else_or_open_to_all_is_refused() {
    let place = Place::new();
    let open = place.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    place.run(&["--state-dir", &open.display().to_string(), "status"]).expect(4).says("open");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o700)).unwrap();
    if chown(&open, Some(65534), Some(65534)).is_ok() {
        place.run(&["--state-dir", &open.display().to_string(), "status"]).expect(4).says("belongs to");
    } else {
        let part = "storage::a_state_directory_of_somebody_else_or_open_to_all_is_refused (somebody else's)";
        steadfast_testkit::skip(part, "only root can give a directory away");
    }
}

#[test]
fn without_a_home_state_has_a_place_all_the_same() {
    let (place, fallback) = (Place::new(), Path::new("/var/tmp/steadfast-65534"));
    let Some(nobody) = Nobody::new("storage::without_a_home_state_has_a_place_all_the_same") else { return };
    let was_there = fallback.exists();
    let output = nobody.run(&place, &["runs", "list"], false);
    if !was_there {
        drop(fs::remove_dir_all(fallback));
    }
    output.expect(0).says("no usable home directory").says("/var/tmp/steadfast-65534");
}
