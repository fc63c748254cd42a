//! The published text of the plugin contract never changes: what a component was built against today must load in years.
//!
//! `wit/published/<package>@<version>.wit` is the frozen text of one version. The working text in `wit/<package>/` is either
//! exactly that, or has a new version; and within one line of versions (the same major number, or the same minor one below
//! 1.0) every interface that was ever published stays as it was. New ability is a new interface.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

/// Folder of the packages, and of their frozen texts.
const PACKAGES: [&str; 4] = ["types", "host", "plugin", "worlds"];

/// SHA-256 of every frozen text, as `sha256sum` prints them: changing one takes two deliberate edits.
const SUMS: &str = "wit/published/SHA256SUMS";

/// Adds a line to `wrong` for every way in which the contract is not what was published.
///
/// # Errors
/// A text cannot be read.
pub(crate) fn check(root: &Path, wrong: &mut Vec<String>) -> Result<()> {
    let read =
        |path: &str| std::fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"));
    let frozen = frozen(root)?;
    let sums: BTreeMap<String, String> = read(SUMS)?
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, name)| (name.to_owned(), sum.to_owned()))
        .collect();
    for (name, text) in &frozen {
        let sum: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        if sums.get(name) != Some(&sum) {
            wrong.push(format!(
                "wit/published/{name} is not the text of {SUMS}: what was published never changes"
            ));
        }
    }
    for lost in sums.keys().filter(|name| !frozen.contains_key(*name)) {
        wrong.push(format!("wit/published/{lost} is gone: what was published stays"));
    }
    for package in PACKAGES {
        let path = format!("wit/{package}/{package}.wit");
        let text = read(&path)?;
        let Some(version) = version(&text, package) else {
            wrong.push(format!("{path} does not begin with its package and version"));
            continue;
        };
        match frozen.get(&format!("{package}@{version}.wit")) {
            Some(published) if *published == text => {}
            Some(_) => wrong.push(format!(
                "{path} differs from what was published as {version}; give the package a new version"
            )),
            None => {
                wrong.push(format!("{path} has the version {version}, which is not in wit/published yet"))
            }
        }
        for (name, older) in frozen.iter().filter(|(name, _)| name.starts_with(&format!("{package}@"))) {
            let then = name.trim_start_matches(&format!("{package}@")).trim_end_matches(".wit");
            if line_of(then) == line_of(&version) {
                wrong.extend(changed(older, &text).into_iter().map(|interface| {
                    format!("{path}: the interface {interface} is not what was published as {then}")
                }));
            }
        }
    }
    Ok(())
}

fn frozen(root: &Path) -> Result<BTreeMap<String, String>> {
    let folder = root.join("wit/published");
    let listed = std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut texts = BTreeMap::new();
    for entry in listed {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".wit") {
            texts.insert(name, std::fs::read_to_string(&path)?);
        }
    }
    Ok(texts)
}

fn version(text: &str, package: &str) -> Option<String> {
    let head = format!("package palisade:{package}@");
    let line = text.lines().find_map(|line| line.strip_prefix(&head))?;
    Some(line.trim_end_matches(';').to_owned())
}

/// The numbers that versions share when one can stand for the other.
fn line_of(version: &str) -> &str {
    let dots = if version.starts_with("0.") { 2 } else { 1 };
    version.match_indices('.').nth(dots - 1).map_or(version, |(at, _)| version.get(..at).unwrap_or(version))
}

/// Names of the interfaces of an older text that the newer one lacks or has otherwise. Comments do not count.
fn changed(older: &str, newer: &str) -> Vec<String> {
    let newer = interfaces(newer);
    interfaces(older)
        .into_iter()
        .filter(|(name, body)| newer.get(name) != Some(body))
        .map(|(name, _)| name)
        .collect()
}

/// Interfaces by name, their text without comments and with single spaces.
fn interfaces(text: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut current: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("interface ").or_else(|| line.strip_prefix("world ")) {
            current = Some((name.trim_end_matches(" {").to_owned(), String::new()));
        } else if line == "}" {
            all.extend(current.take());
        } else if let Some((_, body)) = &mut current {
            let code = line.split("//").next().unwrap_or_default();
            for word in code.split_whitespace() {
                body.push_str(word);
                body.push(' ');
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{changed, line_of};

    const THEN: &str =
        "package palisade:a@0.1.0;\n/// Old.\ninterface log {\n    write: func(text: string);\n}\n";

    #[test]
    fn an_interface_may_gain_words_about_it_and_neighbours_and_nothing_else() {
        let said = THEN.replace("/// Old.", "/// New.").replace("    write", "    /// Writes.\n    write");
        assert!(changed(THEN, &said).is_empty());
        assert!(changed(THEN, &format!("{said}interface more {{\n    x: func();\n}}\n")).is_empty());
        assert_eq!(changed(THEN, &said.replace("string", "list<u8>")), ["log"]);
        assert_eq!(changed(THEN, &said.replace("    write", "    more: func();\n    write")), ["log"]);
        assert_eq!(changed(THEN, ""), ["log"]);
    }

    #[test]
    fn below_one_the_minor_number_makes_a_line() {
        assert_eq!((line_of("0.1.7"), line_of("0.2.0"), line_of("1.4.2")), ("0.1", "0.2", "1"));
    }
}
