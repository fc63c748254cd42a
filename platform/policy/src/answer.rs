//! What the plugin answered, in the words of tests.

use serde_json::Value;

use crate::{Case, Expected};

/// What was told of one thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// The policy.
    pub policy: String,
    /// Its words.
    pub message: String,
}

impl Told {
    /// A violation or warning of an admission decision: the policy's name stands in brackets before its words.
    #[must_use]
    pub fn of_decision(message: &str) -> Self {
        let named = message.strip_prefix('[').and_then(|rest| rest.split_once("] "));
        let (policy, message) = named.unwrap_or(("", message));
        Self { policy: policy.to_owned(), message: message.to_owned() }
    }
}

/// What the plugin answered to one case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// What speaks against it.
    pub violations: Vec<Told>,
    /// What is told although it passes.
    pub warnings: Vec<Told>,
    /// The JSON Patch; null for none.
    pub patch: Value,
}

impl Case {
    /// Compares an answer with what the case expects. Empty where they agree; otherwise one sentence for each difference.
    #[must_use]
    pub fn judge(&self, answer: &Answer) -> Vec<String> {
        let mut differences = Vec::new();
        compare("violation", &self.expect.violations, &answer.violations, &mut differences);
        compare("warning", &self.expect.warnings, &answer.warnings, &mut differences);
        if let Some(patch) = &self.expect.patch
            && *patch != answer.patch
        {
            differences.push(format!("expected the patch {patch}, found {}", answer.patch));
        }
        differences
    }
}

/// Every expectation needs a message of its own, and every message an expectation.
fn compare(what: &str, expected: &[Expected], told: &[Told], differences: &mut Vec<String>) {
    let fits = |wanted: &Expected, told: &Told| {
        (wanted.policy.is_empty() || wanted.policy == told.policy) && told.message.contains(&wanted.message)
    };
    // The expectation that fits the fewest messages chooses first, so that a vague one takes no other's.
    let mut order: Vec<&Expected> = expected.iter().collect();
    order.sort_by_key(|wanted| told.iter().filter(|told| fits(wanted, told)).count());
    let mut left: Vec<&Told> = told.iter().collect();
    for wanted in order {
        match left.iter().position(|told| fits(wanted, told)) {
            Some(place) => {
                left.remove(place);
            }
            None => differences.push(format!(
                "expected a {what} of {} that contains {:?}",
                if wanted.policy.is_empty() { "any policy" } else { &wanted.policy },
                wanted.message
            )),
        }
    }
    for told in left {
        differences
            .push(format!("found a {what} of {} that is not expected: {:?}", told.policy, told.message));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Answer, Told};
    use crate::TestFile;

    #[test]
    fn every_message_needs_an_expectation_and_the_other_way_round() {
        let text = "cases:\n- name: a\n  object: {kind: Pod}\n  expect:\n    violations:\n    - {}\n    - {policy: p, message: two}\n";
        let file = TestFile::read("a_test.yaml", text.as_bytes()).unwrap();
        let told = |message: &str| Told::of_decision(message);
        let mut answer = Answer { violations: vec![told("[p] two"), told("[q] one")], ..Answer::default() };
        assert_eq!(file.cases[0].judge(&answer), Vec::<String>::new());
        answer.warnings.push(told("[r] three"));
        answer.violations.remove(0);
        let differences = file.cases[0].judge(&answer);
        assert_eq!(differences.len(), 2, "{differences:?}");
        assert!(
            differences[0].contains("expected a violation of p") && differences[1].contains("warning of r")
        );
    }

    #[test]
    fn a_patch_is_compared_where_one_is_expected() {
        let text = "cases:\n- name: a\n  object: {kind: Pod}\n  expect: {patch: [{op: remove, path: /a}]}\n";
        let file = TestFile::read("a_test.yaml", text.as_bytes()).unwrap();
        let right = Answer { patch: json!([{ "op": "remove", "path": "/a" }]), ..Answer::default() };
        assert!(file.cases[0].judge(&right).is_empty());
        assert_eq!(file.cases[0].judge(&Answer::default()).len(), 1);
    }
}
