//! `palisade scan account`: an account of a cloud, collected and judged.

use anyhow::{Context as _, Result, bail};
use model::{Target, TargetKind};

use crate::account;
use crate::cli::{Format, Printing};
use crate::config::Config;
use crate::data::DataDir;
use crate::exit::Outcome;
use crate::plugins::Need;
use crate::services::Platform;
use crate::{output, plugins};

/// Collects the account of this name in the configuration, judges it and prints the report.
pub(super) fn judge_account(
    name: &str,
    threads: Option<usize>,
    printing: &Printing,
    config: &Config,
) -> Result<Outcome> {
    if matches!(printing.format, Format::Cyclonedx | Format::Spdx) {
        bail!("an account has no bill of materials of its own; use --format table, json or sarif");
    }
    let settings = config.accounts.get(name).with_context(|| {
        format!("the configuration has no [accounts.{name}]; name the plugin and its settings there")
    })?;
    let data = DataDir::open(config.data_dir())?;
    let host = plugins::host(&data)?;
    let set = plugins::load_once(config, &data, &host, Need::Posture)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let platform = runtime.block_on(Platform::open(config, &data))?;
    let scan = account::scan(name, settings, config, &set, platform, config.threads(threads))?;
    let target = Target {
        kind: TargetKind::Account,
        reference: name.to_owned(),
        digest: None,
        platform: None,
        layers: Vec::new(),
    };
    output::print(&scan.judged.report, &target, printing)
}
