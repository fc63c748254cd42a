//! The tools of a plugin's author: a new project, its component, and everything that tells whether the component is fit, on the
//! host that production runs.
//!
//! [`create`] writes a project from the embedded templates, [`Project::build`] makes its component, [`check()`] compares what the
//! component is with what it says, [`golden`] runs its cases and then the same cases under conditions that no honest test
//! invents, [`bench()`] measures it, [`replay()`] repeats a recorded call, and [`dev`] does all that again after every change.
//!
//! What this crate refuses: a sandbox of its own. Whatever is called here is called through [`host::Plugin::call`], with the
//! limits, the gate and the checks of production; only what stands behind the gate is played, from a file beside the case.

mod bench;
mod build;
mod case;
mod check;
mod create;
pub mod dev;
mod difference;
mod error;
mod fakes;
pub mod golden;
mod hostile;
mod project;
mod replay;
mod shown;

pub use bench::{Bench, Figure, bench};
pub use case::{Case, GivenInput};
pub use check::{Level, Remark, check};
pub use create::{Created, NewProject, create};
pub use difference::differences;
pub use error::AuthorError;
pub use hostile::{Hardship, Weakness};
pub use project::{Language, Project};
pub use replay::{Replayed, replay};
