//! `palisade advisories`: import, update, status, lookup, compare.

use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};

use advisories::index::EventKind;
use advisories::library::FetchError;
use advisories::version::compare_pairs;
use advisories::{ImportReport, Library, Origin, UpdateOptions};
use anyhow::{Context as _, Result};

use crate::cli::Advisories;
use crate::config::Config;
use crate::data::DataDir;
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};
use crate::serve::http_client;

/// Runs a subcommand.
pub(crate) fn run(what: Advisories, config: &Config) -> Result<Outcome> {
    match what {
        Advisories::Import { inputs, name, sample } => import(&library(config)?, &inputs, name, sample),
        Advisories::Update { url, ecosystem } => update(&library(config)?, config, url, ecosystem),
        Advisories::Status => status(&library(config)?),
        Advisories::Lookup { ecosystem, name } => lookup(&library(config)?, &ecosystem, &name),
        Advisories::Compare { ecosystem, pairs } => compare(&ecosystem, &pairs),
    }
}

fn library(config: &Config) -> Result<Library> {
    Ok(Library::open(&DataDir::open(config.data_dir())?.advisories()))
}

fn import(library: &Library, inputs: &[PathBuf], name: Option<String>, sample: bool) -> Result<Outcome> {
    let names = || inputs.iter().map(|input| input.display().to_string()).collect::<Vec<_>>().join(", ");
    let origin = Origin { source: name.unwrap_or_else(names), sample };
    let report =
        library.import(inputs, &origin).context("cannot import; what was in use before stays in use")?;
    tell(&report)
}

fn update(
    library: &Library,
    config: &Config,
    url: Option<String>,
    ecosystems: Vec<String>,
) -> Result<Outcome> {
    let configured = &config.advisories;
    let options = UpdateOptions {
        url: url.unwrap_or_else(|| configured.url.clone()),
        ecosystems: if ecosystems.is_empty() { configured.ecosystems.clone() } else { ecosystems },
        kev_url: configured.kev_url.clone(),
        epss_url: configured.epss_url.clone(),
    };
    let client = http_client(config)?;
    let fetch = |url: &str| -> Result<Box<dyn Read + Send>, FetchError> {
        let response = client.send(egress::Request::get(url))?;
        match response.status {
            200 => Ok(response.body),
            status => Err(format!("{url} answered {status}").into()),
        }
    };
    let report =
        library.update(&options, &fetch).context("cannot update; what was in use before stays in use")?;
    tell(&report)
}

fn tell(report: &ImportReport) -> Result<Outcome> {
    let build = &report.build;
    let mut out = String::new();
    if report.changed {
        let _ = writeln!(
            out,
            "{} records read, {} in use ({} withdrawn, {} replaced by newer, {} skipped), {} KEV entries, {} EPSS scores",
            build.read, build.used, build.withdrawn, build.replaced, build.skipped, build.kev, build.epss
        );
    } else {
        out.push_str("nothing new\n");
    }
    for skipped in &build.skipped_first {
        let _ = writeln!(out, "skipped {}: {}", visible(&skipped.record), visible(&skipped.reason));
    }
    for failure in &report.failures {
        let _ = writeln!(
            out,
            "FAILED {} ({}): {}",
            visible(&failure.feed),
            failure.code,
            visible(&failure.message)
        );
    }
    write_stdout(&out)?;
    Ok(Outcome::Clean)
}

fn status(library: &Library) -> Result<Outcome> {
    let status = library.status().context("cannot read the installed advisories")?;
    let mut out = String::new();
    match &status.current {
        None => out.push_str("no advisories are installed; run `palisade advisories update` or `import`\n"),
        Some(info) => {
            let sample = if info.sample { " (a sample: results are not complete)" } else { "" };
            let _ = writeln!(out, "source      {}{sample}", visible(&info.source));
            let _ = writeln!(out, "as of       {}", visible(&info.as_of));
            let _ =
                writeln!(out, "generation  {} ({} bytes, {})", status.generation, info.bytes, info.digest);
            let _ = writeln!(out, "records     {}", info.records);
            let _ = writeln!(out, "KEV, EPSS   {}, {}", info.kev, info.epss);
            for (ecosystem, records) in &info.ecosystems {
                let _ = writeln!(out, "  {:24} {records}", visible(ecosystem));
            }
        }
    }
    for failure in &status.failures {
        let _ = writeln!(
            out,
            "FAILED at the last import or update: {} ({}): {}",
            visible(&failure.feed),
            failure.code,
            visible(&failure.message)
        );
    }
    write_stdout(&out)?;
    Ok(Outcome::Clean)
}

fn lookup(library: &Library, ecosystem: &str, name: &str) -> Result<Outcome> {
    let index = library.current()?.context("no advisories are installed")?;
    let mut out = String::new();
    for entry in index.lookup(ecosystem, name)? {
        let entry = entry?;
        let record = index.record(entry.record)?;
        let texts = index.texts(&record)?;
        let _ = writeln!(out, "{}  {}  {}", record.id, record.modified, visible(&texts.summary));
        for range in &entry.ranges {
            let events: Vec<String> = range.iter().map(|(kind, version)| event(*kind, version)).collect();
            let _ = writeln!(out, "    {}", visible(&events.join(", ")));
        }
        if !entry.versions.is_empty() {
            let _ = writeln!(out, "    or one of {} listed versions", entry.versions.len());
        }
    }
    if out.is_empty() {
        let known = index.info().ecosystems.contains_key(ecosystem);
        let _ = writeln!(
            out,
            "{}",
            match known {
                true => format!("no advisory for {} in {}", visible(name), visible(ecosystem)),
                false => format!(
                    "no data for the ecosystem {}; see `palisade advisories status`",
                    visible(ecosystem)
                ),
            }
        );
    }
    write_stdout(&out)?;
    Ok(Outcome::Clean)
}

fn event(kind: EventKind, version: &str) -> String {
    let word = match kind {
        EventKind::Introduced => "from",
        EventKind::Fixed => "fixed in",
        EventKind::LastAffected => "up to and with",
        EventKind::Limit => "looked at below",
    };
    format!("{word} {version}")
}

fn compare(ecosystem: &str, pairs: &Path) -> Result<Outcome> {
    let what = || format!("cannot read the pairs {}", pairs.display());
    let text = if pairs == Path::new("-") {
        std::io::read_to_string(std::io::stdin().lock()).with_context(what)?
    } else {
        std::fs::read_to_string(pairs).with_context(what)?
    };
    let report = compare_pairs(ecosystem, &text)
        .with_context(|| format!("there is no version order for the ecosystem {ecosystem:?}"))?;
    let mut out = String::new();
    for mismatch in &report.mismatches {
        let _ = writeln!(
            out,
            "line {}: {} (ours: {})",
            mismatch.line,
            visible(&mismatch.text),
            visible(&mismatch.ours)
        );
    }
    let _ = writeln!(out, "{ecosystem}: {} of {} pairs agree", report.pairs - report.wrong, report.pairs);
    write_stdout(&out)?;
    Ok(if report.wrong == 0 { Outcome::Clean } else { Outcome::PolicyFailed })
}
