//! `palisade source`: where run-time events come from, managed where the store is.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;
use model::TenantId;
use store::Store;

use super::block_on;
use crate::cli::Source;
use crate::config::Config;
use crate::data::DataDir;
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};
use crate::serve;

/// Longest name of a source: it is part of names on the bus.
const NAME_MAX: usize = 40;

/// Runs a subcommand.
pub(crate) fn run(what: Source, config: &Config) -> Result<Outcome> {
    let text = block_on(async {
        let url = serve::store_url(config, &DataDir::open(config.data_dir())?)?;
        let store = Store::connect(&url).await.context("cannot open the store")?;
        let text = answer(what, &store).await;
        store.close().await;
        text
    })?;
    write_stdout(&text)?;
    Ok(Outcome::Clean)
}

async fn answer(what: Source, store: &Store) -> Result<String> {
    let tenant = TenantId::default_tenant();
    let missing = |name: &str| format!("no source is called {name:?}; `palisade source list` shows them");
    match what {
        Source::Add { name, format, cluster } => {
            let letters = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
            ensure!(
                !name.is_empty() && name.len() <= NAME_MAX && letters,
                "the name {name:?} cannot be part of an address; use 1 to {NAME_MAX} of a-z, 0-9 and -"
            );
            let known = serve::formats();
            ensure!(
                known.contains(&format),
                "no format of events is named {format:?}; there are {}",
                known.join(", ")
            );
            let said = (name.as_str(), format.as_str(), cluster.as_deref());
            let made = api::create_source(store, &tenant, said, "command line", Timestamp::now()).await;
            let secret = made.with_context(|| format!("cannot make the source {name:?}"))?;
            Ok(format!("{}\n", secret.expose()))
        }
        Source::List => list(store, &tenant).await,
        Source::Rotate { name } => {
            let secret = api::rotate_source(store, &tenant, &name, Timestamp::now()).await?;
            Ok(format!("{}\n", secret.with_context(|| missing(&name))?.expose()))
        }
        Source::Disable { name } => match store.disable_source(&tenant, &name, true).await? {
            true => Ok(format!("{} is closed\n", visible(&name))),
            false => bail!(missing(&name)),
        },
        Source::Enable { name } => match store.disable_source(&tenant, &name, false).await? {
            true => Ok(format!("{} is open\n", visible(&name))),
            false => bail!(missing(&name)),
        },
        Source::Remove { name } => match store.remove_source(&tenant, &name).await? {
            true => Ok(format!("{} is gone; what came from it stays\n", visible(&name))),
            false => bail!(missing(&name)),
        },
    }
}

async fn list(store: &Store, tenant: &TenantId) -> Result<String> {
    let mut out = String::new();
    for source in store.sources(tenant).await? {
        let last = source.last_at.map_or("never".to_owned(), |at| at.to_string());
        let closed = if source.disabled { "  closed" } else { "" };
        let _ = writeln!(
            out,
            "{}  {}  {} events, {} late, {} lost by sensors, {} not readable  last {last}{closed}",
            visible(&source.name),
            source.format,
            source.events,
            source.late,
            source.drops,
            source.problems
        );
    }
    Ok(out)
}
