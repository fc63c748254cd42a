//! One record of the OSV form (Open Source Vulnerability format, schema 1.x, `ossf.github.io/osv-schema`).
//!
//! Feeds differ from the schema in many small ways, so every field is read for what it can give: a field of the wrong type
//! counts as absent, an unknown one is ignored. Only what would make a verdict wrong refuses the record: no id, lists beyond
//! their bound, a text that is no JSON object. Long texts are shortened.

use serde_json::Value;

use crate::json;

/// Largest record read, in bytes. The largest real ones are kernel errata of a few MB.
pub const RECORD_BYTES_MAX: u64 = 16 << 20;
/// Longest list inside a record. Kernel errata name some thousand packages; npm malware records some thousand versions.
const LIST_MAX: usize = 50_000;
/// Longest id, name or version in bytes.
const NAME_MAX: usize = 512;
/// Longest summary and details kept, in bytes; what is longer ends in an ellipsis.
const SUMMARY_MAX: usize = 500;
const DETAILS_MAX: usize = 8 << 10;
/// Links kept per record, and the longest one, in bytes.
const REFERENCES_MAX: usize = 32;
const REFERENCE_MAX: usize = 2000;
/// Aliases and upstream ids kept per record; an erratum of a kernel names some hundred.
const ALIASES_MAX: usize = 2000;

/// A rating as the record states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rating {
    /// `CVSS_V2`, `CVSS_V3`, `CVSS_V4`, or another type such as `Ubuntu`.
    pub kind: String,
    /// Vector or word.
    pub score: String,
}

/// A border of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// First affected version; `0` is before all.
    Introduced(String),
    /// First version that is not affected any more.
    Fixed(String),
    /// Last affected version.
    LastAffected(String),
    /// The range says nothing at or above this version.
    Limit(String),
}

/// A package that the record names, for one ecosystem.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// OSV ecosystem, with its release where it has one.
    pub ecosystem: String,
    /// Name as the record writes it.
    pub name: String,
    /// Version ranges; commits are left out.
    pub ranges: Vec<Vec<Event>>,
    /// Affected versions by name.
    pub versions: Vec<String>,
    /// Ratings for this package alone.
    pub ratings: Vec<Rating>,
    /// The vendor's word for this package: Debian's urgency and the like.
    pub word: Option<String>,
}

/// A record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub id: String,
    /// When it was last changed, as written.
    pub modified: String,
    /// The publisher has taken it back.
    pub withdrawn: bool,
    /// One line.
    pub summary: String,
    /// Text.
    pub details: String,
    /// Other ids of the same vulnerability.
    pub aliases: Vec<String>,
    /// Ids of vulnerabilities that this record passes on.
    pub upstream: Vec<String>,
    /// Ratings for all packages.
    pub ratings: Vec<Rating>,
    /// The publisher's word for it.
    pub word: Option<String>,
    /// Packages.
    pub affected: Vec<Affected>,
    /// Links.
    pub references: Vec<String>,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// A sentence that says why it cannot be used.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() as u64 > RECORD_BYTES_MAX {
            return Err(format!("it is longer than {} MiB", RECORD_BYTES_MAX >> 20));
        }
        let value = json::read(serde_json::Deserializer::from_slice(bytes))
            .map_err(|error| format!("it is no JSON: {error}"))?;
        if !value.is_object() {
            return Err("it is no JSON object".to_owned());
        }
        let id = identifier(&value, "id").ok_or("it has no usable id")?;
        let mut record = Self {
            modified: identifier(&value, "modified").unwrap_or_default(),
            withdrawn: value.get("withdrawn").is_some_and(|w| !w.is_null() && w.as_str() != Some("")),
            summary: shorten(text(&value, "summary"), SUMMARY_MAX),
            details: shorten(text(&value, "details"), DETAILS_MAX),
            aliases: identifiers(&value, "aliases"),
            upstream: identifiers(&value, "upstream"),
            ratings: ratings(&value),
            word: word(&value),
            affected: affected(&value)?,
            references: references(&value),
            id,
        };
        apply_publisher_habits(&mut record, &value);
        record.aliases.retain(|alias| *alias != record.id);
        record.upstream.retain(|upstream| *upstream != record.id);
        Ok(record)
    }

    /// Whether this is an erratum that mends no vulnerability. Rebuilds of RHEL publish bug fixes and enhancements in the
    /// same feed (`ALBA`, `ALEA`, `RLBA`, `RLEA`).
    #[must_use]
    pub fn is_plain_erratum(&self) -> bool {
        let plain = ["ALBA-", "ALEA-", "RLBA-", "RLEA-"].iter().any(|prefix| self.id.starts_with(prefix));
        plain && !self.aliases.iter().chain(&self.upstream).any(|id| id.starts_with("CVE-"))
    }
}

