//! `palisade respond check`: what a playbook is, whether an event or incident of a file fits it, and what would be done then. Nothing is
//! changed, and the store is not asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use cluster::{Actor, ConnectOptions, Connection};
use jiff::Timestamp;
use model::TenantId;
use respond::{Begin, Cluster, Driver, MemoryBook, Nowhere, Plan, Playbook, Values, named_in};
use serde_json::Value;

use crate::cli::TryOn;
use crate::command::block_on;
use crate::config::Config;
use crate::data::read_capped;
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};
use crate::respond::{Post, read};

/// Largest event that a playbook is checked with.
const EVENT_BYTES_MAX: u64 = 4 << 20;
/// Stands for the id of an incident that there is not.
const INCIDENT: &str = "check";

/// Reads a playbook; with an event says whether its trigger holds and what would be planned, on a cluster where one is named.
pub(super) fn run(file: &Path, from: Option<&Path>, cluster: &TryOn, config: &Config) -> Result<Outcome> {
    let (playbook, text) = read(file)?;
    let mut out = String::new();
    summary(&mut out, &playbook);
    let mut outcome = Outcome::Clean;
    if let Some(path) = from {
        let what = || format!("cannot use the event or incident of {}", path.display());
        let bytes = read_capped(path, EVENT_BYTES_MAX).with_context(what)?;
        let event = about(serde_json::from_slice(&bytes).with_context(what)?).with_context(what)?;
        let holds = playbook.trigger.matches(&event).context("the trigger cannot be asked")?;
        let said = if holds {
            "the event fits it"
        } else {
            "the event does not fit it, so that nothing would begin"
        };
        let _ = writeln!(out, "trigger: {said}");
        let on_cluster = cluster.kubeconfig.is_some() || cluster.context.is_some();
        let plan = match on_cluster || playbook.tells_only() {
            true => Some(block_on(tried(text, &playbook, event.clone(), cluster, config))?),
            false => None,
        };
        match plan {
            Some(plan) => {
                super::describe(&mut out, &plan);
                if !plan.refusals.is_empty() {
                    outcome = Outcome::PolicyFailed;
                }
            }
            None => outline(&mut out, &playbook, &event)?,
        }
    }
    write_stdout(&out)?;
    Ok(outcome)
}

/// What a file is about: an event, an incident with `events`, or a list of the events of one, the newest first.
fn about(read: Value) -> Result<Value> {
    let (own, events) = match read {
        Value::Array(events) => (Value::Null, events),
        Value::Object(mut members) => match members.remove("events") {
            Some(Value::Array(events)) => (Value::Object(members), events),
            Some(_) => bail!("its `events` are no list"),
            None => return Ok(Value::Object(members)),
        },
        _ => bail!("it is neither an event, nor an incident with `events`, nor a list of events"),
    };
    // What the service judges is the newest event, with all of them beside it.
    let mut about = match events.first() {
        Some(Value::Object(newest)) => newest.clone(),
        Some(_) => bail!("its first event is no object"),
        None => bail!("it has no event"),
    };
    if let Value::Object(own) = own {
        about.extend(own);
    }
    about.insert("events".to_owned(), events.into());
    Ok(Value::Object(about))
}

/// What is known of the plan without a cluster: the objects that the event names, and each step with its values.
fn outline(out: &mut String, playbook: &Playbook, event: &Value) -> Result<()> {
    let named: Vec<String> = named_in(event).iter().map(ToString::to_string).collect();
    let named = if named.is_empty() { "nothing".to_owned() } else { named.join(", ") };
    let _ = writeln!(out, "it names {}", visible(&named));
    let parameters = playbook
        .parameters(&BTreeMap::new())
        .context("the playbook wants parameters that are not given here")?;
    let values = Values { parameters, event: Some(event), incident: INCIDENT };
    for step in &playbook.steps {
        let held = step.when.as_ref().map_or(Ok(true), |when| when.matches(event));
        if !held.with_context(|| format!("the condition of step {:?} cannot be asked", step.id))? {
            let _ = writeln!(out, "  step {} is left out: its condition does not hold", visible(&step.id));
            continue;
        }
        let told = step.body_with(&values)?.to_string();
        let class = step.sample.class().as_str();
        let _ = writeln!(out, "  step {}: {} ({class}) {}", visible(&step.id), step.action(), visible(&told));
    }
    out.push_str(
        "  which objects these are, and whether it may be done, a cluster says: --kubeconfig, --context\n",
    );
    Ok(())
}

