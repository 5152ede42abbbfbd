//! Covariances, likelihood-ratio tests, profile intervals and Firth's fit.

#[path = "inference/absent.rs"]
mod absent;
#[path = "inference/cases.rs"]
mod cases;
#[path = "inference/ends.rs"]
mod ends;
#[path = "inference/golden.rs"]
mod golden;
#[path = "inference/invariance.rs"]
mod invariance;