/// What single publishers say in a place of their own.
fn apply_publisher_habits(record: &mut Record, value: &Value) {
    // AlmaLinux and Rocky list the CVEs that an erratum mends under `related`, the field that elsewhere only means
    // "see also"; and their one-line summary opens with Red Hat's rating.
    let erratum = ["ALSA-", "ALBA-", "ALEA-", "RLSA-", "RLBA-", "RLEA-", "RXSA-"]
        .iter()
        .any(|prefix| record.id.starts_with(prefix));
    if !erratum {
        return;
    }
    let related = identifiers(value, "related").into_iter().filter(|id| id.starts_with("CVE-"));
    record.upstream.extend(related);
    record.upstream.sort();
    record.upstream.dedup();
    if record.word.is_none() {
        record.word = record.summary.split_once(':').map(|(word, _)| word.trim().to_owned());
        record.word = record.word.take().filter(|word| model::Severity::from_word(word).is_some());
    }
}

fn affected(value: &Value) -> Result<Vec<Affected>, String> {
    let list = list(value, "affected")?;
    let mut affected = Vec::with_capacity(list.len());
    for item in list {
        let package = item.get("package").unwrap_or(&Value::Null);
        let (Some(ecosystem), Some(name)) = (identifier(package, "ecosystem"), identifier(package, "name"))
        else {
            continue;
        };
        let mut ranges = Vec::new();
        for range in self::list(item, "ranges")? {
            if text(range, "type") != "GIT" {
                ranges.push(events(range)?);
            }
        }
        let versions = self::list(item, "versions")?;
        let versions = versions.iter().filter_map(Value::as_str).filter_map(name_of).collect();
        affected.push(Affected {
            ecosystem,
            name,
            ranges,
            versions,
            ratings: ratings(item),
            word: word(item),
        });
    }
    Ok(affected)
}

fn events(range: &Value) -> Result<Vec<Event>, String> {
    type Kind = fn(String) -> Event;
    let kinds: [(&str, Kind); 4] = [
        ("introduced", Event::Introduced),
        ("fixed", Event::Fixed),
        ("last_affected", Event::LastAffected),
        ("limit", Event::Limit),
    ];
    let mut events = Vec::new();
    for item in list(range, "events")? {
        for (key, kind) in kinds {
            if let Some(version) = item.get(key).and_then(Value::as_str) {
                let version = name_of(version).ok_or("a version in it is empty or longer than 512 bytes")?;
                events.push(kind(version));
            }
        }
    }
    Ok(events)
}

fn ratings(value: &Value) -> Vec<Rating> {
    let items = value.get("severity").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .take(32)
        .filter_map(|item| {
            Some(Rating { kind: identifier(item, "type")?, score: identifier(item, "score")? })
        })
        .collect()
}

/// The publisher's word: `database_specific.severity` (GitHub, Bitnami), `ecosystem_specific.urgency` (Debian),
/// `ecosystem_specific.severity` (several).
fn word(value: &Value) -> Option<String> {
    [("database_specific", "severity"), ("ecosystem_specific", "urgency"), ("ecosystem_specific", "severity")]
        .iter()
        .find_map(|(outer, inner)| identifier(value.get(outer)?, inner))
}

