//! How each plugin behaves: counters for the operator, and the breaker that takes a misbehaving one out of service.
//!
//! Kept by digest and not by loaded handle, so that loading a plugin anew does not free it from quarantine.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::Capability;
use crate::analysis::{LogLine, Usage};
use crate::fault::{Fault, FaultKind};

/// Faults within [`BREAKER_WINDOW`] that lead to quarantine.
pub const BREAKER_FAULTS: usize = 5;
/// See [`BREAKER_FAULTS`].
pub const BREAKER_WINDOW: Duration = Duration::from_secs(600);

/// Whether a plugin is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginState {
    /// It is.
    Ready,
    /// It is, but it failed within the last ten minutes, or was denied something it asks for.
    Degraded,
    /// It is not, until an operator releases it.
    Quarantined {
        /// Since when.
        since: SystemTime,
        /// The fault that was one too many.
        last: Box<Fault>,
    },
}

/// A fault and its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastFault {
    /// What happened.
    pub fault: Fault,
    /// When.
    pub at: SystemTime,
}

/// Counters of one plugin since the host started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether it is called.
    pub state: PluginState,
    /// Calls that reached the guest.
    pub calls: u64,
    /// Failed calls by kind; kinds without any are left out.
    pub faults: BTreeMap<FaultKind, u64>,
    /// The last failed call that reached the guest.
    pub last_fault: Option<LastFault>,
    /// Half of the calls took no longer. Within an eighth of the true figure.
    pub latency_p50: Duration,
    /// All but one in a hundred calls took no longer. Within an eighth of the true figure.
    pub latency_p99: Duration,
    /// Most guest memory of any call, in bytes.
    pub memory_bytes_peak: u64,
    /// Processor time of all calls.
    pub cpu_total: Duration,
    /// Host calls of all calls.
    pub host_calls: u64,
    /// Host calls that needed a grant, by capability; those without any are left out.
    pub capability_calls: BTreeMap<Capability, u64>,
    /// Bytes sent to other systems.
    pub bytes_out: u64,
    /// Half of the calls waited no longer for a free instance.
    pub queued_p50: Duration,
    /// All but one in a hundred calls waited no longer.
    pub queued_p99: Duration,
    /// Host calls that were denied.
    pub denials: u64,
    /// Bytes of log text that were dropped.
    pub log_bytes_dropped: u64,
    /// The last lines that it logged, oldest first.
    pub logs: Vec<LogLine>,
}

/// Log lines that are remembered of a plugin.
const LOG_LINES_KEPT: usize = 100;
/// Bytes of one remembered line.
const LOG_LINE_BYTES_KEPT: usize = 1_024;

#[derive(Default)]
struct Breaker {
    recent: VecDeque<SystemTime>,
    last: Option<LastFault>,
    quarantined: Option<(SystemTime, Fault)>,
    faults: BTreeMap<FaultKind, u64>,
}

#[derive(Default)]
pub(crate) struct Ledger {
    calls: AtomicU64,
    latency: Histogram,
    memory_peak: AtomicU64,
    cpu_nanos: AtomicU64,
    host_calls: AtomicU64,
    denials: AtomicU64,
    log_bytes_dropped: AtomicU64,
    bytes_out: AtomicU64,
    queued: Histogram,
    /// What most calls add nothing to, so that they need no lock.
    rare: Mutex<Rare>,
    breaker: Mutex<Breaker>,
}

#[derive(Default)]
struct Rare {
    logs: VecDeque<LogLine>,
    capability_calls: BTreeMap<Capability, u64>,
}

impl Ledger {
    /// Refuses a call while the plugin is in quarantine.
    pub(crate) fn admit(&self) -> Result<(), Fault> {
        let mut breaker = self.breaker();
        let Some((_, last)) = &breaker.quarantined else { return Ok(()) };
        let message = format!("not called after {BREAKER_FAULTS} faults; the last one was: {last}");
        let mut fault = Fault::new(FaultKind::Quarantined, message);
        fault.frames.clone_from(&last.frames);
        fault.host_calls.clone_from(&last.host_calls);
        let count = breaker.faults.entry(FaultKind::Quarantined).or_default();
        *count = count.saturating_add(1);
        Err(fault)
    }

    pub(crate) fn is_quarantined(&self) -> bool {
        self.breaker().quarantined.is_some()
    }

