//! TLS: ended by the proxy on one side or both, or carried as it is.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc, time::Duration};

use http_body_util::BodyExt;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, ServerName, pem::PemObject},
};
use serde_json::json;
use steadfast_model::proxy::{Protocol, Stream};
use steadfast_proxy::{Identity, Proxy, ProxyError, Tls, Trust};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

use crate::{
    http2::{Seen, answer, body, request},
    support::{RealClock, Running, config, delay, http_status, now, server, told},
};

/// An authority, and a certificate of `localhost` that it signed.
struct Office {
    folder: tempfile::TempDir,
}

impl Office {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        };
        write("ca.pem", authority.pem());
        write("cert.pem", certificate.pem());
        write("key.pem", key.serialize_pem());
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn identity(&self) -> Identity {
        Identity { certificate: self.file("cert.pem"), key: self.file("key.pem") }
    }

    fn trust(&self) -> Trust {
        Trust { authorities: Some(self.file("ca.pem")), name: Some("localhost".to_owned()) }
    }

    /// Both sides in TLS.
    fn both(&self) -> Tls {
        Tls { identity: Some(self.identity()), upstream: Some(self.trust()) }
    }

    /// A server of HTTP/1.1 and, if it says so, of HTTP/2.
    async fn server(&self, alpn: &[&str]) -> (SocketAddr, Arc<Seen>) {
        let seen = Arc::<Seen>::default();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![rustls::pki_types::CertificateDer::from_pem_file(self.file("cert.pem")).unwrap()],
                PrivateKeyDer::from_pem_file(self.file("key.pem")).unwrap(),
            )
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let (acceptor, shared) = (TlsAcceptor::from(Arc::new(config)), Arc::clone(&seen));
        let address = server(move |socket| {
            let (acceptor, seen) = (acceptor.clone(), Arc::clone(&shared));
            async move {
                // Tests refuse certificates.
                let Ok(stream) = acceptor.accept(socket).await else { return };
                let is_new = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let service = service_fn(move |request| answer(request, Arc::clone(&seen)));
                if is_new {
                    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    drop(builder.serve_connection(TokioIo::new(stream), service).await);
                } else {
                    let builder = hyper::server::conn::http1::Builder::new();
                    drop(builder.serve_connection(TokioIo::new(stream), service).await);
                }
            }
        })
        .await;
        (address, seen)
    }

    async fn client(&self, address: SocketAddr, alpn: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(rustls::pki_types::CertificateDer::from_pem_file(self.file("ca.pem")).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let socket = TcpStream::connect(address).await?;
        let offer = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).with_alpn(offer).connect(name, socket).await
    }

    /// Asks with the version that was agreed on: it, the status and the body.
    async fn ask(&self, address: SocketAddr, alpn: &[&str], path: &str) -> (Option<String>, u16, String) {
        let stream = self.client(address, alpn).await.unwrap();
        let agreed = stream.get_ref().1.alpn_protocol().map(|name| String::from_utf8(name.to_vec()).unwrap());
        let asked = request("POST", path, body("hello"));
        let io = TokioIo::new(stream);
        let response = if agreed.as_deref() == Some("h2") {
            let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
            let (mut sender, driver) = builder.handshake(io).await.unwrap();
            tokio::spawn(driver);
            sender.send_request(asked).await.unwrap()
        } else {
            let (mut sender, driver) = hyper::client::conn::http1::handshake(io).await.unwrap();
            tokio::spawn(driver);
            let (mut parts, body) = asked.into_parts();
            parts.uri = path.parse().unwrap();
            parts.headers.insert("host", "localhost".parse().unwrap());
            sender.send_request(hyper::Request::from_parts(parts, body)).await.unwrap()
        };
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (agreed, status, String::from_utf8(body.to_vec()).unwrap())
    }
}

fn said(version: Option<&str>, status: u16, body: &str) -> (Option<String>, u16, String) {
    (version.map(str::to_owned), status, body.to_owned())
}

#[tokio::test]
async fn a_proxy_with_a_certificate_speaks_what_client_and_server_both_speak_and_faults_work() {
    let office = Office::new();
    let both = ["h2", "http/1.1"];
    for (server, client, agreed) in [
        (&both[..], &both[..], Some("h2")),
        (&both[1..], &both[..], Some("http/1.1")),
        (&both[..], &both[1..], Some("http/1.1")),
        (&both[..0], &both[..], Some("http/1.1")),
        (&both[..], &both[..0], None),
    ] {
        let (upstream, seen) = office.server(server).await;
        let mut proxy = Running::start_tls(Protocol::Http, upstream, office.both()).await;
        let answer = office.ask(proxy.address, client, "/").await;
        assert_eq!(answer, said(agreed, 200, "hello"), "{server:?} {client:?}");
        let id = proxy.apply(http_status(503, "no")).await;
        assert_eq!(office.ask(proxy.address, client, "/").await, said(agreed, 503, "no"), "{client:?}");
        assert_eq!(proxy.counts().await, (1, 1));
        proxy.remove(id).await;
        assert_eq!(seen.requests.load(std::sync::atomic::Ordering::SeqCst), 1);
        assert_eq!(proxy.status().await.unreadable, 0);
    }
}

