//! Repeats a recorded call.

use std::path::Path;

use host::{Host, Transcript};

use crate::error::{AuthorError, read};
use crate::golden::fault_lines;
use crate::project::load;
use crate::shown::shown;

/// Largest transcript that is read. The host records no more than 64 MiB of host calls, beside the input.
const TRANSCRIPT_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// What came of a repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Whether everything came out as recorded, byte for byte.
    pub same: bool,
    /// What to say about it, line by line.
    pub lines: Vec<String>,
}

/// Repeats the call of a transcript with a component.
///
/// # Errors
/// [`AuthorError::Transcript`] for a file that is none, or has another form; [`AuthorError::Load`].
pub fn replay(host: &Host, transcript: &Path, component: &Path) -> Result<Replayed, AuthorError> {
    let refuse = |problem: String| AuthorError::Transcript { path: transcript.to_owned(), problem };
    let recorded: Transcript = serde_json::from_slice(&read(transcript, TRANSCRIPT_BYTES_MAX)?)
        .map_err(|error| refuse(error.to_string()))?;
    let plugin = load(host, component)?;
    let mut lines = Vec::new();
    if recorded.digest != *plugin.digest() {
        lines.push(format!(
            "recorded with {} {} ({}), repeated with {} {} ({})",
            shown(&recorded.plugin),
            shown(&recorded.plugin_version),
            recorded.digest,
            plugin.manifest().id,
            plugin.manifest().version,
            plugin.digest()
        ));
    }
    if recorded.limits != *plugin.limits() {
        lines.push("the limits in force are others than they were".to_owned());
    }
    if recorded.redacted > 0 {
        lines.push(format!("{} values were replaced by asterisks when it was recorded", recorded.redacted));
    }
    let replay = plugin.replay(&recorded).map_err(|fault| refuse(fault.message))?;
    if let Some(difference) = &replay.difference {
        lines.push(format!("the first difference is at {}", shown(&difference.at)));
        lines.push(format!("recorded: {}", shown(&difference.recorded)));
        lines.push(format!("repeated: {}", shown(&difference.replayed)));
    } else {
        lines.push(format!(
            "the same: {} host calls, answer, state, log and metrics as recorded",
            recorded.exchanges.len()
        ));
    }
    if let Err(fault) = &replay.outcome.result {
        lines.extend(fault_lines(fault));
    }
    Ok(Replayed { same: replay.difference.is_none(), lines })
}
