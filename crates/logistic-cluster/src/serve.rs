//! `scheduler` and `executor`: Ballista's own, with the function, the cache and the keepers of ours.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_flight::flight_service_server::FlightServiceServer;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::error::BallistaError;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpcServer;
use ballista_core::utils::create_grpc_server;
use ballista_executor::ArrowFlightServerProvider;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_executor::flight_service::BallistaFlightService;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::{SchedulerConfig, TaskDistributionPolicy};
use ballista_scheduler::scheduler_process::create_scheduler;
use bytesize::ByteSize;
use clap::Args;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use logistic::Error;
use tonic::transport::server::TcpIncoming;

use crate::cached::CachingEngine;
use crate::held::Held;
use crate::keepers::Keepers;
use crate::sessions::{self, LARGEST_MESSAGE};
use crate::tls::{Tls, TlsArgs};

/// Seconds without a heartbeat after which an executor is gone, between two heartbeats, and between two looks.
const TIMEOUT: u64 = 20;
const HEARTBEAT: u64 = 5;
const LOOK: u64 = 2;
/// Seconds after which what finished passes left behind is removed.
const LEFTOVERS: u64 = 60;
/// Of an executor's memory, what its rows may take at most.
const ROWS: f64 = 0.5;
/// What it needs besides, in bytes: for itself, and for each core that reads and encodes (measured, where row groups of
/// Parquet are small; of large ones some three are in memory at a time).
const PROCESS: u64 = 96 << 20;
const READING: u64 = 160 << 20;

/// Where a process listens.
#[derive(Args, Clone, Debug)]
pub(crate) struct Bind {
    /// The address to listen on. Whoever reaches it can run any plan: other than loopback it must be with TLS, or with
    /// --insecure-bind
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    bind: IpAddr,
    /// Listen on an address other than loopback without TLS: the network is trusted
    #[arg(long)]
    insecure_bind: bool,
    /// The name under which others reach this process [default: the address]
    #[arg(long, value_name = "NAME")]
    external_host: Option<String>,
}

impl Bind {
    fn check(&self, tls: Option<&Tls>) -> Result<(), Error> {
        if self.bind.is_loopback() || self.insecure_bind || tls.is_some() {
            return Ok(());
        }
        Err(Error::Setting {
            name: "bind",
            expected: "a loopback address, or with --tls-cert, --tls-key and --tls-ca, or with --insecure-bind where \
                       the network is trusted (docs/cluster.md says what that means)"
                .to_string(),
            found: self.bind.to_string(),
        })
    }

    fn host(&self) -> String {
        self.external_host.clone().unwrap_or_else(|| self.bind.to_string())
    }
}

/// The head of a cluster: clients and executors connect to it
#[derive(Args, Debug)]
pub(crate) struct SchedulerArgs {
    /// The port to listen on; 0 for any that is free. The address is printed
    #[arg(long, default_value_t = 50050, value_name = "N")]
    port: u16,
    #[command(flatten)]
    bind: Bind,
    #[command(flatten)]
    tls: TlsArgs,
}

/// A worker of a cluster
#[derive(Args, Debug)]
pub(crate) struct ExecutorArgs {
    /// The scheduler, as host:port
    #[arg(long, default_value = "127.0.0.1:50050", value_name = "HOST:PORT", value_parser = host_and_port)]
    scheduler: (String, u16),
    /// The port that others fetch results from; 0 for any that is free
    #[arg(long, default_value_t = 0, value_name = "N")]
    port: u16,
    /// The port that the scheduler sends tasks to, without TLS; 0 for any that is free
    #[arg(long, default_value_t = 0, value_name = "N")]
    task_port: u16,
    /// Partitions that are worked on at once [default: the cores of the machine]
    #[arg(long, value_name = "N")]
    cores: Option<usize>,
    /// Memory that this process may take. At most half of it keeps encoded rows from one pass to the next; what does not
    /// fit is read again in every pass. 96 MiB, and for each core 160 MiB or three row groups of Parquet, are needed besides
    /// [default: half of what is free]
    #[arg(long, value_name = "SIZE")]
    memory: Option<ByteSize>,
    /// Where results of tasks are written [default: a temporary folder, removed at the end]
    #[arg(long, value_name = "DIR")]
    work_dir: Option<PathBuf>,
    #[command(flatten)]
    bind: Bind,
    #[command(flatten)]
    tls: TlsArgs,
}

