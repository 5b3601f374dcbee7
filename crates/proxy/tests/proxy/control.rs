//! The control socket, its file and its conversations.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    sync::Arc,
    time::Duration,
};

use steadfast_model::{
    BootTime,
    proxy::{Protocol, ProxyFault},
};
use steadfast_proxy::{
    Limits, Proxy, ProxyConfig, ProxyError,
    control::{Client, ControlError, LONGEST_LINE},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, UnixListener, UnixStream},
};

use crate::support::{RealClock, Running, config, echo, http_status, nobody, now, private_directory, rule};

async fn bind(control: &Path) -> Result<Proxy, ProxyError> {
    Proxy::bind(config(control.to_owned(), nobody()), Arc::new(RealClock)).await
}

#[track_caller]
fn refused<T>(result: Result<T, ProxyError>, message: &str, hint: &str) {
    let error = result.err().expect("it was not refused");
    assert!(error.to_string().contains(message), "{error}");
    assert!(error.hint().unwrap_or_default().contains(hint), "{:?}", error.hint());
}

#[tokio::test]
async fn the_socket_is_for_its_owner_alone_and_goes_with_the_proxy() {
    let parent = private_directory();
    let control = parent.path().join("made/control");
    let proxy = bind(&control).await.unwrap();
    assert_eq!(fs::metadata(&control).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(control.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
    proxy.run(std::future::ready(())).await.unwrap();
    assert!(!control.exists());
}

#[tokio::test]
async fn a_dead_proxys_socket_is_replaced_and_a_living_ones_is_not() {
    let directory = private_directory();
    let control = directory.path().join("control");
    drop(UnixListener::bind(&control).unwrap());
    assert!(control.exists());
    let living = bind(&control).await.unwrap();
    refused(bind(&control).await, "living proxy", "shut that proxy down");
    fs::remove_file(&control).unwrap();
    let successor = bind(&control).await.unwrap();
    drop(living);
    assert!(control.exists(), "a proxy removes no socket but its own");
    drop(successor);
    fs::write(&control, "precious").unwrap();
    assert!(bind(&control).await.is_err());
    assert_eq!(fs::read_to_string(&control).unwrap(), "precious");
}

#[tokio::test]
async fn unsafe_or_impossible_starts_are_refused_with_a_hint() {
    let directory = private_directory();
    refused(bind(&directory.path().join("x".repeat(108))).await, "at most 107", "shorter");
    let open = directory.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
    refused(bind(&open.join("control")).await, "mode 755", "chmod 700");
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let start = |change: fn(&mut ProxyConfig), listen| {
        let mut config =
            ProxyConfig { listen, ..config(directory.path().join("c"), "127.0.0.1:1".parse().unwrap()) };
        change(&mut config);
        Proxy::bind(config, Arc::new(RealClock))
    };
    refused(
        start(|_| (), taken.local_addr().unwrap()).await,
        "listen on 127.0.0.1:",
        "another process holds port",
    );
    refused(start(|_| (), "0.0.0.0:0".parse().unwrap()).await, "other machines could reach it", "127.0.0.1");
    let anywhere = "127.0.0.1:0".parse().unwrap();
    let itself = nobody();
    let mut circle = config(directory.path().join("c"), itself);
    circle.listen = itself;
    refused(Proxy::bind(circle, Arc::new(RealClock)).await, "to itself", "another port");
    for upstream in ["", "risk", "risk:", ":80", "risk:0", "risk:99999"] {
        let mut config = config(directory.path().join("c"), "127.0.0.1:1".parse().unwrap());
        config.upstream = upstream.to_owned();
        refused(Proxy::bind(config, Arc::new(RealClock)).await, "not host:port", "127.0.0.1:8080");
    }
    assert!(start(|config| config.allow_remote = true, anywhere).await.is_ok());
}

#[tokio::test]
async fn nonsense_is_refused_and_the_conversation_goes_on() {
    let proxy = Running::start(Protocol::Tcp, echo().await).await;
    let mut stream = BufReader::new(UnixStream::connect(&proxy.control).await.unwrap());
    let mut say = async |line: &[u8]| {
        stream.write_all(line).await.unwrap();
        stream.write_all(b"\n").await.unwrap();
        let mut answer = String::new();
        stream.read_line(&mut answer).await.unwrap();
        answer
    };
    for line in
        [&b"{"[..], b"", b"null", b"\xff\xfe", b"{\"explode\":{}}", b"{\"apply\":{\"id\":1}}", b"[[[[[[[["]
    {
        let answer = say(line).await;
        assert!(answer.contains("refused") && answer.contains("understand this line"), "{answer}");
    }
    assert!(say(&vec![b'['; LONGEST_LINE]).await.contains("refused"));
    assert!(say(&vec![b'x'; 3 * LONGEST_LINE]).await.contains("a line of more than"));
    assert!(say(br#"{"status":{}}"#).await.contains("done"));
}

#[tokio::test]
async fn rules_are_applied_once_refused_with_all_reasons_and_removed_for_good() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let told = rule(ProxyFault::TcpDown {});
    for _ in 0..2 {
        assert_eq!(proxy.client.apply(told.clone()).await.unwrap().rules.len(), 1);
    }
    let mut bad = rule(http_status(99, ""));
    bad.deadline = BootTime(1);
    let error = proxy.client.apply(bad).await.unwrap_err().to_string();
    for part in ["needs protocol http", "200 to 599", "deadline passed"] {
        assert!(error.contains(part), "{error}");
    }
    for _ in 0..2 {
        assert!(proxy.client.remove(told.id).await.unwrap().rules.is_empty());
    }
    assert!(matches!(proxy.client.apply(told).await, Err(ControlError::Refused { .. })));
    let early = rule(ProxyFault::TcpDown {});
    proxy.client.remove(early.id).await.unwrap();
    assert!(proxy.client.apply(early).await.is_err());
}

#[tokio::test]
async fn the_largest_body_fits_through_the_socket_however_it_is_written() {
    let mut proxy = Running::start(Protocol::Http, nobody()).await;
    proxy.apply(http_status(500, &"\u{1}".repeat(64 * 1024))).await;
    let error = proxy.client.apply(rule(http_status(500, &"x".repeat(64 * 1024 + 1)))).await.unwrap_err();
    assert!(error.to_string().contains("at most 65536"), "{error}");
}

#[tokio::test]
async fn a_shutdown_is_answered_and_then_obeyed() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let (control, mut socket) = (proxy.control.clone(), proxy.connect().await);
    crate::support::ping(&mut socket, b"x").await.unwrap();
    assert_eq!(proxy.client.shutdown().await.unwrap().open_connections, 1);
    proxy.ended().await.unwrap();
    assert!(!control.exists());
    crate::support::end_of(&mut socket).await.unwrap();
}

#[tokio::test]
async fn a_client_never_waits_for_a_proxy_that_hangs_and_finds_a_new_one() {
    let directory = private_directory();
    let control = directory.path().join("control");
    assert!(Client::connect(&control).await.is_err());
    let hung = UnixListener::bind(&control).unwrap();
    let start = now();
    let mut client = Client::connect(&control).await.unwrap().with_deadline(Duration::from_millis(100));
    for _ in 0..3 {
        assert!(matches!(client.status().await, Err(ControlError::Unreachable { .. })));
    }
    assert!(start.elapsed() < Duration::from_millis(600));
    drop(hung);
    let proxy = bind(&control).await.unwrap();
    let task = tokio::spawn(proxy.run(std::future::pending()));
    assert_eq!(client.status().await.unwrap().name, "a-b");
    task.abort();
}

#[tokio::test]
async fn too_many_controllers_are_turned_away_and_room_is_made_again() {
    let limits = Limits { control: 3, ..Limits::default() };
    let proxy = Running::start_with(Protocol::Tcp, echo().await, limits, Arc::new(RealClock)).await;
    let mut more =
        [Client::connect(&proxy.control).await.unwrap(), Client::connect(&proxy.control).await.unwrap()];
    for client in &mut more {
        client.status().await.unwrap();
    }
    let mut one_too_many = Client::connect(&proxy.control).await.unwrap();
    assert!(one_too_many.status().await.is_err());
    drop(more);
    for _ in 0..100 {
        if one_too_many.status().await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("room is never made");
}
