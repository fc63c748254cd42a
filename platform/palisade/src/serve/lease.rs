//! The lease of a cluster: of all processes over one store, one follows it.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::TenantId;
use store::FollowReport;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::Service;

/// How long a lease lasts that is not renewed. The clocks of processes have to agree better than this.
const LASTS: SignedDuration = SignedDuration::from_secs(30);
/// How often it is renewed, or asked for again by who has not got it.
pub(crate) const RENEW_EVERY: Duration = Duration::from_secs(10);

/// A lease that is renewed until this is dropped.
pub(crate) struct Lease {
    service: Arc<Service>,
    cluster: String,
    holder: Uuid,
    lost: watch::Receiver<bool>,
    renewing: JoinHandle<()>,
}

impl Lease {
    /// Takes the lease of a cluster; nothing if another process has it.
    pub(crate) async fn take(
        service: &Arc<Service>,
        cluster: &str,
    ) -> Result<Option<Self>, store::StoreError> {
        let (service, cluster, holder) = (Arc::clone(service), cluster.to_owned(), Uuid::now_v7());
        if !claim(&service, &cluster, holder).await? {
            return Ok(None);
        }
        let (losing, lost) = watch::channel(false);
        let renewing = tokio::spawn(renew(Arc::clone(&service), cluster.clone(), holder, losing));
        Ok(Some(Self { service, cluster, holder, lost, renewing }))
    }

    /// Ends when another process has the lease, or nobody knows who has.
    pub(crate) fn lost(&self) -> watch::Receiver<bool> {
        self.lost.clone()
    }

    /// Says how it goes. What cannot be said is said the next time.
    pub(crate) async fn report(&self, report: &FollowReport) {
        let tenant = TenantId::default_tenant();
        let said = self.service.store.report_follower(&tenant, &self.cluster, self.holder, report).await;
        if let Err(error) = said {
            tracing::warn!(cluster = self.cluster, error = %error, "cannot store how following a cluster goes");
        }
    }

    /// Gives it back at once.
    pub(crate) async fn release(self) {
        self.renewing.abort();
        let (tenant, now) = (TenantId::default_tenant(), Timestamp::now());
        let done = self.service.store.release_follower(&tenant, &self.cluster, self.holder, now).await;
        if let Err(error) = done {
            tracing::warn!(cluster = self.cluster, error = %error, "cannot give the lease of a cluster back; it ends by itself");
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

async fn claim(service: &Service, cluster: &str, holder: Uuid) -> Result<bool, store::StoreError> {
    let now = Timestamp::now();
    let until = now.saturating_add(LASTS).unwrap_or(now);
    service.store.claim_follower(&TenantId::default_tenant(), cluster, holder, now, until).await
}

async fn renew(service: Arc<Service>, cluster: String, holder: Uuid, losing: watch::Sender<bool>) {
    let mut renewed = tokio::time::Instant::now();
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        match claim(&service, &cluster, holder).await {
            Ok(true) => renewed = tokio::time::Instant::now(),
            Ok(false) => break,
            // While nobody can write, nobody can take it; but it may have ended meanwhile.
            Err(error) => {
                tracing::warn!(cluster, error = %error, "cannot renew the lease of a cluster; trying again");
                if renewed.elapsed() >= LASTS.unsigned_abs() {
                    break;
                }
            }
        }
    }
    let _ = losing.send(true);
}
