//! `palisade doctor`: whether this installation can do its work, part by part.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use super::block_on;
use crate::config::Config;
use crate::data::DataDir;
use crate::exit::{Outcome, one_line};
use crate::output::{visible, write_stdout};
use crate::{plugins, serve};

/// Checks every part, whether or not an earlier one is well.
pub(crate) fn run(config: &Config) -> Result<Outcome> {
    let checks: [(&str, Result<String>); 7] = [
        ("data", data(config)),
        ("plugins", loaded_plugins(config)),
        ("trust", trust(config)),
        ("advisories", advisories(config)),
        ("store", block_on(store(config))),
        ("bus", block_on(bus(config))),
        (
            "egress",
            serve::open_options(config, None).map(|_| "the rules of the configuration are usable".to_owned()),
        ),
    ];
    let mut out = String::new();
    let mut well = true;
    for (name, outcome) in checks {
        let (mark, text) = match outcome {
            Ok(text) => ("ok  ", text),
            Err(error) => {
                well = false;
                ("FAIL", one_line(&error))
            }
        };
        let _ = writeln!(out, "{mark} {name:10} {}", visible(&text));
    }
    write_stdout(&out)?;
    anyhow::ensure!(well, "this installation cannot do all of its work");
    Ok(Outcome::Clean)
}

fn data(config: &Config) -> Result<String> {
    let data = DataDir::open(config.data_dir())?;
    let probe = tempfile::NamedTempFile::new_in(data.root())
        .with_context(|| format!("cannot write in {}", data.root().display()))?;
    drop(probe);
    Ok(format!("{} can be written", data.root().display()))
}

fn loaded_plugins(config: &Config) -> Result<String> {
    let data = DataDir::open(config.data_dir())?;
    let host = plugins::host(&data)?;
    let set = plugins::load_once(config, &data, &host, plugins::Need::All)?;
    let names = set.loaded.iter().map(|loaded| {
        let manifest = loaded.plugin.manifest();
        format!("{} {}", manifest.id, manifest.version)
    });
    Ok(names.collect::<Vec<_>>().join(", "))
}

/// Keys and lists are files that may be gone, which otherwise is only seen when a plugin is to be installed.
fn trust(config: &Config) -> Result<String> {
    let plugins = &config.plugins;
    plugins.policy()?;
    plugins.revoked()?;
    Ok(match (plugins.trust.len(), plugins.revocations.len()) {
        (0, 0) => "nobody is trusted: plugins from elsewhere are refused".to_owned(),
        (rules, lists) => format!("{rules} rules and {lists} revocation lists are usable"),
    })
}

fn advisories(config: &Config) -> Result<String> {
    let data = DataDir::open(config.data_dir())?;
    let library = advisories::Library::open(&data.advisories());
    let index =
        library.current()?.context("none are installed; see `palisade advisories update` and `import`")?;
    let info = index.info();
    let sample = if info.sample { ", a sample only" } else { "" };
    Ok(format!("{} records from {}, as of {}{sample}", info.records, info.source, info.as_of))
}

async fn store(config: &Config) -> Result<String> {
    let url = serve::store_url(config, &DataDir::open(config.data_dir())?)?;
    store::Store::connect(&url).await?.close().await;
    Ok(if config.store.url.is_some() { "Postgres answers" } else { "SQLite can be opened" }.to_owned())
}

/// The embedded log has one user at a time, so a running service is a good sign and not an error.
async fn bus(config: &Config) -> Result<String> {
    match &config.bus.url {
        Some(url) => {
            bus::Bus::jetstream(url, config.bus.jetstream()?).await?;
            Ok("JetStream answers".to_owned())
        }
        None => {
            let data = DataDir::open(config.data_dir())?;
            match bus::Bus::embedded_with(&data.bus(), config.bus.embedded()).await {
                Ok(_) => Ok("the log can be opened".to_owned()),
                Err(error) if error.code() == "bus-in-use" => {
                    Ok("the log is in use by a running service".to_owned())
                }
                Err(error) => Err(error.into()),
            }
        }
    }
}