    /// Puts it in quarantine for a reason that was found elsewhere, unless it is there already.
    pub(crate) fn hold(&self, fault: Fault, at: SystemTime) {
        self.breaker().quarantined.get_or_insert((at, fault));
    }

    /// Lifts the quarantine and forgets the faults that led to it.
    pub(crate) fn release(&self) {
        let mut breaker = self.breaker();
        breaker.quarantined = None;
        breaker.recent.clear();
    }

    /// Notes what a call cost, whatever came of it.
    pub(crate) fn spent(&self, usage: &Usage, logs: &[LogLine]) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.latency.record(usage.wall);
        self.memory_peak.fetch_max(usage.memory_bytes_peak, Ordering::Relaxed);
        self.cpu_nanos.fetch_add(nanos(usage.cpu), Ordering::Relaxed);
        self.host_calls.fetch_add(usage.host_calls, Ordering::Relaxed);
        self.denials.fetch_add(usage.denials.values().sum(), Ordering::Relaxed);
        self.log_bytes_dropped.fetch_add(usage.log_bytes_dropped, Ordering::Relaxed);
        self.bytes_out.fetch_add(usage.bytes_out, Ordering::Relaxed);
        self.queued.record(usage.queued);
        if logs.is_empty() && usage.capability_calls.is_empty() {
            return;
        }
        let mut rare = self.rare.lock().unwrap_or_else(PoisonError::into_inner);
        for (capability, count) in &usage.capability_calls {
            let sum = rare.capability_calls.entry(*capability).or_default();
            *sum = sum.saturating_add(*count);
        }
        for line in logs.iter().rev().take(LOG_LINES_KEPT).rev() {
            let end = line.message.floor_char_boundary(LOG_LINE_BYTES_KEPT);
            let message = line.message.get(..end).unwrap_or_default().to_owned();
            rare.logs.push_back(LogLine { level: line.level, message });
        }
        let over = rare.logs.len().saturating_sub(LOG_LINES_KEPT);
        rare.logs.drain(..over);
    }

    /// Notes a failed call, and opens the breaker when there were too many.
    pub(crate) fn failed(&self, fault: &Fault, at: SystemTime) {
        let mut breaker = self.breaker();
        let count = breaker.faults.entry(fault.kind).or_default();
        *count = count.saturating_add(1);
        breaker.last = Some(LastFault { fault: fault.clone(), at });
        if !fault.kind.counts_towards_quarantine() {
            return;
        }
        // A clock that was set back makes old faults look new; that is the safe side.
        breaker.recent.retain(|then| at.duration_since(*then).unwrap_or_default() < BREAKER_WINDOW);
        breaker.recent.push_back(at);
        if breaker.recent.len() >= BREAKER_FAULTS && breaker.quarantined.is_none() {
            breaker.quarantined = Some((at, fault.clone()));
        }
    }

    /// Counters and state as of `now`.
    pub(crate) fn health(&self, now: SystemTime) -> Health {
        let breaker = self.breaker();
        let rare = self.rare.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |at: &SystemTime| now.duration_since(*at).unwrap_or_default() < BREAKER_WINDOW;
        let degraded = breaker.recent.iter().any(recent) || self.denials.load(Ordering::Relaxed) > 0;
        Health {
            state: match &breaker.quarantined {
                None if degraded => PluginState::Degraded,
                None => PluginState::Ready,
                Some((since, last)) => {
                    PluginState::Quarantined { since: *since, last: Box::new(last.clone()) }
                }
            },
            calls: self.calls.load(Ordering::Relaxed),
            faults: breaker.faults.clone(),
            last_fault: breaker.last.clone(),
            latency_p50: self.latency.quantile(50),
            latency_p99: self.latency.quantile(99),
            memory_bytes_peak: self.memory_peak.load(Ordering::Relaxed),
            cpu_total: Duration::from_nanos(self.cpu_nanos.load(Ordering::Relaxed)),
            host_calls: self.host_calls.load(Ordering::Relaxed),
            denials: self.denials.load(Ordering::Relaxed),
            log_bytes_dropped: self.log_bytes_dropped.load(Ordering::Relaxed),
            capability_calls: rare.capability_calls.clone(),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
            queued_p50: self.queued.quantile(50),
            queued_p99: self.queued.quantile(99),
            logs: rare.logs.iter().cloned().collect(),
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Durations in buckets that grow by powers of two, eight to each: a fixed 2 kB, and never off by more than an eighth.
struct Histogram {
    buckets: [AtomicU64; BUCKETS],
}

const BUCKETS: usize = 64 * 8;

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: std::array::from_fn(|_| AtomicU64::new(0)) }
    }
}

