//! The operations, one file per resource. Each is a few lines: take, ask the store, answer.

pub(crate) mod accounts;
pub(crate) mod advisories;
pub(crate) mod attack_map;
pub(crate) mod backtests;
pub(crate) mod clusters;
pub(crate) mod compliance;
pub(crate) mod events;
pub(crate) mod evidence;
pub(crate) mod exceptions;
pub(crate) mod export;
pub(crate) mod findings;
pub(crate) mod images;
pub(crate) mod imports;
pub(crate) mod incidents;
pub(crate) mod ingest;
pub(crate) mod inventory;
pub(crate) mod metrics;
pub(crate) mod overview;
pub(crate) mod plugins;
pub(crate) mod responses;
pub(crate) mod runtime;
pub(crate) mod scans;
pub(crate) mod server;
pub(crate) mod session;
pub(crate) mod sources;
pub(crate) mod triage;
