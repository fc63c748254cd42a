//! What pods may use up, and whether they are watched and kept running.

use palisade_sdk::Severity::Low;
use palisade_sdk::Severity::Medium;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, shown};
use crate::object::{List, Map, Specified};
use crate::workload::{Kind, Place, Role, Workload};

type Pods<'a> = Object<'a, Workload>;

pub(crate) const CHECKS: &Table<Workload> = &[
    ("memory-limit", Medium, |pods, found| amount(pods, found, "limits", "memory", "256Mi")),
    ("cpu-limit", Low, |pods, found| amount(pods, found, "limits", "cpu", "500m")),
    ("memory-request", Low, |pods, found| amount(pods, found, "requests", "memory", "128Mi")),
    ("cpu-request", Low, |pods, found| amount(pods, found, "requests", "cpu", "100m")),
    ("memory-volume-size", Low, memory_volume),
    ("liveness-probe", Low, liveness),
    ("readiness-probe", Low, readiness),
    ("disruption-budget", Low, budget),
    ("single-replica", Low, replicas),
];

fn has(place: &Place<'_>, list: &str, what: &str) -> bool {
    let Some(resources) = &place.container.resources else { return false };
    let in_limits = resources.limits.as_ref().is_some_and(|limits| limits.contains_key(what));
    let in_requests = resources.requests.as_ref().is_some_and(|requests| requests.contains_key(what));
    // A limit without a request is a request too.
    in_limits || list == "requests" && in_requests
}

fn amount(pods: &Pods<'_>, found: &mut Found<'_>, list: &str, what: &str, example: &str) -> Verdict {
    let bare: Vec<Place<'_>> = pods
        .body
        .containers()
        .filter(|place| place.role != Role::Ephemeral && !has(place, list, what))
        .collect();
    // A limit range of the namespace gives what is missing when the pod is made; what it gives is a rule of its own.
    if bare.is_empty() || pods.beside("LimitRange")? {
        return Ok(true);
    }
    for place in bare {
        let name = place.name();
        let resources = place.container.resources.as_ref();
        let own = resources
            .and_then(|own| if list == "limits" { own.limits.as_ref() } else { own.requests.as_ref() });
        let at = format!("{}/resources", place.at);
        let message = match list {
            "limits" => format!("{name} has no {what} limit."),
            _ => format!("{name} requests no {what}."),
        };
        let where_ = if own.is_some() {
            format!("{at}/{list}")
        } else if resources.is_some() {
            at.clone()
        } else {
            place.at.clone()
        };
        let finding = Finding::at(where_, message).compared(Value::Null, json!({ list: { what: example } }));
        found.add(if own.is_some() {
            finding.set(format!("{at}/{list}/{what}"), json!(example))
        } else {
            finding.set_in(&at, resources.is_some(), list, json!({ what: example }))
        });
    }
    Ok(true)
}

fn memory_volume(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, volume) in pods.body.pod.volumes.iter().enumerate() {
        let Some(empty) = volume.empty_dir.as_ref().filter(|empty| empty.medium == "Memory") else {
            continue;
        };
        if empty.size_limit.is_none() {
            let at = format!("{}/volumes/{index}/emptyDir", pods.body.at);
            let message = format!(
                "Volume {} is in memory and may grow to the memory of the node.",
                shown(&volume.name)
            );
            found.add(
                Finding::at(&at, message)
                    .compared(Value::Null, json!({ "sizeLimit": "64Mi" }))
                    .set(format!("{at}/sizeLimit"), json!("64Mi")),
            );
        }
    }
    Ok(true)
}

fn liveness(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if !pods.body.long_running() {
        return Ok(false);
    }
    for place in pods.body.containers().filter(|place| place.role == Role::Main) {
        if place.container.liveness_probe.is_none() {
            let message =
                format!("{} has no liveness probe: it is not restarted when it hangs.", place.name());
            found.add(Finding::at(place.at, message).compared(Value::Null, json!("livenessProbe")));
        }
    }
    Ok(true)
}

