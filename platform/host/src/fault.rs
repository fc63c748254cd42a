//! How a call can fail, each way by its own name.
//!
//! A fault says which bound was hit or what the guest did, in which of its functions, and what it asked the host for last.
//! It is data for a coverage gap and for the plugin's author, never a crash of the host.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::analysis::LogLine;
use crate::error::shown;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FaultKind {
    /// The guest trapped: unreachable code (a panic), an access out of bounds, a stack overflow.
    Trap,
    /// Processor time ran out.
    Cpu,
    /// Time on the clock ran out.
    Wall,
    /// Memory or tables were refused to it.
    Memory,
    /// It moved more bytes across the boundary than allowed.
    HostCopy,
    /// It held more handles than allowed.
    Handles,
    /// It answered with more records than allowed.
    Results,
    /// It sent more requests or bytes than allowed.
    Egress,
    /// It wanted to keep more state than granted.
    State,
    /// A capability was denied, and it could not do without.
    Denied,
    /// It broke the contract: an index out of range, an undeclared rule, a string too long, a value that is none.
    Protocol,
    /// It said itself that it cannot do this call. Not counted towards quarantine.
    Declined,
    /// It is in quarantine; it was not called.
    Quarantined,
    /// The host failed, not the plugin. Not counted towards quarantine.
    Host,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::Trap,
        Self::Cpu,
        Self::Wall,
        Self::Memory,
        Self::HostCopy,
        Self::Handles,
        Self::Results,
        Self::Egress,
        Self::State,
        Self::Denied,
        Self::Protocol,
        Self::Declined,
        Self::Quarantined,
        Self::Host,
    ];

    /// The stable code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Cpu => "cpu",
            Self::Wall => "wall",
            Self::Memory => "memory",
            Self::HostCopy => "host-copy",
            Self::Handles => "handles",
            Self::Results => "results",
            Self::Egress => "egress",
            Self::State => "state",
            Self::Denied => "denied",
            Self::Protocol => "protocol",
            Self::Declined => "declined",
            Self::Quarantined => "quarantined",
            Self::Host => "host",
        }
    }

    /// Whether it is the plugin's own doing, so that repeated ones lead to quarantine.
    #[must_use]
    pub fn counts_towards_quarantine(self) -> bool {
        !matches!(self, Self::Declined | Self::Quarantined | Self::Host)
    }
}

impl std::fmt::Display for FaultKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind}: {message}")]
pub struct Fault {
    /// What went wrong.
    pub kind: FaultKind,
    /// The figures, and for traps the reason. Fit for a terminal.
    pub message: String,
    /// Functions of the guest, innermost first, where its name section tells.
    pub frames: Vec<String>,
    /// The last host calls, oldest first.
    pub host_calls: Vec<String>,
    /// What it had logged before.
    pub logs: Vec<LogLine>,
    /// When it wants to be called again, where it said so.
    pub retry_after: Option<Duration>,
}

impl Fault {
    /// A fault of this kind, with nothing known but why.
    #[must_use]
    pub fn of(kind: FaultKind, message: impl Into<String>) -> Self {
        Self::new(kind, message)
    }

    pub(crate) fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            frames: Vec::new(),
            host_calls: Vec::new(),
            logs: Vec::new(),
            retry_after: None,
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.as_str()
    }
}

/// Why the host stopped a guest. Travels through the engine as an error.
#[derive(Debug, Clone, Error)]
#[error("{message}")]
pub(crate) struct Stop {
    pub(crate) kind: FaultKind,
    pub(crate) message: String,
}

/// What wasmtime says when one crossing carries more than its allowance; the type itself is private there. A test of
/// a string too long pins it.
const COPY_FUEL_TEXT: &str = "fuel allocated for hostcalls has been exhausted";
/// The same for guest-held handles.
const HANDLE_TEXT: &str = "store handle limit exceeded";

/// Names the fault behind an error of the engine. `refused` is the last bound that the guest ran into before: a guest
/// that aborts because memory was refused shows only a trap.
pub(crate) fn classify(error: &wasmtime::Error, refused: Option<Stop>) -> Fault {
    let mut fault = if let Some(stop) = error.downcast_ref::<Stop>() {
        Fault::new(stop.kind, stop.message.clone())
    } else if let Some(trap) = error.downcast_ref::<wasmtime::Trap>() {
        match refused {
            Some(stop) => Fault::new(stop.kind, format!("{}; then {trap}", stop.message)),
            None => Fault::new(FaultKind::Trap, trap.to_string()),
        }
    } else {
        let reason = error.root_cause().to_string();
        if reason.contains(COPY_FUEL_TEXT) {
            Fault::new(FaultKind::HostCopy, "one crossing to the host carried more bytes than allowed")
        } else if reason.contains(HANDLE_TEXT) {
            Fault::new(FaultKind::Handles, "it held more handles than allowed")
        } else {
            Fault::new(
                FaultKind::Protocol,
                format!("it handed over a value that is none: {}", shown(&reason)),
            )
        }
    };
    fault.frames = frames(error);
    fault
}

fn frames(error: &wasmtime::Error) -> Vec<String> {
    const FRAMES_MAX: usize = 16;
    let Some(backtrace) = error.downcast_ref::<wasmtime::WasmBacktrace>() else { return Vec::new() };
    backtrace
        .frames()
        .iter()
        .take(FRAMES_MAX)
        .map(|frame| match frame.func_name() {
            Some(name) => shown(name),
            None => format!("function {}", frame.func_index()),
        })
        .collect()
}