fn references(value: &Value) -> Vec<String> {
    let items = value.get("references").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let urls = items.iter().filter_map(|item| item.get("url").and_then(Value::as_str));
    let mut references: Vec<String> = Vec::new();
    for url in urls.filter(|url| url.starts_with("http") && url.len() <= REFERENCE_MAX) {
        if references.len() < REFERENCES_MAX && !references.iter().any(|known| known == url) {
            references.push(url.to_owned());
        }
    }
    references
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a [Value], String> {
    let list = value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if list.len() > LIST_MAX {
        return Err(format!("its list `{key}` has {} items, more than {LIST_MAX}", list.len()));
    }
    Ok(list)
}

fn identifiers(value: &Value, key: &str) -> Vec<String> {
    let items = value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut ids: Vec<String> =
        items.iter().take(ALIASES_MAX).filter_map(Value::as_str).filter_map(name_of).collect();
    ids.sort();
    ids.dedup();
    ids
}

fn identifier(value: &Value, key: &str) -> Option<String> {
    name_of(value.get(key)?.as_str()?)
}

fn name_of(text: &str) -> Option<String> {
    let text = text.trim();
    let usable = !text.is_empty() && text.len() <= NAME_MAX && !text.chars().any(char::is_control);
    usable.then(|| text.to_owned())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// At most `max` bytes, cut between characters.
pub(crate) fn shorten(text: &str, max: usize) -> String {
    let text = text.trim();
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = max.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Event, Record};

    #[test]
    fn every_part_that_matters_is_read() {
        let record = Record::parse(
            br#"{"id":"GHSA-x","modified":"2024-01-01T00:00:00Z","aliases":["CVE-2024-1","GHSA-x"],"unknown":{"a":[1]},
            "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
            "database_specific":{"severity":"HIGH"},"references":[{"type":"WEB","url":"https://e.org/1"},{"url":"javascript:1"}],
            "affected":[{"package":{"ecosystem":"npm","name":"a"},"versions":["1.0.0"],"ranges":[
              {"type":"GIT","events":[{"introduced":"0"},{"fixed":"abc"}]},
              {"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}]}"#,
        )
        .unwrap();
        assert_eq!(record.aliases, ["CVE-2024-1"]);
        assert_eq!(record.word.as_deref(), Some("HIGH"));
        assert_eq!(record.references, ["https://e.org/1"]);
        let affected = &record.affected[0];
        assert_eq!(affected.ranges, [[Event::Introduced("0".into()), Event::Fixed("1.2.0".into())]]);
    }

    #[test]
    fn odd_fields_count_as_absent_and_broken_records_say_why() {
        let odd = br#"{"id":"A-1","aliases":null,"severity":"HIGH","affected":[{"package":"x"},7,{}],"references":{}}"#;
        let record = Record::parse(odd).unwrap();
        assert!(record.affected.is_empty() && record.ratings.is_empty());
        for (text, part) in [
            (&b"{\"id\":\"A"[..], "no JSON"),
            (b"[]", "no JSON object"),
            (b"{\"id\":7}", "no usable id"),
            (b"{\"id\":\"a\\u0000b\"}", "no usable id"),
        ] {
            let error = Record::parse(text).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        let deep = format!("{{\"id\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(Record::parse(deep.as_bytes()).unwrap_err().contains("recursion"));
    }

    #[test]
    fn errata_of_rebuilds_name_their_cves_and_rating() {
        let record = Record::parse(
            br#"{"id":"ALSA-2024:1","summary":"Important: openssl security update","related":["CVE-2024-2","CVE-2024-1","X-1"]}"#,
        )
        .unwrap();
        assert_eq!(record.upstream, ["CVE-2024-1", "CVE-2024-2"]);
        assert_eq!(record.word.as_deref(), Some("Important"));
        let plain = Record::parse(br#"{"id":"ALBA-2024:1","summary":"lvm2 bug fix update"}"#).unwrap();
        assert!(plain.is_plain_erratum() && !record.is_plain_erratum());
        let other = Record::parse(br#"{"id":"GO-2024-1","related":["CVE-2024-2"]}"#).unwrap();
        assert!(other.upstream.is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Record::parse(&bytes);
        }
    }
}