fn readiness(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if !pods.body.long_running() {
        return Ok(false);
    }
    for place in pods.body.containers().filter(Place::long_running) {
        if place.container.readiness_probe.is_none() && !place.container.ports.is_empty() {
            let message = format!("{} serves a port and has no readiness probe.", place.name());
            found.add(Finding::at(place.at, message).compared(Value::Null, json!("readinessProbe")));
        }
    }
    Ok(true)
}

fn budget(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    let replicated = matches!(pods.body.kind, Kind::Deployment | Kind::StatefulSet);
    if !replicated || pods.body.replicas.unwrap_or(1) < 2 {
        return Ok(false);
    }
    if !pods.joined("selected-by:PodDisruptionBudget.policy")? {
        let message = "No disruption budget selects the pods: a drain may stop all of them at once.";
        found.add(
            Finding::at("/spec/template", message).compared(Value::Null, json!("a PodDisruptionBudget")),
        );
    }
    Ok(true)
}

fn replicas(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if pods.body.kind != Kind::Deployment || pods.body.replicas == Some(0) {
        return Ok(false);
    }
    if pods.body.replicas.unwrap_or(1) == 1 {
        if !pods.joined("exposed-by:Service")? {
            return Ok(false);
        }
        let message =
            "A service leads to this workload, and one pod runs: it is away whenever that pod is replaced.";
        let at = if pods.body.replicas.is_some() { "/spec/replicas" } else { "/spec" };
        found.add(Finding::at(at, message).compared(json!(1), json!(2)).set("/spec/replicas", json!(2)));
    }
    Ok(true)
}

/// A limit range.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LimitRange {
    limits: List<Limit>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Limit {
    #[serde(rename = "type")]
    kind: String,
    default: Map<IgnoredAny>,
}

pub(crate) const LIMIT_RANGE_CHECKS: &Table<Specified<LimitRange>> =
    &[("limit-range-defaults", Low, limit_range)];

fn limit_range(object: &Object<'_, Specified<LimitRange>>, found: &mut Found<'_>) -> Verdict {
    let limits = &object.body.spec.limits;
    let Some((index, of_containers)) = limits.iter().enumerate().find(|(_, limit)| limit.kind == "Container")
    else {
        return Ok(false);
    };
    let missing: Vec<&str> =
        ["cpu", "memory"].into_iter().filter(|what| !of_containers.default.contains_key(*what)).collect();
    if !missing.is_empty() {
        let at = format!("/spec/limits/{index}");
        let message =
            format!("The limit range gives containers no default limit for {}.", missing.join(" and "));
        let finding =
            Finding::at(&at, message).compared(json!(missing), json!({ "default": ["cpu", "memory"] }));
        found.add(if of_containers.default.is_empty() {
            finding.set(format!("{at}/default"), json!({ "cpu": "500m", "memory": "256Mi" }))
        } else {
            let example = |what: &str| if what == "cpu" { "500m" } else { "256Mi" };
            missing.iter().fold(finding, |finding, what| {
                finding.set(format!("{at}/default/{what}"), json!(example(what)))
            })
        });
    }
    Ok(true)
}

/// A disruption budget. The figures are numbers or percentages.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Budget {
    min_available: Option<Value>,
    max_unavailable: Option<Value>,
}

pub(crate) const BUDGET_CHECKS: &Table<Specified<Budget>> =
    &[("disruption-budget-blocks", Low, budget_blocks)];

fn budget_blocks(object: &Object<'_, Specified<Budget>>, found: &mut Found<'_>) -> Verdict {
    let spec = &object.body.spec;
    let none = |value: &Value| value == &json!(0) || value == &json!("0%") || value == &json!("0");
    let all = |value: &Value| value == &json!("100%");
    let message = "The budget never lets a pod be evicted: nodes cannot be drained for repairs and updates.";
    if let Some(value) = spec.max_unavailable.as_ref().filter(|value| none(value)) {
        let at = "/spec/maxUnavailable";
        found.add(Finding::at(at, message).compared(value.clone(), json!(1)).set(at, json!(1)));
    }
    if let Some(value) = spec.min_available.as_ref().filter(|value| all(value)) {
        let at = "/spec/minAvailable";
        found.add(
            Finding::at(at, message)
                .compared(value.clone(), json!({ "maxUnavailable": 1 }))
                .set("/spec/maxUnavailable", json!(1))
                .remove(at),
        );
    }
    Ok(true)
}
