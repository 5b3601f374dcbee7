//! `fault try`: faults on processes and proxies by hand, seen to work and seen to be gone.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Place, Proxy, Running, Service, Sleeper, get, quickest, wait_until, whole};

/// Starts a fault in a proxy and returns when it is in place.
fn into_proxy(place: &Place, proxy: &Proxy, kind: &str, with: &str) -> Running {
    let target = proxy.target();
    let words = ["fault", "try", kind, "--with", with, "--into", &target, "--for", "2s", "--yes"];
    let mut running = place.start(&words);
    running.wait_for("injected");
    running
}

#[track_caller]
fn is_gone(place: &Place, proxy: &Proxy, running: Running) {
    running.wait().expect(0).says("in effect").says("taken away; not in place");
    let took = quickest(proxy.address);
    assert!(took < Duration::from_millis(150), "{took:?}");
    place.assert_clean();
}

#[track_caller]
fn slow_for_a_while(kind: &str) {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let running = into_proxy(&place, &proxy, kind, "{ latency: 200ms }");
    let (status, took) = get(proxy.address, "/").unwrap();
    assert_eq!(status, 200);
    assert!(took >= Duration::from_millis(200), "{took:?}");
    is_gone(&place, &proxy, running);
}

#[test]
fn http_delay_makes_requests_wait() {
    slow_for_a_while("httpDelay");
}

#[test]
fn tcp_delay_makes_bytes_wait() {
    slow_for_a_while("tcpDelay");
}

/// What a client gets, and after what time, while the fault is in place.
#[track_caller]
fn felt(kind: &str, with: &str, feels: impl FnOnce(&str, Duration) -> bool) {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let running = into_proxy(&place, &proxy, kind, with);
    let (answer, took) = whole(proxy.address);
    assert!(feels(&answer, took), "{took:?}: {answer}");
    is_gone(&place, &proxy, running);
}

#[test]
fn tcp_bandwidth_lets_bytes_trickle() {
    felt("tcpBandwidth", "{ rate: 200B/s }", |answer, took| {
        answer.starts_with("HTTP/1.1 200") && took >= Duration::from_millis(150)
    });
}

#[test]
fn tcp_slice_makes_answers_come_in_pieces() {
    felt("tcpSlice", "{ size: 4B, pause: 20ms }", |answer, took| {
        answer.starts_with("HTTP/1.1 200") && took >= Duration::from_millis(150)
    });
}

#[test]
fn tcp_slow_close_leaves_connections_open_for_longer() {
    felt("tcpSlowClose", "{ delay: 300ms }", |answer, took| {
        answer.starts_with("HTTP/1.1 200") && took >= Duration::from_millis(300)
    });
}

#[test]
fn tcp_timeout_lets_connections_fall_silent() {
    felt("tcpTimeout", "{ after: 300ms }", |answer, took| {
        answer.is_empty() && took >= Duration::from_millis(250)
    });
}

#[test]
fn tcp_limit_data_cuts_answers_short() {
    felt("tcpLimitData", "{ limit: 12B }", |answer, _| answer == "HTTP/1.1 200");
}

#[test]
fn http_abort_closes_instead_of_answering() {
    felt("httpAbort", "{ side: response }", |answer, _| answer.is_empty());
}

#[test]
fn http_body_puts_another_body_in_its_place() {
    felt("httpBody", "{ change: { replace: hello }, side: response }", |answer, _| {
        answer.contains("content-length: 5\r\n") && answer.ends_with("\r\n\r\nhello")
    });
}

#[test]
fn http_headers_sets_a_header() {
    felt("httpHeaders", "{ set: { X-Disturbed: 'yes' }, side: response }", |answer, _| {
        answer.to_lowercase().contains("x-disturbed: yes\r\n")
    });
}

#[test]
fn http_status_answers_instead_of_the_service() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let running = into_proxy(&place, &proxy, "httpStatus", "{ status: 418 }");
    assert_eq!(get(proxy.address, "/").unwrap().0, 418);
    is_gone(&place, &proxy, running);
}

/// Makes one gRPC call: the status it ended with.
async fn call(address: std::net::SocketAddr) -> Option<String> {
    let socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let (sender, driver) = h2::client::handshake(socket).await.unwrap();
    // Ends with the test.
    drop(tokio::spawn(driver));
    let call =
        http::Request::post("http://x/shop.Payments/Charge").header("content-type", "application/grpc");
    let mut sender = sender.ready().await.unwrap();
    let (answer, _) = sender.send_request(call.body(()).unwrap(), true).unwrap();
    let answer = answer.await.unwrap();
    answer.headers().get("grpc-status").map(|status| status.to_str().unwrap().to_owned())
}

#[test]
fn grpc_status_fails_calls_and_leaves_other_requests_alone() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let running = into_proxy(&place, &proxy, "grpcStatus", "{ code: UNAVAILABLE }");
    assert_eq!(get(proxy.address, "/").unwrap().0, 200);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(call(proxy.address)).as_deref(), Some("14"));
    is_gone(&place, &proxy, running);
}

#[test]
fn grpc_status_without_calls_is_no_effect_and_says_why() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let running = into_proxy(&place, &proxy, "grpcStatus", "{ code: UNAVAILABLE }");
    assert_eq!(get(proxy.address, "/").unwrap().0, 200);
    running.wait().expect(2).says("no gRPC calls that match came through proxy p, among 1 request");
    place.assert_clean();
}

