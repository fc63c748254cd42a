//! What can go wrong between a publisher and a consumer.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

/// A bus operation that failed. A publish that failed may still have happened: publish again with the same id.
#[derive(Debug, Clone, Error)]
pub enum BusError {
    /// A message id, subject, filter or consumer name that not every backend can carry.
    #[error(
        "{name:?} cannot be a {what}; ids are 1-200 visible ASCII characters, all other names are words of a-z, 0-9, - and _"
    )]
    Name {
        /// What it should have been.
        what: &'static str,
        /// The text, shortened.
        name: String,
    },
    /// A body above the limit.
    #[error(
        "message {id} has {bytes} bytes; the bus carries at most {limit}; keep the content in the store and send its key"
    )]
    TooLarge {
        /// Message id.
        id: String,
        /// Size of the body.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The log or stream has reached its size; nothing was published and nothing dropped.
    #[error(
        "the bus is full ({limit} bytes): consumers are behind; publish again later, or raise bus.limit-mib of the configuration"
    )]
    Full {
        /// The configured size.
        limit: u64,
    },
    /// Another process, or another handle of this one, has the log open.
    #[error("the bus directory {} is in use by another process; stop it, or use NATS for several processes", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// A file operation of the embedded log failed.
    #[error("could not {action} {}", path.display())]
    Storage {
        /// Verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// A record that was durable once cannot be read any more.
    #[error(
        "{} is damaged at byte {offset}, before records that were written later; restore the file from a backup, or move \
         the bus directory away to start empty (the store's outbox publishes again what it still has)",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where the first bad record starts.
        offset: u64,
    },
    /// An earlier write could not be made durable, so that nothing written since can be trusted.
    #[error("the bus stopped after a failed write to {}; restart when the disk is well", path.display())]
    Stopped {
        /// The directory.
        path: PathBuf,
    },
    /// A consumer of this name exists with another filter.
    #[error(
        "consumer {name} exists with the filter {existing:?}, not {asked:?}; use another name, or forget it first"
    )]
    Conflict {
        /// Consumer name.
        name: String,
        /// Its filter.
        existing: String,
        /// The filter asked for.
        asked: String,
    },
    /// The consumer was forgotten while this handle was open.
    #[error("consumer {name} was forgotten; join it again")]
    Forgotten {
        /// Consumer name.
        name: String,
    },
    /// The options do not make sense together.
    #[error("the bus options are wrong: {reason}")]
    Options {
        /// What is wrong.
        reason: &'static str,
    },
    /// NATS could not be reached or refused us.
    #[error("could not connect to NATS at {server}")]
    Connect {
        /// Server address without credentials.
        server: String,
        /// Why.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A request to NATS failed or was not answered in time.
    #[error("NATS could not {action}")]
    Nats {
        /// Verb and object.
        action: &'static str,
        /// Why.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A message on the stream that none of our publishers wrote.
    #[error("message {sequence} of the stream is not one of ours: {reason}")]
    Foreign {
        /// Stream sequence.
        sequence: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl BusError {
    /// The stable code; `platform/error-codes/` has a page for each.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name { .. } => "bus-name-invalid",
            Self::TooLarge { .. } => "bus-message-too-large",
            Self::Full { .. } => "bus-full",
            Self::InUse { .. } => "bus-in-use",
            Self::Storage { .. } => "bus-storage-failed",
            Self::Corrupt { .. } => "bus-log-corrupt",
            Self::Stopped { .. } => "bus-stopped",
            Self::Conflict { .. } => "bus-consumer-conflict",
            Self::Forgotten { .. } => "bus-consumer-forgotten",
            Self::Options { .. } => "bus-options-invalid",
            Self::Connect { .. } => "bus-connect-failed",
            Self::Nats { .. } => "bus-request-failed",
            Self::Foreign { .. } => "bus-message-foreign",
        }
    }

    pub(crate) fn storage(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Storage { action, path, source: Arc::new(source) }
    }

    pub(crate) fn nats<E: std::error::Error + Send + Sync + 'static>(
        action: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Nats { action, source: Arc::new(source) }
    }
}
