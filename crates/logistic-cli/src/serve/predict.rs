//! `POST /predict`: a body becomes rows, and rows an answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use http_body_util::BodyExt;
use logistic::Error;
use logistic::error::Place;
use logistic::table::{Column, ReadOptions, Table, parse_arrow, parse_csv};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::answer::{Answer, Asked};
use super::refusal::Refusal;
use super::rows;
use super::service::Service;

/// Bodies up to this are scored where they arrive; larger ones, and tables, where they keep no other request waiting.
const SMALL: usize = 32 << 10;
/// Memory for bodies is counted in pieces of this.
pub(super) const PIECE: usize = 1 << 10;

/// How a body is written.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Json,
    Csv,
    Arrow,
}

impl Format {
    fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let word = |name| headers.get(name).map_or("", |value: &HeaderValue| value.to_str().unwrap_or("?"));
        let kind = word(CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let encoding = word(CONTENT_ENCODING);
        let unsupported = |message: String| {
            let help = "send `application/json`, `text/csv` or `application/vnd.apache.arrow.stream`, not compressed";
            Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message, help)
        };
        if !encoding.is_empty() && encoding != "identity" {
            return Err(unsupported(format!("expected no content encoding, found `{encoding}`")));
        }
        match kind.as_str() {
            "application/json" => Ok(Format::Json),
            "text/csv" => Ok(Format::Csv),
            "application/vnd.apache.arrow.stream" => Ok(Format::Arrow),
            "" => Err(unsupported("expected a content type, found none".to_string())),
            other => Err(unsupported(format!("expected another content type, found `{other}`"))),
        }
    }
}

/// The handler.
pub(super) async fn predict(State(service): State<Arc<Service>>, request: Request) -> Result<Response<Body>, Refusal> {
    let format = Format::of(request.headers())?;
    let asked = Asked::of(request.uri().query()).map_err(|message| {
        Refusal::new(StatusCode::BAD_REQUEST, "malformed", format!("the query is not what it should be: {message}"), "")
    })?;
    let limit = service.limits.timeout;
    let (body, memory) = timeout(limit, collect(&service, request.into_body())).await.map_err(|_| late(limit))??;
    let small = format == Format::Json && body.len() <= SMALL;
    let own = Arc::clone(&service);
    // The memory is given back when the last of the work is done, though nobody may wait for it any more.
    let work = move || {
        let _memory = memory;
        score(&own, format, body, asked)
    };
    let text = if small { work()? } else { aside(&service, limit, work).await? };
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response())
}

/// Work on a thread of its own; there are as many such threads at a time as the machine has cores.
async fn aside(
    service: &Service,
    limit: Duration,
    work: impl FnOnce() -> Result<Vec<u8>, Refusal> + Send + 'static,
) -> Result<Vec<u8>, Refusal> {
    let turn = timeout(limit, Arc::clone(&service.heavy).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else { return Err(Refusal::busy("other large requests took all the time there was")) };
    let job = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    job.await.map_err(|_| {
        let message = "a defect of the server kept it from answering";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "defect", message, "report what was sent")
    })?
}

fn late(limit: Duration) -> Refusal {
    let message = format!("the body did not arrive within {} seconds", limit.as_secs_f64());
    Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", message, "send it faster, or in parts")
}

/// A body, read as far as it may be long, and the share of the memory for all bodies that it takes.
async fn collect(service: &Service, mut body: Body) -> Result<(Vec<u8>, Vec<OwnedSemaphorePermit>), Refusal> {
    let most = service.limits.body;
    let too_large = || {
        let help = "send it in parts, or start the server with `--max-body`";
        Refusal::too_large("more", &format!("{most} bytes of a body"), help)
    };
    // What says of itself that it is too large need not be read.
    if axum::body::HttpBody::size_hint(&body).lower() > most as u64 {
        return Err(too_large());
    }
    let (mut bytes, mut memory, mut held) = (Vec::new(), Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Refusal::new(StatusCode::BAD_REQUEST, "malformed", format!("the body ended early: {error}"), "")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > most {
            return Err(too_large());
        }
        bytes.extend_from_slice(&data);
        let wanted = bytes.len().div_ceil(PIECE) - held;
        if wanted > 0 {
            let permit = Arc::clone(&service.memory).try_acquire_many_owned(wanted as u32);
            memory.push(permit.map_err(|_| Refusal::busy("other requests took all the memory for bodies"))?);
            held += wanted;
        }
    }
    Ok((bytes, memory))
}

/// The answer to a body.
fn score(service: &Service, format: Format, body: Vec<u8>, asked: Asked) -> Result<Vec<u8>, Refusal> {
    let served = service.current.get();
    let mut answer = Answer::new(&served, asked, service.limits.rows);
    match format {
        Format::Json => rows::score(&body, &mut answer)?,
        Format::Csv | Format::Arrow => {
            let options = served.scorer.model().scoring(ReadOptions::default());
            let table = match format {
                Format::Csv => parse_csv("body", body, &options),
                _ => parse_arrow("body", body, service.limits.rows, &options),
            };
            of_table(&table?, &mut answer)?;
        }
    }
    Ok(answer.finish(&service.metrics))
}

fn of_table(table: &Table, answer: &mut Answer<'_>) -> Result<(), Refusal> {
    let names = answer.scorer().columns();
    let absent: Vec<String> = names.iter().filter(|name| table.column(name).is_err()).cloned().collect();
    if absent.len() > 1 {
        let place = Place::file(table.path());
        return Err(Error::MissingColumns { place, columns: absent, available: table.available().to_vec() }.into());
    }
    let columns = names.iter().map(|name| table.column(name)).collect::<Result<Vec<&Column>, Error>>()?;
    for row in 0..table.n_rows() {
        let cells: Vec<_> = columns.iter().map(|column| column.cell(row)).collect();
        answer.row(&cells, &Place { column: None, ..table.place(row, "") })?;
    }
    Ok(())
}
