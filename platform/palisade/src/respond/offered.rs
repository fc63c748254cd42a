//! The playbooks on offer: those that are built in, and the operator's own.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use respond::Playbook;

use crate::config::Respond;
use crate::data::read_capped;

/// Most playbooks of the operator's own.
const FILES_MAX: usize = 500;

/// Every playbook that is built in.
const BUILT_IN: [(&str, &str); 9] = [
    ("cordon-node", include_str!("../../../respond/playbooks/cordon-node.yaml")),
    ("drain-node", include_str!("../../../respond/playbooks/drain-node.yaml")),
    ("end-pod", include_str!("../../../respond/playbooks/end-pod.yaml")),
    ("evidence-only", include_str!("../../../respond/playbooks/evidence-only.yaml")),
    ("exec-by-person", include_str!("../../../respond/playbooks/exec-by-person.yaml")),
    ("isolate-shell", include_str!("../../../respond/playbooks/isolate-shell.yaml")),
    ("move-pod", include_str!("../../../respond/playbooks/move-pod.yaml")),
    ("revoke-account", include_str!("../../../respond/playbooks/revoke-account.yaml")),
    ("stop-miner", include_str!("../../../respond/playbooks/stop-miner.yaml")),
];

/// A playbook on offer.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    /// What it says.
    pub(crate) playbook: Playbook,
    /// Its own bytes.
    pub(crate) text: String,
    /// `built-in`, or its file.
    pub(crate) origin: String,
    /// Whether its trigger is in force.
    pub(crate) enabled: bool,
}

/// Every playbook on offer, by name.
///
/// # Errors
/// One that cannot be read, with its file and line; two of one name; a name to enable that no built-in one has.
pub(crate) fn offered(respond: &Respond) -> Result<Vec<Offered>> {
    let mut all = Vec::new();
    for (name, text) in BUILT_IN {
        let playbook = Playbook::read(text.as_bytes()).with_context(|| format!("the playbook {name}"))?;
        let enabled = respond.enable.contains(&playbook.name);
        all.push(Offered { playbook, text: text.to_owned(), origin: "built-in".to_owned(), enabled });
    }
    if let Some(unknown) =
        respond.enable.iter().find(|name| !all.iter().any(|one| one.playbook.name == **name))
    {
        bail!(
            "respond.enable of the configuration names {unknown:?}, and there is no built-in playbook of this name; there are {}",
            BUILT_IN.map(|(name, _)| name).join(", ")
        );
    }
    for path in &respond.playbooks {
        for file in files(path)? {
            let (playbook, text) = read(&file)?;
            if let Some(other) = all.iter().find(|one| one.playbook.name == playbook.name) {
                bail!(
                    "{}: the playbook {:?} stands in {} too; give one of them another name",
                    file.display(),
                    playbook.name,
                    other.origin
                );
            }
            all.push(Offered { playbook, text, origin: file.display().to_string(), enabled: true });
        }
        ensure!(all.len() <= FILES_MAX, "there are more than {FILES_MAX} playbooks");
    }
    all.sort_by(|one, other| one.playbook.name.cmp(&other.playbook.name));
    Ok(all)
}

/// A playbook of a file.
///
/// # Errors
/// It cannot be read: with the file and the line.
pub(crate) fn read(file: &Path) -> Result<(Playbook, String)> {
    let what = || format!("cannot use the playbook {}", file.display());
    let bytes = read_capped(file, respond::BYTES_MAX as u64).with_context(what)?;
    let playbook = Playbook::read(&bytes).with_context(what)?;
    let text = String::from_utf8(bytes).with_context(what)?;
    Ok((playbook, text))
}

fn files(path: &Path) -> Result<Vec<std::path::PathBuf>> {
    let what = || format!("cannot read the playbooks of {}", path.display());
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).with_context(what)? {
        let file = entry.with_context(what)?.path();
        if file.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(file);
        }
        ensure!(files.len() <= FILES_MAX, "{} holds more than {FILES_MAX} playbooks", path.display());
    }
    files.sort();
    ensure!(!files.is_empty(), "{} holds no file that ends in .yaml or .yml", path.display());
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::{BUILT_IN, offered};
    use crate::config::Respond;

    #[test]
    fn built_in_playbooks_are_offered_and_off() {
        let all = offered(&Respond::default()).unwrap();
        assert_eq!(all.len(), BUILT_IN.len());
        assert!(all.iter().all(|one| !one.enabled));
        assert!(BUILT_IN.iter().all(|(name, _)| all.iter().any(|one| one.playbook.name == *name)));
        let one = Respond { enable: vec!["isolate-shell".to_owned()], ..Respond::default() };
        assert_eq!(offered(&one).unwrap().iter().filter(|one| one.enabled).count(), 1);
        let wrong = Respond { enable: vec!["isolate".to_owned()], ..Respond::default() };
        assert!(offered(&wrong).unwrap_err().to_string().contains("isolate-shell"));
    }

    #[test]
    fn a_playbook_that_cannot_be_read_is_told_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own.yaml");
        let of = |text: &str| {
            std::fs::write(&file, text).unwrap();
            offered(&Respond { playbooks: vec![folder.path().to_owned()], ..Respond::default() })
        };
        let good =
            "name: own\ntrigger: \"severity>=low\"\nsteps:\n  - label: { target: pod, labels: { a: b } }\n";
        let all = of(good).unwrap();
        assert!(all.iter().any(|one| one.enabled && one.playbook.name == "own"));
        let error = format!("{:#}", of(&good.replace("severity>=low", "severity>=")).unwrap_err());
        assert!(error.contains("own.yaml") && error.contains("line 2"), "{error}");
        let error = of(&good.replace("name: own", "name: end-pod")).unwrap_err().to_string();
        assert!(error.contains("built-in"), "{error}");
    }
}
