//! Texts of others stay out of the compliance catalogues.
//!
//! What can be proven without having the licensed texts, which this repository must not have: that a catalogue has no place for them. Every
//! framework is listed here with whose words it may use; where those are our own, titles, sections and reasons are too short to be a copied
//! requirement, there are no other texts, and none has the form in which the publisher writes. That a short sentence happens to be the
//! publisher's own cannot be found this way: whoever adds a framework compares, and says so in the catalogues' README.

use std::path::Path;

use anyhow::{Context as _, Result};
use toml::{Table, Value};

/// Folder of the catalogues.
const FOLDER: &str = "plugins/compliance/catalogues";

/// Words of a title, of a section's name, and of a sentence that says why.
const TITLE_WORDS_MAX: usize = 14;
const SECTION_WORDS_MAX: usize = 8;
const WHY_WORDS_MAX: usize = 40;

/// Whose texts may be reproduced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    /// Nobody's but our own: the publisher reserves the text.
    Licensed,
    /// Law, and works of a government: anybody's.
    Free,
}

/// Every framework, by its id. One that is not here is refused, so that nobody adds one without having thought of it.
const FRAMEWORKS: [(&str, Text); 13] = [
    ("cis-aws-foundations-7.0", Text::Licensed),
    ("cis-kubernetes-1.12", Text::Licensed),
    ("dora", Text::Free),
    ("gdpr-article-32", Text::Free),
    ("hipaa-security-rule", Text::Free),
    ("iso-27001-2022", Text::Licensed),
    ("nis2", Text::Free),
    ("nist-800-190", Text::Free),
    ("nist-800-53-r5", Text::Free),
    ("nist-csf-2.0", Text::Free),
    ("nsa-cisa-kubernetes-1.2", Text::Free),
    ("pci-dss-4.0.1", Text::Licensed),
    ("soc-2-tsc-2017", Text::Licensed),
];

/// How publishers of licensed texts begin or build their sentences: CIS titles begin with `Ensure`, ISO and the AICPA oblige with `shall`
/// and `The entity`.
const FORMS: [&str; 4] = ["ensure ", " shall ", "the entity ", "the organization shall"];

/// Keys that a head and a control may have. Descriptions, guidance and audit steps have no place.
const HEAD: [&str; 8] = ["id", "name", "version", "publisher", "source", "licence", "text", "controls"];
const CONTROL: [&str; 6] = ["id", "title", "section", "assessment", "weight", "rules"];
const RULE: [&str; 2] = ["rule", "why"];

/// Adds a line to `wrong` for every place where a catalogue could hold, or says that it holds, a text that is not ours.
///
/// # Errors
/// A catalogue cannot be read.
pub(crate) fn check(root: &Path, wrong: &mut Vec<String>) -> Result<()> {
    let folder = root.join(FOLDER);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot list {FOLDER}"))? {
        let path = entry?.path();
        if path.is_dir() {
            for inner in std::fs::read_dir(&path)? {
                files.push(inner?.path());
            }
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    let mut heads = 0;
    for path in files {
        let name = path.strip_prefix(&folder).unwrap_or(&path).to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        heads += usize::from(catalogue(&name, &text, wrong));
    }
    if heads != FRAMEWORKS.len() {
        wrong.push(format!(
            "{FOLDER}: {heads} frameworks, and xtask's catalogues.rs lists {}",
            FRAMEWORKS.len()
        ));
    }
    Ok(())
}

/// Checks one file, and says whether it has the head of a framework.
fn catalogue(name: &str, text: &str, wrong: &mut Vec<String>) -> bool {
    let mut say = |what: String| wrong.push(format!("{FOLDER}/{name}: {what}"));
    let table: Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            say(format!("it is no TOML: {error}"));
            return false;
        }
    };
    let framework = name.split('/').next().unwrap_or(name).trim_end_matches(".toml");
    let Some((_, licence)) = FRAMEWORKS.iter().find(|(id, _)| *id == framework) else {
        say("xtask's catalogues.rs does not say whose texts this framework may use".to_owned());
        return false;
    };
    let licensed = *licence == Text::Licensed;
    let head = table.contains_key("text");
    let words = table.get("text").and_then(Value::as_str);
    if licensed && head && words != Some("own-words") {
        say(format!("its text is licensed, so it must say text = \"own-words\", not {words:?}"));
    }
    keys(&table, &HEAD, &mut say);
    for control in list(&table, "controls") {
        keys(control, &CONTROL, &mut say);
        let rules = list(control, "rules");
        rules.iter().for_each(|rule| keys(rule, &RULE, &mut say));
        if licensed {
            sentence(control, "title", TITLE_WORDS_MAX, &mut say);
            sentence(control, "section", SECTION_WORDS_MAX, &mut say);
            rules.iter().for_each(|rule| sentence(rule, "why", WHY_WORDS_MAX, &mut say));
        }
    }
    head
}

