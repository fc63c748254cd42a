//! The time of this call. It stands still during the call, so that a replay sees the same. Needs no grant.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::host;

/// Nanoseconds since 1970 in UTC. In native tests it is 0 unless the fakes say otherwise.
#[must_use]
pub fn now() -> u64 {
    host::clock_now()
}

/// The same as a time of the standard library, for comparing and adding.
#[must_use]
pub fn system_time() -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(now())
}
