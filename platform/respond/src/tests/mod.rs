//! A cluster in memory, as strict as the server of the integration tests, whose processes may die at every point.

mod crashes;
mod messages;
mod operator;
mod playbooks;
mod runs;
mod world;

#[allow(dead_code, reason = "the server of the integration tests uses what these do not")]
#[path = "../../../../tests/integration/support/kubernetes_writes.rs"]
mod writes;