fn list<'a>(table: &'a Table, key: &str) -> Vec<&'a Table> {
    table.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table).collect()
}

fn keys(table: &Table, allowed: &[&str], say: &mut impl FnMut(String)) {
    for key in table.keys().filter(|key| !allowed.contains(&key.as_str())) {
        say(format!("the key {key:?} could hold a text that is not ours"));
    }
}

fn sentence(table: &Table, key: &str, most: usize, say: &mut impl FnMut(String)) {
    let Some(text) = table.get(key).and_then(Value::as_str) else { return };
    let words = text.split_whitespace().count();
    if words > most {
        say(format!("a {key} of {words} words is long enough to be copied; {most} are allowed: {text:?}"));
    }
    let lower = text.to_lowercase();
    if let Some(form) =
        FORMS.iter().find(|form| lower.starts_with(**form) || form.starts_with(' ') && lower.contains(**form))
    {
        say(format!("a {key} has the form of a publisher's text ({form:?}): {text:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::catalogue;

    fn wrong(name: &str, text: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        catalogue(name, text, &mut wrong);
        wrong
    }

    const GOOD: &str = "text = \"own-words\"\n[[controls]]\nid = \"1\"\ntitle = \"Short and our own\"\nsection = \"1 Some\"\n\
                        assessment = \"partly\"\n[[controls.rules]]\nrule = \"r\"\nwhy = \"It is open, so it is not met.\"\n";

    #[test]
    fn what_could_be_a_publishers_text_is_refused_where_it_is_licensed() {
        let licensed = "iso-27001-2022/a-5.toml";
        assert!(wrong(licensed, GOOD).is_empty());
        let long = "word ".repeat(15);
        for (bad, what) in [
            (GOOD.replace("own-words", "public-domain"), "must say text"),
            (GOOD.replace("Short and our own", &long), "15 words is long enough"),
            (GOOD.replace("1 Some", &long), "15 words is long enough"),
            (GOOD.replace("It is open", &long.repeat(3)), "is long enough"),
            (GOOD.replace("Short and our own", "Ensure that it is set"), "form of a publisher's text"),
            (GOOD.replace("Short and our own", "Rules shall be there"), "form of a publisher's text"),
            (GOOD.replace("Short and our own", "The entity does it"), "form of a publisher's text"),
            (GOOD.replace("assessment", "description = \"x\"\nassessment"), "\"description\" could hold"),
            (GOOD.replace("why", "guidance = \"x\"\nwhy"), "\"guidance\" could hold"),
            (format!("summary = \"x\"\n{GOOD}"), "\"summary\" could hold"),
            ("= 1".to_owned(), "no TOML"),
        ] {
            let found = wrong(licensed, &bad);
            assert!(found.len() == 1 && found.iter().all(|line| line.contains(what)), "{what}: {found:?}");
        }
        let free = "nist-800-53-r5/ac.toml";
        assert!(
            wrong(free, &GOOD.replace("own-words", "public-domain").replace("Short and our own", &long))
                .is_empty()
        );
        assert_eq!(wrong(free, &GOOD.replace("assessment", "text = \"x\"\nassessment")).len(), 1);
        assert_eq!(wrong("new-framework.toml", GOOD).len(), 1);
    }
}
