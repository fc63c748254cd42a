//! A cluster and its graph, kept up to date by its watch.

use std::collections::VecDeque;

use crate::api::collect::Collected;
use crate::api::connect::Connection;
use crate::api::watch::{Watch, WatchOptions};
use crate::change::Change;
use crate::live::{Changed, Live};

/// A cluster that is followed from a first reading on.
#[derive(Debug)]
pub struct Following {
    live: Live,
    watch: Watch,
    /// What was read again because its body is needed after all.
    again: VecDeque<Change>,
    /// Paths of what has still to be read again.
    unread: VecDeque<String>,
}

impl Following {
    /// Follows a cluster that was read. `cluster` is its name if it has no namespace `kube-system`. Has to be called inside of a runtime.
    #[must_use]
    pub fn start(
        connection: &Connection,
        collected: Collected,
        cluster: &str,
        options: WatchOptions,
    ) -> Self {
        let watch = Watch::start(connection, &collected, options);
        let live = Live::new(collected.snapshot, cluster);
        Self { live, watch, again: VecDeque::new(), unread: VecDeque::new() }
    }

    /// The cluster as it is now.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// The watch, for its positions.
    #[must_use]
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Waits for the next change, takes it over, and says what it has changed, which may be nothing. Nothing is lost when this is
    /// dropped before it is done. Nothing is given back if there is no kind to watch.
    pub async fn next(&mut self) -> Option<Changed> {
        while let Some(path) = self.unread.front() {
            let object = self.live.snapshot().object(path);
            if let Some(object) = object.filter(|object| object.body.is_empty()) {
                let change = self.watch.read(&object.kind, object.namespace.as_deref(), &object.name).await;
                self.again.extend(change);
            }
            self.unread.pop_front();
        }
        let change = match self.again.pop_front() {
            Some(change) => change,
            None => self.watch.next().await?,
        };
        let changed = self.live.apply(change);
        self.unread.extend(changed.unread.iter().cloned());
        Some(changed)
    }
}
