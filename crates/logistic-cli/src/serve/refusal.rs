//! What the server says where it gives no result: the keys of the command line's errors, under a status of HTTP.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use logistic::Error;
use logistic::error::Place;
use serde_json::json;

/// Why there is no result.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    kind: &'static str,
    message: String,
    place: Place,
    help: Option<String>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>, help: &str) -> Self {
        let help = (!help.is_empty()).then(|| help.to_string());
        Refusal { status, kind, message: message.into(), place: Place::default(), help }
    }

    /// A body that is not what its content type says.
    pub(super) fn malformed(message: String) -> Self {
        let help = "send {\"rows\": [{\"column\": value, …}, …]}";
        Refusal::new(StatusCode::BAD_REQUEST, "malformed", message, help)
    }

    pub(super) fn too_large(what: &str, most: &str, help: &str) -> Self {
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", format!("expected at most {most}, found {what}"), help)
    }

    pub(super) fn busy(message: &str) -> Self {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message, "ask again in a moment")
    }
}

/// What the library refuses is understood, and wrong.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            kind: error.kind(),
            message: error.to_string(),
            place: error.place(),
            help: error.help(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let Refusal { status, kind, message, place, help } = self;
        let told = json!({"error": {
            "kind": kind,
            "message": message,
            "path": place.path,
            "line": place.line,
            "column": place.column,
            "help": help,
        }});
        let mut response = (status, told.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match status {
            StatusCode::UNAUTHORIZED => headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            StatusCode::SERVICE_UNAVAILABLE => headers.insert(RETRY_AFTER, HeaderValue::from_static("1")),
            _ => None,
        };
        response
    }
}
