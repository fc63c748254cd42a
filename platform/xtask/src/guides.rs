//! The guides for authors that are made from other files: what a plugin may call, from the WIT of the host; and what can go wrong,
//! from the pages of the error codes. `cargo xtask guides` writes them, `cargo xtask check` compares.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::codes;

/// How a manifest asks for each interface that needs a grant.
const TABLES: [(&str, &str); 5] = [
    (
        "state",
        "[capabilities.state]\nwhy = \"counts the failures of each asset from call to call\"\nbytes = 65536                  # all keys and values together",
    ),
    ("advisories", "[capabilities.advisories]\nwhy = \"tells which packages of a resource are vulnerable\""),
    (
        "assets",
        "[capabilities.assets]\nwhy = \"names the owner of a workload\"\nkinds = [\"workload\"]           # kinds of assets that it may ask about",
    ),
    (
        "blob",
        "[capabilities.blob]\nwhy = \"reads signatures beside images\"\nrepositories = [\"registry.example.com/team/*\"]",
    ),
    (
        "http",
        "[capabilities.http]\nwhy = \"opens tickets\"\nallow = [{ host = \"tickets.example.com\", methods = [\"POST\"], paths = [\"/api/**\"] }]\n\n\
         [capabilities.secret]          # only where requests carry a credential\nwhy = \"authenticates at the ticket system\"\nnames = [\"token\"]",
    ),
];

/// Writes the guides.
///
/// # Errors
/// A source cannot be read or a guide cannot be written.
pub(crate) fn write(root: &Path) -> Result<()> {
    for (path, text) in guides(root)? {
        std::fs::write(root.join(path), text).with_context(|| format!("cannot write {path}"))?;
    }
    Ok(())
}

/// Adds a line to `wrong` for every guide that is not what its sources make of it.
///
/// # Errors
/// A source cannot be read.
pub(crate) fn check(root: &Path, wrong: &mut Vec<String>) -> Result<()> {
    for (path, text) in guides(root)? {
        if std::fs::read_to_string(root.join(path)).ok().as_ref() != Some(&text) {
            wrong.push(format!("{path} is not what its sources say; run `cargo xtask guides`"));
        }
    }
    Ok(())
}

