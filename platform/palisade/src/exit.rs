//! How a command ends: four exit codes that scripts can rely on, and errors that say what to do.

use std::process::ExitCode;

/// The end of a command that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Exit code 0.
    Clean,
    /// Exit code 1: a finding at or above `--fail-on`, or pairs that compare otherwise.
    PolicyFailed,
    /// Exit code 3: `--strict`, and something was not looked at.
    CoverageGaps,
}

/// Exit code of a command that could not do its work.
const COULD_NOT: u8 = 2;

/// Prints an error with its causes to standard error, and gives the exit code.
pub(crate) fn report(outcome: anyhow::Result<Outcome>) -> ExitCode {
    match outcome {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::PolicyFailed) => ExitCode::from(1),
        Ok(Outcome::CoverageGaps) => ExitCode::from(3),
        Err(error) => {
            eprintln!("palisade: {}", one_line(&error));
            ExitCode::from(COULD_NOT)
        }
    }
}

/// The error and its causes as one sentence; text from outside loses its control characters.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    crate::output::visible(&causes.join(": "))
}
