//! The token that a client must know.

use std::path::Path;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use logistic::Error;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The environment variable that may hold it.
const VARIABLE: &str = "LOGISTIC_TOKEN";

/// A token, by its hash: two hashes have one length, so that comparing them tells nothing of the token's.
pub(super) struct Token([u8; 32]);

impl Token {
    /// The token of a file, or else of the environment; none where neither is there.
    ///
    /// # Errors
    /// [`Error::Io`] for a file that cannot be read; [`Error::Setting`] for a token that no header can hold.
    pub(super) fn find(file: Option<&Path>) -> Result<Option<Self>, Error> {
        let (name, text) = match (file, std::env::var_os(VARIABLE)) {
            (Some(path), _) => {
                let io = |source| Error::Io { path: path.to_path_buf(), action: "read", source };
                ("token-file", std::fs::read(path).map_err(io)?)
            }
            (None, Some(text)) => (VARIABLE, text.into_encoded_bytes()),
            (None, None) => return Ok(None),
        };
        let token = text.trim_ascii();
        if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
            let found = if token.is_empty() { "nothing" } else { "others" };
            let expected = "a token of printable ASCII characters without blanks".to_string();
            return Err(Error::Setting { name, expected, found: found.to_string() });
        }
        Ok(Some(Token(Sha256::digest(token).into())))
    }

    /// Whether a request carries it.
    pub(super) fn allows(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get(AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
        let Some((scheme, token)) = sent.split_at_checked(7) else { return false };
        let own: [u8; 32] = Sha256::digest(token.trim_ascii()).into();
        scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(own.ct_eq(&self.0))
    }
}
