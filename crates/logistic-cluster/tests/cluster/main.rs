//! A scheduler and executors on this machine: the same fit as in one process, wherever the rows are, however the
//! connections are secured, and whoever is killed meanwhile.

mod certificates;
mod fits;
mod memory;
mod processes;
mod stores;
