//! One call of an installed plugin, with everything that the platform serves.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use engine::audit::Trail;
use host::{CallContext, Grant, Outcome as Called, Redaction};
use jiff::Timestamp;
use store::VersionState;

use super::operate::with_catalog;
use crate::audit;
use crate::catalog::{Catalog, granted};
use crate::config::Config;
use crate::data::{DataDir, write_whole};
use crate::exit::Outcome;
use crate::output::write_stdout;
use crate::serve::open_options;
use crate::services::Platform;

/// Calls the version in force and prints its answer.
pub(super) fn run(
    plugin: &str,
    input: &Path,
    record: Option<&Path>,
    redact: &[String],
    config: &Config,
) -> Result<Outcome> {
    let given = author::GivenInput::read(input)?;
    let called = with_catalog(config, async |catalog| {
        call(catalog, plugin, given, record.is_some().then(|| Redaction::with(redact)), config).await
    })?;
    match (record, &called.transcript) {
        (Some(path), Some(transcript)) => write_whole(path, &serde_json::to_vec_pretty(transcript)?)?,
        (Some(path), None) => eprintln!(
            "palisade: {} was not written: the call was not made, or its host calls are more than a transcript holds",
            path.display()
        ),
        (None, _) => {}
    }
    match called.result {
        Ok(answer) => {
            write_stdout(&(serde_json::to_string_pretty(&answer)? + "\n"))?;
            Ok(Outcome::Clean)
        }
        Err(fault) => bail!("{plugin} failed: {fault}"),
    }
}

async fn call(
    catalog: &Catalog,
    plugin: &str,
    given: author::GivenInput,
    record: Option<Redaction>,
    config: &Config,
) -> Result<Called> {
    let version = catalog.find(plugin, None, "is in force", |state| state == VersionState::Ready).await?;
    let component = catalog.component(&version.digest).await?;
    let loaded = tokio::task::block_in_place(|| catalog.host.load(&component))?;
    let data = DataDir::open(config.data_dir())?;
    let platform = Platform {
        runtime: tokio::runtime::Handle::current(),
        store: catalog.store.clone(),
        opening: open_options(config, None)?,
        library: Arc::new(advisories::Library::open(&data.advisories())),
        secrets: config.plugins.secrets.clone(),
    };
    let grant =
        Grant { tenant: catalog.tenant.clone(), digest: version.digest.clone(), rights: granted(&version)? };
    let now = Timestamp::now();
    let context = CallContext {
        now: given.now.unwrap_or_else(|| u64::try_from(now.as_nanosecond()).unwrap_or(0)),
        grant: Some(Arc::new(grant)),
        services: Arc::new(platform),
        record: record.map(Arc::new),
        ..CallContext::new(catalog.tenant.clone(), given.config)
    };
    let called = tokio::task::block_in_place(|| loaded.call(&context, given.input));
    // First what has happened already, whatever becomes of the rest.
    let mut trail = Trail::default();
    trail.note(plugin, called.audit.clone(), called.audit_dropped);
    audit::keep(&catalog.store, &trail, "").await?;
    catalog.store.keep_plugin_state(&catalog.tenant, plugin, &called.state).await?;
    Ok(called)
}
