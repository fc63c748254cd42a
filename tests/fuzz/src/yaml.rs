//! YAML and JSON. What was read stays within its budget, stands on lines that there are, and is read again as the same.

use ::yaml::{Budget, read, read_until_error};
use serde_json::Value;

use crate::must::must;

/// Small, so that bombs of a few bytes meet it.
const BUDGET: Budget = Budget { bytes: 1 << 20, documents: 50, nodes: 5_000, text: 100_000, depth: 40 };

pub(crate) fn run(data: &[u8]) {
    let (documents, error) = read_until_error(data, &BUDGET);
    assert_eq!(read(data, &BUDGET).err(), error);
    let breaks = data.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    let last = u32::try_from(breaks).unwrap_or(u32::MAX).saturating_add(2);
    assert!(error.is_none_or(|error| (1..=last).contains(&error.line())));
    assert!(documents.len() <= BUDGET.documents);
    for document in documents.iter().filter(|document| is_exact(&document.value)) {
        assert!((1..=last).contains(&document.lines.first()));
        assert!(document.duplicates.len() <= ::yaml::DUPLICATES_MAX);
        let text = document.value.to_string();
        let again: Value = must(serde_json::from_str(&text), "a value that is not too deep");
        assert_eq!(again, document.value);
        // As text of a mapping it is JSON, which is also YAML.
        let wrapped = format!("{{\"k\":{text}}}");
        let budget = Budget { bytes: usize::MAX, ..Budget::default() };
        let again = must(read(wrapped.as_bytes(), &budget), "a document of our own");
        let value = again.first().and_then(|document| document.value.get("k"));
        assert_eq!(value, Some(&document.value));
    }
}

/// Fractions are not read back to the last bit by `serde_json`.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(members) => members.values().all(is_exact),
        _ => true,
    }
}