fn host_and_port(typed: &str) -> Result<(String, u16), String> {
    let typed = typed.strip_prefix("df://").unwrap_or(typed);
    let parts = typed.rsplit_once(':').and_then(|(host, port)| Some((host.to_string(), port.parse().ok()?)));
    parts.filter(|(host, _)| !host.is_empty()).ok_or_else(|| "expected HOST:PORT".to_string())
}

fn failed(who: &str, error: &BallistaError) -> Error {
    Error::Engine {
        engine: who.to_string(),
        problem: error.to_string(),
        help: "RUST_LOG=info shows what went before".to_string(),
    }
}

fn free_port(bind: IpAddr, port: u16) -> Result<TcpListener, Error> {
    let address = SocketAddr::new(bind, port);
    TcpListener::bind(address).map_err(|source| Error::Io {
        path: address.to_string().into(),
        action: "listen on",
        source,
    })
}

/// Runs a scheduler until a signal ends it.
pub(crate) async fn scheduler(args: &SchedulerArgs, told: impl FnOnce(SocketAddr)) -> Result<(), Error> {
    let tls = args.tls.read()?;
    args.bind.check(tls.as_ref())?;
    let listener = free_port(args.bind.bind, args.port)?;
    let io = |source| Error::Io { path: args.bind.bind.to_string().into(), action: "listen on", source };
    let address = listener.local_addr().map_err(io)?;
    listener.set_nonblocking(true).map_err(io)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(io)?;
    let config = Arc::new(scheduler_config(args, address, tls.as_ref()));
    let cluster = BallistaCluster::new_from_config(&config).await.map_err(|error| failed("scheduler", &error))?;
    let scheduler = create_scheduler::<LogicalPlanNode, PhysicalPlanNode>(cluster, config).await;
    let scheduler = scheduler.map_err(|error| failed("scheduler", &error))?;
    told(address);
    let served = async {
        let service = SchedulerGrpcServer::new(scheduler)
            .max_encoding_message_size(LARGEST_MESSAGE)
            .max_decoding_message_size(LARGEST_MESSAGE);
        let mut server = tonic::transport::Server::builder();
        if let Some(tls) = tls {
            server = server.tls_config(tls.server())?;
        }
        // A short message that waits for the acknowledgement of the one before it would wait 40 ms, in every pass.
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        Ok(server.add_service(service).serve_with_incoming(incoming).await?)
    };
    tokio::select! {
        served = served => served.map_err(|error: BallistaError| failed("scheduler", &error)),
        () = ended() => Ok(()),
    }
}

fn scheduler_config(args: &SchedulerArgs, address: SocketAddr, tls: Option<&Tls>) -> SchedulerConfig {
    let own = tls.cloned();
    SchedulerConfig {
        bind_host: args.bind.bind.to_string(),
        bind_port: address.port(),
        external_host: args.bind.host(),
        scheduling_policy: policy(tls),
        task_distribution: TaskDistributionPolicy::Custom(Arc::new(Keepers::new(tls.is_some()))),
        executor_timeout_seconds: TIMEOUT,
        expire_dead_executor_interval_seconds: LOOK,
        no_executors_grace_period_seconds: TIMEOUT,
        finished_job_data_clean_up_interval_seconds: LEFTOVERS,
        finished_job_state_clean_up_interval_seconds: LEFTOVERS,
        grpc_server_max_decoding_message_size: LARGEST_MESSAGE as u32,
        grpc_server_max_encoding_message_size: LARGEST_MESSAGE as u32,
        grpc_client_max_message_size: LARGEST_MESSAGE as u32,
        override_config_producer: Some(Arc::new(move || sessions::config(own.as_ref()))),
        override_session_builder: Some(Arc::new(sessions::state)),
        override_create_grpc_client_endpoint: tls.map(Tls::endpoints),
        use_tls: tls.is_some(),
        ..SchedulerConfig::default()
    }
}

