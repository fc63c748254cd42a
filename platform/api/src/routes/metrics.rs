//! Figures for a monitoring system, in the text format of Prometheus (version 0.0.4).

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use jiff::Timestamp;

use crate::app::{App, ResponseFigures};
use crate::auth::Caller;
use crate::dto::{Plugin, PluginState};
use crate::extract::{Nothing, Query};
use crate::figures::standing;
use crate::problem::Problem;

/// Figures for a monitoring system
///
/// Requests, open findings, work on its way, every plugin's calls, faults, times, memory, host calls and bytes, and what responses came to, since the
/// server started, in the text format of Prometheus.
#[utoipa::path(
    get,
    path = "/api/v1/metrics",
    operation_id = "get_metrics",
    tag = "server",
    responses((status = 200, description = "The figures.", body = String, content_type = "text/plain"))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
) -> Result<Response, Problem> {
    let overview = app.store.overview(&caller.tenant).await?;
    let ledger = app.store.ledger(&caller.tenant).await?;
    let mut plugins = (app.plugins)();
    plugins.sort_by(|one, other| one.id.cmp(&other.id));
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    let own = app.http.text() + &standing(&overview, &ledger, Timestamp::now().as_second());
    let body = own + &text(&plugins) + &responses(&(app.response_figures)());
    Ok((headers, body).into_response())
}

