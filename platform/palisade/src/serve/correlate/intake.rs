//! Messages of all sources, taken in turn: one that floods keeps nobody else waiting.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bus::Delivery;
use model::TenantId;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::super::{Service, receive};

/// Messages of a source that lie ready.
const READY: usize = 24;
/// Events that a message is counted as until it is read, by its bytes.
const EVENT_BYTES: usize = 1_500;
/// When messages come again that could not be stored.
const LATER: Duration = Duration::from_secs(1);
/// Pause of a source whose messages cannot be taken.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// A message, and whose it is.
pub(super) struct Taken {
    pub(super) source: Arc<str>,
    pub(super) delivery: Delivery,
}

impl Taken {
    /// Its size, by which the backlog is counted.
    pub(super) fn bytes(&self) -> u64 {
        u64::try_from(self.delivery.envelope().body.len()).unwrap_or(u64::MAX)
    }
}

struct Lane {
    ready: mpsc::Receiver<Delivery>,
    taking: JoinHandle<()>,
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.taking.abort();
    }
}

/// The messages of all sources.
pub(super) struct Intake {
    service: Arc<Service>,
    lanes: BTreeMap<Arc<str>, Lane>,
    bell: Arc<Notify>,
    /// The source that was served last; the next one is served first.
    last: Option<Arc<str>>,
}

impl Intake {
    pub(super) fn new(service: &Arc<Service>) -> Self {
        Self {
            service: Arc::clone(service),
            lanes: BTreeMap::new(),
            bell: Arc::new(Notify::new()),
            last: None,
        }
    }

    /// Takes up sources that are new, and leaves those that are gone.
    pub(super) async fn refresh(&mut self, tenant: &TenantId) -> Result<()> {
        let sources =
            self.service.store.sources(tenant).await.context("cannot list the sources of events")?;
        let gone: Vec<Arc<str>> = self
            .lanes
            .keys()
            .filter(|name| !sources.iter().any(|one| *one.name == ***name))
            .cloned()
            .collect();
        for name in gone {
            self.lanes.remove(&name);
            self.service.bus.forget_consumer(&receive::consumer_name(&name)).await?;
        }
        for source in sources {
            let name: Arc<str> = Arc::from(source.name);
            if !self.lanes.contains_key(&name) {
                let lane = self.open(&name).await?;
                self.lanes.insert(name, lane);
            }
        }
        Ok(())
    }

    async fn open(&self, name: &str) -> Result<Lane> {
        let consumer = self.service.bus.consumer(receive::consumer(name)).await;
        let consumer = consumer.with_context(|| format!("cannot take the events of {name} from the bus"))?;
        let (sender, ready) = mpsc::channel(READY);
        let bell = Arc::clone(&self.bell);
        let taking = tokio::spawn(async move {
            loop {
                match consumer.next().await {
                    Ok(delivery) => {
                        if sender.send(delivery).await.is_err() {
                            return;
                        }
                        bell.notify_one();
                    }
                    Err(error) => {
                        tracing::warn!(error = %error, "cannot take events from the bus; trying again");
                        tokio::time::sleep(AFTER_FAILURE).await;
                    }
                }
            }
        });
        Ok(Lane { ready, taking })
    }

    /// Ends when there may be messages.
    pub(super) async fn ready(&self) {
        self.bell.notified().await;
    }

    /// Messages with about so many events, one of each source in turn.
    pub(super) fn take(&mut self, events: usize) -> Vec<Taken> {
        let most = events.saturating_mul(EVENT_BYTES);
        let (mut taken, mut bytes) = (Vec::new(), 0_usize);
        let names: Vec<Arc<str>> = self.lanes.keys().cloned().collect();
        let after = self.last.as_ref().map_or(0, |last| names.partition_point(|name| name <= last));
        let mut idle = 0;
        for name in names.iter().cycle().skip(after) {
            if idle >= names.len() || bytes >= most {
                break;
            }
            match self.lanes.get_mut(name).map(|lane| lane.ready.try_recv()) {
                Some(Ok(delivery)) => {
                    idle = 0;
                    bytes = bytes.saturating_add(delivery.envelope().body.len());
                    self.last = Some(Arc::clone(name));
                    taken.push(Taken { source: Arc::clone(name), delivery });
                }
                _ => idle += 1,
            }
        }
        taken
    }

    /// Gives back messages that could not be stored.
    pub(super) async fn later(taken: Vec<Taken>) {
        for one in taken {
            // Otherwise it comes again when the time for an answer is over.
            if let Err(error) = one.delivery.retry(LATER).await {
                tracing::debug!(error = %error, "a message could not be given back");
            }
        }
    }

    /// Gives back what lies ready.
    pub(super) async fn give_back(&mut self) {
        for (source, mut lane) in std::mem::take(&mut self.lanes) {
            lane.taking.abort();
            let mut taken = Vec::new();
            while let Ok(delivery) = lane.ready.try_recv() {
                taken.push(Taken { source: Arc::clone(&source), delivery });
            }
            Self::later(taken).await;
        }
    }
}
