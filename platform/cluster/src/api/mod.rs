//! The API server of a cluster: what it serves, lists and tells of changes.

mod act;
mod collect;
mod connect;
mod discover;
mod events;
mod failure;
mod follow;
mod list;
mod page;
mod patience;
mod watch;

pub use act::Actor;
pub use collect::{CollectOptions, Collected, collect, collect_blocking};
pub use connect::{ConnectOptions, Connection};
pub use discover::Resource;
pub use follow::Following;
pub use patience::Patience;
pub use watch::{Watch, WatchOptions};

#[cfg(test)]
mod tests;
