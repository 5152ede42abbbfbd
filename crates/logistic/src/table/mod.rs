//! Named columns of data, and where they come from.
mod blobs;

pub use blobs::{BlobData, Blobs, Centers, ClusterStd, Samples, make_blobs};
