//! `palisade findings`: stored findings, on the store itself.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use api::dto::FindingChange;
use api::{Export, NewExport};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{Fingerprint, Risk, TenantId};
use serde_json::json;
use store::{
    Ask, By, FindingFilter, FindingJob, FindingQuery, FindingRow, FindingSort, PageRequest, Store,
    TriageChange, UndoRefusal,
};
use uuid::Uuid;

use super::block_on;
use crate::cli::{FindingSet, Findings};
use crate::config::Config;
use crate::data::{DataDir, WholeFile};
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};
use crate::serve;

/// Longest title in a list, in characters.
const TITLE_MAX: usize = 80;

/// Runs a subcommand.
pub(crate) fn run(what: Findings, config: &Config) -> Result<Outcome> {
    block_on(async {
        let url = serve::store_url(config, &DataDir::open(config.data_dir())?)?;
        let store = Store::connect(&url).await.context("cannot open the store")?;
        let done = answer(what, &store, config).await;
        store.close().await;
        done
    })?;
    Ok(Outcome::Clean)
}

async fn answer(what: Findings, store: &Store, config: &Config) -> Result<()> {
    let tenant = TenantId::default_tenant();
    match what {
        Findings::List { filter, limit } => write_stdout(&list(store, &tenant, &filter, limit).await?),
        Findings::Export { filter, format, output } => {
            let what = NewExport {
                store: store.clone(),
                tenant,
                filter: filter.as_deref().map(asked).transpose()?.unwrap_or_default(),
                format,
                sla: config.findings.sla(),
                author: "palisade".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            };
            export(what, output.as_deref()).await
        }
        Findings::Show { fingerprint } => write_stdout(&show(store, &tenant, fingerprint).await?),
        Findings::Set(set) => write_stdout(&set_all(store, &tenant, *set).await?),
        Findings::Undo { change } => write_stdout(&undo(store, &tenant, change).await?),
    }
}

/// A filter of the language.
fn asked(text: &str) -> Result<FindingFilter> {
    let query = FindingQuery::parse(text, Timestamp::now()).context("the filter cannot be read")?;
    Ok(FindingFilter { query: Some(query), ..FindingFilter::default() })
}

async fn list(store: &Store, tenant: &TenantId, filter: &str, limit: u32) -> Result<String> {
    let filter = asked(filter)?;
    let request = PageRequest { cursor: None, limit };
    let page = store.findings(tenant, &filter, FindingSort::Severity, &request).await?;
    let mut out = String::new();
    for row in &page.items {
        let (stored, finding) = (&row.stored, &row.stored.finding);
        let package =
            finding.package.as_ref().map(|package| format!(" {} {}", package.name, package.version));
        let title: String = finding.title.chars().take(TITLE_MAX).collect();
        let _ = writeln!(
            out,
            "{}  {:3}  {:10}  {:14}  {}{}  {}  {}",
            stored.fingerprint,
            stored.risk,
            finding.severity.as_str(),
            stored.triage.status.as_str(),
            visible(&finding.rule),
            visible(&package.unwrap_or_default()),
            visible(&row.asset.name),
            visible(&title)
        );
    }
    let matched = store.count_findings(tenant, &filter).await?;
    let shown = page.items.len() as u64;
    let rest = if shown < matched { format!(", {shown} of them shown") } else { String::new() };
    let _ = writeln!(out, "{matched} findings{rest}");
    Ok(out)
}

async fn export(what: NewExport, output: Option<&Path>) -> Result<()> {
    // A pipe or a device is written to where it is; nothing could take its place.
    let in_place = output.filter(|path| path.metadata().is_ok_and(|meta| !meta.is_file()));
    match (output, in_place) {
        (None, _) => match exported(what, &mut std::io::stdout().lock()).await {
            // A reader that has gone away, such as `head`, is not an error.
            Err(error) if is_broken_pipe(&error) => Ok(()),
            done => done,
        },
        (_, Some(path)) => {
            let mut file = std::fs::OpenOptions::new().write(true).open(path);
            let file = file.as_mut().map_err(|error| anyhow!("cannot write {}: {error}", path.display()))?;
            exported(what, file).await
        }
        (Some(path), None) => {
            let mut file = WholeFile::begin(path)?;
            exported(what, &mut file).await?;
            file.finish()
        }
    }
}

