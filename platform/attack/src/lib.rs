//! Techniques of MITRE ATT&CK for Enterprise, which rules name them, and what of that a replayed test proves. No I/O.
//!
//! [`techniques`] is the matrix as data (`data/NOTICE` says where it is from), [`standing`] tells whether an id may be named, [`Map`] holds the
//! rules with their tests, [`Coverage`] is what follows from it, and [`Coverage::layer`] shows it in the ATT&CK Navigator.
//! A rule that names a technique proves nothing: a technique counts when a test of such a rule was replayed and the rule told of it.

mod coverage;
mod navigator;
mod technique;

pub use coverage::{Cell, Counts, Coverage, Map, RuleProof};
pub use technique::{Platform, Standing, Technique, of_tag, standing, technique, techniques};

/// The version of ATT&CK that the data is of.
pub const VERSION: &str = "18.1";
