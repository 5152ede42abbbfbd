//! TLS: the server's certificate and key.

use std::path::Path;
use std::sync::Arc;

use logistic::Error;
use logistic::error::Place;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What makes connections secure; none where there is no certificate.
///
/// # Errors
/// [`Error::Io`] for a file that cannot be read; [`Error::Malformed`] for one that holds something else, or a key that is
/// not the certificate's.
pub(super) fn acceptor(cert: Option<&Path>, key: Option<&Path>) -> Result<Option<TlsAcceptor>, Error> {
    let (Some(cert), Some(key)) = (cert, key) else { return Ok(None) };
    let chain: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&read(cert)?).collect();
    let chain = chain.map_err(|error| wrong(cert, "certificates as PEM", &error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(cert, "certificates as PEM", "none"));
    }
    let own = PrivateKeyDer::from_pem_slice(&read(key)?);
    let own = own.map_err(|error| wrong(key, "a private key as PEM", &error.to_string()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, own));
    let config = config.map_err(|error| wrong(cert, "a certificate and its key", &error.to_string()))?;
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Io { path: path.to_path_buf(), action: "read", source })
}

fn wrong(path: &Path, expected: &str, found: &str) -> Error {
    let place = Place::file(path.display().to_string());
    Error::Malformed { place, expected: expected.to_string(), found: found.to_string(), help: None }
}
