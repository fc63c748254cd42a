//! What an operator wants to know of the webhook.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets of time, in seconds.
const BUCKETS: [f64; 9] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0];

/// Counters of a running webhook.
#[derive(Debug, Default)]
pub struct Figures {
    allowed: AtomicU64,
    refused: AtomicU64,
    exempt: AtomicU64,
    late: AtomicU64,
    failures: AtomicU64,
    malformed: AtomicU64,
    dry_run: AtomicU64,
    certificate_errors: AtomicU64,
    buckets: [AtomicU64; BUCKETS.len()],
    count: AtomicU64,
    micros: AtomicU64,
}

fn one(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Figures {
    pub(crate) fn decided(&self, allowed: bool, dry_run: bool, failures: usize, took: Duration) {
        one(if allowed { &self.allowed } else { &self.refused });
        if dry_run {
            one(&self.dry_run);
        }
        self.failures.fetch_add(u64::try_from(failures).unwrap_or(u64::MAX), Ordering::Relaxed);
        for (bound, bucket) in BUCKETS.iter().zip(&self.buckets) {
            if took.as_secs_f64() <= *bound {
                one(bucket);
            }
        }
        one(&self.count);
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn exempted(&self) {
        one(&self.exempt);
    }

    pub(crate) fn was_late(&self) {
        one(&self.late);
    }

    pub(crate) fn malformed(&self) {
        one(&self.malformed);
    }

    pub(crate) fn certificate_error(&self) {
        one(&self.certificate_errors);
    }

    /// In the text format of Prometheus, 0.0.4.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        for (name, help, counter) in [
            ("allowed", "Requests that passed.", &self.allowed),
            ("refused", "Requests that were refused.", &self.refused),
            ("exempt", "Requests in exempt namespaces, which no policy saw.", &self.exempt),
            ("late", "Requests whose judgement did not come before the deadline.", &self.late),
            ("policy_failures", "Policies that could not be asked about a request.", &self.failures),
            ("dry_run_refusals", "Requests that a policy in dry run would have refused.", &self.dry_run),
            ("malformed", "Bodies that are no request.", &self.malformed),
            ("certificate_errors", "Changed certificates that could not be used.", &self.certificate_errors),
        ] {
            let name = format!("palisade_admission_{name}_total");
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {}", get(counter));
        }
        let name = "palisade_admission_seconds";
        let _ =
            writeln!(out, "# HELP {name} Time from a whole request to its answer.\n# TYPE {name} histogram");
        for (bound, bucket) in BUCKETS.iter().zip(&self.buckets) {
            let _ = writeln!(out, "{name}_bucket{{le=\"{bound}\"}} {}", get(bucket));
        }
        let count = get(&self.count);
        #[expect(clippy::cast_precision_loss, reason = "a sum of microseconds is told in seconds")]
        let seconds = get(&self.micros) as f64 / 1e6;
        let _ =
            writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {seconds}\n{name}_count {count}");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_count_everything_below_their_bound() {
        let figures = Figures::default();
        figures.decided(true, false, 0, Duration::from_micros(700));
        figures.decided(false, true, 2, Duration::from_secs(9));
        let text = figures.text();
        for line in [
            "palisade_admission_allowed_total 1",
            "palisade_admission_refused_total 1",
            "palisade_admission_policy_failures_total 2",
            "palisade_admission_seconds_bucket{le=\"0.0005\"} 0",
            "palisade_admission_seconds_bucket{le=\"0.001\"} 1",
            "palisade_admission_seconds_bucket{le=\"5\"} 1",
            "palisade_admission_seconds_bucket{le=\"+Inf\"} 2",
            "palisade_admission_seconds_sum 9.0007",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
