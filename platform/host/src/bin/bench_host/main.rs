//! Measures the plugin host on this machine: `bench_host [COMPONENT] [--json | --batch DIR]`. With a directory it measures
//! one call over the files that `DIR/batch.json` lists, for comparison with the same code compiled natively.
//!
//! COMPONENT is an image analyzer; the default is the reference guest that `cargo xtask guests` builds, which reads
//! every byte once and answers with one record of each kind for each file: what is measured is the way there and back.
//! Run it from a release build on a quiet machine.

mod fleet;

use std::sync::Arc;
use std::time::{Duration, Instant};

use host::{Body, Host, HostOptions, InputFile, Plugin};

type Failure = Box<dyn std::error::Error>;

/// Calls per latency figure. Enough for a stable 99th percentile.
const CALLS: usize = 20_000;
/// Files of a batch, as the engine cuts them at most.
const BATCH_FILES: usize = 512;
const BATCH_FILE_BYTES: usize = 4_096;
const BATCHES: usize = 40;
const LENT_BYTES: usize = 16 << 20;

fn main() -> Result<(), Failure> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    arguments.retain(|argument| argument != "--json");
    let batch = arguments
        .iter()
        .position(|argument| argument == "--batch")
        .and_then(|at| arguments.drain(at..).nth(1));
    let path = arguments.pop().unwrap_or_else(|| "target/guests/benign.wasm".to_owned());
    let component =
        std::fs::read(&path).map_err(|error| format!("{path}: {error}; run `cargo xtask guests` first"))?;
    if let Some(folder) = batch {
        println!("{}", one_batch(&component, std::path::Path::new(&folder))?);
        return Ok(());
    }
    let guests = std::path::Path::new(&path).parent().unwrap_or(std::path::Path::new("."));
    let figures = measure(&component, guests)?;
    if json {
        let map: serde_json::Map<String, serde_json::Value> =
            figures.iter().map(|(name, value, _)| ((*name).to_owned(), (*value).into())).collect();
        println!("{}", serde_json::Value::Object(map));
    } else {
        for (name, value, unit) in &figures {
            println!("{name:<30} {value:>12.1} {unit}");
        }
    }
    Ok(())
}

type Figure = (&'static str, f64, &'static str);

fn measure(component: &[u8], guests: &std::path::Path) -> Result<Vec<Figure>, Failure> {
    let directory = std::env::temp_dir().join(format!("palisade-bench-host-{}", std::process::id()));
    let outcome = measure_in(&directory, component).and_then(|mut figures| {
        figures.extend(fleet::measure(&directory, guests)?);
        Ok(figures)
    });
    std::fs::remove_dir_all(&directory)?;
    outcome
}

fn measure_in(directory: &std::path::Path, component: &[u8]) -> Result<Vec<Figure>, Failure> {
    let options = HostOptions { cache_dir: Some(directory.join("cache")), ..HostOptions::default() };
    let host = Host::new(options)?;
    let (plugin, cold) = timed(|| host.load(component))?;
    let mut warm = Vec::new();
    for _ in 0..50 {
        warm.push(timed(|| host.load(component))?.1);
    }
    let mut instantiate = Vec::new();
    let mut call = Vec::new();
    for _ in 0..CALLS {
        instantiate.push(plugin.instantiate()?);
        call.push(timed(|| plugin.analyze_files("{}", Vec::new()))?.1);
    }
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (files_one, bytes_one) = batches(&plugin, 1)?;
    let (files_all, bytes_all) = batches(&plugin, threads)?;
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    Ok(vec![
        ("component", component.len() as f64 / 1024.0, "KiB"),
        ("load, compiled anew", micros(cold) / 1e3, "ms"),
        ("load, from cache p50", micros(quantile(&mut warm, 0.5)) / 1e3, "ms"),
        ("instantiate p50", micros(quantile(&mut instantiate, 0.5)), "us"),
        ("instantiate p99", micros(quantile(&mut instantiate, 0.99)), "us"),
        ("call p50", micros(quantile(&mut call, 0.5)), "us"),
        ("call p99", micros(quantile(&mut call, 0.99)), "us"),
        ("batch files, 1 thread", files_one, "files/s"),
        ("batch bytes, 1 thread", bytes_one / 1e6, "MB/s"),
        ("batch files, all threads", files_all, "files/s"),
        ("batch bytes, all threads", bytes_all / 1e6, "MB/s"),
        ("lent bytes, 1 thread", lent(&plugin)? / 1e6, "MB/s"),
    ])
}

