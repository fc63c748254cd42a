//! Reports of other tools. What is read is bounded and clean, is the same by its content and by its name, and what is
//! written of it is read again with the same keys.

use std::collections::BTreeSet;

use exchange::{Asset, Bom, Exported, Format, Heading, Imported, State, limits};
use model::{FindingClass, Fingerprint};

use crate::must::must;

pub(crate) fn run(data: &[u8]) {
    // An empty list is a report only of the format that somebody says it is.
    for format in Format::ALL {
        if let (Ok(said), Ok(told)) = (exchange::read(data, Some(format)), exchange::read(data, None)) {
            assert_eq!(said, told, "read in another way than by its content");
        }
    }
    let Ok(imported) = exchange::read(data, None) else { return };
    assert_bounds(&imported);
    assert_read_again(&imported);
}

fn assert_bounds(imported: &Imported) {
    let is_hostile = |letter: char| letter.is_control() || ('\u{202a}'..='\u{202e}').contains(&letter);
    for finding in imported.targets.iter().flat_map(|target| &target.findings) {
        assert!(finding.title.chars().count() <= limits::TITLE_CHARS + 1, "a long title");
        assert!(!finding.title.chars().any(is_hostile), "a title that changes how it is shown");
        assert!(
            finding.evidence.len() <= limits::LIST && finding.references.len() <= limits::LIST,
            "a long list"
        );
    }
    assert!(imported.skipped == 0 || !imported.gaps.is_empty(), "skipped in silence");
}

fn assert_read_again(imported: &Imported) {
    let findings = exported(imported);
    let placed = |one: &&Exported| one.finding.class == FindingClass::Vulnerability;
    let keys: BTreeSet<&String> = findings.iter().filter(placed).map(|one| &one.finding.key).collect();
    let id = "3e671687-395b-41f5-a30f-a58921a69b79".to_owned();
    let (mut bom, mut text) =
        Bom::begin(&Heading { id, made_at: Default::default(), author: "fuzz".to_owned() });
    for finding in &findings {
        text.push_str(&bom.push(finding).unwrap_or_default());
    }
    text.push_str(&bom.end());
    let again = must(exchange::read(text.as_bytes(), Some(Format::CycloneDx)), "a document of our own");
    let found = again.targets.iter().flat_map(|target| &target.findings);
    assert_eq!(found.map(|finding| &finding.key).collect::<BTreeSet<_>>(), keys, "keys that were written");
}

fn exported(imported: &Imported) -> Vec<Exported> {
    let mut all = Vec::new();
    for target in &imported.targets {
        let asset = Asset { kind: target.kind, name: target.name.clone(), digest: target.digest.clone() };
        all.extend(target.findings.iter().map(|finding| Exported {
            fingerprint: Fingerprint(finding.key.clone()),
            asset: asset.clone(),
            state: State::Open,
            first_seen: Default::default(),
            last_seen: Default::default(),
            owner: None,
            finding: finding.clone(),
        }));
    }
    all
}