fn guides(root: &Path) -> Result<[(&'static str, String); 2]> {
    let wit = root.join("wit/host/host.wit");
    let wit = std::fs::read_to_string(&wit).with_context(|| format!("cannot read {}", wit.display()))?;
    Ok([("plugins/CAPABILITIES.md", capabilities(&wit)), ("plugins/ERRORS.md", errors(root)?)])
}

/// An item of WIT with what is said about it.
struct Item {
    said: String,
    code: String,
}

fn capabilities(wit: &str) -> String {
    let mut out = String::from(
        "# What a plugin may call\n\n\
         Made from `wit/host/host.wit` by `cargo xtask guides`; change that text, not this one.\n\n\
         Importing an interface is how a component asks; the manifest has to ask as well, with a reason, for every interface that \
         needs a grant. What the operator then grants is never more than what was asked, is given for one tenant and one digest, \
         and is looked at again in every call. A call without a grant is answered with `denied`; a good plugin then answers with \
         what it has.\n",
    );
    let mut said: Vec<String> = Vec::new();
    let mut open: Option<(String, Vec<Item>, String)> = None;
    for line in wit.lines() {
        let text = line.trim();
        if let Some(words) = text.strip_prefix("///") {
            said.push(words.trim().to_owned());
        } else if let Some(name) = line.strip_prefix("interface ") {
            let name = name.trim_end_matches(" {").to_owned();
            section(&mut out, &name, &std::mem::take(&mut said).join(" "));
            open = Some((name, Vec::new(), String::new()));
        } else if line == "}" {
            if let Some((_, items, _)) = open.take() {
                items.iter().for_each(|item| entry(&mut out, item));
            }
        } else if let Some((_, items, inside)) = &mut open {
            member(text, &mut said, items, inside);
        } else if !text.is_empty() {
            said.clear();
        }
    }
    out
}

/// Takes one line of an interface: a function, the head of a type, or a field of one.
fn member(text: &str, said: &mut Vec<String>, items: &mut Vec<Item>, inside: &mut String) {
    if text.is_empty() || text.starts_with("use ") {
        said.clear();
    } else if text == "}" {
        inside.clear();
    } else if text.ends_with('{') {
        *inside = text.trim_end_matches(" {").split_whitespace().last().unwrap_or_default().to_owned();
        let code = text.trim_end_matches(" {").to_owned();
        items.push(Item { said: std::mem::take(said).join(" "), code });
    } else {
        let code = text.trim_end_matches([',', ';']);
        let code = if inside.is_empty() { code.to_owned() } else { format!("{inside}.{code}") };
        items.push(Item { said: std::mem::take(said).join(" "), code });
    }
}

fn section(out: &mut String, name: &str, said: &str) {
    let _ = write!(out, "\n## {name}\n\n{said}\n\n");
    if let Some((_, table)) = TABLES.iter().find(|(interface, _)| *interface == name) {
        let _ = write!(out, "```toml\n{table}\n```\n\n");
    }
}

fn entry(out: &mut String, item: &Item) {
    let said = if item.said.is_empty() { String::new() } else { format!(": {}", item.said) };
    let _ = writeln!(out, "- `{}`{said}", item.code);
}

fn errors(root: &Path) -> Result<String> {
    let mut out = String::from(
        "# What can go wrong with a plugin\n\n\
         Made from `platform/error-codes/` by `cargo xtask guides`. `palisade explain CODE` prints the whole page.\n",
    );
    let source =
        std::fs::read_to_string(root.join("platform/host/src/fault.rs")).context("cannot read fault.rs")?;
    let faults = codes::functions(&source, codes::AS_STR);
    table(&mut out, root, "Faults of a call", &faults)?;
    let others: Vec<String> =
        codes::pages(root)?.into_keys().filter(|code| code.starts_with("plugin-")).collect();
    table(&mut out, root, "Building, loading, testing", &others)?;
    Ok(out)
}

fn table(out: &mut String, root: &Path, title: &str, all: &[String]) -> Result<()> {
    let _ = write!(out, "\n## {title}\n\n| code | what it means | what to do first |\n| --- | --- | --- |\n");
    for code in all {
        let path = format!("{}/{code}.md", codes::PAGES);
        let page =
            std::fs::read_to_string(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
        let summary = page.lines().nth(2).unwrap_or_default();
        let first = page
            .split_once("## What to do")
            .and_then(|(_, rest)| rest.lines().find_map(|line| line.strip_prefix("- ")));
        let cell = |text: &str| text.replace('|', "\\|");
        let _ = writeln!(
            out,
            "| [`{code}`](../{path}) | {} | {} |",
            cell(summary),
            cell(first.unwrap_or_default())
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::capabilities;

    #[test]
    fn every_item_of_an_interface_is_there_with_what_is_said_of_it() {
        let wit = "/// Package.\npackage a:b@0.1.0;\n\n/// Keyed\n/// state.\ninterface state {\n    use errors.{host-error};\n    /// Reads.\n    \
                   get: func(key: string) -> option<string>;\n    /// A thing.\n    record thing {\n        /// Its name.\n        name: string,\n    }\n}\n";
        let text = capabilities(wit);
        for words in [
            "## state\n\nKeyed state.\n",
            "[capabilities.state]",
            "- `get: func(key: string) -> option<string>`: Reads.\n",
            "- `record thing`: A thing.\n- `thing.name: string`: Its name.\n",
        ] {
            assert!(text.contains(words), "{words:?} in {text}");
        }
        assert!(!text.contains("Package."), "{text}");
    }
}