impl Histogram {
    fn record(&self, time: Duration) {
        if let Some(bucket) = self.buckets.get(bucket(nanos(time))) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Upper bound of the bucket that holds the given percentile; zero when there is nothing.
    fn quantile(&self, percent: u64) -> Duration {
        let total: u64 = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum();
        let wanted = total.saturating_mul(percent).div_ceil(100);
        let mut seen = 0;
        for (index, bucket) in self.buckets.iter().enumerate() {
            seen += bucket.load(Ordering::Relaxed);
            if seen >= wanted && seen > 0 {
                return Duration::from_nanos(upper_bound(index));
            }
        }
        Duration::ZERO
    }
}

/// Index of the bucket of a figure: its highest bit, and the three bits below.
fn bucket(figure: u64) -> usize {
    if figure < 8 {
        return usize::try_from(figure).unwrap_or(0);
    }
    let high = 63 - figure.leading_zeros();
    let below = (figure >> (high - 3)) & 7;
    usize::try_from(u64::from(high - 2) * 8 + below).unwrap_or(BUCKETS - 1)
}

/// Largest figure of a bucket.
fn upper_bound(index: usize) -> u64 {
    let index = u64::try_from(index).unwrap_or(u64::MAX);
    if index < 8 {
        return index;
    }
    let shift = (index / 8).saturating_sub(1);
    let low = u128::from(8 + index % 8) << shift;
    u64::try_from(low + (1u128 << shift) - 1).unwrap_or(u64::MAX)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{BREAKER_FAULTS, BREAKER_WINDOW, Histogram, Ledger, PluginState, bucket, upper_bound};
    use crate::fault::{Fault, FaultKind};
    use std::time::{Duration, SystemTime};

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn five_faults_within_ten_minutes_are_too_many() {
        let ledger = Ledger::default();
        let trap = Fault::new(FaultKind::Trap, "unreachable");
        // One every 151 seconds never makes five in 600.
        for turn in 0..20 {
            ledger.failed(&trap, at(turn * 151));
        }
        assert!(ledger.admit().is_ok());
        let start = 20 * 151 + BREAKER_WINDOW.as_secs();
        for turn in 0..BREAKER_FAULTS as u64 {
            assert!(ledger.admit().is_ok());
            ledger.failed(&trap, at(start + turn));
        }
        let refused = ledger.admit().unwrap_err();
        assert_eq!(refused.kind, FaultKind::Quarantined);
        assert!(refused.message.contains("trap: unreachable"), "{}", refused.message);
        assert!(
            matches!(ledger.health(at(start + 5)).state, PluginState::Quarantined { since, .. } if since == at(start + 4))
        );
        ledger.release();
        assert!(ledger.admit().is_ok());
        assert_eq!(ledger.health(at(0)).faults[&FaultKind::Trap], 25);
        assert_eq!(ledger.health(at(0)).faults[&FaultKind::Quarantined], 1);
    }

    #[test]
    fn what_is_not_the_plugins_doing_never_leads_to_quarantine() {
        let ledger = Ledger::default();
        for kind in [FaultKind::Declined, FaultKind::Host] {
            for _ in 0..10 {
                ledger.failed(&Fault::new(kind, "x"), at(0));
            }
        }
        assert!(ledger.admit().is_ok());
    }

    #[test]
    fn quantiles_are_within_an_eighth() {
        let histogram = Histogram::default();
        assert_eq!(histogram.quantile(99), Duration::ZERO);
        for micros in 1..=1000u64 {
            histogram.record(Duration::from_micros(micros));
        }
        for (percent, micros) in [(50, 500.0), (99, 990.0)] {
            let got = histogram.quantile(percent).as_secs_f64() * 1e6;
            assert!(got >= micros && got <= micros * 1.125, "{percent}: {got}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_figure_has_its_bucket(figure: u64) {
            let index = bucket(figure);
            assert!(index < super::BUCKETS);
            assert!(upper_bound(index) >= figure);
            assert!(index == 0 || upper_bound(index - 1) < figure);
        }
    }
}
