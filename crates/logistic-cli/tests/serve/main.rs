//! The server, as its clients meet it.
#![cfg(feature = "serve")]

mod answers;
mod guide;
mod over_time;
mod server;