/// One figure of every plugin: its labels beyond the plugin's own, and its value.
type Samples = Vec<(Vec<(&'static str, String)>, f64)>;

/// A metric: name, kind, what it means, and what it is for a plugin.
struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    samples: fn(&Plugin) -> Samples,
}

const METRICS: [Metric; 11] = [
    Metric {
        name: "palisade_plugin_info",
        kind: "gauge",
        help: "1 for every plugin, with its state.",
        samples: |plugin| {
            let state = match plugin.state {
                PluginState::Ready => "ready",
                PluginState::Degraded => "degraded",
                PluginState::Quarantined => "quarantined",
                PluginState::Inactive => "inactive",
            };
            vec![(vec![("state", state.to_owned())], 1.0)]
        },
    },
    Metric {
        name: "palisade_plugin_calls_total",
        kind: "counter",
        help: "Calls that reached the plugin.",
        samples: |plugin| one(plugin.calls),
    },
    Metric {
        name: "palisade_plugin_faults_total",
        kind: "counter",
        help: "Failed calls, by kind of fault.",
        samples: |plugin| {
            plugin
                .faults
                .iter()
                .map(|fault| (vec![("kind", fault.kind.clone())], figure(fault.count)))
                .collect()
        },
    },
    Metric {
        name: "palisade_plugin_call_seconds",
        kind: "gauge",
        help: "Time of a call, host calls included, by quantile.",
        samples: |plugin| quantiles(plugin.cost.latency_p50_us, plugin.cost.latency_p99_us),
    },
    Metric {
        name: "palisade_plugin_queued_seconds",
        kind: "gauge",
        help: "Time that a call waited for a free instance, by quantile.",
        samples: |plugin| quantiles(plugin.cost.queued_p50_us, plugin.cost.queued_p99_us),
    },
    Metric {
        name: "palisade_plugin_cpu_seconds_total",
        kind: "counter",
        help: "Processor time of all calls.",
        samples: |plugin| vec![(Vec::new(), figure(plugin.cost.cpu_ms) / 1e3)],
    },
    Metric {
        name: "palisade_plugin_memory_peak_bytes",
        kind: "gauge",
        help: "Most memory of any call.",
        samples: |plugin| one(plugin.cost.memory_peak_bytes),
    },
    Metric {
        name: "palisade_plugin_host_calls_total",
        kind: "counter",
        help: "Calls of host functions that need a grant, by capability.",
        samples: |plugin| {
            let calls = plugin.capability_calls.iter();
            calls.map(|(name, count)| (vec![("capability", name.clone())], figure(*count))).collect()
        },
    },
    Metric {
        name: "palisade_plugin_denials_total",
        kind: "counter",
        help: "Calls of host functions that were denied.",
        samples: |plugin| one(plugin.denials),
    },
    Metric {
        name: "palisade_plugin_bytes_out_total",
        kind: "counter",
        help: "Bytes sent to other systems.",
        samples: |plugin| one(plugin.cost.bytes_out),
    },
    Metric {
        name: "palisade_plugin_versions",
        kind: "gauge",
        help: "Installed versions, by where they stand.",
        samples: |plugin| {
            let mut counts = std::collections::BTreeMap::<&str, u64>::new();
            for version in &plugin.versions {
                *counts.entry(version.state.as_str()).or_default() += 1;
            }
            counts
                .into_iter()
                .map(|(state, count)| (vec![("state", state.to_owned())], figure(count)))
                .collect()
        },
    },
];

fn one(value: u64) -> Samples {
    vec![(Vec::new(), figure(value))]
}

fn quantiles(p50_us: u64, p99_us: u64) -> Samples {
    let sample =
        |quantile: &str, micros: u64| (vec![("quantile", quantile.to_owned())], figure(micros) / 1e6);
    vec![sample("0.5", p50_us), sample("0.99", p99_us)]
}

/// Monitoring systems reckon in floating point; a count is exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "the format has no other numbers")]
fn figure(value: u64) -> f64 {
    value as f64
}

fn text(plugins: &[Plugin]) -> String {
    let mut out = String::new();
    for Metric { name, kind, help, samples } in &METRICS {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for plugin in plugins {
            for (labels, value) in samples(plugin) {
                let own = [("plugin", plugin.id.clone()), ("version", plugin.version.clone())];
                let labels: Vec<String> = own
                    .into_iter()
                    .chain(labels)
                    .map(|(label, value)| format!("{label}=\"{}\"", escaped(&value)))
                    .collect();
                let _ = writeln!(out, "{name}{{{}}} {value}", labels.join(","));
            }
        }
    }
    out
}

/// What responses came to.
fn responses(figures: &ResponseFigures) -> String {
    let mut out = String::new();
    for (name, help, first, counts) in [
        (
            "palisade_responses_total",
            "Responses that are over, by what became of them.",
            "playbook",
            &figures.runs,
        ),
        ("palisade_response_steps_total", "What became of steps of responses.", "step", &figures.steps),
    ] {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter");
        for ((of, outcome), count) in counts {
            let (of, outcome) = (escaped(of), escaped(outcome));
            let _ = writeln!(out, "{name}{{{first}=\"{of}\",outcome=\"{outcome}\"}} {count}");
        }
    }
    out
}

/// As the format asks for it: backslashes, quotes and line feeds.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::{responses, text};
    use crate::tests::content::plugin;
    use crate::tests::responses::figures;

    #[test]
    fn every_line_is_a_comment_or_a_sample_and_labels_cannot_break_out() {
        let mut odd = plugin("a.first");
        odd.version = "1.0\"} 7\n#\\".to_owned();
        let text = text(&[odd, plugin("b.second")]);
        for line in text.lines() {
            let sample = line.rsplit_once(' ').is_some_and(|(name, value)| {
                name.starts_with("palisade_plugin_") && name.ends_with('}') && value.parse::<f64>().is_ok()
            });
            assert!(sample || line.starts_with("# HELP ") || line.starts_with("# TYPE "), "{line}");
        }
        assert!(text.contains("palisade_plugin_calls_total{plugin=\"b.second\",version=\"1.0.0\"} 3\n"));
        assert!(text.contains(
            "palisade_plugin_call_seconds{plugin=\"b.second\",version=\"1.0.0\",quantile=\"0.99\"} 0.000025\n"
        ));
        assert!(text.contains("kind=\"memory\"} 1\n") && text.contains("capability=\"http\"} 2\n"));
    }
    #[test]
    fn responses_are_counted_by_what_became_of_them() {
        let text = responses(&figures());
        assert!(
            text.contains("palisade_responses_total{playbook=\"p\",outcome=\"succeeded\"} 2\n"),
            "{text}"
        );
        assert!(
            text.contains("palisade_response_steps_total{step=\"notify\",outcome=\"failed\"} 1\n"),
            "{text}"
        );
        assert_eq!(
            text.lines().filter(|line| line.starts_with("# TYPE ") && line.ends_with(" counter")).count(),
            2
        );
    }
}
