//! `palisade rules backtest`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use engine::correlate::CorrelatorPlugin;
use host::{Host, Kind};
use jiff::Timestamp;
use model::TenantId;
use store::Store;

use crate::backtest::{self, Difference};
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
        replace(&host, &mut after, file)?;
    }
    let to = Timestamp::now();
    let from = to.to_zoned(jiff::tz::TimeZone::UTC).checked_sub(*asked.since);
    let from = from.context("cannot go back that far")?.timestamp();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let difference = runtime.block_on(async {
        let store =
            Store::connect(&serve::store_url(config, &data)?).await.context("cannot open the store")?;
        let tenant = TenantId::default_tenant();
        let difference = backtest::run(&store, &tenant, (from, to), before, after).await;
        store.close().await;
        difference
    })?;
    match print {
        GraphFormat::Table => write_stdout(&table(&difference))?,
        GraphFormat::Json => write_stdout(&format!("{}\n", serde_json::to_string_pretty(&difference)?))?,
    }
    Ok(Outcome::Clean)
}

/// Puts a component in the place of the plugin of its id. It keeps the rights of that one: what it asks for beyond them is denied.
fn replace(host: &Host, plugins: &mut Vec<CorrelatorPlugin>, file: &Path) -> Result<()> {
    let bytes = read_capped(file, COMPONENT_BYTES_MAX)?;
    let plugin = host.load(&bytes).with_context(|| format!("cannot load the plugin {}", file.display()))?;
    let manifest = plugin.manifest();
    anyhow::ensure!(
        manifest.declares(Kind::Correlator),
        "{} is no correlator, so that it judges no events",
        file.display()
    );
    match plugins.iter_mut().find(|known| known.plugin.manifest().id == manifest.id) {
        Some(known) => known.plugin = plugin,
        // What it remembers stays in this run, and nothing else is granted to it.
        None => {
            let asked = manifest.asked().settled(|_| &[]);
            plugins.push(CorrelatorPlugin { rights: asked, plugin, config: Arc::from("{}") });
        }
    }
    Ok(())
}

fn table(told: &Difference) -> String {
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