/// Median time of one call over the files of a folder, and how many packages it found.
fn one_batch(component: &[u8], folder: &std::path::Path) -> Result<serde_json::Value, Failure> {
    const RUNS: usize = 101;
    let list: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(folder.join("batch.json"))?)?;
    let mut files = Vec::new();
    for entry in &list {
        let text =
            |key: &str| entry.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let bytes = std::fs::read(folder.join(text("file")))?;
        let interests = entry.get("interests").and_then(serde_json::Value::as_array).into_iter().flatten();
        let interests = interests.filter_map(|name| name.as_str().map(str::to_owned)).collect();
        files.push((text("path"), interests, bytes));
    }
    let input = |(path, interests, bytes): &(String, Vec<String>, Vec<u8>)| InputFile {
        path: path.clone(),
        size: bytes.len() as u64,
        interests: interests.clone(),
        body: Body::Whole(bytes.clone()),
    };
    let host = Host::new(HostOptions::default())?;
    let plugin = host.load(component)?;
    let (mut times, mut packages) = (Vec::new(), 0);
    for _ in 0..RUNS {
        let batch: Vec<InputFile> = files.iter().map(input).collect();
        let (analysis, time) = timed(|| plugin.analyze_files("{}", batch))?;
        packages = analysis.packages.len();
        times.push(time);
    }
    let median_ms = quantile(&mut times, 0.5).as_secs_f64() * 1e3;
    Ok(serde_json::json!({ "median_ms": median_ms, "packages": packages }))
}

/// Files and bytes a second through batches of many small files.
fn batches(plugin: &Plugin, threads: usize) -> Result<(f64, f64), Failure> {
    let started = Instant::now();
    let one_thread = || -> Result<(), host::Fault> {
        for _ in 0..BATCHES {
            plugin.analyze_files("{}", batch())?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(one_thread)).collect();
        running
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a thread panicked")?.map_err(Failure::from))
    })?;
    let files = (BATCHES * BATCH_FILES * threads) as f64;
    let rate = files / started.elapsed().as_secs_f64();
    Ok((rate, rate * BATCH_FILE_BYTES as f64))
}

fn batch() -> Vec<InputFile> {
    let file = |number: usize| InputFile {
        path: format!("usr/lib/node_modules/package-{number}/package.json"),
        size: BATCH_FILE_BYTES as u64,
        interests: vec!["all".to_owned()],
        body: Body::Whole(vec![b'x'; BATCH_FILE_BYTES]),
    };
    (0..BATCH_FILES).map(file).collect()
}

/// Bytes a second that a guest reads through a handle.
fn lent(plugin: &Plugin) -> Result<f64, Failure> {
    const FILES: usize = 10;
    let bytes: Arc<Vec<u8>> = Arc::new(vec![b'x'; LENT_BYTES]);
    let started = Instant::now();
    for _ in 0..FILES {
        let file = InputFile {
            path: "usr/bin/tool".to_owned(),
            size: LENT_BYTES as u64,
            interests: vec!["all".to_owned()],
            body: Body::Stored(Arc::clone(&bytes) as host::SharedBytes),
        };
        plugin.analyze_files("{}", vec![file])?;
    }
    Ok((FILES * LENT_BYTES) as f64 / started.elapsed().as_secs_f64())
}

fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(T, Duration), E> {
    let started = Instant::now();
    work().map(|value| (value, started.elapsed()))
}

fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times.get((last as f64 * share) as usize).copied().unwrap_or_default()
}
