//! Certificates and keys. Nothing of a key is ever shown.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio_rustls::TlsConnector;

use super::{Identity, Trust};
use crate::ProxyError;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 4 << 20;

/// Who the proxy is, for clients.
pub(super) fn identity(files: &Identity) -> Result<ServerConfig, ProxyError> {
    let wrong = |why: String, hint: &str| unfit(&files.certificate, why, hint);
    let chain = certificates(&files.certificate)?;
    let key = key(&files.key)?;
    ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|cause| wrong(cause.to_string(), ""))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|cause| {
            wrong(cause.to_string(), "the key must be that of the first certificate in the file")
        })
}

/// How the server is told from others.
pub(super) fn trust(
    trust: &Trust,
    upstream: &str,
) -> Result<(TlsConnector, ServerName<'static>), ProxyError> {
    let host = upstream.rsplit_once(':').map_or(upstream, |(host, _)| host);
    let name = trust.name.as_deref().unwrap_or(host.trim_start_matches('[').trim_end_matches(']'));
    let name = ServerName::try_from(name.to_owned())
        .map_err(|_| ProxyError::ServerName { name: name.to_owned() })?;
    let mut roots = RootCertStore::empty();
    match &trust.authorities {
        Some(file) => {
            for certificate in certificates(file)? {
                let hint = "give the certificate of the authority that signed the server's, in PEM";
                roots.add(certificate).map_err(|cause| unfit(file, cause.to_string(), hint))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            if roots.add_parsable_certificates(found.certs).0 == 0 {
                return Err(ProxyError::NoTrust);
            }
        }
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|_| ProxyError::NoTrust)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok((TlsConnector::from(Arc::new(config)), name))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The certificates of a file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ProxyError> {
    let hint = "give a file in PEM, with `-----BEGIN CERTIFICATE-----`";
    let pem = read(path, &mut open(path)?)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(unfit(path, "there is no certificate in it".to_owned(), hint)),
        Err(_) => Err(unfit(path, "it is no PEM".to_owned(), hint)),
    }
}

/// The key of a file that nobody else can read.
fn key(path: &Path) -> Result<PrivateKeyDer<'static>, ProxyError> {
    let mut file = open(path)?;
    // Of the file that is read, whatever becomes of its name.
    let found = file.metadata().map_err(|cause| unfit(path, cause.to_string(), ""))?;
    if found.mode() & 0o077 != 0 {
        let why = format!("others may use it (mode {:04o})", found.mode() & 0o7777);
        return Err(unfit(path, why, &format!("chmod go= {}", path.display())));
    }
    let pem = read(path, &mut file)?;
    // What is wrong with it might show of it.
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        unfit(path, "there is no key in it".to_owned(), "give a private key in PEM, without a passphrase")
    })
}

fn open(path: &Path) -> Result<File, ProxyError> {
    File::open(path).map_err(|cause| unfit(path, cause.to_string(), ""))
}

fn read(path: &Path, file: &mut File) -> Result<Vec<u8>, ProxyError> {
    let mut bytes = Vec::new();
    let read = file.take(LARGEST).read_to_end(&mut bytes);
    read.map_err(|cause: io::Error| unfit(path, cause.to_string(), ""))?;
    Ok(bytes)
}

fn unfit(path: &Path, why: String, hint: &str) -> ProxyError {
    ProxyError::Tls { path: path.to_owned(), why, hint: hint.to_owned() }
}
