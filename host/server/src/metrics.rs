//! What is counted, as Prometheus reads it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use certus_model::{JobState, ScanStatus};
use certus_store::{QueueDepth, Stats};
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};

/// One process's counters. Clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<PrometheusRecorder>);

const BUCKETS: &[f64] = &[0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0];

impl Metrics {
    /// Counters at zero.
    pub fn new() -> Self {
        let builder = PrometheusBuilder::new().set_buckets(BUCKETS).expect("the list of buckets is not empty");
        let metrics = Self(Arc::new(builder.build_recorder()));
        // An absent counter and one at zero are two things to whoever alerts on it.
        metrics.with(|| {
            counter!("certus_assurance_websocket_errors_total").increment(0);
            counter!("certus_assurance_store_errors_total").increment(0);
            counter!("certus_assurance_retention_pruned_bundles_total").increment(0);
            counter!("certus_assurance_retention_pruned_bytes_total").increment(0);
            for outcome in ["completed", "failed"] {
                counter!("certus_assurance_retention_runs_total", "outcome" => outcome).increment(0);
            }
            for outcome in ["delivered", "retried", "failed", "stopped"] {
                counter!("certus_assurance_webhook_deliveries_total", "outcome" => outcome).increment(0);
            }
        });
        metrics
    }

    /// Shows what the rest of this process counts too, from now on; once in a process.
    pub fn install(&self) {
        // Whoever came first counts.
        let _ = metrics::set_global_recorder(Arc::clone(&self.0));
    }

    pub(crate) fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let (route, status) = (route.to_owned(), status.to_string());
        self.with(|| {
            let labels = [("method", method.to_owned()), ("route", route.clone()), ("status", status)];
            counter!("certus_assurance_http_requests_total", &labels).increment(1);
            let labels = [("method", method.to_owned()), ("route", route)];
            histogram!("certus_assurance_http_request_duration_seconds", &labels).record(took.as_secs_f64());
        });
    }

    pub(crate) fn websocket_error(&self) {
        self.with(|| counter!("certus_assurance_websocket_errors_total").increment(1));
    }

    pub(crate) fn render(&self, stats: &Stats, depth: &QueueDepth, streams: usize) -> String {
        self.with(|| {
            gauge!("certus_assurance_scans_total").set(stats.scans.values().sum::<i64>() as f64);
            for status in ScanStatus::ALL {
                let count = stats.scans.get(status).copied().unwrap_or(0);
                gauge!("certus_assurance_scans_status", "status" => status.as_str()).set(count as f64);
            }
            for state in JobState::ALL {
                let count = depth.jobs.get(state).copied().unwrap_or(0);
                gauge!("certus_assurance_queue_jobs", "state" => state.as_str()).set(count as f64);
            }
            gauge!("certus_assurance_queue_oldest_seconds").set(depth.oldest_ms as f64 / 1000.0);
            counter!("certus_assurance_late_writes_total").absolute(u64::try_from(depth.late_writes).unwrap_or(0));
            gauge!("certus_assurance_live_streams").set(streams as f64);
            counter!("certus_assurance_publish_failures_total")
                .absolute(u64::try_from(stats.upload_failed).unwrap_or(0));
        });
        self.0.handle().run_upkeep();
        self.0.handle().render()
    }

    fn with<T>(&self, count: impl FnOnce() -> T) -> T {
        metrics::with_local_recorder(&*self.0, count)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
