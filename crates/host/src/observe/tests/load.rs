use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use steadfast_engine::host::{LoadReport, Traffic};
use steadfast_linux::SystemClock;
use steadfast_model::{BootTime, Clock, WallTime, sample::Increment};
use steadfast_probes::{
    load::HttpLoad,
    world::{LoadGood, World},
};
use tokio::{
    net::TcpListener,
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    super::{LoadCounts, Observer},
    observer,
    server::{Server, answer},
};

const WITHIN_200_MS: LoadGood = LoadGood::Within(Duration::from_millis(200));

fn load(more: &str) -> HttpLoad {
    serde_json::from_str(&format!(r#"{{ "name": "users", "service": "shop", "path": "/pay" {more} }}"#))
        .unwrap()
}

fn read(observer: &Observer, good: LoadGood) -> (u64, u64) {
    let Increment { bad, total } = observer.load_increment("users", &format!("{good:?}"), &good).unwrap();
    assert!(bad <= total);
    (bad, total)
}

/// Reads for the first time. At most so many requests were due before and do not count for this reader.
fn begin(observer: &Observer, good: LoadGood) -> u64 {
    assert_eq!(read(observer, good), (0, 0));
    observer.load_counts("users").unwrap().due
}

/// Starts the load, reads once for both kinds of reader, waits, and stops it.
async fn run(observer: &Observer, load: &HttpLoad, time: Duration) -> (LoadReport, LoadCounts, u64) {
    observer.start(load).await.unwrap();
    let missed = begin(observer, LoadGood::Answered).max(begin(observer, WITHIN_200_MS));
    sleep(time).await;
    let report = observer.stop("users").await.unwrap();
    (report, observer.load_counts("users").unwrap(), missed)
}

fn adds_up(counts: LoadCounts) {
    let LoadCounts { good, rejected, failed, timed_out, unsent, our_fault, undecided, .. } = counts;
    assert_eq!(
        good + rejected + failed + timed_out + unsent + our_fault + undecided,
        counts.due,
        "{counts:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn constant_arrivals_keep_their_rate_over_few_connections() {
    let server = Server::start(|_| async { answer(200, "ok") }).await;
    let observer = observer(&server.url());
    let start = Instant::now();
    let (report, counts, _) =
        run(&observer, &load(r#", "rate": "200/s", "arrivals": "constant""#), Duration::from_secs(2)).await;
    let expected = start.elapsed().as_secs_f64() * 200.0;
    // Every 5 ms from when the thread began, which a busy machine may put off for a moment.
    assert!(
        (expected - 20.0..=expected + 1.0).contains(&(report.due as f64)),
        "{report:?}, about {expected}"
    );
    assert_eq!((report.sent, report.good, counts.undecided), (report.due, report.due, 0));
    assert!(server.connections() < 100, "{}", server.connections());
    println!("constant: {report:?}, {} connections", server.connections());
    adds_up(counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poisson_arrivals_keep_their_rate_within_three_standard_deviations() {
    let server = Server::start(|_| async { answer(200, "ok") }).await;
    let observer = observer(&server.url());
    let start = Instant::now();
    let (report, counts, _) = run(&observer, &load(r#", "rate": "400/s""#), Duration::from_secs(3)).await;
    let expected = start.elapsed().as_secs_f64() * 400.0;
    assert!(
        (report.due as f64 - expected).abs() < 3.0 * expected.sqrt() + 20.0,
        "{report:?}, about {expected}"
    );
    assert_eq!(report.good, report.due, "{counts:?}");
    println!("poisson: {report:?}, {} connections", server.connections());
    adds_up(counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reader_reads_every_request_once() {
    let server = Server::start(|_| async { answer(200, "ok") }).await;
    let observer = observer(&server.url());
    observer.start(&load(r#", "rate": "300/s""#)).await.unwrap();
    let goods = [LoadGood::Answered, WITHIN_200_MS];
    let before = observer.load_counts("users").unwrap().due;
    let missed = goods.map(|good| begin(&observer, good));
    let mut sums = [(0, 0); 2];
    for pause in [0, 100, 30, 250, 10, 60] {
        sleep(Duration::from_millis(pause)).await;
        for (sum, good) in sums.iter_mut().zip(goods) {
            let (bad, total) = read(&observer, good);
            *sum = (sum.0 + bad, sum.1 + total);
        }
    }
    observer.stop("users").await.unwrap();
    let counts = observer.load_counts("users").unwrap();
    for (sum, good) in sums.iter_mut().zip(goods) {
        let (bad, total) = read(&observer, good);
        *sum = (sum.0 + bad, sum.1 + total);
    }
    for ((_, total), missed) in sums.into_iter().zip(missed) {
        assert!((counts.due - missed..=counts.due - before).contains(&total), "{total} {counts:?}");
    }
    assert_eq!(sums[0].0, 0);
    assert_eq!(read(&observer, LoadGood::Answered), (0, 0));
    adds_up(counts);
}

/// A server that answers at once while the gate is open, and holds everything while it is closed.
async fn gated() -> (Server, watch::Sender<bool>) {
    let (open, gate) = watch::channel(true);
    let server = Server::start(move |_| {
        let mut gate = gate.clone();
        async move {
            drop(gate.wait_for(|open| *open).await);
            answer(200, "ok")
        }
    })
    .await;
    (server, open)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stall_is_felt_by_every_request_that_was_due_during_it() {
    let (server, gate) = gated().await;
    let observer = observer(&server.url());
    observer.start(&load(r#", "rate": "200/s", "arrivals": "constant""#)).await.unwrap();
    read(&observer, WITHIN_200_MS);
    sleep(Duration::from_millis(500)).await;
    gate.send_replace(false);
    sleep(Duration::from_millis(1_000)).await;
    gate.send_replace(true);
    sleep(Duration::from_millis(500)).await;
    let report = observer.stop("users").await.unwrap();
    let (bad, total) = read(&observer, WITHIN_200_MS);
    println!("stall: {report:?}, {bad} of {total} later than 200 ms");
    // Due in the first 800 ms of a second of stall: 160. A client that waits for answers would see one.
    assert!((130..=200).contains(&bad), "{bad} of {total}");
    assert!((900_000..1_400_000).contains(&report.latency_us[3]), "{report:?}");
    assert_eq!(report.good, report.due);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slowness_is_seen_after_the_threshold_and_not_after_the_timeout() {
    let (server, gate) = gated().await;
    gate.send_replace(false);
    let observer = observer(&server.url());
    observer.start(&load(r#", "rate": "100/s", "arrivals": "constant", "timeout": "10s""#)).await.unwrap();
    assert_eq!((read(&observer, WITHIN_200_MS), read(&observer, LoadGood::Answered)), ((0, 0), (0, 0)));
    sleep(Duration::from_millis(1_000)).await;
    let (bad, total) = read(&observer, WITHIN_200_MS);
    assert_eq!(bad, total);
    assert!((60..=130).contains(&bad), "{bad}");
    assert_eq!(read(&observer, LoadGood::Answered), (0, 0));
    gate.send_replace(true);
    sleep(Duration::from_millis(500)).await;
    let report = observer.stop("users").await.unwrap();
    let (answered_bad, answered) = read(&observer, LoadGood::Answered);
    let (late_bad, late_rest) = read(&observer, WITHIN_200_MS);
    assert_eq!((answered_bad, report.good), (0, report.due));
    assert!(answered.abs_diff(total + late_rest) <= 2, "{answered} {total} {late_rest}");
    assert!(late_bad <= late_rest && late_bad < 60, "{late_bad} of {late_rest}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_connection_is_bad_at_once() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let observer = observer(&format!("http://{closed}"));
    observer.start(&load(r#", "rate": "200/s""#)).await.unwrap();
    read(&observer, LoadGood::Answered);
    sleep(Duration::from_millis(500)).await;
    let (bad, total) = read(&observer, LoadGood::Answered);
    assert_eq!(bad, total);
    assert!(total > 50, "{total}");
    let report = observer.stop("users").await.unwrap();
    assert_eq!((report.sent, report.good, report.latency_us), (0, 0, [0; 4]));
    adds_up(observer.load_counts("users").unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_server_is_found_again_and_only_the_gap_is_bad() {
    let ok = |_| async { answer(200, "ok") };
    let server = Server::start(ok).await;
    let (address, observer) = (server.address, observer(&server.url()));
    observer.start(&load(r#", "rate": "200/s", "arrivals": "constant""#)).await.unwrap();
    read(&observer, LoadGood::Answered);
    sleep(Duration::from_millis(500)).await;
    let before = read(&observer, LoadGood::Answered);
    server.stop().await;
    sleep(Duration::from_millis(500)).await;
    let down = read(&observer, LoadGood::Answered);
    let server = Server::start_at(address, ok).await;
    sleep(Duration::from_millis(100)).await;
    read(&observer, LoadGood::Answered);
    sleep(Duration::from_millis(500)).await;
    let after = read(&observer, LoadGood::Answered);
    println!("restart: {before:?} {down:?} {after:?}");
    assert_eq!((before.0, after.0), (0, 0));
    assert!(before.1 > 50 && after.1 > 50);
    // Some may have been answered between the last reading and the end of the server.
    assert!(down.0 > 50 && down.0 + 10 >= down.1, "{down:?}");
    observer.stop("users").await.unwrap();
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_fills_the_limit_and_then_everything_due_is_bad() {
    let (server, gate) = gated().await;
    gate.send_replace(false);
    let observer = observer(&server.url());
    let load = load(r#", "rate": "200/s", "timeout": "400ms", "inFlight": 10"#);
    let start = Instant::now();
    let (report, counts, missed) = run(&observer, &load, Duration::from_millis(1_000)).await;
    assert!(start.elapsed() < Duration::from_secs(3));
    assert!(counts.unsent > 100 && counts.timed_out >= 10, "{counts:?}");
    assert_eq!((report.good, counts.good), (0, 0));
    let (bad, total) = read(&observer, LoadGood::Answered);
    assert_eq!(bad, total);
    // The stop waits for as long as the timeout: nothing is left undecided.
    assert!(counts.due - total <= missed && counts.undecided == 0, "{total}: {counts:?}");
    assert!((400_000..900_000).contains(&report.latency_us[3]), "{report:?}");
    adds_up(counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_open_when_the_drain_ends_is_undecided_and_reported() {
    let (server, gate) = gated().await;
    gate.send_replace(false);
    let observer = observer(&server.url());
    let start = Instant::now();
    let (report, counts, missed) =
        run(&observer, &load(r#", "rate": "100/s""#), Duration::from_millis(300)).await;
    assert!((2_000..4_500).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    assert_eq!((counts.undecided, report.good), (report.due, 0));
    assert_eq!(read(&observer, LoadGood::Answered), (0, 0));
    let (bad, total) = read(&observer, WITHIN_200_MS);
    assert!(bad == total && report.due - total <= missed, "{bad} of {total}: {report:?}");
    adds_up(counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statuses_that_are_not_accepted_are_bad() {
    let count = Arc::new(AtomicU64::new(0));
    let server = Server::start(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move { answer(if number.is_multiple_of(4) { 503 } else { 200 }, "") }
    })
    .await;
    let observer = observer(&server.url());
    let (_, counts, missed) = run(&observer, &load(r#", "rate": "300/s""#), Duration::from_millis(500)).await;
    let (bad, total) = read(&observer, LoadGood::Answered);
    assert!(counts.rejected - bad <= missed && counts.due - total <= missed, "{bad} of {total}: {counts:?}");
    assert_eq!(counts.rejected, counts.due.div_ceil(4), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_is_found_by_name_and_runs_once() {
    let server = Server::start(|_| async { answer(200, "ok") }).await;
    let observer = observer(&server.url());
    assert!(observer.only_load().is_err());
    assert!(
        observer
            .load_increment("users", "r", &LoadGood::Answered)
            .unwrap_err()
            .to_string()
            .contains("no load")
    );
    assert!(observer.stop("users").await.is_none());
    let load = load(r#", "rate": "50/s""#);
    observer.start(&load).await.unwrap();
    assert_eq!(observer.only_load().unwrap(), "users");
    assert!(observer.start(&load).await.unwrap_err().message.contains("running"));
    let first = observer.stop("users").await.unwrap();
    assert_eq!(observer.stop("users").await.unwrap(), first);
    observer.start(&load).await.unwrap();
    let unknown: HttpLoad =
        serde_json::from_str(r#"{ "name": "other", "service": "shoe", "rate": 1 }"#).unwrap();
    assert!(observer.start(&unknown).await.unwrap_err().message.contains("shoe"));
    let unsound: HttpLoad = serde_json::from_str(r#"{ "name": "other", "rate": 1 }"#).unwrap();
    assert!(observer.start(&unsound).await.unwrap_err().message.contains("neither `service` nor `url`"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_observer_sends_nothing_more() {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let server = Server::start(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { answer(200, "ok") }
    })
    .await;
    let observer = observer(&server.url());
    observer.start(&load(r#", "rate": "200/s""#)).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    drop(observer);
    sleep(Duration::from_millis(200)).await;
    let then = count.load(Ordering::SeqCst);
    sleep(Duration::from_millis(300)).await;
    assert!(then > 0 && count.load(Ordering::SeqCst) == then);
}

/// A clock that can jump, as the time since boot does when a machine was suspended.
struct Jumping(SystemClock, AtomicU64);

impl Clock for Jumping {
    fn wall(&self) -> WallTime {
        self.0.wall()
    }

    fn boot(&self) -> BootTime {
        self.0.boot().after(Duration::from_secs(self.1.load(Ordering::SeqCst)))
    }

    fn boot_id(&self) -> String {
        self.0.boot_id()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_in_which_the_sender_was_held_up_is_a_gap_and_not_a_burst() {
    let server = Server::start(|_| async { answer(200, "ok") }).await;
    let clock = Arc::new(Jumping(SystemClock::new().unwrap(), AtomicU64::new(0)));
    let mut observer = observer(&server.url());
    observer.clock = clock.clone();
    observer.start(&load(r#", "rate": "100/s", "arrivals": "constant""#)).await.unwrap();
    begin(&observer, LoadGood::Answered);
    sleep(Duration::from_millis(200)).await;
    assert!(read(&observer, LoadGood::Answered).1 > 0);
    clock.1.store(600, Ordering::SeqCst);
    sleep(Duration::from_millis(300)).await;
    let gap = observer.load_increment("users", "Answered", &LoadGood::Answered).unwrap_err().to_string();
    assert!(gap.contains("held up for") && gap.contains("on this machine"), "{gap}");
    sleep(Duration::from_millis(200)).await;
    assert!(read(&observer, LoadGood::Answered).1 > 0);
    observer.stop("users").await.unwrap();
    // Of the 60,000 that would have been due, only those of the last second were sent.
    assert!(observer.load_counts("users").unwrap().due < 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_up_at_the_very_end_is_told_and_what_was_due_in_time_is_sent() {
    let server = Server::start(|_| async { answer(200, "ok") }).await;
    let clock = Arc::new(Jumping(SystemClock::new().unwrap(), AtomicU64::new(0)));
    let mut observer = observer(&server.url());
    observer.clock = clock.clone();
    observer.start(&load(r#", "rate": "5000/s", "arrivals": "constant""#)).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    let before = observer.load_counts("users").unwrap().due;
    clock.1.store(11, Ordering::SeqCst);
    observer.stop("users").await.unwrap();
    let (counts, timing) = (observer.load_counts("users").unwrap(), observer.load_timing("users").unwrap());
    assert!(timing.faults > 0 && timing.fault.contains("held up for"), "{timing:?}");
    // Of the last second, all; of the ten before it, none.
    assert!((4_000..8_000).contains(&(counts.due - before)), "{before} {counts:?}");
    adds_up(counts);
}
