//! What one store holds: the state of one call, dropped with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::{Resource, ResourceTable};

use crate::Capability;
use crate::analysis::{LogLevel, LogLine, SharedBytes, Usage};
use crate::content::Stored;
use crate::fault::{FaultKind, Stop};
use crate::gate::{Ask, Audit, Gate, Reply, Tally};
use crate::meter::Meter;
use crate::overlay::StateChanges;
use crate::services::Refusal;
use crate::transcript::Recorder;

/// Bytes that a kept log line costs beyond its text, so that empty lines run out too.
const LOG_LINE_COST: usize = 32;

pub(crate) struct State {
    pub(crate) meter: Meter,
    gate: Gate,
    table: ResourceTable,
    config: Arc<str>,
    now: u64,
    logs: Vec<LogLine>,
    log_bytes_left: usize,
    log_lines_dropped: u64,
    log_bytes_dropped: u64,
    metrics: BTreeMap<String, u64>,
}

/// What is left of a call when its store is gone.
pub(crate) struct Remains {
    pub(crate) logs: Vec<LogLine>,
    /// What it cost, times aside.
    pub(crate) usage: Usage,
    pub(crate) state: StateChanges,
    pub(crate) audit: Vec<Audit>,
    pub(crate) audit_dropped: u64,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) refused: Option<Stop>,
    pub(crate) recent: Vec<String>,
}

impl State {
    /// `handles` bounds what the guest may hold; `lent` are the input's own.
    pub(crate) fn new(
        (meter, gate): (Meter, Gate),
        limits: &crate::Limits,
        lent: usize,
        (config, now): (Arc<str>, u64),
        metrics: &[String],
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(handles_max(limits, lent));
        Self {
            meter,
            gate,
            table,
            config,
            now,
            logs: Vec::new(),
            log_bytes_left: limits.log_bytes(),
            log_lines_dropped: 0,
            log_bytes_dropped: 0,
            metrics: metrics.iter().map(|name| (name.clone(), 0)).collect(),
        }
    }

    pub(crate) fn config(&self) -> &str {
        &self.config
    }

    /// The time of the call, in nanoseconds since 1970.
    pub(crate) fn time(&self) -> u64 {
        self.now
    }

    /// Takes an ask through the gate, metered on both sides of it. The outer error stops the guest.
    pub(crate) fn pass(&mut self, ask: Ask) -> Result<Result<Reply, Refusal>, Stop> {
        let capability = ask.capability();
        let bytes = ask.bytes();
        self.meter.enter(ask.name(), [u64::try_from(bytes).unwrap_or(u64::MAX), 0])?;
        if !self.meter.copy(bytes)? {
            return Ok(Err(Refusal::Limit("host-copy".to_owned())));
        }
        let answer = self.gate.pass(ask);
        match &answer {
            Ok(reply) if !self.meter.copy(reply.bytes())? => {
                return Ok(Err(Refusal::Limit("host-copy".to_owned())));
            }
            Ok(_) => {}
            Err(Refusal::Denied(_)) => self.meter.deny(capability)?,
            Err(Refusal::Limit(what)) => {
                let kind = if capability == Capability::State { FaultKind::State } else { FaultKind::Egress };
                self.meter
                    .refuse(kind, format!("it went over its limit of {}", crate::error::shown(what)))?;
            }
            // Neither is the plugin's right to repeat for ever.
            Err(_) => self.meter.in_vain()?,
        }
        Ok(answer)
    }

    /// Lends bytes to the guest.
    pub(crate) fn lend(&mut self, bytes: SharedBytes) -> Result<Resource<Stored>, Stop> {
        self.hold(Stored::whole(bytes)).map_err(|()| Stop {
            kind: FaultKind::Host,
            message: "the batch has more files than handles".to_owned(),
        })
    }

    /// Makes a handle; fails when there are no more.
    pub(crate) fn hold(&mut self, stored: Stored) -> Result<Resource<Stored>, ()> {
        self.table.push(stored).map_err(|_| ())
    }

    pub(crate) fn stored(&self, handle: &Resource<Stored>) -> wasmtime::Result<&Stored> {
        Ok(self.table.get(handle)?)
    }

