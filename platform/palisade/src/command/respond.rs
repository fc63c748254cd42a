//! `palisade respond`: playbooks, runs and decisions about them, on the store itself.

mod check;

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use model::TenantId;
use respond::{Book as _, Change, Plan, Run, RunId};
use serde_json::Value;
use store::{PageRequest, Store};

use super::block_on;
use crate::cli::Respond;
use crate::config::Config;
use crate::data::DataDir;
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};
use crate::respond::{Desk, offered, standing};
use crate::serve;

/// Runs that are listed, and records that are asked for at once.
const ROWS: u32 = 500;

/// Runs a subcommand.
pub(crate) fn run(what: Respond, config: &Config) -> Result<Outcome> {
    match what {
        Respond::Playbooks => {
            write_stdout(&playbooks(config)?)?;
            Ok(Outcome::Clean)
        }
        Respond::Check { file, from, cluster } => check::run(&file, from.as_deref(), &cluster, config),
        stored => {
            let (text, outcome) = block_on(async {
                let url = serve::store_url(config, &DataDir::open(config.data_dir())?)?;
                let store = Store::connect(&url).await.context("cannot open the store")?;
                let desk = Desk::new(config, store.clone())?;
                let told = answer(stored, &desk).await;
                store.close().await;
                told
            })?;
            write_stdout(&text)?;
            Ok(outcome)
        }
    }
}

fn playbooks(config: &Config) -> Result<String> {
    let mut out = String::new();
    let _ = writeln!(out, "mode: {}", config.respond.mode.as_str());
    for one in offered(&config.respond)? {
        let playbook = &one.playbook;
        let state = if one.enabled { "in force" } else { "off" };
        let _ = writeln!(
            out,
            "{:20} {state:8} {:11} {}  {}",
            visible(&playbook.name),
            playbook.class().as_str(),
            visible(&one.origin),
            visible(&playbook.description)
        );
    }
    Ok(out)
}

async fn answer(what: Respond, desk: &Desk) -> Result<(String, Outcome)> {
    let tenant = TenantId::default_tenant();
    let mut out = String::new();
    match what {
        Respond::Runs { open } => {
            let page = PageRequest { cursor: None, limit: ROWS };
            for row in desk.store.responses(&tenant, open.then_some(true), &page).await?.items {
                let told = match desk.run(&tenant, &row.run).await {
                    Ok(run) => line(&run),
                    Err(error) => crate::exit::one_line(&error),
                };
                let _ = writeln!(out, "{}  {}  {told}", row.run, row.begun_at);
            }
        }
        Respond::Show { run } => out = show(desk, &tenant, &RunId(run)).await?,
        Respond::Approve(decide) => {
            let run = desk.decide(&tenant, &RunId(decide.run), &decide.person, true, &decide.plan).await?;
            let _ = writeln!(out, "{}", line(&run));
        }
        Respond::Refuse(decide) => {
            let run = desk.decide(&tenant, &RunId(decide.run), &decide.person, false, &decide.plan).await?;
            let _ = writeln!(out, "{}", line(&run));
        }
        Respond::Undo { run, person } => {
            let run = desk.cancel(&tenant, &RunId(run), &person).await?;
            let _ = writeln!(out, "{}", line(&run));
        }
        Respond::Stop { reason, playbook } => {
            switch(desk, &tenant, playbook.as_deref(), Some(&reason)).await?;
            out.push_str("nothing more is done until `palisade respond resume`\n");
        }
        Respond::Resume { playbook } => {
            switch(desk, &tenant, playbook.as_deref(), None).await?;
            out.push_str("the kill switch is off\n");
        }
        Respond::Ledger { run } => return ledger(desk, &tenant, run.map(RunId)).await,
        Respond::Playbooks | Respond::Check { .. } => {}
    }
    Ok((out, Outcome::Clean))
}

async fn switch(desk: &Desk, tenant: &TenantId, playbook: Option<&str>, why: Option<&str>) -> Result<()> {
    if let Some(name) = playbook {
        desk.playbook(name)?;
    }
    let now = Timestamp::now();
    Ok(desk.store.stop_responses(tenant, playbook.unwrap_or_default(), why, "command line", now).await?)
}

fn line(run: &Run) -> String {
    let said = format!("{}  {}  {}", run.playbook.name, run.begin.incident, standing(run));
    visible(&said)
}

async fn show(desk: &Desk, tenant: &TenantId, id: &RunId) -> Result<String> {
    let run = desk.run(tenant, id).await?;
    let mut out = format!("{}  {}\n", run.id, line(&run));
    if let Some(plan) = &run.plan {
        let _ = writeln!(out, "plan {}", plan.digest());
        describe(&mut out, plan);
    }
    if let Some(approval) = run.approval() {
        let _ = writeln!(
            out,
            "approval: {} of {} agreed, of the roles {}",
            run.approvers().len(),
            approval.need,
            visible(&approval.of.join(", "))
        );
    }
    out.push_str("journal\n");
    for (at, entry) in desk.store.journal(tenant, id).await?.unwrap_or_default() {
        let _ = writeln!(out, "  {at}  {}", visible(&entry.to_string()));
    }
    Ok(out)
}

/// A plan, with what becomes of every field.
fn describe(out: &mut String, plan: &Plan) {
    for (place, act) in plan.acts.iter().enumerate() {
        let target = act.target.as_ref().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(out, "  {place}  {} {} ({})", act.action, visible(&target), act.class.as_str());
        if let Change::Patch(fields) = &act.change {
            for field in fields {
                let shown =
                    |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), Value::to_string);
                let said =
                    format!("{}: {} -> {}", field.path.join("."), shown(&field.before), shown(&field.after));
                let _ = writeln!(out, "       {}", visible(&said));
            }
        }
        for tried in plan.dry_runs.iter().filter(|tried| tried.act == place && !tried.passes) {
            let _ = writeln!(out, "       would fail: {}", visible(&tried.said));
        }
    }
    for (step, why) in &plan.skipped {
        let _ = writeln!(out, "  step {} is left out: {}", visible(step), visible(why));
    }
    let _ =
        writeln!(out, "  pods that would be cut off or ended: {} of {}", plan.pods.len(), plan.pods_total);
    for warning in &plan.warnings {
        let _ = writeln!(out, "  warning: {}", visible(warning));
    }
    for refusal in &plan.refusals {
        let _ = writeln!(out, "  refused: {}", visible(refusal));
    }
}

async fn ledger(desk: &Desk, tenant: &TenantId, run: Option<RunId>) -> Result<(String, Outcome)> {
    let mut out = String::new();
    let mut from = 0;
    loop {
        let records = desk.store.response_ledger(tenant, run.as_ref(), from, ROWS).await?;
        let Some(last) = records.last() else { break };
        let last: Value = serde_json::from_str(last).context("a record of the ledger cannot be read")?;
        from = last.get("sequence").and_then(Value::as_u64).unwrap_or(u64::MAX).saturating_add(1);
        for record in &records {
            let _ = writeln!(out, "{}", visible(record));
        }
    }
    let check = desk.store.verify_responses(tenant).await?;
    match check.broken {
        None => {
            let _ = writeln!(out, "verified: {} records, head {}", check.records, check.head);
            Ok((out, Outcome::Clean))
        }
        Some((sequence, why)) => {
            let _ = writeln!(out, "broken at record {sequence}: {}", visible(&why));
            Ok((out, Outcome::PolicyFailed))
        }
    }
}
