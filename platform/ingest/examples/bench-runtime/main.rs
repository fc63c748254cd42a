//! Events a second that one thread normalises, format by format: decoding, fields, joins and id of events of about 1.5 kB.
//!
//! `cargo run --release -p ingest --example bench-runtime -- [FORMAT…]`. Figures are of the thread's own CPU time, the best of
//! several rounds, since whatever else runs on a machine can only make a round slower. Beside them stands the floor: what
//! `serde_json` takes for only looking whether the same bytes are JSON, and for reading them into its `Value`.

mod events;

use std::error::Error;
use std::hint::black_box;
use std::time::Duration;

use ingest::runtime::{Format, Source, decode};
use rustix::time::{ClockId, clock_gettime};

/// Events of a second that one core should manage (issue 5).
const ASKED: f64 = 250_000.0;

/// Rounds of each measurement.
const ROUNDS: usize = 7;

/// Batches of a round.
const BATCHES: usize = 25;

/// Events of a batch: what an API server sends at once by default.
const EVENTS: usize = 400;

/// When everything was "received", in nanoseconds since 1970: 2026-06-10.
const OBSERVED: u64 = 1_781_079_400_000_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    println!("one thread's CPU time, best of {ROUNDS} rounds of {BATCHES} batches of {EVENTS} events");
    println!(
        "{:<18} {:>7} {:>12} {:>8} {:>12} {:>12} {:>12}   asked: {ASKED:.0} events/s",
        "format", "bytes", "events/s", "MB/s", "with body/s", "is JSON/s", "to Value/s"
    );
    let mut slowest = f64::INFINITY;
    for (format, name) in Format::ALL {
        if !wanted.is_empty() && !wanted.iter().any(|word| word == name) {
            continue;
        }
        let rate = format_figures(format, name)?;
        slowest = slowest.min(rate);
    }
    let verdict = if slowest >= ASKED { "reached by every format" } else { "MISSED" };
    println!("slowest: {slowest:.0} events/s; {verdict}");
    Ok(())
}

fn format_figures(format: Format, name: &str) -> Result<f64, Box<dyn Error>> {
    let batches: Vec<String> =
        (0..BATCHES).map(|batch| events::batch(format, batch * EVENTS, EVENTS)).collect();
    let bytes: usize = batches.iter().map(String::len).sum();
    let count = (BATCHES * EVENTS) as f64;
    let source =
        Source { cluster: Some("0c9d6f1e-6a55-4f3b-9d2e-6a1f3f0b7c11".into()), observed_at: Some(OBSERVED) };
    for batch in &batches {
        let decoded = decode(format, batch.as_bytes(), &source);
        if decoded.events.len() != EVENTS || !decoded.problems.is_empty() {
            return Err(format!(
                "{name}: {} of {EVENTS} events; {:?}",
                decoded.events.len(),
                decoded.problems.first()
            )
            .into());
        }
    }
    let normalise = best(|| {
        for batch in &batches {
            black_box(decode(format, batch.as_bytes(), &source));
        }
        Ok(())
    })?;
    let mut body = Vec::new();
    let with_body = best(|| {
        for batch in &batches {
            for record in decode(format, batch.as_bytes(), &source).events {
                body.clear();
                record.event.write_body(&mut body)?;
                black_box(&body);
            }
        }
        Ok(())
    })?;
    let check = best(|| {
        for batch in &batches {
            for value in serde_json::Deserializer::from_str(batch).into_iter::<serde::de::IgnoredAny>() {
                black_box(value?);
            }
        }
        Ok(())
    })?;
    let values = best(|| {
        for batch in &batches {
            for value in serde_json::Deserializer::from_str(batch).into_iter::<serde_json::Value>() {
                black_box(value?);
            }
        }
        Ok(())
    })?;
    let rate = |time: Duration| count / time.as_secs_f64();
    println!(
        "{name:<18} {:>7} {:>12.0} {:>8.0} {:>12.0} {:>12.0} {:>12.0}   {}",
        bytes / (BATCHES * EVENTS),
        rate(normalise),
        bytes as f64 / 1e6 / normalise.as_secs_f64(),
        rate(with_body),
        rate(check),
        rate(values),
        if rate(normalise) >= ASKED { "reached" } else { "MISSED" }
    );
    Ok(rate(normalise))
}

/// CPU time of the fastest round.
fn best(mut round: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<Duration, Box<dyn Error>> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let from = now();
        round()?;
        best = best.min(now().saturating_sub(from));
    }
    Ok(best)
}

fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
