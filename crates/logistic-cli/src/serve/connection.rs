//! Connections: accepted up to a limit, each with limits of its own, and let go of without losing a request.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Response};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

use super::refusal::Refusal;
use super::service::{Service, router};

/// Connections beyond the limit that are told so at a time; more are closed without a word.
const TOLD: usize = 64;
/// Such a connection may take as long.
const TELLING: Duration = Duration::from_secs(1);
/// When the server stops, so long may connections still bring a request, which is answered and ends them.
const DRAIN: Duration = Duration::from_secs(1);
/// The head of a request, at most.
const MOST_HEAD: usize = 32 << 10;

/// Takes connections until it is told to stop.
pub(super) struct Door {
    pub(super) listener: TcpListener,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) service: Arc<Service>,
    pub(super) most: usize,
}

/// What serves connections.
#[derive(Clone)]
struct Host {
    router: Router,
    service: Arc<Service>,
    tls: Option<TlsAcceptor>,
    places: Arc<Semaphore>,
    told: Arc<Semaphore>,
    /// Changes when connections are to end with the request that they have.
    end: watch::Receiver<()>,
}

/// Hears what asks the server to stop: Ctrl-C, or a signal to terminate.
pub(super) struct Stop {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
}

impl Stop {
    /// From now on.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Stop {
            #[cfg(unix)]
            signals: [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?],
        })
    }

    /// The next time.
    async fn next(&mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate] = &mut self.signals;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

impl Door {
    /// Serves until it is told to stop, then takes no more connections and answers what was asked; the number of connections
    /// that had not ended when their time was over, or when it was told once more.
    pub(super) async fn serve(self, mut stop: Stop) -> usize {
        let Door { listener, tls, service, most } = self;
        let (ending, end) = watch::channel(());
        let host = Host {
            router: router(&service),
            service: Arc::clone(&service),
            tls,
            places: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
            told: Arc::new(Semaphore::new(TOLD)),
            end,
        };
        loop {
            let accepted = tokio::select! {
                () = stop.next() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => host.take(stream),
                // Out of files, or a client that left: neither is mended by asking again at once.
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
        service.stopping.store(true, Ordering::Relaxed);
        // The system has taken connections that were not accepted yet, and closing the door would close them.
        if let Ok(listener) = listener.into_std() {
            while let Ok((stream, _)) = listener.accept() {
                let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
                stream.into_iter().for_each(|stream| host.take(stream));
            }
        }
        tokio::select! {
            () = end_all(&service, ending) => {}
            () = stop.next() => {}
        }
        usize::try_from(service.metrics.connections.get()).unwrap_or(0)
    }
}

/// Lets connections bring one request more, then ends those without one, and waits for the others.
async fn end_all(service: &Service, ending: watch::Sender<()>) {
    let none = async || {
        while service.metrics.connections.get() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    if timeout(DRAIN, none()).await.is_ok() {
        return;
    }
    let _ = ending.send(());
    // The body of a request, its turn, and the reading of its answer may each take the limit.
    let _ = timeout(3 * service.limits.timeout, none()).await;
}

/// A connection that is counted for as long as this lives: also one whose task ends by a defect.
struct Open {
    service: Arc<Service>,
    _place: OwnedSemaphorePermit,
}

impl Open {
    fn new(service: &Arc<Service>, place: OwnedSemaphorePermit) -> Self {
        service.metrics.connections.inc();
        Open { service: Arc::clone(service), _place: place }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.service.metrics.connections.dec();
    }
}

impl Host {
    /// Serves a connection in a task of its own.
    fn take(&self, stream: TcpStream) {
        // Answers are small, and nobody is helped by waiting for more of them.
        let _ = stream.set_nodelay(true);
        let own = self.clone();
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => {
                let open = Open::new(&self.service, place);
                tokio::spawn(async move {
                    let answers = TowerToHyperService::new(own.router.clone());
                    // A client that breaks off has nobody to be told of it.
                    let _ = own.serve(stream, answers).await;
                    drop(open);
                });
            }
            Err(_) => {
                self.service.metrics.turned_away.inc();
                let Ok(turn) = Arc::clone(&self.told).try_acquire_owned() else { return };
                tokio::spawn(async move {
                    let _ = timeout(TELLING, own.serve(stream, service_fn(turn_away))).await;
                    drop::<OwnedSemaphorePermit>(turn);
                });
            }
        }
    }

    async fn serve<A>(&self, stream: TcpStream, answers: A) -> io::Result<()>
    where
        A: HttpService<Incoming, ResBody = Body>,
        A::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let limit = self.service.limits.timeout;
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limit));
        let stream = Box::pin(stream);
        match &self.tls {
            None => http(stream, limit, self.end.clone(), answers).await,
            Some(tls) => http(timeout(limit, tls.accept(stream)).await??, limit, self.end.clone(), answers).await,
        }
    }
}

/// Requests and answers on a connection, until one side ends it.
async fn http<A>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    limit: Duration,
    mut end: watch::Receiver<()>,
    answers: A,
) -> io::Result<()>
where
    A: HttpService<Incoming, ResBody = Body>,
    A::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limit).max_buf_size(MOST_HEAD);
    let mut served = pin!(http.serve_connection(TokioIo::new(stream), answers));
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        _ = end.changed() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    ended.map_err(io::Error::other)
}

/// The answer on a connection for which there is no place.
async fn turn_away(_: axum::http::Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let mut response = Refusal::busy("there are as many connections as the server takes").into_response();
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(response)
}
