//! What is counted, in the words of Prometheus.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use logistic::encode::Oddity;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Seconds between which requests are counted.
const BUCKETS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    path: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Path {
    path: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Odd {
    column: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Version {
    version: String,
}

/// The counters.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Asked, Counter>,
    seconds: Family<Path, Histogram, fn() -> Histogram>,
    rows: Counter,
    flags: Family<Odd, Counter>,
    pub(super) connections: Gauge<i64, AtomicI64>,
    pub(super) turned_away: Counter<u64, AtomicU64>,
    reloads: Family<Outcome, Counter>,
    stale: Gauge,
    model: Family<Version, Gauge>,
}

impl Metrics {
    pub(super) fn new(version: &str) -> Self {
        let mut metrics = Metrics {
            registry: Registry::with_prefix("logistic"),
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            rows: Counter::default(),
            flags: Family::default(),
            connections: Gauge::default(),
            turned_away: Counter::default(),
            reloads: Family::default(),
            stale: Gauge::default(),
            model: Family::default(),
        };
        metrics.register();
        metrics.names(version);
        metrics
    }

    fn register(&mut self) {
        let Metrics { registry, .. } = self;
        registry.register("requests", "Requests that were answered", self.requests.clone());
        let about = "How long answers took, from the head of the request to that of the answer";
        registry.register_with_unit("request", about, Unit::Seconds, self.seconds.clone());
        registry.register("rows", "Rows that were scored", self.rows.clone());
        registry.register("flags", "Cells that were odd, by column", self.flags.clone());
        registry.register("connections", "Connections that are open", self.connections.clone());
        registry.register("turned_away", "Connections beyond the limit", self.turned_away.clone());
        registry.register("reloads", "New model files, good or bad", self.reloads.clone());
        registry.register(
            "model_stale",
            "1 while the model file is bad and an older model is served",
            self.stale.clone(),
        );
        registry.register("model", "1 for the model that is served", self.model.clone());
    }

    fn names(&self, version: &str) {
        self.model.clear();
        self.model.get_or_create(&Version { version: version.to_string() }).set(1);
    }

    pub(super) fn answered(&self, path: &'static str, status: u16, took: Duration) {
        self.requests.get_or_create(&Asked { path, status }).inc();
        self.seconds.get_or_create(&Path { path }).observe(took.as_secs_f64());
    }

    pub(super) fn scored(&self, rows: usize) {
        self.rows.inc_by(rows as u64);
    }

    pub(super) fn odd(&self, column: &str, oddity: Oddity, times: u64) {
        let odd = Odd { column: column.to_string(), kind: kind(oddity) };
        self.flags.get_or_create(&odd).inc_by(times);
    }

    /// Hears of a new model file; `version` is served from now on.
    pub(super) fn reloaded(&self, good: bool, version: &str) {
        self.reloads.get_or_create(&Outcome { outcome: if good { "good" } else { "bad" } }).inc();
        self.stale.set(i64::from(!good));
        self.names(version);
    }

    /// All of it as text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to memory does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// The name of what is odd.
pub(super) fn kind(oddity: Oddity) -> &'static str {
    match oddity {
        Oddity::Missing => "missing",
        Oddity::UnseenLevel => "unseen_level",
        Oddity::BelowRange => "below_training_range",
        Oddity::AboveRange => "above_training_range",
    }
}
