//! Mutual TLS: every process shows a certificate of one authority, and asks for one.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use ballista_core::extension::EndpointOverrideFn;
use clap::Args;
use logistic::Error;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, ServerTlsConfig};

/// What is typed of TLS.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Mutual TLS")]
pub(crate) struct TlsArgs {
    /// This process's certificate, as PEM. With the two others, all connections are encrypted, and both ends of each show
    /// a certificate of the authority
    #[arg(long, value_name = "FILE", requires_all = ["tls_key", "tls_ca"])]
    tls_cert: Option<PathBuf>,
    /// Its private key, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The certificate of the authority that signed those of all processes, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_ca: Option<PathBuf>,
}

/// Certificates and a key, as they were read.
#[derive(Clone)]
pub(crate) struct Tls {
    identity: Identity,
    authority: Certificate,
}

impl TlsArgs {
    /// Reads the files, where they were named.
    ///
    /// # Errors
    /// [`Error::Io`] for a file that cannot be read; [`Error::Malformed`] for one that is none of its kind.
    pub(crate) fn read(&self) -> Result<Option<Tls>, Error> {
        let (Some(cert), Some(key), Some(ca)) = (&self.tls_cert, &self.tls_key, &self.tls_ca) else { return Ok(None) };
        let identity = Identity::from_pem(pem(cert, "CERTIFICATE")?, pem(key, "PRIVATE KEY")?);
        Ok(Some(Tls { identity, authority: Certificate::from_pem(pem(ca, "CERTIFICATE")?) }))
    }
}

fn pem(path: &PathBuf, kind: &str) -> Result<String, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Io { path: path.clone(), action: "read", source })?;
    if text.contains("-----BEGIN ") && text.contains(&format!("{kind}-----")) {
        return Ok(text);
    }
    Err(Error::Malformed {
        place: logistic::error::Place::file(path.display().to_string()),
        expected: format!("PEM with a {kind}"),
        found: "none".to_string(),
        help: Some("PEM files begin with `-----BEGIN `".to_string()),
    })
}

impl Tls {
    /// For servers.
    pub(crate) fn server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new().identity(self.identity.clone()).client_ca_root(self.authority.clone())
    }

    /// For the connections that Ballista makes.
    pub(crate) fn endpoints(&self) -> EndpointOverrideFn {
        let config = ClientTlsConfig::new().identity(self.identity.clone()).ca_certificate(self.authority.clone());
        Arc::new(move |endpoint: Endpoint| {
            let uri = endpoint.uri().to_string();
            let secure = uri.replacen("http://", "https://", 1);
            // Ballista writes the address of its scheduler without the scheme that asks for TLS.
            let endpoint = if secure == uri { endpoint } else { Endpoint::from_shared(secure)? };
            Ok(endpoint.tls_config(config.clone())?)
        })
    }
}
