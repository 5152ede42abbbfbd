//! What every request shares, and which of them goes where.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tokio::sync::Semaphore;

use super::args::ServeArgs;
use super::metrics::Metrics;
use super::page;
use super::predict::{PIECE, predict};
use super::refusal::Refusal;
use super::served::{self, Current};
use super::token::Token;

/// Bodies of this many times the largest may be in memory at a time.
const BODIES: usize = 16;
/// And at least so many bytes of them.
const LEAST_MEMORY: usize = 64 << 20;

/// The paths that there are; others are counted together.
const PATHS: [&str; 6] = ["/", "/predict", "/model", "/health", "/metrics", "/openapi.json"];
/// What anybody may see: the page holds nothing of the model, and asks for the token itself; health is then one word.
const OPEN: [&str; 2] = ["/", "/health"];

/// What a request may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) body: usize,
    pub(super) rows: usize,
    pub(super) timeout: Duration,
}

/// What every request shares.
pub(super) struct Service {
    pub(super) current: Arc<Current>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) limits: Limits,
    /// Turns of large requests.
    pub(super) heavy: Arc<Semaphore>,
    /// Memory for bodies, in pieces.
    pub(super) memory: Arc<Semaphore>,
    pub(super) stopping: AtomicBool,
    token: Option<Token>,
}

impl Service {
    pub(super) fn new(args: &ServeArgs, current: Arc<Current>, token: Option<Token>) -> Self {
        let body = usize::try_from(args.max_body.as_u64()).unwrap_or(usize::MAX);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let memory = body.saturating_mul(BODIES).max(LEAST_MEMORY) / PIECE;
        Service {
            metrics: Arc::new(Metrics::new(&current.get().version)),
            current,
            limits: Limits { body, rows: args.max_rows, timeout: args.timeout },
            heavy: Arc::new(Semaphore::new(cores)),
            memory: Arc::new(Semaphore::new(memory.min(Semaphore::MAX_PERMITS))),
            stopping: AtomicBool::new(false),
            token,
        }
    }

    /// Whether who sends these headers may ask everything.
    fn knows(&self, headers: &HeaderMap) -> bool {
        self.token.as_ref().is_none_or(|token| token.allows(headers))
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// The routes.
pub(super) fn router(service: &Arc<Service>) -> Router {
    Router::new()
        .route("/", get(page::page))
        .route("/predict", post(predict))
        .route("/model", get(model))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi))
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown)
        .layer(from_fn_with_state(Arc::clone(service), guard))
        .with_state(Arc::clone(service))
}

/// Stands before every request: asks for the token, counts, and says what is true of every answer.
async fn guard(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response<Body> {
    let began = Instant::now();
    let path = PATHS.into_iter().find(|path| *path == request.uri().path()).unwrap_or("other");
    let mut response = match OPEN.contains(&path) || service.knows(request.headers()) {
        true => next.run(request).await,
        false => {
            let (message, help) =
                ("expected the server's token, found none or another", "send `Authorization: Bearer TOKEN`");
            Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", message, help).into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if service.is_stopping() {
        // The client's next request has to go elsewhere, and is not lost on a connection that is about to close.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    service.metrics.answered(path, response.status().as_u16(), began.elapsed());
    response
}

fn of_kind(kind: &'static str, text: String) -> Response<Body> {
    ([(CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response()
}

async fn model(State(service): State<Arc<Service>>) -> Response<Body> {
    of_kind("application/json", service.current.get().described.clone())
}

async fn openapi(State(service): State<Arc<Service>>) -> Response<Body> {
    of_kind("application/json", service.current.get().openapi.clone())
}

async fn metrics(State(service): State<Arc<Service>>) -> Response<Body> {
    of_kind("application/openmetrics-text; version=1.0.0; charset=utf-8", service.metrics.text())
}

/// A server that stops tells who asks whether to send it more that it wants no more.
async fn health(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response<Body> {
    let stopping = service.is_stopping();
    let word = if stopping { "stopping" } else { "ok" };
    let current = service.knows(&headers).then_some(&*service.current);
    let told = of_kind("application/json", served::health(word, current).to_string());
    let status = if stopping { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, told).into_response()
}

async fn unknown(request: Request) -> Refusal {
    let message = format!("there is no {}", request.uri().path().chars().take(100).collect::<String>());
    Refusal::new(StatusCode::NOT_FOUND, "not_found", message, &format!("there are {}", PATHS.join(", ")))
}

async fn wrong_method(request: Request) -> Refusal {
    let help = "`/predict` takes POST, all else GET";
    let message = format!("{} is not what this path takes", request.method());
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message, help)
}

/// The policy of the page's content: its own style and script, and answers of this server.
pub(super) const CONTENT_SECURITY_POLICY: HeaderName = HeaderName::from_static("content-security-policy");