/// With TLS executors ask for tasks, since Ballista's executors have no server with TLS that tasks could be sent to.
fn policy(tls: Option<&Tls>) -> TaskSchedulingPolicy {
    if tls.is_some() { TaskSchedulingPolicy::PullStaged } else { TaskSchedulingPolicy::PushStaged }
}

/// Runs an executor until a signal ends it.
pub(crate) async fn executor(args: &ExecutorArgs) -> Result<(), Error> {
    let tls = args.tls.read()?;
    args.bind.check(tls.as_ref())?;
    let cores = args.cores.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1);
    // Its partitions share the threads of one pool.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(cores).build_global();
    pool.map_err(|error| failed("executor", &BallistaError::General(error.to_string())))?;
    // Free ports are given back here and taken again a moment later.
    let port = |port| Ok(free_port(args.bind.bind, port)?.local_addr().map_or(port, |address| address.port()));
    let memory = args.memory.map(|size| size.as_u64()).or_else(logistic_cli::free_memory).unwrap_or(1 << 30);
    let rows = rows_limit(memory, cores);
    let folder = tempfile::TempDir::with_prefix("logistic-executor-").map_err(|source| Error::Io {
        path: std::env::temp_dir(),
        action: "write",
        source,
    })?;
    let work_dir = args.work_dir.clone().unwrap_or_else(|| folder.path().to_path_buf());
    let own = tls.clone();
    let config = ExecutorProcessConfig {
        bind_host: args.bind.bind.to_string(),
        external_host: Some(args.bind.host()),
        port: port(args.port)?,
        grpc_port: port(args.task_port)?,
        scheduler_host: args.scheduler.0.clone(),
        scheduler_port: args.scheduler.1,
        scheduler_connect_timeout_seconds: TIMEOUT as u16,
        vcores: cores,
        task_scheduling_policy: policy(tls.as_ref()),
        work_dir: Some(work_dir.display().to_string()),
        job_data_ttl_seconds: LEFTOVERS,
        job_data_clean_up_interval_seconds: LEFTOVERS,
        grpc_max_decoding_message_size: LARGEST_MESSAGE as u32,
        grpc_max_encoding_message_size: LARGEST_MESSAGE as u32,
        executor_heartbeat_interval_seconds: HEARTBEAT,
        memory_pool_size: Some((memory - rows as u64) / 2),
        override_execution_engine: Some(Arc::new(CachingEngine::new(Held::new(rows, cores)))),
        override_function_registry: Some(Arc::new(sessions::registry())),
        override_config_producer: Some(Arc::new(move || sessions::config(own.as_ref()))),
        override_runtime_producer: Some(Arc::new(ballista_core::object_store::runtime_env_with_s3_support)),
        override_arrow_flight_service: tls.as_ref().map(flight_with),
        override_create_grpc_client_endpoint: tls.as_ref().map(Tls::endpoints),
        ..ExecutorProcessConfig::default()
    };
    start_executor_process(Arc::new(config)).await.map_err(|error| failed("executor", &error))
}

/// What of an executor's memory its rows may take.
fn rows_limit(memory: u64, cores: usize) -> usize {
    let left = memory.saturating_sub(PROCESS + READING * cores as u64);
    left.min((memory as f64 * ROWS) as u64) as usize
}

/// The server that others fetch results from, with TLS.
fn flight_with(tls: &Tls) -> Arc<ArrowFlightServerProvider> {
    let tls = tls.server();
    Arc::new(move |work_dir, address, mut shutdown, config| {
        let tls = tls.clone();
        tokio::spawn(async move {
            let service = FlightServiceServer::new(BallistaFlightService::new(work_dir))
                .max_decoding_message_size(LARGEST_MESSAGE)
                .max_encoding_message_size(LARGEST_MESSAGE);
            let server = create_grpc_server(&config).tls_config(tls)?.add_service(service);
            Ok(server.serve_with_shutdown(address, shutdown.recv()).await?)
        })
    })
}

/// Waits for the signal that ends a process.
async fn ended() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! { _ = interrupt => (), _ = terminate.recv() => () }
            return;
        }
    }
    let _ = interrupt.await;
}
