//! Counts what one call uses and says no.
//!
//! A refusal that the contract can express (`limit`) is told to the guest first, so that it can report what it has. A
//! guest that keeps asking is stopped, and a guest that aborts after a refusal gets the refusal's fault, not `trap`.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Instant;

use crate::fault::{FaultKind, Stop};
use crate::{Capability, Limits};

/// Elements of all tables together. The largest honest guest, a JavaScript engine, has 12,000.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 65_536;
/// Core instances, memories and tables of one component; the pool reserves as many for each call. A Python guest of
/// componentize-py 0.25 has 38 core instances, one for each native library of its interpreter and more for its imports.
pub(crate) const CORE_INSTANCES_MAX: u32 = 64;
/// See [`CORE_INSTANCES_MAX`].
pub(crate) const MEMORIES_MAX: u32 = 2;
/// See [`CORE_INSTANCES_MAX`].
pub(crate) const TABLES_MAX: u32 = 16;

/// Refused host calls after which a guest is stopped. Enough to give up on each file of a batch alone.
const REFUSALS_MAX: u32 = 1_000;
/// Host calls remembered for a fault's message.
const RECENT_CALLS: usize = 8;

/// A host call, cheap to remember.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostCall {
    pub(crate) name: &'static str,
    pub(crate) figures: [u64; 2],
}

pub(crate) struct Meter {
    limits: Limits,
    deadline: Instant,
    memory: usize,
    memory_peak: usize,
    table_elements: usize,
    copied: usize,
    refusals: u32,
    refused: Option<Stop>,
    calls: u64,
    recent: VecDeque<HostCall>,
    pub(crate) denials: BTreeMap<Capability, u64>,
}

impl Meter {
    pub(crate) fn new(limits: Limits, deadline: Instant) -> Self {
        Self {
            limits,
            deadline,
            memory: 0,
            memory_peak: 0,
            table_elements: 0,
            copied: 0,
            refusals: 0,
            refused: None,
            calls: 0,
            recent: VecDeque::new(),
            denials: BTreeMap::new(),
        }
    }

    /// The same for an instance that was used before: what it grew to counts on.
    pub(crate) fn carried_on(self, before: &Self) -> Self {
        Self {
            memory: before.memory,
            memory_peak: before.memory,
            table_elements: before.table_elements,
            ..self
        }
    }

    /// Bytes of memory that the guest has now.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// Notes a host call. Host time counts too, so the deadline is looked at here as well as at every tick.
    pub(crate) fn enter(&mut self, name: &'static str, figures: [u64; 2]) -> Result<(), Stop> {
        self.calls = self.calls.saturating_add(1);
        if self.recent.len() == RECENT_CALLS {
            self.recent.pop_front();
        }
        self.recent.push_back(HostCall { name, figures });
        if Instant::now() >= self.deadline { Err(wall_stop(&self.limits)) } else { Ok(()) }
    }

    /// Takes bytes from the copy allowance; the answer says whether they were there.
    pub(crate) fn copy(&mut self, bytes: usize) -> Result<bool, Stop> {
        let total = self.copied.saturating_add(bytes);
        if total > self.limits.host_copy_bytes() {
            let message =
                format!("it moved more than {} MiB between guest and host", self.limits.host_copy_mib);
            self.refuse(FaultKind::HostCopy, message)?;
            return Ok(false);
        }
        self.copied = total;
        Ok(true)
    }

    /// Notes a denied capability.
    pub(crate) fn deny(&mut self, capability: Capability) -> Result<(), Stop> {
        let count = self.denials.entry(capability).or_default();
        *count = count.saturating_add(1);
        self.refuse(FaultKind::Denied, format!("the capability `{capability}` is not granted"))
    }

    /// Notes that something was refused; stops a guest that never gives up.
    pub(crate) fn refuse(&mut self, kind: FaultKind, message: String) -> Result<(), Stop> {
        let stop = Stop { kind, message };
        self.refused = Some(stop.clone());
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals > REFUSALS_MAX { Err(stop) } else { Ok(()) }
    }

    /// Notes a call that brought nothing, without blaming it for what happens later; stops a guest that never gives up.
    pub(crate) fn in_vain(&mut self) -> Result<(), Stop> {
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals <= REFUSALS_MAX {
            return Ok(());
        }
        let message = format!("more than {REFUSALS_MAX} host calls brought nothing");
        Err(Stop { kind: FaultKind::Protocol, message })
    }

    /// The last refusal, if there was one.
    pub(crate) fn refused(&self) -> Option<Stop> {
        self.refused.clone()
    }

    pub(crate) fn memory_peak(&self) -> u64 {
        u64::try_from(self.memory_peak).unwrap_or(u64::MAX)
    }

    pub(crate) fn copied(&self) -> u64 {
        u64::try_from(self.copied).unwrap_or(u64::MAX)
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// The last host calls as text, oldest first.
    pub(crate) fn recent(&self) -> Vec<String> {
        let text = |call: &HostCall| format!("{}({}, {})", call.name, call.figures[0], call.figures[1]);
        self.recent.iter().map(text).collect()
    }
}

/// The stop for a call that took too long.
pub(crate) fn wall_stop(limits: &Limits) -> Stop {
    Stop { kind: FaultKind::Wall, message: format!("it took more than {} ms", limits.wall_ms) }
}

/// The stop for a call that computed too long.
pub(crate) fn cpu_stop(limits: &Limits) -> Stop {
    Stop {
        kind: FaultKind::Cpu,
        message: format!("it used more than {} ms of processor time", limits.cpu_ms),
    }
}

impl wasmtime::ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_sub(current).saturating_add(desired);
        if total > self.limits.memory_bytes() {
            let message =
                format!("it asked for {total} bytes of memory; {} MiB are allowed", self.limits.memory_mib);
            self.refuse(FaultKind::Memory, message)?;
            return Ok(false);
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.memory = total;
        self.memory_peak = self.memory_peak.max(total);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.table_elements.saturating_sub(current).saturating_add(desired);
        if total > TABLE_ELEMENTS_MAX {
            let message = format!("it asked for {total} table elements; {TABLE_ELEMENTS_MAX} are allowed");
            self.refuse(FaultKind::Memory, message)?;
            return Ok(false);
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.table_elements = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX as usize
    }
}
