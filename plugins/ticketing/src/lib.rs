//! What plugins that keep tickets in another system have in common.
//!
//! A notice says how a ticket ought to be, not what has changed; so telling it twice, late, or after others were lost has to end in the same
//! ticket. Each ticket carries a marker, which is looked for before one is made: a receipt that was lost does not lead to a second one.

mod plain;
mod send;
pub mod text;
mod wanted;
mod way_back;

pub use plain::{plain_subject, plain_title};
pub use send::{AWAY, refused, segment, send};
pub use wanted::{Member, Wanted};
pub use way_back::{Standing, cursor, ticket};
