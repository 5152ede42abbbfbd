//! `logistic serve`: a model behind HTTP.

mod answer;
mod args;
mod connection;
mod describe;
mod metrics;
mod openapi;
mod page;
mod predict;
mod refusal;
mod rows;
mod served;
mod service;
mod tls;
mod token;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use logistic::Error;
use tokio::net::TcpListener;

pub(crate) use args::ServeArgs;

use crate::Outcome;
use crate::output::print;

use connection::{Door, Stop};
use served::Current;
use service::Service;
use token::Token;

pub(crate) fn run(args: &ServeArgs) -> Outcome {
    let (current, watch) = Current::load(&args.model, args.max_rows)?;
    let token = Token::find(args.token_file.as_deref())?;
    let tls = tls::acceptor(args.tls_cert.as_deref(), args.tls_key.as_deref())?;
    warn_of_exposure(args, token.is_some(), tls.is_some());
    let address = SocketAddr::new(args.host, args.port);
    let failed = |action: &'static str| move |source| Error::Io { path: address.to_string().into(), action, source };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed("serve at"))?;
    let current = Arc::new(current);
    let service = Arc::new(Service::new(args, Arc::clone(&current), token));
    let left = runtime.block_on(async {
        let listener = TcpListener::bind(address).await.map_err(failed("listen"))?;
        let stop = Stop::listen().map_err(failed("hear signals"))?;
        let own = listener.local_addr().map_err(failed("listen"))?;
        print(&format!("listening on {}://{own}\n", if tls.is_some() { "https" } else { "http" }))?;
        tokio::spawn(watch.run(current, Arc::clone(&service.metrics), tell));
        let door = Door { listener, tls, service: Arc::clone(&service), most: args.max_connections };
        Ok::<usize, Error>(door.serve(stop).await)
    })?;
    // What still runs has had its time.
    runtime.shutdown_background();
    if left > 0 {
        tell(&format!("stopped with {left} connections that had not ended"));
    }
    Ok(())
}

/// Says what goes on while the server runs; if standard error is closed, nobody is there to be told.
fn tell(message: &str) {
    let _ = writeln!(std::io::stderr(), "{message}");
}

fn warn_of_exposure(args: &ServeArgs, token: bool, tls: bool) {
    if args.host.is_loopback() {
        return;
    }
    if !token {
        tell("warning: whoever reaches this address may ask; `--token-file` asks for a token");
    } else if !tls {
        tell("warning: the token goes over the network as it is; `--tls-cert` and `--tls-key` hide it");
    }
}
