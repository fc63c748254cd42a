//! Figures of the server itself for a monitoring system: requests by operation, findings, work on its way.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use store::{Ledger, Overview};

/// Bounds of the times of requests, in seconds; a list answers in milliseconds, and no request takes longer than half a minute.
const BOUNDS: [f64; 7] = [0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Requests since the server started. There are as many rows as operations, whatever anybody asks for.
#[derive(Default)]
pub(crate) struct HttpFigures(Mutex<BTreeMap<(&'static str, String), Row>>);

#[derive(Default, Clone)]
struct Row {
    /// By the first digit of the status.
    classes: [u64; 6],
    /// Below each bound and above the one before it; the last above all.
    times: [u64; BOUNDS.len() + 1],
    seconds: f64,
}

impl HttpFigures {
    /// Counts an answer: of which operation (its path with names in braces, `-` for none), how it went, how long until it began.
    pub(crate) fn count(&self, method: &Method, route: Option<&str>, status: StatusCode, took: Duration) {
        let key = (word(method), route.unwrap_or("-").to_owned());
        let mut rows = self.lock();
        let row = rows.entry(key).or_default();
        if let Some(class) = row.classes.get_mut(usize::from(status.as_u16() / 100)) {
            *class = class.saturating_add(1);
        }
        let seconds = took.as_secs_f64();
        let place = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(times) = row.times.get_mut(place) {
            *times = times.saturating_add(1);
        }
        row.seconds += seconds;
    }

    /// In the text format of Prometheus.
    pub(crate) fn text(&self) -> String {
        let rows = self.lock().clone();
        let mut out = String::new();
        let name = "palisade_http_requests_total";
        let _ =
            writeln!(out, "# HELP {name} Answers, by operation and class of status.\n# TYPE {name} counter");
        for ((method, route), row) in &rows {
            for (class, count) in row.classes.iter().enumerate().filter(|(_, count)| **count > 0) {
                let _ = writeln!(
                    out,
                    "{name}{{method=\"{method}\",route=\"{route}\",status=\"{class}xx\"}} {count}"
                );
            }
        }
        let name = "palisade_http_request_seconds";
        let _ =
            writeln!(out, "# HELP {name} Time until an answer began, by operation.\n# TYPE {name} histogram");
        for ((method, route), row) in &rows {
            let labels = format!("method=\"{method}\",route=\"{route}\"");
            let mut below = 0;
            for (place, count) in row.times.iter().enumerate() {
                below += count;
                let bound = BOUNDS.get(place).map_or_else(|| "+Inf".to_owned(), f64::to_string);
                let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {below}");
            }
            let _ = writeln!(out, "{name}_sum{{{labels}}} {}\n{name}_count{{{labels}}} {below}", row.seconds);
        }
        out
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(&'static str, String), Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Methods that operations have; whatever else is sent is one word.
fn word(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// What is open, and what is on its way. `now` in seconds since 1970.
pub(crate) fn standing(overview: &Overview, ledger: &Ledger, now: i64) -> String {
    let mut out = String::new();
    let name = "palisade_findings_open";
    let _ = writeln!(out, "# HELP {name} Open findings that count, by severity.\n# TYPE {name} gauge");
    let found = &overview.findings;
    for (severity, count) in [
        ("critical", found.critical),
        ("high", found.high),
        ("medium", found.medium),
        ("low", found.low),
        ("negligible", found.negligible),
        ("none", found.none),
        ("unknown", found.unknown),
    ] {
        let _ = writeln!(out, "{name}{{severity=\"{severity}\"}} {count}");
    }
    let waits = ledger.oldest_in_flight.map_or(0, |at| now.saturating_sub(at.as_second()).max(0));
    for (name, help, value) in [
        ("palisade_findings_exploited_open", "Open findings whose exploitation is known.", overview.kev_open),
        ("palisade_findings_fixable_open", "Open findings with a fix.", overview.fixable_open),
        ("palisade_assets", "Assets that are known.", overview.assets),
        ("palisade_coverage_gaps", "What scans could not see.", overview.gaps),
        ("palisade_scans_queued", "Scans that wait for a worker.", ledger.queued),
        ("palisade_scans_running", "Scans in a worker's hands.", ledger.running),
        ("palisade_scan_oldest_seconds", "Age of the oldest scan that is not done.", waits.unsigned_abs()),
        ("palisade_outbox_messages", "Messages that the bus has not confirmed yet.", ledger.outbox),
    ] {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
    }
    for (name, help, value) in [
        ("palisade_scans_finished_total", "Scans that are done, with a report.", ledger.finished),
        ("palisade_scans_failed_total", "Scans that are done, with an error.", ledger.failed),
    ] {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::{Method, StatusCode};

    use super::HttpFigures;

    #[test]
    fn requests_are_counted_by_operation_and_times_add_up() {
        let figures = HttpFigures::default();
        let route = Some("/api/v1/findings");
        for (millis, status) in [(1, 200), (50, 200), (60_000, 503)] {
            let status = StatusCode::from_u16(status).unwrap();
            figures.count(&Method::GET, route, status, Duration::from_millis(millis));
        }
        let odd = Method::from_bytes(b"BREW").unwrap();
        figures.count(&odd, None, StatusCode::NOT_FOUND, Duration::ZERO);
        let text = figures.text();
        let labels = "method=\"GET\",route=\"/api/v1/findings\"";
        for line in [
            format!("palisade_http_requests_total{{{labels},status=\"2xx\"}} 2"),
            format!("palisade_http_requests_total{{{labels},status=\"5xx\"}} 1"),
            "palisade_http_requests_total{method=\"other\",route=\"-\",status=\"4xx\"} 1".to_owned(),
            format!("palisade_http_request_seconds_bucket{{{labels},le=\"0.005\"}} 1"),
            format!("palisade_http_request_seconds_bucket{{{labels},le=\"30\"}} 2"),
            format!("palisade_http_request_seconds_bucket{{{labels},le=\"+Inf\"}} 3"),
            format!("palisade_http_request_seconds_count{{{labels}}} 3"),
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
    }
}
