//! What a call's limits of time are compared with.

use std::time::{Duration, Instant};

use crate::Limits;
use crate::meter::{cpu_stop, wall_stop};

/// The two clocks of one call, both of the calling thread.
#[derive(Clone)]
pub(crate) struct Clocks {
    pub(crate) started: Instant,
    pub(crate) deadline: Instant,
    cpu_started: Duration,
}

impl Clocks {
    pub(crate) fn start(limits: &Limits) -> Self {
        let started = Instant::now();
        Self { started, deadline: started + limits.wall(), cpu_started: thread_cpu() }
    }

    pub(crate) fn cpu_used(&self) -> Duration {
        thread_cpu().saturating_sub(self.cpu_started)
    }

    /// Asked at every tick. Processor time first: a loop that ran out of both is named for what it did.
    pub(crate) fn check(&self, limits: &Limits) -> wasmtime::Result<()> {
        if self.cpu_used() >= limits.cpu() {
            return Err(cpu_stop(limits).into());
        }
        if Instant::now() >= self.deadline {
            return Err(wall_stop(limits).into());
        }
        Ok(())
    }
}

/// Processor time of this thread, so that other threads and other processes never count against a guest.
fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
