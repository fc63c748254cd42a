//! `palisade plugin`: what is loaded, what a component wants before it is loaded, and how plugins travel.

mod bundle;
mod install;
mod judge;
mod local;
mod operate;
mod registry;
mod run;
mod sign;
mod verify;

pub(crate) use install::install_own;

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use host::{Inspection, Interest};

use crate::cli::{Bundle, Plugin};
use crate::config::Config;
use crate::data::DataDir;
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};
use crate::plugins::{Component, components};

/// Runs a subcommand.
pub(crate) fn run(what: Plugin, config: &Config) -> Result<Outcome> {
    match what {
        Plugin::List => print(&list(config)?),
        Plugin::Inspect { plugin } => print(&describe(&find(&plugin, config)?)?),
        Plugin::Keygen { output, algorithm } => print(&sign::keygen(&output, algorithm)?),
        Plugin::Sign { file, key, name } => print(&sign::sign(&file, &key, name)?),
        Plugin::Verify { target, key } => verify::verify(&target, &key, config),
        Plugin::Push { file, reference, sign_key } => {
            print(&registry::push(&file, &reference, sign_key.as_deref(), config)?)
        }
        Plugin::Pull { reference, output } => registry::pull(&reference, output, config),
        Plugin::Bundle(Bundle::Export { plugins, output, revocations }) => {
            bundle::export(&plugins, &output, revocations.as_deref(), config)
        }
        Plugin::Bundle(Bundle::Verify { file, key }) => verify::bundle(&file, &key, config),
        Plugin::Install { target, canary } => install::install(&target, canary, config),
        Plugin::Run { plugin, input, record, redact } => {
            run::run(&plugin, &input, record.as_deref(), &redact, config)
        }
        Plugin::Author(what) => crate::command::author::run(what, config),
        decision => operate::decide(decision, config),
    }
}

fn print(text: &str) -> Result<Outcome> {
    write_stdout(text)?;
    Ok(Outcome::Clean)
}

fn inspect(component: &Component) -> Result<Inspection> {
    host::inspect(&component.bytes).with_context(|| format!("cannot inspect the plugin {}", component.origin))
}

fn kinds(inspection: &Inspection) -> String {
    inspection.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}

/// Which files an interest selects, in words.
fn wanted(interest: &Interest) -> String {
    let mut parts = Vec::new();
    if !interest.paths.is_empty() {
        parts.push(interest.paths.join(", "));
    }
    if !interest.magic.is_empty() {
        parts.push("by their first bytes".to_owned());
    }
    if !interest.keywords.is_empty() {
        let words = interest.keywords.iter().map(|word| String::from_utf8_lossy(word).into_owned());
        parts.push(format!("containing {}", words.collect::<Vec<_>>().join(" or ")));
    }
    parts.join(", ")
}

fn list(config: &Config) -> Result<String> {
    let mut out = String::new();
    for component in in_use(config)? {
        let inspection = inspect(&component)?;
        let manifest = &inspection.manifest;
        let _ = writeln!(
            out,
            "{} {}  {}  {}  {}",
            manifest.id,
            manifest.version,
            kinds(&inspection),
            inspection.digest,
            visible(&component.origin)
        );
    }
    Ok(out)
}

/// Every component that takes part: built in, from directories, and installed, each in the place of another of its id.
fn in_use(config: &Config) -> Result<Vec<Component>> {
    let mut all = components(config, crate::plugins::Need::All)?;
    let has_store = config.store.url.is_some() || DataDir::open(config.data_dir())?.has_store();
    if !has_store {
        return Ok(all);
    }
    let installed = operate::with_catalog(config, async |catalog| {
        let mut installed = Vec::new();
        for version in catalog.store.plugin_versions(&catalog.tenant).await? {
            if version.state.is_in_force() {
                installed.push((version.plugin, version.source, catalog.component(&version.digest).await?));
            }
        }
        Ok(installed)
    })?;
    for (plugin, origin, bytes) in installed {
        all.retain(|other| inspect(other).map_or(true, |inspection| inspection.manifest.id != plugin));
        all.push(Component { origin, bytes: bytes.into() });
    }
    Ok(all)
}

/// A plugin in use by its id, else a component file.
fn find(name: &str, config: &Config) -> Result<Component> {
    for component in in_use(config)? {
        if inspect(&component).is_ok_and(|inspection| inspection.manifest.id == name) {
            return Ok(component);
        }
    }
    let bytes = std::fs::read(name).with_context(|| {
        format!("{name:?} is neither the id of a plugin in use nor a file that can be read")
    })?;
    Ok(Component { origin: name.to_owned(), bytes: bytes.into() })
}

fn describe(component: &Component) -> Result<String> {
    let inspection = inspect(component)?;
    let manifest = &inspection.manifest;
    let mut out = String::new();
    let _ = writeln!(out, "{} {}", manifest.id, manifest.version);
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "  {name:11} {}", visible(value));
    };
    line("about", &manifest.description);
    line("publisher", &manifest.publisher);
    line("licence", &manifest.license);
    line("origin", &component.origin);
    line("digest", inspection.digest.as_str());
    line("size", &format!("{} bytes", component.bytes.len()));
    line("kinds", &kinds(&inspection));
    line("imports", &inspection.imports.join(", "));
    let asked: Vec<String> = manifest
        .capabilities
        .iter()
        .map(|ask| format!("{} ({})", ask.capability.as_str(), ask.why))
        .collect();
    line("asks for", if asked.is_empty() { "nothing" } else { "" });
    for ask in &asked {
        line("", ask);
    }
    for interest in manifest.interests() {
        line("reads", &format!("{}: {}", interest.name, wanted(interest)));
    }
    for rule in &manifest.rules {
        line("rule", &format!("{} ({}): {}", rule.id, rule.severity, rule.title));
    }
    Ok(out)
}
