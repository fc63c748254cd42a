//! Results that only a broken machine or a broken promise denies.

use std::fmt::Debug;

/// The value; an error ends the run with these words.
#[expect(clippy::expect_used, reason = "a target has nobody to hand an error to: it ends the run")]
pub(crate) fn must<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    result.expect(what)
}
