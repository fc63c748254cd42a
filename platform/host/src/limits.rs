//! What one call of a plugin may use, and what no call may ever use.
//!
//! Every figure is enforced per call, in a fresh store, and has its own fault: see [`crate::FaultKind`]. A manifest may
//! ask for other figures than the defaults; the operator's ceiling bounds what it may ask for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Limits of one call. All units are in the names; no figure may be zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// Linear memory of the guest, all its memories together.
    pub memory_mib: u32,
    /// Processor time of the calling thread, measured at every tick of 10 ms.
    pub cpu_ms: u32,
    /// Time from entering the guest to its answer, host calls included, queueing excluded.
    pub wall_ms: u32,
    /// Bytes that cross between guest and host by host calls and in the answer. A single crossing towards the host is
    /// bounded by [`Limits::single_copy_bytes`] as well.
    pub host_copy_mib: u32,
    /// Handles that the guest may hold at a time, besides those of its input.
    pub handles: u32,
    /// Records in an answer, all its lists together.
    pub results: u32,
    /// Log text that is kept; what goes over is dropped and counted.
    pub log_kib: u32,
    /// Requests to other systems.
    pub requests: u32,
    /// Bytes of those requests and of their answers together.
    pub egress_mib: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_mib: 64,
            cpu_ms: 2_000,
            wall_ms: 30_000,
            host_copy_mib: 64,
            handles: 4_096,
            results: 10_000,
            log_kib: 64,
            requests: 100,
            egress_mib: 16,
        }
    }
}

impl Limits {
    /// The most that any manifest may ask for, whatever the operator allows.
    pub const CEILING: Self = Self {
        memory_mib: 512,
        cpu_ms: 60_000,
        wall_ms: 600_000,
        host_copy_mib: 4_096,
        handles: 65_536,
        results: 200_000,
        log_kib: 1_024,
        requests: 10_000,
        egress_mib: 1_024,
    };

    /// Names and figures, in the order of the manifest's documentation.
    #[must_use]
    pub fn figures(&self) -> [(&'static str, u32); 9] {
        [
            ("memory-mib", self.memory_mib),
            ("cpu-ms", self.cpu_ms),
            ("wall-ms", self.wall_ms),
            ("host-copy-mib", self.host_copy_mib),
            ("handles", self.handles),
            ("results", self.results),
            ("log-kib", self.log_kib),
            ("requests", self.requests),
            ("egress-mib", self.egress_mib),
        ]
    }

    /// Guest memory in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        mebibytes(self.memory_mib)
    }

    /// Copied bytes.
    #[must_use]
    pub fn host_copy_bytes(&self) -> usize {
        mebibytes(self.host_copy_mib)
    }

    /// The most that one host call or one answer may carry from guest to host. Half the default guest memory: enough
    /// for any honest answer, and a bound on what a single call makes the host allocate.
    #[must_use]
    pub fn single_copy_bytes(&self) -> usize {
        self.host_copy_bytes().min(mebibytes(32))
    }

    /// Processor time.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        Duration::from_millis(u64::from(self.cpu_ms))
    }

    /// Time on the clock.
    #[must_use]
    pub fn wall(&self) -> Duration {
        Duration::from_millis(u64::from(self.wall_ms))
    }

    /// Bytes of requests and answers.
    #[must_use]
    pub fn egress_bytes(&self) -> usize {
        mebibytes(self.egress_mib)
    }

    /// Kept log text in bytes.
    #[must_use]
    pub fn log_bytes(&self) -> usize {
        usize::try_from(self.log_kib).unwrap_or(usize::MAX).saturating_mul(1024)
    }
}

fn mebibytes(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(1024 * 1024)
}

/// The figures that a manifest states; the rest stay at their defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AskedLimits {
    /// See [`Limits::memory_mib`].
    pub memory_mib: Option<u32>,
    /// See [`Limits::cpu_ms`].
    pub cpu_ms: Option<u32>,
    /// See [`Limits::wall_ms`].
    pub wall_ms: Option<u32>,
    /// See [`Limits::host_copy_mib`].
    pub host_copy_mib: Option<u32>,
    /// See [`Limits::handles`].
    pub handles: Option<u32>,
    /// See [`Limits::results`].
    pub results: Option<u32>,
    /// See [`Limits::log_kib`].
    pub log_kib: Option<u32>,
    /// See [`Limits::requests`].
    pub requests: Option<u32>,
    /// See [`Limits::egress_mib`].
    pub egress_mib: Option<u32>,
}

impl AskedLimits {
    /// The limits in force under a ceiling: what was asked, else the default but never over the ceiling.
    ///
    /// # Errors
    /// The key and the reason, when a figure is zero or over the ceiling.
    pub fn resolve(&self, ceiling: &Limits) -> Result<Limits, (String, String)> {
        let usual = Limits::default();
        let pick = |key: &str, asked: Option<u32>, usual: u32, ceiling: u32| match asked {
            None => Ok(usual.min(ceiling)),
            Some(0) => Err((format!("limits.{key}"), format!("is 0; allowed are 1 to {ceiling}"))),
            Some(figure) if figure > ceiling => {
                Err((format!("limits.{key}"), format!("is {figure}; allowed are 1 to {ceiling}")))
            }
            Some(figure) => Ok(figure),
        };
        Ok(Limits {
            memory_mib: pick("memory-mib", self.memory_mib, usual.memory_mib, ceiling.memory_mib)?,
            cpu_ms: pick("cpu-ms", self.cpu_ms, usual.cpu_ms, ceiling.cpu_ms)?,
            wall_ms: pick("wall-ms", self.wall_ms, usual.wall_ms, ceiling.wall_ms)?,
            host_copy_mib: pick(
                "host-copy-mib",
                self.host_copy_mib,
                usual.host_copy_mib,
                ceiling.host_copy_mib,
            )?,
            handles: pick("handles", self.handles, usual.handles, ceiling.handles)?,
            results: pick("results", self.results, usual.results, ceiling.results)?,
            log_kib: pick("log-kib", self.log_kib, usual.log_kib, ceiling.log_kib)?,
            requests: pick("requests", self.requests, usual.requests, ceiling.requests)?,
            egress_mib: pick("egress-mib", self.egress_mib, usual.egress_mib, ceiling.egress_mib)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{AskedLimits, Limits};

    #[test]
    fn asking_is_bounded_by_the_ceiling_and_defaults_bend_to_it() {
        let small = Limits { memory_mib: 16, ..Limits::CEILING };
        assert_eq!(AskedLimits::default().resolve(&small).unwrap().memory_mib, 16);
        let asked = AskedLimits { cpu_ms: Some(50), ..AskedLimits::default() };
        assert_eq!(asked.resolve(&small).unwrap().cpu_ms, 50);
        for figure in [0, 17] {
            let asked = AskedLimits { memory_mib: Some(figure), ..AskedLimits::default() };
            let (key, problem) = asked.resolve(&small).unwrap_err();
            assert_eq!(key, "limits.memory-mib");
            assert_eq!(problem, format!("is {figure}; allowed are 1 to 16"));
        }
    }
}
