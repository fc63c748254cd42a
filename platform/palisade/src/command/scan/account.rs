//! `palisade scan account`: an account of a cloud, collected and judged.

use anyhow::{Result, bail};
use model::{Target, TargetKind};

use crate::account;
use crate::cli::{AccountSource, Format, Printing};
use crate::config::Config;
use crate::data::DataDir;
use crate::exit::Outcome;
use crate::plugins::Need;
use crate::services::Platform;
use crate::{output, plugins};

/// Collects the account of a name in the configuration, or reads what was collected, judges it and prints the report.
pub(super) fn judge_account(
    source: &AccountSource,
    threads: Option<usize>,
    printing: &Printing,
    config: &Config,
) -> Result<Outcome> {
    if matches!(printing.format, Format::Cyclonedx | Format::Spdx) {
        bail!("an account has no bill of materials of its own; use --format table, json or sarif");
    }
    let data = DataDir::open(config.data_dir())?;
    let host = plugins::host(&data)?;
    let set = plugins::load_once(config, &data, &host, Need::Posture)?;
    let threads = config.threads(threads);
    let (reference, scan) = match &source.from {
        Some(file) => {
            let collection = account::read_collection(file)?;
            (file.display().to_string(), account::scan_collection(collection, &set.posture, threads))
        }
        None => {
            let (name, settings) = account::configured(source, config)?;
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            let platform = runtime.block_on(Platform::open(config, &data))?;
            let scan = account::scan(name, settings, config, &set, platform, threads)?;
            (name.to_owned(), scan)
        }
    };
    let target =
        Target { kind: TargetKind::Account, reference, digest: None, platform: None, layers: Vec::new() };
    output::print(&scan.judged.report, &target, printing)
}
