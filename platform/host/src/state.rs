//! What one store holds: the state of one call, dropped with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::{Resource, ResourceTable};

use crate::analysis::{LogLevel, LogLine, SharedBytes, Usage};
use crate::content::Stored;
use crate::fault::{FaultKind, Stop};
use crate::meter::Meter;

/// Bytes that a kept log line costs beyond its text, so that empty lines run out too.
const LOG_LINE_COST: usize = 32;

pub(crate) struct State {
    pub(crate) meter: Meter,
    table: ResourceTable,
    config: Arc<str>,
    logs: Vec<LogLine>,
    log_bytes_left: usize,
    log_lines_dropped: u64,
    log_bytes_dropped: u64,
    metrics: BTreeMap<String, u64>,
}

impl State {
    /// `handles` bounds what the guest may hold; `lent` are the input's own.
    pub(crate) fn new(
        meter: Meter,
        limits: &crate::Limits,
        lent: usize,
        config: Arc<str>,
        metrics: &[String],
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(handles_max(limits, lent));
        Self {
            meter,
            table,
            config,
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

    /// What is left of the call: its logs and what it cost, times aside.
    pub(crate) fn into_logs_and_usage(self) -> (Vec<LogLine>, Usage) {
        let usage = Usage {
            memory_bytes_peak: self.meter.memory_peak(),
            copied_bytes: self.meter.copied(),
            host_calls: self.meter.calls(),
            denials: self.meter.denials,
            log_lines_dropped: self.log_lines_dropped,
            log_bytes_dropped: self.log_bytes_dropped,
            metrics: self.metrics.into_iter().filter(|(_, value)| *value > 0).collect(),
            ..Usage::default()
        };
        (self.logs, usage)
    }
}

/// Handles that a store may have: the guest's allowance and the lent ones.
pub(crate) fn handles_max(limits: &crate::Limits, lent: usize) -> usize {
    usize::try_from(limits.handles).unwrap_or(usize::MAX).saturating_add(lent)
}
