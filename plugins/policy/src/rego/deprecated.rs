//! Functions that Rego had before OPA 1.0 and that regorus does not have: `any`, `all`, `re_match` and `set_diff`.
//!
//! Templates written for Gatekeeper's library use them. A module that calls one and does not define it gets a definition at its
//! end, where no line number changes.

const DEFINITIONS: [(&str, &str); 4] = [
    ("any", "any(xs) = r { r := count([1 | xs[_] == true]) > 0 }"),
    ("all", "all(xs) = r { r := count([1 | x := xs[_]; x != true]) == 0 }"),
    ("re_match", "re_match(pattern, value) = r { r := regex.match(pattern, value) }"),
    ("set_diff", "set_diff(a, b) = r { r := a - b }"),
];

/// The text with the definitions that it lacks.
pub(super) fn with_definitions(text: &str) -> String {
    let mut whole = text.to_owned();
    for (name, definition) in DEFINITIONS {
        if calls(text, name) && !defines(text, name) {
            whole.push('\n');
            whole.push_str(definition);
            whole.push('\n');
        }
    }
    whole
}

/// Whether a name stands before a parenthesis, and is the whole word. A comment that says so costs an unused definition.
fn calls(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(place, _)| {
        let before = text.get(..place).and_then(|before| before.chars().next_back());
        let after = text.get(place + name.len()..).unwrap_or_default();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.')) && after.starts_with('(')
    })
}

fn defines(text: &str, name: &str) -> bool {
    let start = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('('));
    text.lines()
        .any(|line| start(line.trim_start().trim_start_matches("default ")) && !line.starts_with([' ', '\t']))
}

#[cfg(test)]
mod tests {
    use super::{calls, defines, with_definitions};

    #[test]
    fn a_definition_is_added_only_where_it_is_called_and_lacks() {
        assert!(calls("not any(x)", "any") && calls("any([true])", "any"));
        assert!(!calls("many(x)", "any") && !calls("x.any(y)", "any") && !calls("any_of(x)", "any"));
        assert!(defines("any(x) { x }", "any") && !defines("  any(x)", "any"));
        assert_eq!(with_definitions("x := 1"), "x := 1");
        assert_eq!(with_definitions("any(x) { x }\ny { any(1) }"), "any(x) { x }\ny { any(1) }");
        assert!(with_definitions("y { any([true]) }").contains("any(xs) = r"));
    }
}