/// Begins as every client of TLS does, and goes on so that the service, which speaks none, answers.
fn greet_in_tls(address: std::net::SocketAddr) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"\x16\x03\x01 / x\r\n\r\n").unwrap();
    stream.read_exact(&mut [0; 12]).unwrap();
}

#[test]
fn a_fault_on_requests_that_nobody_can_read_is_refused_or_without_effect_and_says_why() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    greet_in_tls(proxy.address);
    let target = proxy.target();
    let words = [
        "fault",
        "try",
        "httpStatus",
        "--with",
        "{ status: 503 }",
        "--into",
        &target,
        "--for",
        "1s",
        "--yes",
    ];
    place.run(&words).expect(64).says("all it has carried is TLS").says("--tls-certificate");
    assert_eq!(get(proxy.address, "/").unwrap().0, 200);
    let running = into_proxy(&place, &proxy, "httpStatus", "{ status: 503 }");
    greet_in_tls(proxy.address);
    running.wait().expect(2).says("unreadable: TLS, in 2 connections so far");
    place.assert_clean();
}

#[test]
fn tcp_reset_breaks_connections() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let running = into_proxy(&place, &proxy, "tcpReset", "{}");
    assert_eq!(get(proxy.address, "/"), None);
    is_gone(&place, &proxy, running);
}

#[test]
fn tcp_down_accepts_nobody() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let running = into_proxy(&place, &proxy, "tcpDown", "{}");
    assert_eq!(get(proxy.address, "/"), None);
    is_gone(&place, &proxy, running);
}

#[test]
fn process_pause_stops_a_process_and_lets_it_run_again() {
    let (place, sleeper) = (Place::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let mut running = place.start(&["fault", "try", "processPause", "--into", &into, "--for", "1s", "--yes"]);
    running.wait_for("injected");
    assert_eq!(sleeper.state(), 'T');
    running.wait().expect(0).says("in effect").says("taken away");
    assert_eq!(sleeper.state(), 'S');
    place.assert_clean();
}

#[test]
fn process_kill_kills() {
    let (place, sleeper) = (Place::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    place
        .run(&["fault", "try", "processKill", "--into", &into, "--for", "1s", "--yes"])
        .expect(0)
        .says("in effect");
    assert_eq!(sleeper.state(), 'Z');
    place.assert_clean();
}

#[test]
fn a_target_that_dies_while_it_is_paused_leaves_nothing_to_undo() {
    let (place, sleeper) = (Place::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let mut running = place.start(&["fault", "try", "processPause", "--into", &into, "--for", "2s", "--yes"]);
    running.wait_for("in effect");
    sleeper.signal(Signal::KILL);
    drop(sleeper);
    running.wait().expect(0).never_says("NOT");
    place.assert_clean();
}

#[test]
fn two_faults_do_not_share_a_target() {
    let (place, sleeper) = (Place::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let words = ["fault", "try", "processPause", "--into", &into, "--for", "20s", "--yes"];
    let mut first = place.start(&words);
    let said = first.wait_for("Ctrl-C ends it early");
    let holder = said.split("injected ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    place.run(&words).expect(4).says(&holder);
    assert_eq!(sleeper.state(), 'T', "the first still holds it");
    first.signal(Signal::TERM);
    first.wait().expect(3);
    assert_eq!(sleeper.state(), 'S');
    place.assert_clean();
}

#[test]
fn an_injector_that_is_killed_is_followed_by_the_reaper() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let target = proxy.target();
    let with = "{ status: 503 }";
    let mut running = place.start(&[
        "fault",
        "try",
        "httpStatus",
        "--with",
        with,
        "--into",
        &target,
        "--for",
        "1m",
        "--yes",
    ]);
    running.wait_for("injected");
    assert_eq!(get(proxy.address, "/").unwrap().0, 503);
    running.signal(Signal::KILL);
    wait_until("the proxy answers again", Duration::from_secs(2), || {
        get(proxy.address, "/").is_some_and(|(status, _)| status == 200)
    });
    drop(running);
    place.assert_clean();
}

#[test]
fn what_is_typed_wrong_is_told_with_its_place() {
    let (place, sleeper) = (Place::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let attempt = |words: &[&str]| {
        let common = ["fault", "try"];
        place.run(&[&common, words].concat()).expect(64)
    };
    attempt(&["processPaus", "--into", &into, "--for", "1s", "--yes"]).says("did you mean `processPause`");
    attempt(&["processPause", "--into", &into, "--for", "1 parsec", "--yes"]).says("1 parsec");
    attempt(&["processPause", "--into", &into, "--for", "0s", "--yes"]).says("needs some time");
    attempt(&["processPause", "--into", &into, "--for", "25h", "--yes"]).says("ends within 24h");
    attempt(&["processPause", "--into", "proces: {}", "--for", "1s", "--yes"]).says("--into");
    attempt(&["httpDelay", "--with", "{ latenc: 3s }", "--into", &into, "--for", "1s", "--yes"])
        .says("latenc");
    attempt(&["processPause", "--into", &into, "--for", "1s"]).says("--yes");
    assert_eq!(sleeper.state(), 'S');
    place.assert_clean();
}
