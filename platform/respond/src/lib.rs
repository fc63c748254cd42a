//! Responses: what is done when something happens, so that it can be trusted to a machine.
//!
//! - A [`Playbook`] is YAML: a trigger in the language of [`filter`], steps, and the care they are taken with.
//! - A [`Run`] of it is planned (the API server tries every change without doing it), checked against budgets, approved by people who did not
//!   start it, done act by act with an idempotency key and a way back, verified by reading, leased, and taken back in the end.
//! - Everything is in a journal before it is done, and in a hash-chained [`ledger`] afterwards. A process may die anywhere: who goes on reads the
//!   objects, and does nothing twice. What other people changed since is never undone.
//!
//! [`Driver`] makes one move at a time against three seams: a [`Cluster`] (`cluster::Actor` is one), a [`Book`] (`store` is one) and, for
//! messages, a [`Deliver`] (the service's destinations are one). Nothing here has a clock, a runtime, a thread or a
//! network; `async` is only the shape of the seams.
//!
//! What it refuses: namespaces that are protected, objects that a reconciler would put back, more pods than a budget allows,
//! anything irreversible that nobody approved.

mod acts;
mod change;
mod collect;
mod drive;
mod entry;
mod error;
pub use filter;
mod guard;
mod key;
pub mod ledger;
mod members;
mod memory;
mod nowhere;
mod object;
mod plan;
mod playbook;
mod run;
mod seams;
mod selector;
mod send;
mod settings;
mod step;
mod subject;
mod survey;
#[cfg(test)]
mod tests;

pub use acts::{QUARANTINE, REPLICAS};
pub use change::{Change, Field, How, MANAGER, Precondition, Write};
pub use drive::{Driver, Progress, is_stale};
pub use entry::{Begin, Decision, Entry, Outcome, RunId};
pub use error::{BookError, PlaybookError, RespondError};
pub use key::{Key, MARK, Origin};
pub use memory::{MemoryBook, MemoryPost};
pub use nowhere::Nowhere;
pub use object::{Kind, ObjectRef, collection, is_name};
pub use plan::{ACTS_MAX, Act, Disruption, DryRun, Plan, Replicas};
pub use playbook::{
    Approval, BYTES_MAX, Budget, Gitops, OnError, Parameter, ParameterType, PlannedStep, Playbook, Rate,
    STEPS_MAX, Values,
};
pub use run::{ActState, Phase, Run};
pub use seams::{
    Action, Book, CallCause, CallError, Cluster, Commit, Deliver, Kept, LOG_BYTES_MAX, Message, Query, Quota,
    Receipt,
};
pub use settings::Settings;
pub use step::{Aim, Class, Step};
pub use subject::named_in;
