//! Measures a component on this machine, each figure against the limit that it is under.

use std::time::{Duration, Instant};

use host::kinds::Event;
use host::{Input, InputFile, Limits, Plugin};

use crate::case::Case;
use crate::golden::{Conditions, call, fault_lines};
use crate::shown::size;

/// Items of a large batch, as the engine cuts them at most.
const BATCH_ITEMS: usize = 512;
/// Fewest and most rounds of one figure.
const ROUNDS: std::ops::RangeInclusive<usize> = 5..=5_000;

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Bench {
    /// The figures, in order.
    pub figures: Vec<Figure>,
    /// What could not be measured, because a call failed: the case and the fault, line by line.
    pub failures: Vec<String>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// The figure with its unit.
    pub value: String,
    /// The limit that it is under, and the share of it that was used; nothing where there is none.
    pub limit: Option<(String, f64)>,
}

impl Figure {
    /// The verdict: nothing where there is no limit.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        match &self.limit {
            None => "",
            Some((_, share)) if *share > 1.0 => "over the limit",
            Some((_, share)) if *share > 0.5 => "close to the limit",
            Some(_) => "fine",
        }
    }
}

/// Measures instantiation, every case, and batches made of the cases. Each figure takes about this long.
#[must_use]
pub fn bench(plugin: &Plugin, cases: &[Case], each: Duration) -> Bench {
    let mut bench = Bench { figures: Vec::new(), failures: Vec::new() };
    let limits = *plugin.limits();
    bench.sizes(plugin);
    bench.instantiate(plugin, each);
    for case in cases {
        bench.case(plugin, case, &limits, each);
    }
    for case in cases {
        bench.batch(plugin, case, each);
    }
    bench
}

impl Bench {
    fn add(&mut self, name: impl Into<String>, value: String, limit: Option<(String, f64)>) {
        self.figures.push(Figure { name: name.into(), value, limit });
    }

    fn sizes(&mut self, plugin: &Plugin) {
        let (bytes, bytes_max) = (plugin.inspection().bytes, host::inspect::COMPONENT_BYTES_MAX);
        let share = bytes as f64 / bytes_max as f64;
        let limit = size(u64::try_from(bytes_max).unwrap_or(u64::MAX));
        self.add("component", size(bytes), Some((limit, share)));
        let code = u64::try_from(plugin.machine_code_bytes()).unwrap_or(u64::MAX);
        self.add("machine code", size(code), None);
    }

    fn instantiate(&mut self, plugin: &Plugin, each: Duration) {
        let mut times = Vec::new();
        let failed = rounds(each, || match plugin.instantiate() {
            Ok(time) => {
                times.push(time);
                None
            }
            Err(fault) => Some(fault),
        });
        match failed {
            Some(fault) => self.failures.extend(fault_lines(&fault)),
            None => {
                self.add("instantiate p50", millis(quantile(&mut times, 0.5)), None);
                self.add("instantiate p99", millis(quantile(&mut times, 0.99)), None);
            }
        }
    }

    fn case(&mut self, plugin: &Plugin, case: &Case, limits: &Limits, each: Duration) {
        let (mut walls, mut cpu, mut memory, mut copied) = (Vec::new(), Duration::ZERO, 0, 0);
        let failed = rounds(each, || {
            let outcome = call(plugin, case, case.input.clone(), &Conditions::usual(case, false));
            let usage = outcome.usage;
            walls.push(usage.wall);
            cpu = cpu.max(usage.cpu);
            memory = memory.max(usage.memory_bytes_peak);
            copied = copied.max(usage.copied_bytes);
            outcome.result.err().filter(|fault| !crate::golden::is_honest(fault))
        });
        if let Some(fault) = failed {
            self.failures.push(format!("case {}", case.name));
            self.failures.extend(fault_lines(&fault));
            return;
        }
        let name = &case.name;
        self.add(format!("{name}: call p50"), millis(quantile(&mut walls, 0.5)), None);
        let slow = quantile(&mut walls, 0.99);
        let of = |used: f64, limit: f64| used / limit.max(1e-9);
        let wall = (millis(limits.wall()), of(slow.as_secs_f64(), limits.wall().as_secs_f64()));
        self.add(format!("{name}: call p99"), millis(slow), Some(wall));
        let time = (millis(limits.cpu()), of(cpu.as_secs_f64(), limits.cpu().as_secs_f64()));
        self.add(format!("{name}: processor time"), millis(cpu), Some(time));
        let bytes = |limit: usize| size(u64::try_from(limit).unwrap_or(u64::MAX));
        let limit = limits.memory_bytes();
        let share = of(memory as f64, limit as f64);
        self.add(format!("{name}: memory"), size(memory), Some((bytes(limit), share)));
        let limit = limits.host_copy_bytes();
        let share = of(copied as f64, limit as f64);
        self.add(format!("{name}: copied by host calls"), size(copied), Some((bytes(limit), share)));
    }

