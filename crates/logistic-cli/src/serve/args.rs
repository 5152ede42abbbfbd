//! What can be asked of the server.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// The model file; when another takes its place, the server goes on with that one
    pub(crate) model: PathBuf,
    /// The address to listen at; 0.0.0.0 for every one that the machine has
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// The port to listen at; 0 for one that is free
    #[arg(long, value_name = "N", default_value_t = 8080)]
    pub(crate) port: u16,
    /// A file with a token: who asks must send it as `Authorization: Bearer TOKEN`. The environment variable LOGISTIC_TOKEN
    /// may hold it instead
    #[arg(help_heading = "Who may ask", long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The certificate, and those that vouch for it, as PEM: the server speaks TLS
    #[arg(help_heading = "Who may ask", long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key, as PEM
    #[arg(help_heading = "Who may ask", long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Rows in one request, at most
    #[arg(help_heading = "Limits", long, value_name = "N", default_value_t = 10_000)]
    pub(crate) max_rows: usize,
    /// The size of a request's body, at most
    #[arg(help_heading = "Limits", long, value_name = "SIZE", default_value = "8MB", value_parser = size)]
    pub(crate) max_body: ByteSize,
    /// Connections at a time, at most; others are told to come again
    #[arg(help_heading = "Limits", long, value_name = "N", default_value_t = 500)]
    pub(crate) max_connections: usize,
    /// How long a client may take to send the head of a request, and its body, to read an answer, or to be idle
    #[arg(help_heading = "Limits", long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

fn size(typed: &str) -> Result<ByteSize, String> {
    typed.parse().map_err(|_| "expected a size such as 500KB or 8MB".to_string())
}

fn seconds(typed: &str) -> Result<Duration, String> {
    let known = typed.parse().ok().filter(|seconds| (0.01..=86_400.0).contains(seconds));
    known.map(Duration::from_secs_f64).ok_or_else(|| "expected seconds, such as 30".to_string())
}
