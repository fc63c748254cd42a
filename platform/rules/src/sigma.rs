//! Files of Sigma rules, correlations and filters
//! (<https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html>).

use serde_json::{Value, json};

use crate::{FILE_BYTES_MAX, RulesError, budget};

/// A document of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its file.
    pub path: String,
    /// Where it begins.
    pub line: u32,
    /// What it says.
    pub value: Value,
}

/// Reads a file: every document that has a `detection`, a `correlation` or a `filter`. Whether it is a rule that can be used the plugin
/// says.
///
/// # Errors
/// [`RulesError`] for a file that is too large or not YAML, and for a document that is none of the three.
pub fn read(path: &str, bytes: &[u8]) -> Result<Vec<Document>, RulesError> {
    if bytes.len() > FILE_BYTES_MAX {
        let allowed = FILE_BYTES_MAX;
        return Err(RulesError::TooLarge { path: path.to_owned(), bytes: bytes.len(), allowed });
    }
    let read = yaml::read(bytes, &budget());
    let read = read.map_err(|error| RulesError::Yaml { path: path.to_owned(), error })?;
    let document = |document: yaml::Document| {
        let line = document.lines.first();
        let has = |key: &str| document.value.get(key).is_some();
        let wrong = |why: String| RulesError::Rule { path: path.to_owned(), line, why };
        if let Some(key) = document.duplicates.first() {
            return Err(wrong(format!("{key} stands there twice, and only one of them would count")));
        }
        if !["detection", "correlation", "filter"].into_iter().any(has) {
            return Err(wrong("it has neither detection, correlation nor filter".to_owned()));
        }
        Ok(Document { path: path.to_owned(), line, value: document.value })
    };
    read.into_iter().map(document).collect()
}

/// The member `rules` of the configuration of the plugin `palisade.sigma`.
#[must_use]
pub fn rules<'d>(documents: impl IntoIterator<Item = &'d Document>) -> Value {
    documents
        .into_iter()
        .map(|document| json!({ "source": document.path, "document": document.value }))
        .collect()
}

/// A configuration of the plugin `palisade.sigma` that has these rules alone, or beside the built-in packs.
#[must_use]
pub fn config<'d>(documents: impl IntoIterator<Item = &'d Document>, packs: bool) -> Value {
    let mut config = json!({ "rules": rules(documents) });
    if !packs && let Some(members) = config.as_object_mut() {
        members.insert("packs".to_owned(), json!([]));
    }
    config
}

/// What the tests of a rule need: the rule itself and, where it is a correlation, whatever that leads to. A rule that only correlations are
/// told of is told of when it is alone. Nothing where no rule has this name or id.
#[must_use]
pub fn alone<'d>(documents: &'d [Document], rule: &str) -> Vec<&'d Document> {
    let mut wanted = vec![rule];
    let mut taken: Vec<&Document> = Vec::new();
    while let Some(word) = wanted.pop() {
        let is = |document: &&Document| {
            ["name", "id"].iter().any(|key| document.value.get(*key).and_then(Value::as_str) == Some(word))
        };
        let Some(found) = documents.iter().find(is) else { continue };
        if !taken.iter().any(|known| std::ptr::eq(*known, found)) {
            taken.push(found);
            let rules = found.value.pointer("/correlation/rules");
            wanted.extend(rules.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str));
        }
    }
    taken
}

/// The source of the events that a rule's tests are, where its log source says so.
#[must_use]
pub fn source_of(document: &Value) -> Option<&'static str> {
    let text = |key: &str| document.pointer(key).and_then(Value::as_str).unwrap_or_default();
    Some(match (text("/logsource/product"), text("/logsource/service")) {
        ("kubernetes", _) => "kubernetes-audit",
        ("aws", "guardduty") => "guardduty",
        ("aws", _) => "cloudtrail",
        ("gcp", _) => "gcp-audit",
        ("azure", _) => "azure-activity",
        ("okta", _) => "okta",
        ("github", _) => "github",
        ("falco", _) => "falco",
        ("tetragon" | "linux" | "container", _) => "tetragon",
        ("kubearmor", _) => "kubearmor",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{alone, config, read, source_of};

    #[test]
    fn documents_and_what_is_none() {
        let text = "title: a\nlogsource: {product: okta}\ndetection: {s: {a: 1}, condition: s}\n---\ntitle: b\ncorrelation: {type: event_count}\n";
        let documents = read("a.yml", text.as_bytes()).unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[1].line, 5);
        assert_eq!(source_of(&documents[0].value), Some("okta"));
        let config = config(&documents, false);
        assert_eq!(config["rules"][0]["source"], "a.yml");
        assert_eq!(config["packs"], serde_json::json!([]));
        for (text, code) in [
            ("title: a\n", "rules-document-invalid"),
            ("detection: {a: 1}\ndetection: {b: 1}\n", "rules-document-invalid"),
            ("a: [", "yaml-syntax"),
        ] {
            assert_eq!(read("a.yml", text.as_bytes()).unwrap_err().code(), code, "{text}");
        }
    }

    #[test]
    fn a_correlation_needs_what_it_is_about() {
        let text = "name: a\ndetection: {}\n---\nname: b\ndetection: {}\n---\nname: c\ncorrelation: {rules: [a]}\n---\nname: d\ncorrelation: {rules: [c, d]}\n";
        let documents = read("a.yml", text.as_bytes()).unwrap();
        let names = |rule: &str| {
            alone(&documents, rule).iter().map(|d| d.value["name"].to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names("a"), ["\"a\""]);
        assert_eq!(names("d"), ["\"d\"", "\"c\"", "\"a\""]);
        assert!(names("x").is_empty());
    }

    #[test]
    fn a_bomb_is_an_error() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let list = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{list}]\n"));
        }
        text.push_str("detection: *a9\n");
        assert!(read("bomb.yml", text.as_bytes()).is_err());
        assert_eq!(read("big.yml", &vec![b'a'; (8 << 20) + 1]).unwrap_err().code(), "rules-file-too-large");
    }
}
