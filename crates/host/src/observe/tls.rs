//! HTTPS: rustls with ring, and the certificates this machine trusts.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio_rustls::TlsConnector;

/// Makes TLS connections. What the machine trusts is read at the first one.
#[derive(Default)]
pub(super) struct Tls(OnceLock<Result<TlsConnector, String>>);

impl Tls {
    pub(super) fn connector(&self) -> Result<TlsConnector, String> {
        self.0.get_or_init(|| connector(system_roots()?)).clone()
    }

    /// Trusts these certificates instead of the machine's.
    #[cfg(test)]
    pub(super) fn trusting(roots: RootCertStore) -> Self {
        Self(OnceLock::from(connector(roots)))
    }
}

fn connector(roots: RootCertStore) -> Result<TlsConnector, String> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|cause| format!("TLS cannot be set up: {cause}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn system_roots() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        return Err(
            "this machine trusts no certificates: install ca-certificates or set SSL_CERT_FILE".to_owned()
        );
    }
    Ok(roots)
}
