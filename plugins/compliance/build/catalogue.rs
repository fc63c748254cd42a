//! Reads the catalogues and refuses what their format (`catalogues/README.md`) does not allow.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::order::by_number;

/// Longest title, in characters.
const TITLE_CHARS_MAX: usize = 100;

/// Classes of findings of scans, which stand where a rule stands.
const CLASSES: [&str; 4] = ["class:license", "class:malware", "class:secret", "class:vulnerability"];

/// One framework version, its controls in the order of their ids.
#[derive(Debug)]
pub(crate) struct Framework {
    pub(crate) id: String,
    pub(crate) controls: Vec<Control>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    id: String,
    name: String,
    version: String,
    publisher: String,
    source: String,
    licence: String,
    #[serde(rename = "text")]
    _text: Words,
}

/// Whose words the titles are.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Words {
    OwnWords,
    PublicDomain,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Control {
    pub(crate) id: String,
    pub(crate) title: String,
    section: String,
    pub(crate) assessment: Assessment,
    #[serde(default = "usual_weight")]
    weight: u8,
    #[serde(default)]
    pub(crate) rules: Vec<Mapping>,
}

/// What a platform can tell of a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Assessment {
    Automated,
    Partly,
    Manual,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapping {
    pub(crate) rule: String,
    pub(crate) why: String,
}

fn usual_weight() -> u8 {
    5
}

/// Every framework of the folder, in the order of their ids.
///
/// # Errors
/// The first file that breaks the format, and how.
pub(crate) fn read_all(folder: &Path) -> Result<Vec<Framework>, String> {
    let mut frameworks = Vec::new();
    for path in listed(folder)? {
        let stem = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let files = listed(&path)?.into_iter().map(|file| Ok((shown(&file), text(&file)?)));
            frameworks.push(of_folder(name, files.collect::<Result<_, String>>()?)?);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            frameworks.push(of_file(stem, &text(&path)?)?);
        }
    }
    frameworks.sort_by(|left, right| left.id.cmp(&right.id));
    Ok(frameworks)
}

/// A framework in one file: the head, and after it the controls.
pub(crate) fn of_file(name: &str, text: &str) -> Result<Framework, String> {
    let mut table = parsed(name, text)?;
    let controls = controls_of(name, &mut table)?;
    finished(name, head_of(name, table)?, controls)
}

/// A framework in a folder: the head in `catalogue.toml`, the controls in the other files.
pub(crate) fn of_folder(name: &str, files: Vec<(String, String)>) -> Result<Framework, String> {
    let mut head = None;
    let mut controls = Vec::new();
    for (file, text) in files {
        let place = format!("{name}/{file}");
        let mut table = parsed(&place, &text)?;
        if file == "catalogue.toml" {
            head = Some(head_of(&place, table)?);
            continue;
        }
        controls.extend(controls_of(&place, &mut table)?);
        if let Some(key) = table.keys().next() {
            return Err(format!("{place}: the key {key:?} does not belong into a file of controls"));
        }
    }
    finished(name, head.ok_or(format!("{name}: there is no catalogue.toml"))?, controls)
}

fn finished(name: &str, head: Head, mut controls: Vec<Control>) -> Result<Framework, String> {
    if head.id != name {
        return Err(format!("{name}: the id is {:?}, not the name of the file or folder", head.id));
    }
    if controls.is_empty() {
        return Err(format!("{name}: there are no controls"));
    }
    let mut ids = BTreeSet::new();
    for control in &controls {
        check(control).map_err(|problem| format!("{name}: control {:?} {problem}", control.id))?;
        if !ids.insert(&control.id) {
            return Err(format!("{name}: control {:?} is there twice", control.id));
        }
    }
    controls.sort_by(|left, right| by_number(&left.id, &right.id));
    Ok(Framework { id: head.id, controls })
}

fn check(control: &Control) -> Result<(), String> {
    let title = control.title.chars().count();
    if title > TITLE_CHARS_MAX {
        return Err(format!("has a title of {title} characters; at most {TITLE_CHARS_MAX} are allowed"));
    }
    for (key, value) in [("id", &control.id), ("title", &control.title), ("section", &control.section)] {
        line(key, value)?;
    }
    if !(1..=10).contains(&control.weight) {
        return Err(format!("has the weight {}; 1 to 10 are allowed", control.weight));
    }
    if control.assessment == Assessment::Manual && !control.rules.is_empty() {
        return Err("is for people to judge and has rules".to_owned());
    }
    let mut rules = BTreeSet::new();
    for map in &control.rules {
        rule(&map.rule)?;
        line("why", &map.why)?;
        if !rules.insert(&map.rule) {
            return Err(format!("names the rule {:?} twice", map.rule));
        }
    }
    Ok(())
}

fn rule(id: &str) -> Result<(), String> {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if CLASSES.contains(&id) || id.split('-').all(word) {
        return Ok(());
    }
    Err(format!("names {id:?}, which is neither the id of a rule nor one of {}", CLASSES.join(", ")))
}

/// One line of text: not empty, nothing but the text itself.
fn line(key: &str, value: &str) -> Result<(), String> {
    if value.is_empty() || value.trim() != value || value.contains(char::is_control) {
        return Err(format!("has the {key} {value:?}, which is not one line of text"));
    }
    Ok(())
}

fn head_of(place: &str, table: Table) -> Result<Head, String> {
    let head: Head = typed(place, table)?;
    let texts = [
        ("name", &head.name),
        ("version", &head.version),
        ("publisher", &head.publisher),
        ("source", &head.source),
        ("licence", &head.licence),
    ];
    for (key, value) in texts {
        line(key, value).map_err(|problem| format!("{place}: {problem}"))?;
    }
    rule(&head.id.replace('.', "-"))
        .map_err(|_| format!("{place}: the id {:?} is not kebab-case", head.id))?;
    Ok(head)
}

fn controls_of(place: &str, table: &mut Table) -> Result<Vec<Control>, String> {
    let controls = table.remove("controls").ok_or(format!("{place}: there are no controls"))?;
    controls.try_into().map_err(|error| format!("{place}: {error}"))
}

fn typed<T: DeserializeOwned>(place: &str, table: Table) -> Result<T, String> {
    table.try_into().map_err(|error| format!("{place}: {error}"))
}

fn parsed(place: &str, text: &str) -> Result<Table, String> {
    text.parse().map_err(|error| format!("{place}: {error}"))
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let problem = |error| format!("cannot list {}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(problem)?;
    let mut paths =
        entries.map(|entry| Ok(entry.map_err(problem)?.path())).collect::<Result<Vec<_>, String>>()?;
    paths.sort();
    Ok(paths)
}

fn shown(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn text(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}
