//! Every stable code has a page in `platform/error-codes/`, and every page a code.
//!
//! Codes are taken from the text of the sources, which `cargo fmt` keeps in one shape:
//! - in any crate but this one, the string literals of every `fn code(&self) -> &'static str`;
//! - in the files of [`WORDS`], the string literals of `fn as_str(self) -> &'static str`;
//! - in the files of [`LISTED`], the first string literal behind a given beginning.
//!
//! A function goes from its head to the first line that closes a brace at the head's own indentation. Comments are
//! left out. A file of the two lists that gives no code at all is reported too.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Folder of the pages.
pub(crate) const PAGES: &str = "platform/error-codes";

/// End of the line that begins a function whose literals are codes.
const CODE: &str = "fn code(&self) -> &'static str {";

/// The same for the functions of [`WORDS`].
pub(crate) const AS_STR: &str = "fn as_str(self) -> &'static str {";

/// Files with an enum whose words are codes: gaps, and faults of plugins.
const WORDS: [&str; 2] = ["platform/model/src/coverage.rs", "platform/host/src/fault.rs"];

/// Files that write codes elsewhere, each with what stands before the code.
const LISTED: [(&str, &str); 8] = [
    // The list of the macro `codes!`: `Variant = "word", STATUS, "Title";`.
    ("platform/api/src/code.rs", " = \""),
    ("platform/palisade/src/serve/worker.rs", "Failure::new(\""),
    ("platform/palisade/src/serve/worker.rs", "code: \""),
    ("platform/palisade/src/serve/abandoned.rs", "const CODE: &str = \""),
    ("platform/palisade/src/serve/backtest.rs", "_CODE: &str = \""),
    ("platform/palisade/src/serve/triage.rs", "_CODE: &str = \""),
    ("platform/palisade/src/serve/import.rs", "_CODE: &str = \""),
    ("platform/palisade/src/serve/tickets.rs", "_CODE: &str = \""),
];

/// Compares codes and pages, and adds a line to `wrong` for every difference.
///
/// # Errors
/// A source or page cannot be read.
pub(crate) fn check(root: &Path, wrong: &mut Vec<String>) -> Result<()> {
    let codes = codes(root, wrong)?;
    let pages = pages(root)?;
    for (code, file) in &codes {
        match pages.get(code) {
            None => wrong.push(format!("{file}: the code {code} has no page {PAGES}/{code}.md")),
            Some(heading) if *heading != format!("# {code}") => {
                wrong.push(format!("{PAGES}/{code}.md: its heading is {heading:?}, not \"# {code}\""));
            }
            Some(_) => {}
        }
    }
    let lonely = pages.keys().filter(|page| !codes.contains_key(*page));
    wrong.extend(lonely.map(|page| format!("{PAGES}/{page}.md: no source has the code {page}")));
    Ok(())
}

/// Every code, with the first file that has it.
fn codes(root: &Path, wrong: &mut Vec<String>) -> Result<BTreeMap<String, String>> {
    let mut codes = BTreeMap::new();
    for krate in children(&root.join("platform"))? {
        if krate != "xtask" {
            in_folder(root, &format!("platform/{krate}/src"), &mut codes)?;
        }
    }
    let words = WORDS.map(|file| (file, functions as fn(&str, &str) -> Vec<String>, AS_STR));
    let listed = LISTED.map(|(file, before)| (file, behind as fn(&str, &str) -> Vec<String>, before));
    for (file, rule, mark) in words.into_iter().chain(listed) {
        let found = rule(&read(&root.join(file))?, mark);
        if found.is_empty() {
            wrong.push(format!("{file}: no code behind {mark:?}; was it moved? xtask's codes.rs names it"));
        }
        keep(found, file, &mut codes);
    }
    Ok(codes)
}

/// Takes the codes of every Rust file below a folder; none where the folder is not there.
fn in_folder(root: &Path, folder: &str, codes: &mut BTreeMap<String, String>) -> Result<()> {
    let path = root.join(folder);
    if !path.is_dir() {
        return Ok(());
    }
    for name in children(&path)? {
        let file = format!("{folder}/{name}");
        if root.join(&file).is_dir() {
            in_folder(root, &file, codes)?;
        } else if name.ends_with(".rs") {
            keep(functions(&read(&root.join(&file))?, CODE), &file, codes);
        }
    }
    Ok(())
}

fn keep(found: Vec<String>, file: &str, codes: &mut BTreeMap<String, String>) {
    for code in found {
        codes.entry(code).or_insert_with(|| file.to_owned());
    }
}

/// The pages by their names, with their first lines.
pub(crate) fn pages(root: &Path) -> Result<BTreeMap<String, String>> {
    let folder = root.join(PAGES);
    let mut pages = BTreeMap::new();
    for name in children(&folder)? {
        if let Some(code) = name.strip_suffix(".md") {
            let text = read(&folder.join(&name))?;
            pages.insert(code.to_owned(), text.lines().next().unwrap_or_default().to_owned());
        }
    }
    Ok(pages)
}

/// The string literals in the functions whose first line ends with `head`.
pub(crate) fn functions(source: &str, head: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut end: Option<String> = None;
    for line in source.lines() {
        match &end {
            None if line.ends_with(head) => {
                let indentation = line.len() - line.trim_start().len();
                end = Some(format!("{}}}", " ".repeat(indentation)));
            }
            None => {}
            Some(closing) if line == closing => end = None,
            Some(_) => found.extend(literals(line)),
        }
    }
    found
}

/// The first string literal behind every `before`, which ends with its quotation mark. One on each line.
fn behind(source: &str, before: &str) -> Vec<String> {
    let code = source.lines().filter(|line| !is_comment(line));
    let words = code.filter_map(|line| line.split_once(before)?.1.split_once('"'));
    words.map(|(word, _)| word.to_owned()).collect()
}

/// The string literals of one line. Codes have no quotation marks or backslashes in them.
fn literals(line: &str) -> impl Iterator<Item = String> {
    let line = if is_comment(line) { "" } else { line };
    line.split('"').skip(1).step_by(2).map(str::to_owned)
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// Names in a folder, sorted.
fn children(folder: &Path) -> Result<Vec<String>> {
    let what = || format!("cannot list {}", folder.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(what)? {
        names.push(entry.with_context(what)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::{AS_STR, CODE, behind, functions};

    #[test]
    fn literals_are_taken_from_the_named_functions_alone() {
        let source = [
            "impl E {",
            "    pub fn code(&self) -> &'static str {",
            "        match self {",
            "            // Not \"this\".",
            "            Self::A { .. } => \"a-b\",",
            "            Self::B(source) => source.code(),",
            "        }",
            "    }",
            "",
            "    fn name(&self) -> &'static str {",
            "        \"nor-this\"",
            "    }",
            "}",
        ];
        let source = source.join("\n");
        assert_eq!(functions(&source, CODE), ["a-b"]);
        assert!(functions(&source, AS_STR).is_empty());
        let bare = ["fn code(&self) -> &'static str {", "    \"only\"", "}", "const X: &str = \"no\";"];
        assert_eq!(functions(&bare.join("\n"), CODE), ["only"]);
    }

    #[test]
    fn the_first_literal_behind_a_beginning_is_the_code() {
        let source = ["    /// Doc = \"no\".", "    A = \"a-b\", OK, \"A title\";", "    other();"];
        assert_eq!(behind(&source.join("\n"), " = \""), ["a-b"]);
    }
}
