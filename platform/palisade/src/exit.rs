//! How a command ends: four exit codes that scripts can rely on, and errors that say what to do.

use std::process::ExitCode;

/// The end of a command that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Exit code 0.
    Clean,
    /// Exit code 1: a finding at or above `--fail-on`, pairs that compare otherwise, or a plugin that is not as it should be.
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
            if let Some(code) = code(&error) {
                eprintln!("palisade: the code is {code}; `palisade explain {code}` tells what it means");
            }
            ExitCode::from(COULD_NOT)
        }
    }
}

/// The stable code of an error: that of the outermost cause that has one.
pub(crate) fn code(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(|cause| {
        let cause = Cause(cause);
        cause
            .code(image::ImageError::code)
            .or_else(|| cause.code(engine::EngineError::code))
            .or_else(|| cause.code(cluster::ClusterError::code))
            .or_else(|| cause.code(advisories::AdvisoryError::code))
            .or_else(|| cause.code(ingest::IngestError::code))
            .or_else(|| cause.code(rules::RulesError::code))
            .or_else(|| cause.code(distribution::DistributionError::code))
            .or_else(|| cause.code(distribution::Refusal::code))
            .or_else(|| cause.code(author::AuthorError::code))
            .or_else(|| cause.code(host::LoadError::code))
            .or_else(|| cause.code(host::GrantError::code))
            .or_else(|| cause.code(crate::catalog::CatalogError::code))
            .or_else(|| cause.code(host::HostError::code))
            .or_else(|| cause.code(exchange::ExchangeError::code))
            .or_else(|| cause.code(crate::imports::ImportError::code))
            .or_else(|| cause.code(store::StoreError::code))
            .or_else(|| cause.code(bus::BusError::code))
            .or_else(|| cause.code(egress::EgressError::code))
            .or_else(|| cause.code(api::ApiError::code))
            .or_else(|| cause.code(respond::RespondError::code))
            .or_else(|| cause.code(respond::PlaybookError::code))
            .or_else(|| cause.code(respond::BookError::code))
    })
}

/// One error of a chain, of a type that is not known yet.
struct Cause<'a>(&'a (dyn std::error::Error + 'static));

impl Cause<'_> {
    fn code<E: std::error::Error + 'static>(&self, code: fn(&E) -> &'static str) -> Option<&'static str> {
        self.0.downcast_ref::<E>().map(code)
    }
}

/// The error and its causes as one sentence; text from outside loses its control characters.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    crate::output::visible(&causes.join(": "))
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    #[test]
    fn the_outermost_cause_with_a_code_names_it() {
        let refused = egress::AllowRule::parse("not a rule").unwrap_err();
        let error = Err::<(), _>(refused).context("cannot do it").unwrap_err();
        assert_eq!(super::code(&error), Some("egress-rule-invalid"));
        assert_eq!(super::code(&anyhow::anyhow!("plain")), None);
    }
}
