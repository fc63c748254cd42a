//! Destinations and their tickets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What one ticket is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TicketPer {
    /// One finding.
    Finding,
    /// All findings that the same step mends.
    Fix,
    /// All findings of the same assignee.
    Owner,
}

impl From<TicketPer> for store::Per {
    fn from(per: TicketPer) -> Self {
        match per {
            TicketPer::Finding => Self::Finding,
            TicketPer::Fix => Self::Fix,
            TicketPer::Owner => Self::Owner,
        }
    }
}

impl From<store::Per> for TicketPer {
    fn from(per: store::Per) -> Self {
        match per {
            store::Per::Finding => Self::Finding,
            store::Per::Fix => Self::Fix,
            store::Per::Owner => Self::Owner,
        }
    }
}

/// What is said of a destination.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDestination {
    /// Id of the plugin that tells it, of kind `notifier`.
    #[schema(example = "palisade.redmine")]
    pub plugin: String,
    /// The plugin's configuration. Secrets do not stand here: the operator gives them to the platform, and the plugin names them.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Which open findings, in the language of filters; empty: all.
    #[serde(default)]
    #[schema(example = "severity>=high fixable:true")]
    pub filter: String,
    /// What one ticket is about.
    pub per: TicketPer,
    /// Whether anything is told.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Seconds that lie between two notices about the same ticket at least, at most a day.
    #[serde(default)]
    #[schema(maximum = 86400)]
    pub interval_seconds: u32,
    /// The version that is replaced, 0 for none. Without it, whatever there is is replaced.
    #[serde(default)]
    pub version: Option<u64>,
}

fn yes() -> bool {
    true
}

/// A system that is told of findings.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Destination {
    /// Its name.
    pub name: String,
    /// Id of the plugin that tells it.
    pub plugin: String,
    /// The plugin's configuration.
    #[schema(value_type = Object)]
    pub settings: serde_json::Value,
    /// Which open findings.
    pub filter: String,
    /// What one ticket is about.
    pub per: TicketPer,
    /// Whether anything is told.
    pub enabled: bool,
    /// Seconds that lie between two notices about the same ticket at least.
    pub interval_seconds: u32,
    /// Grows with every change.
    pub version: u64,
    /// When it was changed last.
    pub changed_at: Timestamp,
    /// By whom.
    pub changed_by: String,
}

impl From<store::Destination> for Destination {
    fn from(stored: store::Destination) -> Self {
        let store::Destination { said, version, changed_at, changed_by } = stored;
        let store::NewDestination { name, plugin, settings, filter, per, enabled, interval_seconds } = said;
        let per = per.into();
        Self {
            name,
            plugin,
            settings,
            filter,
            per,
            enabled,
            interval_seconds,
            version,
            changed_at,
            changed_by,
        }
    }
}

/// Every destination.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Destinations {
    /// By name.
    pub items: Vec<Destination>,
}

/// A ticket in another system.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Ticket {
    /// What it is about.
    pub key: String,
    /// Its title when it was told last.
    pub title: String,
    /// Whether it was told to be open.
    pub open: bool,
    /// Whether something of it is not told yet.
    pub waiting: bool,
    /// The other system's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where people find it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where it stands there, in that system's words; hostile until escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The same in words that all systems have: `open`, `in-progress`, `done` or `rejected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<String>,
    /// When something was told last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// Attempts since then that failed.
    pub attempts: u64,
    /// When it is tried next, where something waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// Since when it is not tried any more; a replay tries it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_at: Option<Timestamp>,
    /// Stable word of what failed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The same in a sentence; hostile until escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl From<store::Ticket> for Ticket {
    fn from(stored: store::Ticket) -> Self {
        let waiting = stored.mark > 0;
        let (error_code, error) = stored.error.unzip();
        Self {
            key: stored.key,
            title: stored.title,
            open: stored.open,
            waiting,
            id: stored.external_id,
            url: stored.url,
            status: stored.status,
            standing: stored.category,
            told_at: stored.told_at,
            attempts: stored.attempts,
            next_at: Some(stored.next_at).filter(|_| waiting && stored.dead_at.is_none()),
            dead_at: stored.dead_at,
            error_code,
            error,
        }
    }
}

/// Tickets of a destination.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Tickets {
    /// By key.
    pub items: Vec<Ticket>,
    /// The `after` of the next part; nothing where this is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An attempt to tell something.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TicketDelivery {
    /// Its id.
    pub id: Uuid,
    /// The ticket.
    pub key: String,
    /// Id of the notice; the same for every attempt to tell the same.
    pub notice: String,
    /// When.
    pub at: Timestamp,
    /// `told`, or the stable word of an error.
    pub outcome: String,
    /// The other system's name for the ticket, or what failed; hostile until escaped.
    pub message: String,
}

impl From<store::Delivery> for TicketDelivery {
    fn from(stored: store::Delivery) -> Self {
        let store::Delivery { id, key, notice, at, outcome, message } = stored;
        Self { id, key, notice, at, outcome, message }
    }
}

/// The latest attempts to tell a destination something.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TicketDeliveries {
    /// The newest first; the latest thousand are kept.
    pub items: Vec<TicketDelivery>,
}

/// What a destination says about itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DestinationTest {
    /// What would be made.
    pub would: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Tickets that are tried again.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TicketReplay {
    /// How many.
    pub tickets: u64,
}

/// A ticket of a finding.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FindingTicket {
    /// The destination.
    pub destination: String,
    /// The other system's name for it.
    pub id: String,
    /// Where people find it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where it stands there, in that system's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

impl From<store::LinkedTicket> for FindingTicket {
    fn from(stored: store::LinkedTicket) -> Self {
        let store::LinkedTicket { destination, external_id, url, status } = stored;
        Self { destination, id: external_id, url, status }
    }
}
