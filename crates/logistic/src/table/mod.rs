//! Named columns of data, and where they come from.
