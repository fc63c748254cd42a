//! Playbooks and filters. What is wrong stands on a line that there is; a filter that was read is written and read as the same, and answers.

use respond::filter::{Filter, FilterError};
use respond::{Playbook, PlaybookError};
use serde_json::json;

use crate::must::must;

pub(crate) fn run(data: &[u8]) {
    let breaks = data.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    let last = u32::try_from(breaks).unwrap_or(u32::MAX).saturating_add(2);
    match Playbook::read(data) {
        Ok(playbook) => {
            assert!((1..=respond::STEPS_MAX).contains(&playbook.steps.len()));
            filter(&playbook.trigger.to_string());
        }
        Err(PlaybookError::Invalid { line, .. }) => assert!((1..=last).contains(&line)),
        Err(_) => {}
    }
    if let Ok(text) = std::str::from_utf8(data) {
        filter(text);
    }
}

fn filter(text: &str) {
    match Filter::parse(text) {
        Ok(filter) => {
            let written = filter.to_string();
            // Quotes and parentheses may make it larger than filters may be.
            let again = Filter::parse(&written);
            if !matches!(again, Err(FilterError::TooLarge { .. })) {
                assert_eq!(must(again, "a filter of our own"), filter);
            }
            let value =
                json!({ "a": ["b", 1, null, { "b": "c" }], "severity": "high", "pod": { "name": "x" } });
            assert!(!matches!(filter.matches(&value), Err(FilterError::Syntax { .. })));
        }
        Err(error) => {
            let end = text.chars().count() + 1;
            assert!(error.at().is_some_and(|at| (1..=end).contains(&at)));
        }
    }
}
