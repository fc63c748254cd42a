//! `values.yaml` is where values are described: the table in the chart's `README.md` is made of its comments, and its schema knows
//! exactly the same keys.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

const BEGIN: &str = "<!-- values: written from values.yaml by `cargo xtask helm --update` -->\n";
const END: &str = "<!-- values: end -->";

/// A key that has a comment above it, or stands beside keys that have.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    /// From the root, joined by dots.
    path: String,
    /// The comment; empty where there is none.
    comment: String,
    /// What stands behind the key, and below it unless that is described itself.
    default: String,
    /// Whether keys below are described themselves.
    section: bool,
}

/// Compares table and schema with the values; `update` writes the table first.
///
/// # Errors
/// They differ, or a key has no comment.
pub(super) fn check(chart: &Path, update: bool) -> Result<()> {
    let read = |name: &str| {
        std::fs::read_to_string(chart.join(name)).with_context(|| format!("cannot read the chart's {name}"))
    };
    let entries = entries(&read("values.yaml")?);
    for entry in &entries {
        ensure!(
            !entry.comment.is_empty(),
            "values.yaml does not say what {} is: put a comment above it",
            entry.path
        );
    }
    let readme = read("README.md")?;
    let (before, rest) =
        readme.split_once(BEGIN).context("README.md of the chart has lost the place of its table")?;
    let (_, after) = rest.split_once(END).context("README.md of the chart has lost the end of its table")?;
    let wanted = format!("{before}{BEGIN}{}{END}{after}", table(&entries));
    if update {
        std::fs::write(chart.join("README.md"), &wanted).context("cannot write the chart's README.md")?;
    } else {
        ensure!(
            readme == wanted,
            "README.md of the chart is not what values.yaml says; `cargo xtask helm --update`"
        );
    }
    let schema =
        serde_json::from_str(&read("values.schema.json")?).context("values.schema.json is no JSON")?;
    same_keys(&entries, &schema)
}

/// The described keys of a file of values, in its order.
fn entries(text: &str) -> Vec<Entry> {
    let lines: Vec<&str> = text.lines().collect();
    let mut entries = Vec::new();
    let (mut path, mut comment): (Vec<(usize, String)>, Vec<&str>) = (Vec::new(), Vec::new());
    // Lines below this indentation belong to a key without described keys.
    let mut inside: Option<usize> = None;
    for (number, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        if trimmed.is_empty() {
            comment.clear();
            continue;
        }
        if inside.is_some_and(|outer| indent > outer) {
            continue;
        }
        inside = None;
        if let Some(said) = trimmed.strip_prefix('#') {
            comment.push(said.trim());
            continue;
        }
        let Some((key, value)) = trimmed.split_once(':') else { continue };
        path.retain(|(outer, _)| *outer < indent);
        path.push((indent, key.to_owned()));
        let below: Vec<&str> =
            lines.iter().skip(number + 1).copied().take_while(|line| is_below(line, indent)).collect();
        let section = below.iter().any(|line| line.trim_start().starts_with('#'));
        if !section {
            inside = Some(indent);
        }
        entries.push(Entry {
            path: path.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>().join("."),
            comment: std::mem::take(&mut comment).join(" "),
            default: if section { String::new() } else { default(value, &below) },
            section,
        });
    }
    entries
}

fn is_below(line: &str, indent: usize) -> bool {
    let trimmed = line.trim_start();
    !trimmed.is_empty() && line.len() - trimmed.len() > indent
}

/// What a table has room for.
fn default(value: &str, below: &[&str]) -> String {
    if below.is_empty() { format!("`{}`", value.trim()) } else { "see values.yaml".to_owned() }
}

fn table(entries: &[Entry]) -> String {
    let mut table = String::from("| key | default | what it is |\n|---|---|---|\n");
    for Entry { path, comment, default, section } in entries {
        let key = if *section { format!("**`{path}`**") } else { format!("`{path}`") };
        let _ = writeln!(table, "| {key} | {default} | {} |", comment.replace('|', "\\|"));
    }
    table
}

/// Both ways: what the schema does not know cannot be set, and what the values do not name nobody finds.
fn same_keys(entries: &[Entry], schema: &Value) -> Result<()> {
    let described: BTreeSet<String> = entries.iter().map(|entry| entry.path.clone()).collect();
    let sections: BTreeSet<&str> =
        entries.iter().filter(|entry| entry.section).map(|entry| entry.path.as_str()).collect();
    let mut known = BTreeSet::new();
    keys(schema, "", &sections, &mut known)?;
    // Of a chart that this one is a part of.
    known.remove("enabled");
    let unknown: Vec<&String> = described.difference(&known).collect();
    ensure!(unknown.is_empty(), "values.schema.json does not know {unknown:?}, which values.yaml has");
    let lost: Vec<&String> = known.difference(&described).collect();
    ensure!(lost.is_empty(), "values.schema.json knows {lost:?}, which values.yaml does not name");
    Ok(())
}

/// The keys that a schema names, down to where values are described as a whole. Sections take no other keys, but for `global`, which
/// charts share.
fn keys(schema: &Value, path: &str, sections: &BTreeSet<&str>, known: &mut BTreeSet<String>) -> Result<()> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let properties =
        properties.with_context(|| format!("values.schema.json has no properties of {path:?}"))?;
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    ensure!(closed || path == "global", "values.schema.json lets {path:?} have any key");
    for (key, below) in properties {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if sections.contains(path.as_str()) {
            keys(below, &path, sections, known)?;
        }
        known.insert(path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{entries, same_keys, table};

    const VALUES: &str = "\
# Of the file.

# How many.
count: 1
# A part
# of it.
part:
  # Its name.
  name: \"\"
  # Free.
  free:
    any: 1
";

    #[test]
    fn comments_become_rows_and_what_is_below_an_undescribed_key_is_its_value() {
        let table = table(&entries(VALUES));
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| `count` | `1` | How many. |",
                "| **`part`** |  | A part of it. |",
                "| `part.name` | `\"\"` | Its name. |",
                "| `part.free` | see values.yaml | Free. |"
            ]
        );
        assert_eq!(entries("a: 1\n")[0].comment, "");
    }

    #[test]
    fn a_key_of_only_one_side_is_named() {
        let schema = |part: serde_json::Value| json!({ "additionalProperties": false, "properties": { "count": {}, "part": part } });
        let part = |properties| json!({ "additionalProperties": false, "properties": properties });
        let check = |part| same_keys(&entries(VALUES), &schema(part)).map_err(|error| error.to_string());
        check(part(json!({ "name": {}, "free": {} }))).unwrap();
        assert!(check(part(json!({ "name": {} }))).unwrap_err().contains("part.free"));
        assert!(check(part(json!({ "name": {}, "free": {}, "old": {} }))).unwrap_err().contains("part.old"));
        let open = json!({ "properties": { "name": {}, "free": {} } });
        assert!(check(open).unwrap_err().contains("any key"));
    }
}
