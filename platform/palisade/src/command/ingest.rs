//! `palisade ingest`: run-time events of files, put in order, judged, and joined to incidents, as the service would.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use ::correlate::{Bounds, Caps, Incident, Incidents, Order, Placed, Waiting};
use ::ingest::runtime::{Flow, Format, HealthState, Item, Source, stream};
use anyhow::{Context as _, Result, bail};
use engine::correlate::{Correlators, EmptyState, Judged};
use host::kinds::Event;
use jiff::Timestamp;
use model::{Gap, TenantId};
use serde::Serialize;
use serde_json::json;

use crate::cli::{GraphFormat, Ingest};
use crate::config::Config;
use crate::data::{DataDir, read_capped};
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};
use crate::plugins::Need;
use crate::{plugins, rules};

/// Largest file of events, in bytes.
const FILE_BYTES_MAX: u64 = 2 << 30;
/// Most events of one run: all of them are in memory, as the last of a file may be the first in time.
const EVENTS_MAX: usize = 2_000_000;
/// Events that are handed to the plugins at once.
const RUN_EVENTS: usize = 8_192;
/// Problems that are told one by one.
const PROBLEMS_MAX: usize = 100;

/// What was read and what came of it.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    events: BTreeMap<String, u64>,
    repeated: u64,
    problems: Vec<String>,
    problems_unlisted: u64,
    /// What sensors lost, by sensor.
    blind: BTreeMap<String, Blind>,
    gaps: BTreeSet<Gap>,
    detections: Vec<Judged>,
    incidents: Vec<Incident>,
}

/// What a sensor said of itself.
#[derive(Default, Serialize)]
struct Blind {
    reports: u64,
    drops: u64,
}

/// Reads, judges and prints.
pub(crate) fn run(what: &Ingest, config: &Config) -> Result<Outcome> {
    let format = what.format.as_deref().map(format_of).transpose()?;
    let files = rules::read(&what.rules)?;
    let data = DataDir::open(config.data_dir())?;
    let host = plugins::host_keeping(&data, 8)?;
    let set = plugins::load_once(config, &data, &host, Need::Events)?;
    let correlators = rules::correlators(&set, &files)?;
    let mut told = Told::default();
    let mut order = Order::new(Bounds { waiting: EVENTS_MAX, ..Bounds::default() }, 0);
    for file in &what.files {
        read(file, format, what.cluster.as_deref(), &mut order, &mut told)?;
    }
    let (events, _) = order.finish();
    let events: Vec<Event> = events.into_iter().map(|waiting| waiting.event).collect();
    let tenant = TenantId::default_tenant();
    judge(&events, Correlators::new(correlators, &tenant, Arc::new(EmptyState)), &mut told);
    match what.print {
        GraphFormat::Table => write_stdout(&table(&told))?,
        GraphFormat::Json => write_stdout(&format!("{}\n", serde_json::to_string_pretty(&told)?))?,
    }
    Ok(Outcome::Clean)
}

fn format_of(word: &str) -> Result<Format> {
    Format::from_word(word).with_context(|| {
        let known: Vec<&str> = Format::ALL.iter().map(|(_, name)| *name).collect();
        format!("no format of events is named {word}; there are {}", known.join(", "))
    })
}

fn read(
    file: &Path,
    format: Option<Format>,
    cluster: Option<&str>,
    order: &mut Order<Event>,
    told: &mut Told,
) -> Result<()> {
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(FILE_BYTES_MAX)
            .read_to_end(&mut bytes)
            .context("cannot read standard input")?;
        bytes
    } else {
        read_capped(file, FILE_BYTES_MAX)?
    };
    if bytes.starts_with(&[0x1f, 0x8b]) {
        bail!(
            "{} is packed with gzip; unpack it first: gzip --decompress --stdout FILE | palisade ingest -",
            file.display()
        );
    }
    let format = match format {
        Some(format) => format,
        None => Format::guess(&bytes).with_context(|| {
            format!("cannot tell what the events of {} are; name it with --format", file.display())
        })?,
    };
    let source = Source { cluster: cluster.map(Into::into), observed_at: None };
    let mut failure = None;
    stream(format, &bytes, &source, &mut |item| match take(item, file, order, told) {
        Ok(()) => Flow::On,
        Err(error) => {
            failure = Some(error);
            Flow::Stop
        }
    });
    failure.map_or(Ok(()), Err)
}