    /// Items a second when the platform hands over as many at a time as it does.
    fn batch(&mut self, plugin: &Plugin, case: &Case, each: Duration) {
        let Some(input) = repeated(&case.input) else { return };
        let (mut items, mut time) = (0usize, Duration::ZERO);
        let failed = rounds(each, || {
            let outcome = call(plugin, case, input.clone(), &Conditions::usual(case, false));
            items = items.saturating_add(input.items());
            time += outcome.usage.wall;
            outcome.result.err().filter(|fault| !crate::golden::is_honest(fault))
        });
        let name = format!("{}: {} at a time", case.name, input.items());
        match failed {
            Some(fault) => {
                self.failures.push(name);
                self.failures.extend(fault_lines(&fault));
            }
            None => {
                let rate = items as f64 / time.as_secs_f64().max(1e-9);
                self.add(name, format!("{rate:.0} items/s"), None);
            }
        }
    }
}

/// Runs until the time is up, within bounds, or until a round gives something.
fn rounds<T>(each: Duration, mut round: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    for number in 1..=*ROUNDS.end() {
        if let Some(end) = round() {
            return Some(end);
        }
        if number >= *ROUNDS.start() && started.elapsed() >= each {
            break;
        }
    }
    None
}

/// A batch of the items of a case, again and again; nothing for kinds that are called for one thing at a time.
fn repeated(input: &Input) -> Option<Input> {
    match input {
        Input::ImageAnalyzer { files } => {
            let one = |(number, file): (usize, &InputFile)| InputFile {
                path: format!("{number}/{}", file.path),
                ..file.clone()
            };
            let files: Vec<_> = files.iter().cycle().take(BATCH_ITEMS).enumerate().map(one).collect();
            (!files.is_empty()).then_some(Input::ImageAnalyzer { files })
        }
        Input::Posture { resources } => {
            let resources: Vec<_> = resources.iter().cycle().take(BATCH_ITEMS).cloned().collect();
            (!resources.is_empty()).then_some(Input::Posture { resources })
        }
        Input::Correlator { events, due, watermark } => {
            let one = |(number, event): (usize, &Event)| Event {
                id: format!("{}-{number}", event.id),
                ..event.clone()
            };
            let mut events: Vec<_> = events.iter().cycle().take(BATCH_ITEMS).enumerate().map(one).collect();
            events.sort_by_key(|event| event.time);
            let due = due.clone();
            (!events.is_empty()).then_some(Input::Correlator { events, due, watermark: *watermark })
        }
        Input::Compliance { observations } => {
            let observations: Vec<_> = observations.iter().cycle().take(BATCH_ITEMS).cloned().collect();
            (!observations.is_empty()).then_some(Input::Compliance { observations })
        }
        Input::Admission { .. } | Input::Collector { .. } | Input::Notifier { .. } => None,
    }
}

fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    if millis < 10.0 { format!("{millis:.3} ms") } else { format!("{millis:.0} ms") }
}

fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times.get((last as f64 * share) as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{BATCH_ITEMS, Figure, repeated, rounds};
    use host::Input;
    use host::kinds::Event;
    use std::time::Duration;

    #[test]
    fn rounds_end_by_time_within_their_bounds() {
        let mut count = 0;
        let nothing: Option<()> = rounds(Duration::ZERO, || {
            count += 1;
            None
        });
        assert_eq!((nothing, count), (None, 5));
        assert_eq!(rounds(Duration::from_secs(60), || Some(7)), Some(7));
    }

    #[test]
    fn a_large_batch_is_one_that_could_come() {
        let event = |id: &str, time| Event {
            id: id.to_owned(),
            time,
            source: String::new(),
            asset: String::new(),
            body: Vec::new(),
        };
        let input =
            Input::Correlator { events: vec![event("a", 1), event("b", 2)], due: Vec::new(), watermark: 0 };
        let Some(Input::Correlator { events, .. }) = repeated(&input) else { panic!() };
        let ids: std::collections::BTreeSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
        assert_eq!((events.len(), ids.len()), (BATCH_ITEMS, BATCH_ITEMS));
        assert!(events.is_sorted_by_key(|event| event.time));
        assert!(repeated(&Input::Collector { cursor: None }).is_none());
        assert!(repeated(&Input::Posture { resources: Vec::new() }).is_none());
    }

    #[test]
    fn a_verdict_is_by_the_share_of_the_limit() {
        let figure =
            |share| Figure { name: String::new(), value: String::new(), limit: Some((String::new(), share)) };
        assert_eq!(
            [0.1, 0.7, 1.1].map(|share| figure(share).verdict()),
            ["fine", "close to the limit", "over the limit"]
        );
    }
}