    pub(crate) fn release(&mut self, handle: Resource<Stored>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }

    /// Keeps a line, or drops and counts it. After the first dropped line all are dropped, so that what is kept is a
    /// prefix and reads as one.
    pub(crate) fn log(&mut self, level: LogLevel, message: String) {
        let cost = message.len().saturating_add(LOG_LINE_COST);
        if cost <= self.log_bytes_left {
            self.log_bytes_left -= cost;
            self.logs.push(LogLine { level, message });
        } else {
            self.log_bytes_left = 0;
            self.log_lines_dropped = self.log_lines_dropped.saturating_add(1);
            let bytes = u64::try_from(message.len()).unwrap_or(u64::MAX);
            self.log_bytes_dropped = self.log_bytes_dropped.saturating_add(bytes);
        }
    }

    /// Adds to a declared counter; others are ignored.
    pub(crate) fn count(&mut self, name: &str, value: u64) {
        if let Some(counter) = self.metrics.get_mut(name) {
            *counter = counter.saturating_add(value);
        }
    }

    /// What is left of the call.
    pub(crate) fn into_remains(self) -> Remains {
        let (refused, recent) = (self.meter.refused(), self.meter.recent());
        let Tally { calls, bytes_out, audit, audit_dropped } = self.gate.tally;
        let usage = Usage {
            memory_bytes_peak: self.meter.memory_peak(),
            copied_bytes: self.meter.copied(),
            host_calls: self.meter.calls(),
            capability_calls: calls,
            denials: self.meter.denials,
            bytes_out,
            log_lines_dropped: self.log_lines_dropped,
            log_bytes_dropped: self.log_bytes_dropped,
            metrics: self.metrics.into_iter().filter(|(_, value)| *value > 0).collect(),
            ..Usage::default()
        };
        Remains {
            logs: self.logs,
            usage,
            state: self.gate.overlay.into_changes(),
            audit,
            audit_dropped,
            recorder: self.gate.recorder,
            refused,
            recent,
        }
    }
}

/// Handles that a store may have: the guest's allowance and the lent ones.
pub(crate) fn handles_max(limits: &crate::Limits, lent: usize) -> usize {
    usize::try_from(limits.handles).unwrap_or(usize::MAX).saturating_add(lent)
}

/// How often an image of a memory is tried to be made.
const IMAGE_TRIES_MAX: usize = 20;

/// Makes the images that memories of instances begin as, where there are none yet. Linux seals each against writing, which it refuses
/// while anything in the machine holds one of its pages, such as the compaction of memory: for itself it waits 150 ms each time.
pub(crate) fn make_images(component: &wasmtime::component::Component) -> wasmtime::Result<()> {
    let mut made = component.initialize_copy_on_write_image();
    for _ in 1..IMAGE_TRIES_MAX {
        match &made {
            Err(error) if is_busy(error) => made = component.initialize_copy_on_write_image(),
            _ => break,
        }
    }
    made
}

fn is_busy(error: &wasmtime::Error) -> bool {
    let busy = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::ResourceBusy;
    error.chain().filter_map(|cause| cause.downcast_ref()).any(busy)
}

/// An instance that could not be made: a bound refused it, or the host had no room. Only code that ran can trap.
pub(crate) fn not_started(error: wasmtime::Error, state: &State) -> wasmtime::Error {
    if error.downcast_ref::<wasmtime::Trap>().is_some() || error.downcast_ref::<Stop>().is_some() {
        return error;
    }
    let message = crate::error::shown(&error.root_cause().to_string());
    let host = || Stop { kind: FaultKind::Host, message: format!("it could not be instantiated: {message}") };
    state.meter.refused().unwrap_or_else(host).into()
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    #[test]
    fn what_is_busy_is_told_from_what_fails() {
        let of = |kind| wasmtime::Error::from(Error::from(kind)).context("the image of a memory");
        assert!(super::is_busy(&of(ErrorKind::ResourceBusy)));
        assert!(super::is_busy(&Error::from_raw_os_error(16).into()));
        assert!(!super::is_busy(&of(ErrorKind::OutOfMemory)));
        assert!(!super::is_busy(&wasmtime::Error::msg("busy")));
    }
}
