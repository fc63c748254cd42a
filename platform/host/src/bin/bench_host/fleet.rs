//! What many plugins, busy plugins and bad neighbours cost.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use host::kinds::Event;
use host::services::Caller;
use host::{CallContext, Grant, Host, HostOptions, Input, Refusal, Services};
use model::TenantId;

use super::{Failure, Figure, quantile, timed};

/// Events of a batch.
const BATCH_EVENTS: usize = 512;
/// Bytes of an event's body, as those of common sensors are.
const BODY_BYTES: usize = 280;
/// Sources and assets that events are spread over.
const ASSETS: usize = 4_000;
const EVENT_TIME: Duration = Duration::from_secs(2);
/// Installed plugins that do nothing.
const IDLE: usize = 500;
/// Bytes of the component that is compiled, data included, as a plugin of a megabyte is.
const LARGE_BYTES: usize = 1 << 20;

/// State in memory, kept from call to call as the platform keeps it.
#[derive(Default)]
struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

impl Memory {
    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Services for Memory {
    fn state_get(&self, _: &Caller, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.with(|state| state.get(key).cloned()))
    }

    fn state_bytes(&self, _: &Caller) -> Result<u64, Refusal> {
        Ok(self.with(|state| state.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()))
    }
}

/// Everything that needs the guests of the tests; `guests` is where they are.
pub(super) fn measure(directory: &Path, guests: &Path) -> Result<Vec<Figure>, Failure> {
    let read = |name: &str| {
        let path = guests.join(format!("{name}.wasm"));
        std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let mut figures = Vec::new();
    let correlator = read("stateful-correlator")?;
    figures.push(("events through state, 1 thread", events(&correlator)?, "events/s"));
    let [alone, busy, beside] = neighbour(&read("benign")?, &read("endless-loop")?)?;
    figures.push(("honest call p99, alone", alone, "us"));
    figures.push(("the same, other core busy", busy, "us"));
    figures.push(("the same beside a bad one", beside, "us"));
    let large = padded(&read("image-packages")?, LARGE_BYTES);
    let fresh = Host::new(HostOptions::default())?;
    let (_, compiled) = timed(|| fresh.load(&large))?;
    figures.push(("verify and compile 1 MiB", compiled.as_secs_f64() * 1e3, "ms"));
    let (resident, load) = idle(directory, &read("posture")?)?;
    figures.push(("500 idle plugins, resident", resident, "MiB"));
    figures.push(("load from cache p50 of them", load, "ms"));
    Ok(figures)
}

fn events(component: &[u8]) -> Result<f64, Failure> {
    let host = Host::new(HostOptions::default())?;
    let plugin = host.load(component)?;
    let tenant = TenantId::default_tenant();
    let grant =
        Grant { tenant: tenant.clone(), digest: plugin.digest().clone(), rights: plugin.asked().clone() };
    let memory = Arc::new(Memory::default());
    let context = CallContext {
        grant: Some(Arc::new(grant)),
        services: Arc::clone(&memory) as Arc<dyn Services>,
        ..CallContext::new(tenant, Arc::from("{}"))
    };
    let body = format!("{{\"text\":\"{}\"}}", "x".repeat(BODY_BYTES - 11)).into_bytes();
    let event = |number: usize| Event {
        id: format!("event-{number:012}"),
        time: number as u64,
        source: "runtime".to_owned(),
        asset: format!("cluster/default/pod/workload-{}", number % ASSETS),
        body: body.clone(),
    };
    let (mut count, mut spent) = (0, Duration::ZERO);
    while spent < EVENT_TIME {
        let events: Vec<Event> = (count..count + BATCH_EVENTS).map(event).collect();
        let input = Input::Correlator { events, due: Vec::new(), watermark: count as u64 };
        let started = Instant::now();
        let outcome = plugin.call(&context, input);
        spent += started.elapsed();
        outcome.result?;
        memory.with(|state| {
            for (key, value) in outcome.state {
                match value {
                    Some(value) => state.insert(key, value),
                    None => state.remove(&key),
                };
            }
        });
        count += BATCH_EVENTS;
    }
    Ok(count as f64 / spent.as_secs_f64())
}

/// 99th percentile of an honest plugin's calls: alone, while another thread computes, and while a hostile plugin loops there. What
/// the second costs more than the first is the machine's; what the third costs more than the second is the host's.
fn neighbour(honest: &[u8], hostile: &[u8]) -> Result<[f64; 3], Failure> {
    const CALLS: usize = 20_000;
    let host = Host::new(HostOptions::default())?;
    let honest = host.load(honest)?;
    let hostile = host.load(hostile)?;
    let p99 = || -> Result<f64, Failure> {
        let mut times = Vec::new();
        for _ in 0..CALLS {
            times.push(timed(|| honest.analyze_files("{}", Vec::new()))?.1);
        }
        Ok(quantile(&mut times, 0.99).as_secs_f64() * 1e6)
    };
    let beside = |work: &(dyn Fn() + Sync)| -> Result<f64, Failure> {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    work();
                }
            });
            let measured = p99();
            stop.store(true, Ordering::Relaxed);
            measured
        })
    };
    let looping = || {
        let _ = hostile.analyze_files("{}", Vec::new());
        hostile.release();
    };
    let computing = || {
        std::hint::black_box((0..100_000_u64).fold(1, |sum: u64, n| sum.wrapping_mul(n | 1)));
    };
    Ok([p99()?, beside(&computing)?, beside(&looping)?])
}

/// Memory of this process for 500 plugins that are loaded and never called, and the time that loading one takes.
fn idle(directory: &Path, component: &[u8]) -> Result<(f64, f64), Failure> {
    let options = HostOptions { cache_dir: Some(directory.join("idle")), ..HostOptions::default() };
    let components: Vec<Vec<u8>> =
        (0..IDLE).map(|number| padded(component, component.len() + 16 + number)).collect();
    {
        let host = Host::new(options.clone())?;
        for component in &components {
            host.load(component)?;
        }
    }
    let host = Host::new(options)?;
    let before = resident_mib()?;
    let (mut plugins, mut times) = (Vec::new(), Vec::new());
    for component in &components {
        let (plugin, time) = timed(|| host.load(component))?;
        plugins.push(plugin);
        times.push(time);
    }
    let resident = resident_mib()? - before;
    drop(plugins);
    Ok((resident, quantile(&mut times, 0.5).as_secs_f64() * 1e3))
}

/// The same component with a custom section that makes it this large, and another one.
fn padded(component: &[u8], bytes: usize) -> Vec<u8> {
    let mut out = component.to_vec();
    let missing = bytes.saturating_sub(component.len() + 8);
    let mut section = vec![3, b'p', b'a', b'd'];
    section.resize(missing.max(4), 0);
    out.push(0);
    let mut size = section.len();
    while size >= 0x80 {
        out.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
    out.extend(section);
    out
}

/// Resident memory of this process, as the kernel counts it.
fn resident_mib() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
}