fn summary(out: &mut String, playbook: &Playbook) {
    let _ = writeln!(out, "{}: {}", visible(&playbook.name), visible(&playbook.description));
    let _ = writeln!(out, "  {}, {}", playbook.class().as_str(), playbook.digest);
    let _ = writeln!(out, "  when {}", visible(&playbook.trigger.to_string()));
    for step in &playbook.steps {
        let _ = writeln!(out, "  step {}: {} ({})", step.id, step.action(), step.sample.class().as_str());
    }
    if let Some(approval) = &playbook.approval {
        let _ = writeln!(
            out,
            "  approval of {} with one of the roles {}",
            approval.need,
            visible(&approval.of.join(", "))
        );
    }
    for warning in &playbook.warnings {
        let _ = writeln!(out, "  warning: {}", visible(warning));
    }
}

/// The plan, tried on the cluster; messages alone need none.
async fn tried(
    text: String,
    playbook: &Playbook,
    event: Value,
    cluster: &TryOn,
    config: &Config,
) -> Result<Plan> {
    let begin = Begin {
        tenant: TenantId::default_tenant(),
        playbook: text,
        incident: INCIDENT.to_owned(),
        event,
        parameters: [].into(),
        by: Some("command line".to_owned()),
        round: 1,
        cluster: String::new(),
        approval: config.respond.approval(),
    };
    if playbook.tells_only() {
        return tried_on(&Nowhere, &begin, config).await;
    }
    let options = ConnectOptions {
        kubeconfig: cluster.kubeconfig.clone(),
        context: cluster.context.clone(),
        ..ConnectOptions::default()
    };
    tried_on(&Actor::new(Connection::open(&options).await?), &begin, config).await
}

async fn tried_on<C: Cluster>(cluster: &C, begin: &Begin, config: &Config) -> Result<Plan> {
    let (book, settings, post) = (MemoryBook::default(), config.respond.settings(), Post::new(config)?);
    let driver = Driver::new(cluster, &book, &settings).with_post(&post);
    Ok(driver.preview(begin, Timestamp::now()).await?)
}

#[cfg(test)]
mod tests {
    use respond::Playbook;
    use serde_json::{Value, json};

    use super::{about, outline};

    const TEXT: &str = "name: p\ntrigger: \"severity>=high\"\nsteps:\n  - label: { target: pod, labels: { a: b } }\n  \
        - id: tell\n    when: \"severity>=critical\"\n    notify: { channel: c, text: \"${event.pod.name} of ${incident}\" }\n";

    fn event(severity: &str) -> Value {
        json!({ "severity": severity, "pod": { "namespace": "shop", "name": "web-1" } })
    }

    #[test]
    fn an_event_an_incident_and_a_list_are_all_read() {
        assert_eq!(about(event("low")).unwrap(), event("low"));
        let list = about(json!([event("high"), event("low")])).unwrap();
        assert_eq!((&list["severity"], list["events"].as_array().unwrap().len()), (&json!("high"), 2));
        let incident = about(json!({ "severity": "critical", "events": [event("low")] })).unwrap();
        assert_eq!((&incident["severity"], &incident["pod"]["name"]), (&json!("critical"), &json!("web-1")));
        for bad in [json!([]), json!(7), json!({ "events": 1 }), json!([1])] {
            assert!(about(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn without_a_cluster_the_steps_are_told_with_their_values() {
        let playbook = Playbook::read(TEXT.as_bytes()).unwrap();
        let told = |severity: &str| {
            let mut out = String::new();
            outline(&mut out, &playbook, &event(severity)).unwrap();
            out
        };
        let critical = told("critical");
        assert!(critical.contains("it names Pod shop/web-1"), "{critical}");
        assert!(critical.contains("web-1 of check") && critical.contains("step 1: label"), "{critical}");
        assert!(told("high").contains("step tell is left out"));
    }
}
