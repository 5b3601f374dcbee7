use std::{sync::Arc, time::Duration};

use http_body_util::BodyExt;
use rustls::{RootCertStore, ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use steadfast_model::secret::{Secret, SecretSource};
use steadfast_probes::world::{HttpAnswer, HttpRequest, ServiceUrl, World};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::{
    super::{Observer, tls::Tls},
    observer,
    server::{Server, answer},
};

fn get(url: impl Into<String>) -> HttpRequest {
    HttpRequest {
        url: url.into(),
        method: "GET".to_owned(),
        headers: Vec::new(),
        body: None,
        timeout: Duration::from_secs(5),
        longest_body: 1_000,
    }
}

async fn fails(observer: &Observer, request: HttpRequest) -> String {
    let error = observer.fetch(&request).await.map(|answer| answer.status).unwrap_err();
    format!("{error} ({})", error.hint.as_deref().unwrap_or_default())
}

/// The address of a server that sends these bytes to whoever connects, and then waits.
async fn raw(bytes: &'static [u8], then_close: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a?key=s3cret", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut request = [0; 4_096];
                drop(stream.read(&mut request).await);
                drop(stream.write_all(bytes).await);
                if !then_close {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn a_request_arrives_as_asked_and_its_answer_is_told_in_full() {
    let server = Server::start(|request: http::Request<_>| async move {
        let (head, body): (_, hyper::body::Incoming) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let header =
            |name: &str| head.headers.get(name).map_or("-", |value| value.to_str().unwrap()).to_owned();
        let told = [
            head.method.to_string(),
            head.uri.to_string(),
            header("host"),
            header("x-key"),
            header("content-type"),
        ];
        answer(207, format!("{} {}", told.join(" "), String::from_utf8_lossy(&body)))
    })
    .await;
    let observer = observer(&server.url());
    let mut request = get(format!("{}/pay?x=1", server.url()));
    request.method = "POST".to_owned();
    request.headers = vec![("x-key".to_owned(), Secret::new("s3cret".to_owned()))];
    request.body = Some("{\"a\":1}".to_owned());
    let HttpAnswer { status, body, took, .. } = observer.fetch(&request).await.unwrap();
    let expected = format!("POST /pay?x=1 {} s3cret application/json {{\"a\":1}}", server.address);
    assert_eq!((status, String::from_utf8(body).unwrap()), (207, expected));
    assert!(took > Duration::ZERO && took < request.timeout);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let server = Server::start(|_| async {
        let mut answer = answer(302, "");
        answer.headers_mut().insert("location", "/elsewhere".parse().unwrap());
        answer
    })
    .await;
    assert_eq!(observer("").fetch(&get(server.url())).await.unwrap().status, 302);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_costs_the_timeout_and_no_more() {
    for url in [raw(b"", false).await, raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", false).await]
    {
        let mut request = get(url);
        request.timeout = Duration::from_millis(200);
        let start = tokio::time::Instant::now();
        let error = fails(&observer(""), request).await;
        assert!(error.contains("no complete answer within 200ms"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
        assert!((200..2_000).contains(&start.elapsed().as_millis()));
    }
}

#[tokio::test]
async fn what_is_no_complete_answer_is_an_error_that_says_why() {
    let observer = observer("");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = fails(&observer, get(format!("http://{closed}/"))).await;
    assert!(error.contains("connection refused (is it running"), "{error}");
    for (bytes, expected) in [
        (&b""[..], "closed before the answer was complete"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "closed before the answer was complete"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "not HTTP"),
    ] {
        let error = fails(&observer, get(raw(bytes, true).await)).await;
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn an_answer_longer_than_the_limit_is_refused() {
    let server = Server::start(|_| async { answer(200, vec![b'x'; 1_001]) }).await;
    let error = fails(&observer(""), get(server.url())).await;
    assert!(error.contains("longer than 1000 bytes"), "{error}");
}

#[tokio::test]
async fn only_web_addresses_are_asked_and_secrets_are_not_printed() {
    let observer = observer("");
    for url in ["file:///etc/passwd", "ftp://x/", "http://user:s3cret@x/", "127.0.0.1:80", ""] {
        let error = fails(&observer, get(url)).await;
        assert!(error.contains("http://") || error.contains("address"), "{error}");
    }
    let mut request = get("http://127.0.0.1:1/");
    request.headers = vec![("x-key".to_owned(), Secret::new("s3cret\nx: y".to_owned()))];
    let error = fails(&observer, request).await;
    assert!(error.contains("x-key") && !error.contains("s3cret"), "{error}");
}

#[tokio::test]
async fn https_is_spoken_with_those_whose_certificate_is_trusted() {
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = signed.cert.der().clone();
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 4_096];
                drop(stream.read(&mut request).await);
                drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await);
                drop(stream.shutdown().await);
            });
        }
    });
    let trusting = |certificates: Vec<_>| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates);
        let mut observer = observer("");
        observer.tls = Tls::trusting(roots);
        observer
    };
    assert_eq!(trusting(vec![certificate]).fetch(&get(url.clone())).await.unwrap().body, b"ok");
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let error = fails(&trusting(vec![other.cert.der().clone()]), get(url)).await;
    assert!(error.contains("TLS: "), "{error}");
    let plain = Server::start(|_| async { answer(200, "") }).await;
    let error = fails(&trusting(Vec::new()), get(plain.url().replace("http", "https"))).await;
    assert!(error.contains("TLS: "), "{error}");
}

#[tokio::test]
async fn services_and_secrets_are_found_where_the_binding_and_the_document_say() {
    let observer = observer("http://127.0.0.1:7000");
    assert_eq!(observer.service_url("shop", ServiceUrl::Metrics).unwrap(), "http://127.0.0.1:7000/metrics");
    assert!(observer.service_url("shoe", ServiceUrl::Base).is_err());
    assert!(observer.secret(&SecretSource::Env("STEADFAST_NO_SUCH_SECRET".to_owned())).is_err());
}
