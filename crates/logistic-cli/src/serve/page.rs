//! The page at `/`: inputs to move, and what the model makes of them. It holds nothing of the model, which its script
//! asks for, with the token where one is wanted; so it is the same bytes for every model.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderValue, Response};
use axum::response::IntoResponse;
use logistic::report;
use sha2::{Digest, Sha256};

use super::service::CONTENT_SECURITY_POLICY;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page, and the policy that lets it do what it does and nothing else.
static WHOLE: LazyLock<(String, String)> = LazyLock::new(|| {
    // The style is the report's, and what the inputs need besides.
    let style = format!("{}{STYLE}", report::STYLE);
    let policy = format!(
        "default-src 'none'; connect-src 'self'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        base64(&Sha256::digest(&style)),
        base64(&Sha256::digest(SCRIPT)),
    );
    (PAGE.replacen("{style}", &style, 1).replacen("{script}", SCRIPT, 1), policy)
});

/// The handler.
pub(super) async fn page() -> Response<Body> {
    let (page, policy) = &*WHOLE;
    let mut response = page.as_str().into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // It is of ASCII characters.
    headers.extend(HeaderValue::from_str(policy).ok().map(|policy| (CONTENT_SECURITY_POLICY, policy)));
    response
}

/// Bytes as base64 (RFC 4648, §4).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let bits = part.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= part.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        // Section 10.
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (text, expected) in cases {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }
}
