//! `palisade import`: reports of other tools into the store, as the service would take them.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use jiff::Timestamp;
use model::TenantId;
use store::{ImportAsk, ImportOutcome, Store};
use uuid::Uuid;

use super::block_on;
use crate::cli::Import;
use crate::config::Config;
use crate::data::{DataDir, read_capped};
use crate::exit::Outcome;
use crate::imports::{self, Mode};
use crate::output::{visible, write_stdout};
use crate::serve;

/// Reads, merges and tells what became of it.
pub(crate) fn run(what: &Import, config: &Config) -> Result<Outcome> {
    let source = store::source_name(&what.source).map_err(|why| anyhow!(why))?;
    let body = bytes(&what.file)?;
    let outcome = block_on(async {
        let url = serve::store_url(config, &DataDir::open(config.data_dir())?)?;
        let store = Store::connect(&url).await.context("cannot open the store")?;
        let done = import(&store, what, source, body).await;
        store.close().await;
        done
    })?;
    write_stdout(&told(&outcome, what.dry_run))?;
    Ok(if outcome.skipped > 0 && what.strict { Outcome::CoverageGaps } else { Outcome::Clean })
}

fn bytes(file: &Path) -> Result<Vec<u8>> {
    let limit = exchange::limits::FILE_BYTES as u64;
    if file != Path::new("-") {
        return read_capped(file, limit);
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes).context("cannot read standard input")?;
    Ok(bytes)
}

async fn import(store: &Store, what: &Import, source: &str, body: Vec<u8>) -> Result<ImportOutcome> {
    let tenant = TenantId::default_tenant();
    let ask = ImportAsk {
        format: what.format.clone(),
        asset: what.asset.clone(),
        kind: what.kind,
        target: what.target.clone(),
    };
    let report = imports::read(store, &tenant, &ask, body).await?;
    let mode = if what.dry_run { Mode::Try } else { Mode::Merge };
    let part = (Uuid::now_v7(), source);
    Ok(imports::merge(store, &tenant, part, report, mode, Timestamp::now()).await?)
}

fn told(outcome: &ImportOutcome, tried: bool) -> String {
    let mut out = String::new();
    let version = outcome.tool_version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let would = if tried { " (tried, nothing is kept)" } else { "" };
    let _ = writeln!(out, "{}{}, {}{would}", visible(&outcome.tool), visible(&version), outcome.format);
    for target in &outcome.targets {
        let summary = &target.summary;
        let _ = write!(out, "  {} {}: ", target.kind.as_str(), visible(&target.name));
        if summary.superseded {
            let _ = writeln!(out, "older than what was imported before, so that nothing changes");
            continue;
        }
        let _ = writeln!(
            out,
            "{} new, {} back, {} changed, {} as before, {} gone, {} found by others still{}",
            summary.opened,
            summary.reopened,
            summary.changed,
            summary.unchanged,
            summary.fixed,
            summary.elsewhere,
            if summary.hidden > 0 {
                format!(", {} kept open because a part of the report cannot be used", summary.hidden)
            } else {
                String::new()
            },
        );
    }
    if outcome.skipped > 0 {
        let _ = writeln!(
            out,
            "  {} that cannot be used, so that nothing is closed by this report; what was not used:",
            results(outcome.skipped)
        );
    }
    for gap in outcome.gaps.iter().take(10) {
        let _ = writeln!(out, "    {}: {}", visible(&gap.subject), visible(&gap.reason));
    }
    out
}

fn results(number: u64) -> String {
    if number == 1 { "1 result".to_owned() } else { format!("{number} results") }
}
