//! Findings that were stored before there was a risk: each gets its own, once, soon after the first start of a release that has one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;

use super::Service;

/// Before another try, where the store does not answer.
const AGAIN: Duration = Duration::from_secs(60);

/// Runs until all are done, or until stopped.
pub(crate) async fn run(service: Arc<Service>, mut stopped: watch::Receiver<bool>) -> Result<()> {
    let mut scored = 0;
    loop {
        let work = async {
            match service.store.score_unscored().await {
                Ok(some) => Some(some),
                Err(error) => {
                    tracing::warn!(error = %error, "findings cannot be given their risk; trying again in a minute");
                    tokio::time::sleep(AGAIN).await;
                    None
                }
            }
        };
        let some = tokio::select! {
            some = work => some,
            _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
        };
        scored += some.unwrap_or_default();
        if some == Some(0) {
            break;
        }
    }
    if scored > 0 {
        tracing::info!(findings = scored, "findings of before were given their risk");
    }
    // A part that ends would end the service.
    let _ = stopped.wait_for(|stopped| *stopped).await;
    Ok(())
}
