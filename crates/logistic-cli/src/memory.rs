//! How much memory a table may take.

use bytesize::ByteSize;
use clap::Args;
use logistic::table::ReadOptions;
use sysinfo::{MemoryRefreshKind, System};

/// Of the memory that is free, the share that a table may take unless it is told otherwise.
const SHARE: f64 = 0.5;

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct MemoryArgs {
    /// Memory that the table may take, such as 2GB; a larger one is kept in temporary files, in the folder that TMPDIR
    /// names, and gives the same result [default: half of what is free]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<ByteSize>,
}

fn size(typed: &str) -> Result<ByteSize, String> {
    typed.parse().map_err(|_| "expected a size such as 500MB or 2GB".to_string())
}

impl MemoryArgs {
    /// The options with this limit.
    pub(crate) fn limit(self, options: ReadOptions) -> ReadOptions {
        ReadOptions { memory: self.memory.map(|size| size.as_u64()).or_else(free_memory), ..options }
    }
}

/// The share of the memory that is free which a table may take; none where the system does not say.
pub fn free_memory() -> Option<u64> {
    let mut system = System::new();
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let free = system.cgroup_limits().map_or(system.available_memory(), |limits| limits.free_memory);
    (free > 0).then_some((free as f64 * SHARE) as u64)
}