fn take(item: Item<'_>, file: &Path, order: &mut Order<Event>, told: &mut Told) -> Result<()> {
    match item {
        Item::Event(record) => {
            let source = record.event.source.as_str().to_owned();
            let (id, time, asset) = (record.id.clone(), record.time, record.asset.clone());
            let body = record.into_body().with_context(|| format!("cannot write the event {id}"))?;
            let event = Event { id: id.clone(), time, source: source.clone(), asset, body };
            match order.push(Waiting { time, id, source: source.clone(), event }, time) {
                Placed::Waits => *told.events.entry(source).or_default() += 1,
                // Nothing is late while nothing has been released.
                Placed::Twice | Placed::Late => told.repeated += 1,
                Placed::Full => bail!("there are more than {EVENTS_MAX} events; judge them in parts"),
            }
        }
        Item::Health(health) => {
            if health.state.is_blind() {
                let sensor = health.record.event.sensor.as_deref().unwrap_or("unnamed sensor").to_owned();
                let blind = told.blind.entry(sensor).or_default();
                blind.reports += 1;
                let drops = if health.state == HealthState::Drops { health.drops } else { None };
                blind.drops = blind.drops.saturating_add(drops.unwrap_or(0));
            }
        }
        Item::Problem(problem) if told.problems.len() < PROBLEMS_MAX => {
            told.problems.push(format!("{}: {problem}", file.display()));
        }
        Item::Problem(_) => told.problems_unlisted += 1,
    }
    Ok(())
}

fn judge(events: &[Event], mut correlators: Correlators, told: &mut Told) {
    let mut incidents = Incidents::new(Caps::default());
    let last = events.chunks(RUN_EVENTS).count().saturating_sub(1);
    for (number, chunk) in events.chunks(RUN_EVENTS).enumerate() {
        // Events of one time may go on in the next part, so that the watermark stays before them.
        let reached = chunk.last().map_or(0, |event| event.time.saturating_sub(1));
        let watermark = if number == last { u64::MAX } else { reached };
        let came = correlators.run(chunk, watermark);
        for judged in &came.detections {
            incidents.add(&rules::detected(judged));
        }
        for link in &came.links {
            incidents.link(&link.kept, &link.merged);
        }
        told.detections.extend(came.detections);
        told.gaps.extend(came.gaps);
    }
    told.incidents = incidents.all();
    told.incidents.sort_by(|a, b| (b.severity, a.first, &a.id).cmp(&(a.severity, b.first, &b.id)));
}

fn table(told: &Told) -> String {
    let mut text = String::new();
    for incident in &told.incidents {
        let _ = writeln!(
            text,
            "{:9} {}  {}",
            incident.severity.as_str().to_uppercase(),
            time(incident.first),
            count(incident.detections, "detection")
        );
        for step in &incident.steps {
            let times = if step.count > 1 { format!(" ({} times)", step.count) } else { String::new() };
            let on =
                if step.asset.is_empty() { String::new() } else { format!("  on {}", visible(&step.asset)) };
            let _ = writeln!(
                text,
                "  {}  {:9} {}{times}{on}",
                time(step.first),
                step.severity.as_str(),
                visible(&step.title)
            );
        }
        if incident.left_out > 0 {
            let _ = writeln!(text, "  and {} more", count(incident.left_out, "step"));
        }
    }
    let events: u64 = told.events.values().sum();
    let sources: Vec<String> =
        told.events.iter().map(|(source, number)| format!("{number} of {source}")).collect();
    let _ = writeln!(
        text,
        "{}{} ({}) came to {} and {}",
        if text.is_empty() { "" } else { "\n" },
        count(events, "event"),
        sources.join(", "),
        count(told.detections.len() as u64, "detection"),
        count(told.incidents.len() as u64, "incident")
    );
    for (sensor, blind) in &told.blind {
        let _ = writeln!(
            text,
            "blind: {} lost {} ({})",
            visible(sensor),
            count(blind.drops, "event"),
            count(blind.reports, "report")
        );
    }
    for gap in &told.gaps {
        let _ = writeln!(text, "not judged: {}: {}", visible(&gap.subject), visible(&gap.reason));
    }
    for problem in &told.problems {
        let _ = writeln!(text, "not read: {}", visible(problem));
    }
    if told.problems_unlisted > 0 {
        let _ = writeln!(text, "not read: {} more", told.problems_unlisted);
    }
    text
}

fn count(number: u64, word: &str) -> String {
    let more = if number == 1 { "" } else { "s" };
    format!("{number} {word}{more}")
}

fn time(nanoseconds: u64) -> String {
    let told = Timestamp::from_nanosecond(i128::from(nanoseconds));
    told.map_or_else(
        |_| json!(nanoseconds).to_string(),
        |told| told.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}
