//! What the door of run-time events hands on, and what it is told.

use std::pin::Pin;
use std::sync::Arc;

use model::TenantId;
use store::EventSource;

/// A body that has come in.
#[derive(Debug, Clone)]
pub struct Received {
    /// Whose.
    pub tenant: TenantId,
    /// The source whose token opened the door.
    pub source: EventSource,
    /// The body, unpacked.
    pub body: Vec<u8>,
    /// Its type, as the sender says.
    pub content_type: Option<String>,
}

/// An element that could not be read.
#[derive(Debug, Clone)]
pub struct ElementProblem {
    /// Its place in the body, from 0.
    pub index: u64,
    /// Why not.
    pub message: String,
}

/// What a sender is told of what was received.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// Events that will be judged.
    pub events: u64,
    /// Words of sensors about themselves.
    pub health: u64,
    /// Elements that could not be read, the first ones.
    pub problems: Vec<ElementProblem>,
    /// All of them.
    pub problems_total: u64,
}

/// An answer that is under way.
pub type Receiving = Pin<Box<dyn Future<Output = Result<Receipt, DoorRefusal>> + Send>>;

/// Takes a body in; when it answers, everything is kept.
pub type Receive = Arc<dyn Fn(Received) -> Receiving + Send + Sync>;

/// Why nothing was received.
#[derive(Debug, Clone)]
pub enum DoorRefusal {
    /// There is no room; the same may be sent again later.
    Busy {
        /// Why.
        why: String,
    },
    /// Nothing of the body could be read.
    Undecodable {
        /// The first reasons.
        problems: Vec<ElementProblem>,
    },
    /// It could not be kept.
    Unavailable,
}
