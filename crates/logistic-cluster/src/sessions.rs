//! What client, scheduler and executors agree on: the function, the size of messages, where files may be.

use std::sync::Arc;

use ballista::prelude::{SessionConfigExt, SessionContextExt};
use ballista_core::object_store::{runtime_env_with_s3_support, session_state_with_s3_support};
use ballista_core::registry::BallistaFunctionRegistry;
use datafusion::common::Result;
use datafusion::execution::SessionState;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::function::{self, function};
use crate::tls::Tls;

/// The largest message, in bytes: a Hessian of some five thousand columns.
pub(crate) const LARGEST_MESSAGE: usize = 256 << 20;

/// Rows in a batch. Larger ones than DataFusion's own, since what is done to a batch here is little beside what is done to
/// its rows.
const BATCH_ROWS: usize = 32_768;

/// The settings of all three. S3's come from each process's own environment (`AWS_ACCESS_KEY_ID` and so on), so that no
/// secret travels.
pub(crate) fn config(tls: Option<&Tls>) -> SessionConfig {
    let config = ballista_core::object_store::session_config_with_s3_support()
        .with_batch_size(BATCH_ROWS)
        // A partition that reads what is another's would be kept as what it is not.
        .set_bool("datafusion.execution.enable_file_stream_work_stealing", false)
        .with_ballista_grpc_client_max_message_size(LARGEST_MESSAGE)
        // Adaptive plans cost a round more, and do not recover from a lost executor in every case.
        .with_ballista_adaptive_query_planner(false);
    match tls {
        None => config,
        Some(tls) => {
            config.with_ballista_use_tls(true).with_ballista_override_create_grpc_client_endpoint(tls.endpoints())
        }
    }
}

/// A state with the function, on files, HTTP and S3.
pub(crate) fn state(config: SessionConfig) -> Result<SessionState> {
    let mut state = session_state_with_s3_support(config)?;
    datafusion::execution::FunctionRegistry::register_udaf(&mut state, Arc::new(function()))?;
    Ok(state)
}

/// The functions that an executor knows.
pub(crate) fn registry() -> BallistaFunctionRegistry {
    let mut registry = BallistaFunctionRegistry::default();
    registry.aggregate_functions.insert(function::NAME.to_string(), Arc::new(function()));
    registry
}

/// A context that works in this process; its rows come in one order.
pub(crate) fn embedded() -> Result<SessionContext> {
    let config = config(None).with_target_partitions(1);
    let runtime = runtime_env_with_s3_support(&config)?;
    Ok(SessionContext::new_with_config_rt(config, runtime))
}

/// A context that works on a cluster, in so many partitions.
pub(crate) async fn remote(url: &str, partitions: usize, tls: Option<&Tls>) -> Result<SessionContext> {
    let state = state(config(tls).with_target_partitions(partitions))?;
    SessionContext::remote_with_state(url, state).await
}
