//! Files of Falco's rules (<https://falco.org/docs/concepts/rules/basic-elements/>).
//!
//! Nothing is understood here but the form: a file is a list of items, each a mapping. The plugin gets every item with its line and
//! the lines of its keys, so that what it says of a rule can be found.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{FILE_BYTES_MAX, RulesError, budget};

/// Reads a file of rules to an element of the member `rules` of the configuration of the plugin `palisade.falco-rules`.
///
/// # Errors
/// [`RulesError`] for a file that is too large, not YAML, or no list of items.
pub fn rules(path: &str, bytes: &[u8]) -> Result<Value, RulesError> {
    let items: Vec<Value> = items(path, bytes)?
        .into_iter()
        .map(|(line, lines, item)| json!({ "line": line, "lines": lines, "item": item }))
        .collect();
    Ok(json!({ "path": path, "items": items }))
}

type Read = (u32, BTreeMap<String, u32>, Value);

/// The items of all documents of a file, with their lines. Items in which nothing stands are left out.
fn items(path: &str, bytes: &[u8]) -> Result<Vec<Read>, RulesError> {
    if bytes.len() > FILE_BYTES_MAX {
        let allowed = FILE_BYTES_MAX;
        return Err(RulesError::TooLarge { path: path.to_owned(), bytes: bytes.len(), allowed });
    }
    let documents = yaml::read(bytes, &budget());
    let documents = documents.map_err(|error| RulesError::Yaml { path: path.to_owned(), error })?;
    let mut all = Vec::new();
    for document in documents {
        let lines = document.lines;
        let Value::Array(items) = document.value else {
            return Err(RulesError::Rule {
                path: path.to_owned(),
                line: lines.first(),
                why: "a file of Falco's rules is a list of items".to_owned(),
            });
        };
        for (place, item) in items.into_iter().enumerate() {
            let pointer = format!("/{place}");
            let line = lines.of(&pointer);
            match &item {
                Value::Null => {}
                Value::Object(map) => {
                    let of_key = |key: &String| {
                        (
                            key.clone(),
                            lines.of(&format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))),
                        )
                    };
                    let of_keys = map
                        .keys()
                        .filter(|key| ["condition", "output"].contains(&key.as_str()))
                        .map(of_key)
                        .collect();
                    all.push((line, of_keys, item));
                }
                _ => {
                    let why = "an item must be a mapping".to_owned();
                    return Err(RulesError::Rule { path: path.to_owned(), line, why });
                }
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::rules;

    #[test]
    fn items_have_their_lines_and_those_of_what_is_parsed_in_them() {
        let text = "# a pack\n- macro: m\n  condition: ka.verb = get\n-\n- rule: r\n  desc: d\n  condition: m\n  output: o\n";
        let file = rules("a.yaml", text.as_bytes()).unwrap();
        assert_eq!(file["items"].as_array().unwrap().len(), 2);
        assert_eq!(file["items"][1]["line"], 5);
        assert_eq!(file["items"][1]["lines"], serde_json::json!({ "condition": 7, "output": 8 }));
    }

    #[test]
    fn what_is_no_file_of_rules() {
        for (text, code) in [
            ("rule: r\n", "rules-document-invalid"),
            ("- r\n", "rules-document-invalid"),
            ("- [", "yaml-syntax"),
        ] {
            assert_eq!(rules("a.yaml", text.as_bytes()).unwrap_err().code(), code, "{text}");
        }
        assert_eq!(rules("a.yaml", &vec![b'a'; (8 << 20) + 1]).unwrap_err().code(), "rules-file-too-large");
    }
}
