//! `palisade rules backtest`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use api::dto::BacktestDifference;
use jiff::Timestamp;
use model::TenantId;
use store::Store;

use crate::backtest::{self, Pace};
use crate::cli::GraphFormat;
use crate::config::Config;
use crate::data::{DataDir, read_capped};
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};
use crate::plugins::Need;
use crate::{plugins, rules, serve};

/// Largest component, in bytes.
const COMPONENT_BYTES_MAX: u64 = 64 << 20;

/// What is compared.
pub(super) struct Asked<'a> {
    pub(super) paths: &'a [PathBuf],
    pub(super) instead: bool,
    pub(super) plugin: Option<&'a Path>,
    pub(super) since: &'a jiff::Span,
}

pub(super) fn run(asked: &Asked<'_>, print: GraphFormat, config: &Config) -> Result<Outcome> {
    let data = DataDir::open(config.data_dir())?;
    let host = plugins::host_keeping(&data, 2)?;
    let set = plugins::load_once(config, &data, &host, Need::Events)?;
    let own = rules::read(&config.events.rules)?;
    let before = rules::correlators(&set, &own)?;
    let mut files = if asked.instead { Vec::new() } else { own };
    files.extend(rules::read(asked.paths)?);
    let mut after = rules::correlators(&set, &files)?;
    if let Some(file) = asked.plugin {
        let bytes = read_capped(file, COMPONENT_BYTES_MAX)?;
        let plugin =
            host.load(&bytes).with_context(|| format!("cannot load the plugin {}", file.display()))?;
        backtest::replace(&mut after, plugin)?;
    }
    let to = Timestamp::now();
    let from = to.to_zoned(jiff::tz::TimeZone::UTC).checked_sub(*asked.since);
    let from = from.context("cannot go back that far")?.timestamp();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let difference = runtime.block_on(async {
        let store =
            Store::connect(&serve::store_url(config, &data)?).await.context("cannot open the store")?;
        let tenant = TenantId::default_tenant();
        let difference = backtest::run(&store, &tenant, (from, to), before, after, &Pace::default()).await;
        store.close().await;
        difference
    })?;
    let difference = difference.unwrap_or_default();
    match print {
        GraphFormat::Table => write_stdout(&table(&difference))?,
        GraphFormat::Json => write_stdout(&format!("{}\n", serde_json::to_string_pretty(&difference)?))?,
    }
    Ok(Outcome::Clean)
}

fn table(told: &BacktestDifference) -> String {
    let mut text = String::new();
    let cut = if told.cut { ", and there were more" } else { "" };
    let _ = writeln!(text, "{} events were judged twice{cut}", told.events);
    for (word, side) in [("before", &told.before), ("after", &told.after)] {
        let _ = writeln!(
            text,
            "{word:6}  {} detections, {} incidents, {} not judged, {:.1} s",
            side.detections, side.incidents, side.gaps, side.seconds
        );
    }
    for (rule, counts) in &told.rules {
        let _ = writeln!(
            text,
            "  {}: {} to {} (+{} -{})",
            visible(rule),
            counts.before,
            counts.after,
            counts.added,
            counts.removed
        );
    }
    for (sign, list) in [('+', &told.added), ('-', &told.removed)] {
        for one in list {
            let on =
                if one.asset.is_empty() { String::new() } else { format!("  on {}", visible(&one.asset)) };
            let _ = writeln!(text, "{sign} {:9} {}{on}", one.severity.as_str(), visible(&one.title));
        }
    }
    if told.rules.is_empty() {
        text.push_str("nothing would be different\n");
    }
    text
}
