//! What nobody needs any more: records of messages that the bus can no longer deliver again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::Service;

/// How often. The first time is soon after the start, as services that are restarted every day forget too.
const EVERY: Duration = Duration::from_secs(3_600);
const FIRST: Duration = Duration::from_secs(60);
/// A message that was committed and not acknowledged comes again when its consumer is back, at the latest after so long an absence.
const MESSAGES_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Runs until stopped.
pub(crate) async fn run(service: Arc<Service>, mut stopped: watch::Receiver<bool>) -> Result<()> {
    let mut pause = FIRST;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
        }
        pause = EVERY;
        let Ok(before) = Timestamp::now().checked_sub(MESSAGES_KEPT) else { continue };
        match service.store.forget_messages(before).await {
            Ok(0) => {}
            Ok(messages) => tracing::info!(messages, "records of old messages were forgotten"),
            Err(error) => {
                tracing::warn!(error = %error, "cannot forget records of old messages; trying again in an hour");
            }
        }
    }
}
