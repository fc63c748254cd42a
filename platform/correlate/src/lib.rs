//! What correlation needs beside plugins: events in the order of their time whatever order they came in, and detections joined to
//! incidents whatever order they were made in.
//!
//! Both are pure: no clock, no store, no plugin. A caller that keeps what it put in and puts it in again after a crash has the same
//! state again. [`Order`] holds events back until a watermark says that no earlier one will follow, and says of one that comes after
//! all that it is late. [`Incidents`] joins by keys within sessions; what it comes to is a function of the detections and links that
//! were added, and not of their order, as long as no cap bites, which is counted.

mod incident;
mod order;
#[cfg(test)]
mod properties;

pub use incident::{Added, Caps, Detected, Incident, IncidentId, Incidents, Step};
pub use order::{Bounds, Order, Placed, Waiting};
