use palisade_sdk::Resource;
use serde_json::json;

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody is at it.
    Open,
    /// Somebody is at it.
    InProgress,
    /// It was closed as done.
    Done,
    /// It was closed, and nobody will do it.
    Rejected,
}

impl Standing {
    /// As the platform reads it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in-progress",
            Self::Done => "done",
            Self::Rejected => "rejected",
        }
    }
}

/// Where a ticket stands, by the id of its receipt; `status` in the words of its system.
#[must_use]
pub fn ticket(id: &str, status: &str, standing: Standing) -> Resource {
    let body = json!({ "id": id, "status": status, "standing": standing.as_str() });
    Resource::new(format!("ticket:{id}"), "palisade:ticket", &body)
}

/// Where the next reading begins; the last resource of the last page.
#[must_use]
pub fn cursor(next: &str) -> Resource {
    Resource::new("cursor", "palisade:cursor", &json!({ "cursor": next }))
}