async fn exported(what: NewExport, out: &mut dyn std::io::Write) -> Result<()> {
    let mut rest = Some(Export::new(what, Timestamp::now()));
    while let Some(export) = rest {
        let (text, next) = export.next().await?;
        out.write_all(text.as_bytes()).context("cannot write the findings")?;
        rest = next;
    }
    out.flush().context("cannot write the findings")
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

async fn show(store: &Store, tenant: &TenantId, fingerprint: String) -> Result<String> {
    let fingerprint = Fingerprint(fingerprint);
    let row = store.finding(tenant, &fingerprint).await?.ok_or_else(missing)?;
    let history = store.history(tenant, &fingerprint).await?;
    let triage = &row.stored.triage;
    let shown = json!({
        "fingerprint": fingerprint,
        "risk": stored_risk(store, tenant, &row).await?,
        "asset": { "id": row.asset.id, "name": row.asset.name, "kind": row.asset.kind },
        "state": row.stored.state,
        "status": triage.status,
        "decision": triage.decision,
        "assignee": triage.assignee,
        "tags": triage.tags,
        "first_seen_at": row.stored.first_seen_at,
        "last_seen_at": row.stored.last_seen_at,
        "fixed_at": row.stored.fixed_at,
        "finding": row.stored.finding,
        "history": history,
    });
    Ok(serde_json::to_string_pretty(&shown)? + "\n")
}

/// The risk of a finding with what it is made of.
async fn stored_risk(store: &Store, tenant: &TenantId, row: &FindingRow) -> Result<Risk> {
    let place = store.risk_place(tenant, &row.stored.asset, &row.stored.finding).await?;
    let known = place.map(|known| known.place).unwrap_or_default();
    Ok(Risk { score: row.stored.risk, ..Risk::of(&row.stored.finding, &known) })
}

fn missing() -> anyhow::Error {
    anyhow!("no finding has this fingerprint; `palisade findings list` shows them")
}

async fn set_all(store: &Store, tenant: &TenantId, set: FindingSet) -> Result<String> {
    let by = By { actor: set.by.clone(), at: Timestamp::now() };
    let change = api::checked_change(change(&set)?, &by).map_err(anyhow::Error::msg)?;
    match (&set.fingerprint, &set.filter) {
        (Some(fingerprint), _) => one(store, tenant, fingerprint, &change, &by, set.dry_run).await,
        (None, Some(filter)) => many(store, tenant, asked(filter)?, change, &by, set.dry_run).await,
        (None, None) => bail!("name a fingerprint, or a filter"),
    }
}

fn change(set: &FindingSet) -> Result<FindingChange> {
    let until = set.until.map(|day| -> Result<Timestamp> {
        Ok(day.at(23, 59, 59, 0).to_zoned(TimeZone::UTC).context("there is no such day")?.timestamp())
    });
    let assignee = set.assign.as_ref().map(|name| Some(name.clone()).filter(|name| name != "-"));
    Ok(FindingChange {
        status: set.status,
        reason: set.reason.clone(),
        justification: set.justification,
        owner: set.owner.clone(),
        approver: set.approver.clone(),
        until: until.transpose()?,
        assignee,
        add_tags: set.tag.iter().cloned().collect(),
        remove_tags: set.untag.iter().cloned().collect(),
        comment: set.comment.clone(),
        version: None,
    })
}

async fn one(
    store: &Store,
    tenant: &TenantId,
    fingerprint: &str,
    change: &TriageChange,
    by: &By,
    dry_run: bool,
) -> Result<String> {
    let fingerprint = Fingerprint(fingerprint.to_owned());
    if dry_run {
        store.finding(tenant, &fingerprint).await?.ok_or_else(missing)?;
        return Ok("1 finding would be changed\n".to_owned());
    }
    let row = store.change_finding(tenant, &fingerprint, change, by, None).await?.ok_or_else(missing)?;
    Ok(format!("{}: {}\n", row.stored.fingerprint, row.stored.triage.status.as_str()))
}

async fn many(
    store: &Store,
    tenant: &TenantId,
    filter: FindingFilter,
    change: TriageChange,
    by: &By,
    dry_run: bool,
) -> Result<String> {
    if dry_run {
        return Ok(format!("{} findings would be changed\n", store.count_findings(tenant, &filter).await?));
    }
    let id = Uuid::now_v7();
    store.submit_finding_job(tenant, id, &Ask { filter, change }, by).await?;
    let job = worked(store, tenant, id).await?;
    Ok(format!(
        "{} findings were changed, {} were so already; `palisade findings undo {id}` takes it back\n",
        job.changed, job.skipped
    ))
}

async fn undo(store: &Store, tenant: &TenantId, change: Uuid) -> Result<String> {
    let by = By { actor: "command line".to_owned(), at: Timestamp::now() };
    let undo = Uuid::now_v7();
    match store.undo_finding_job(tenant, change, undo, &by).await? {
        Ok(_) => {}
        Err(UndoRefusal::Unknown) => bail!("no change of findings has this id, or it is not kept any more"),
        Err(UndoRefusal::Unfinished) => bail!("the change is not over yet"),
        Err(UndoRefusal::Undone(by)) => bail!("the change was taken back before, by {by}"),
    }
    let job = worked(store, tenant, undo).await?;
    Ok(format!(
        "{} findings are as they were, {} were left alone because somebody has changed them since\n",
        job.changed, job.skipped
    ))
}

/// Works at a change until it is over, here or in a service beside.
async fn worked(store: &Store, tenant: &TenantId, id: Uuid) -> Result<FindingJob> {
    while store.work_at_finding_job(tenant, id, Timestamp::now()).await? {}
    store.finding_job(tenant, id).await?.context("the change is gone")
}
