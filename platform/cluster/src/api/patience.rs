//! How often, and after which pauses, a request is sent again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::api::failure::Failure;

/// Longest time that a server may ask to be left alone for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Patience with an API server.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How often a request is sent that fails for reasons which pass.
    pub attempts: u32,
    /// Pause after the first failure; every further one doubles it.
    pub pause: Duration,
    /// Longest pause.
    pub pause_max: Duration,
    /// How long nothing may come of an answer to a question.
    pub idle: Duration,
}

impl Default for Patience {
    /// Five attempts, from half a second to thirty, and a minute of silence.
    fn default() -> Self {
        Self {
            attempts: 5,
            pause: Duration::from_millis(500),
            pause_max: Duration::from_secs(30),
            idle: Duration::from_secs(60),
        }
    }
}

/// Failures in a row, and the pauses between them.
#[derive(Debug)]
pub(crate) struct Pauses {
    patience: Patience,
    /// Of all who wait for the same server each waits a little longer or shorter.
    spread: u32,
    pub(crate) failures: u32,
}

impl Pauses {
    pub(crate) fn new(patience: Patience, who: &impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        who.hash(&mut hasher);
        let spread = u32::try_from(hasher.finish() % 50).unwrap_or_default();
        Self { patience, spread, failures: 0 }
    }

    /// Counts a failure and says how long to wait after it.
    pub(crate) fn after(&mut self, failure: &Failure) -> Duration {
        let doubled = self.patience.pause.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let pause = doubled.min(self.patience.pause_max);
        let pause = pause.saturating_mul(100 + self.spread) / 125;
        pause.max(failure.retry_after.unwrap_or_default().min(RETRY_AFTER_MAX))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.failures >= self.patience.attempts
    }

    /// Waits after a failure, unless it is one for good or the last one.
    pub(crate) async fn wait(&mut self, failure: Failure) -> Result<(), Failure> {
        let pause = self.after(&failure);
        if !failure.is_passing() || self.is_over() {
            return Err(failure);
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Patience, Pauses};
    use crate::api::failure::{Cause, Failure};

    #[test]
    fn pauses_grow_up_to_a_limit_and_are_as_long_as_the_server_wants() {
        let patience = Patience::default();
        let mut pauses = Pauses::new(patience, &"pods");
        let mut failure = Failure::new(Cause::Busy, "");
        let some: Vec<Duration> = (0..40).map(|_| pauses.after(&failure)).collect();
        assert!(some.is_sorted() && some[0] >= Duration::from_millis(400));
        assert!(some.iter().all(|pause| *pause < Duration::from_secs(36)));
        failure.retry_after = Some(Duration::from_secs(45));
        assert_eq!(pauses.after(&failure), Duration::from_secs(45));
        failure.retry_after = Some(Duration::from_secs(1_000_000));
        assert_eq!(pauses.after(&failure), Duration::from_secs(60));
    }
}
