//! The command line of logistic.
fn main() {}
