//! Answers with a hundred thousand findings.

use contract::{Analysis, Error, Finding, InputFile, Severity};

contract::analyzer!(analyze);

fn analyze(_files: Vec<InputFile>) -> Result<Analysis, Error> {
    let finding = |number: u32| Finding {
        item: 0,
        rule: "rule".to_owned(),
        title: number.to_string(),
        description: String::new(),
        severity: Severity::Critical,
        location: number.to_string(),
    };
    Ok(Analysis { findings: (0..100_000).map(finding).collect(), ..contract::nothing() })
}