#[tokio::test]
async fn tls_on_one_side_is_enough_also_for_a_proxy_of_bytes() {
    let office = Office::new();
    let (upstream, _) = office.server(&["http/1.1"]).await;
    let outward = Tls { identity: None, upstream: Some(office.trust()) };
    for protocol in [Protocol::Http, Protocol::Tcp] {
        let inner = Running::start_tls(protocol, upstream, outward.clone()).await;
        let inward = Tls { identity: Some(office.identity()), upstream: None };
        let mut outer = Running::start_tls(protocol, inner.address, inward).await;
        outer.apply(delay(200, Stream::Downstream)).await;
        let start = now();
        let answer = office.ask(outer.address, &[], "/").await;
        assert_eq!(answer, said(None, 200, "hello"), "{protocol:?}");
        assert!(start.elapsed() >= Duration::from_millis(200), "{protocol:?}");
    }
    // Of a server without TLS nobody knows the version: HTTP/2 is for those who speak nothing else.
    let (plain, _) = crate::http2::h2_server().await;
    let proxy =
        Running::start_tls(Protocol::Http, plain, Tls { identity: Some(office.identity()), upstream: None })
            .await;
    assert_eq!(office.ask(proxy.address, &["h2"], "/").await, said(Some("h2"), 200, "hello"));
    let stream = office.client(proxy.address, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_not_believed() {
    let (office, other) = (Office::new(), Office::new());
    let (upstream, seen) = office.server(&["h2", "http/1.1"]).await;
    let trusts = [
        other.trust(),
        Trust { name: Some("elsewhere".to_owned()), ..office.trust() },
        // The host of the upstream, an address, which is not in the certificate.
        Trust { name: None, ..office.trust() },
        // What this machine trusts.
        Trust { name: Some("localhost".to_owned()), authorities: None },
    ];
    for trust in trusts {
        let tls = Tls { identity: Some(office.identity()), upstream: Some(trust.clone()) };
        let proxy = Proxy::bind(
            steadfast_proxy::ProxyConfig {
                control: None,
                protocol: Protocol::Http,
                tls: tls.clone(),
                ..config(PathBuf::new(), upstream)
            },
            Arc::new(RealClock),
        )
        .await;
        // A machine may trust no certificates at all.
        if matches!(proxy, Err(ProxyError::NoTrust)) {
            continue;
        }
        let proxy = Running::start_tls(Protocol::Http, upstream, tls).await;
        for alpn in [&["h2"][..], &["http/1.1"]] {
            let (_, status, body) = office.ask(proxy.address, alpn, "/").await;
            assert!(status == 502 && body.contains("certificate"), "{trust:?}: {status} {body}");
        }
    }
    assert_eq!(seen.requests.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn keys_that_others_can_read_and_files_that_hold_none_are_refused_and_never_shown() {
    let office = Office::new();
    let upstream = crate::support::nobody();
    let refused = async |identity: Identity, part: &str| {
        let tls = Tls { identity: Some(identity), upstream: None };
        let config = steadfast_proxy::ProxyConfig { control: None, tls, ..config(PathBuf::new(), upstream) };
        let error = Proxy::bind(config, Arc::new(RealClock)).await.map(drop).unwrap_err();
        let all = format!("{error} {error:?} {:?}", error.hint());
        assert!(all.contains(part), "{all}");
        let secret = fs::read_to_string(office.file("key.pem")).unwrap();
        assert!(secret.lines().all(|line| !all.contains(line)), "{all}");
    };
    let key = office.file("key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    refused(office.identity(), "others may use it (mode 0640)").await;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    refused(Identity { key: office.file("cert.pem"), ..office.identity() }, "there is no key in it").await;
    refused(Identity { certificate: key, ..office.identity() }, "there is no certificate in it").await;
    refused(Identity { certificate: office.file("none"), ..office.identity() }, "No such file").await;
    let other = Office::new();
    refused(Identity { certificate: other.file("cert.pem"), ..office.identity() }, "key").await;
}

#[tokio::test]
async fn tls_that_cannot_be_read_is_carried_and_counted_and_only_faults_on_bytes_work() {
    let office = Office::new();
    let (upstream, _) = office.server(&["h2", "http/1.1"]).await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    let id = proxy.apply(told(json!({ "httpStatus": { "status": 503, "body": "", "matching": {} } }))).await;
    assert_eq!(office.ask(proxy.address, &["h2"], "/").await, said(Some("h2"), 200, "hello"));
    assert_eq!(proxy.counts().await, (0, 0));
    let status = proxy.status().await;
    assert_eq!((status.requests, status.unreadable), (0, 1));
    proxy.remove(id).await;
    proxy.apply(delay(200, Stream::Downstream)).await;
    let start = now();
    office.ask(proxy.address, &["http/1.1"], "/").await;
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert!(proxy.counts().await.0 > 0);
}

#[tokio::test]
async fn a_client_that_speaks_no_tls_or_none_in_time_is_turned_away() {
    let office = Office::new();
    let (upstream, _) = office.server(&[]).await;
    let proxy = Running::start_tls(Protocol::Http, upstream, office.both()).await;
    let mut socket = proxy.connect().await;
    socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut back = Vec::new();
    // With an alert, or without.
    drop(socket.read_to_end(&mut back).await);
    assert!(!String::from_utf8_lossy(&back).contains("HTTP"), "{back:?}");
}
