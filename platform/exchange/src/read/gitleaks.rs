//! `gitleaks --report-format json`.
//!
//! `Secret` and `Match` never leave this module: of the secret a prefix of its SHA-256 is kept, and wherever it stands
//! in another text of its result that prefix takes its place. Commit messages and authors are not taken over.

use model::{FindingClass, GapCode, Severity};
use serde_json::json;

use super::uri;
use crate::draft::{Draft, place};
use crate::import::{Builder, TargetKind};
use crate::tree::Item;
use crate::{ExchangeError, text};

/// How every place is said to have been read, and the tool's name.
const METHOD: &str = "gitleaks";

/// Shortest secret that is looked for in other texts; anything shorter stands in every text by chance.
const SECRET_BYTES_MIN: usize = 6;

/// Why findings are high that no tool has rated.
pub(super) const UNRATED: &str = "Palisade, for a secret that its tool does not rate";

pub(super) fn read(root: &Item<'_>, builder: &mut Builder) -> Result<(), ExchangeError> {
    builder.tool(METHOD, None);
    let target = builder.target(TargetKind::Repository, "", None);
    if root.all().is_empty() {
        builder.clean();
    }
    for item in builder.objects_of(root) {
        if let Some(draft) = finding(&item, builder) {
            builder.finding(target, draft);
        }
    }
    Ok(())
}

fn finding(item: &Item<'_>, builder: &mut Builder) -> Option<Draft> {
    let secret = item.text("Secret").or(item.text("Match")).unwrap_or_default();
    let clean = |text: &str| redacted(text, secret);
    let Some(rule) = item.text("RuleID").and_then(|rule| text::id(&clean(rule))) else {
        builder.skip(GapCode::ParseError, item.pointer(), "it has no usable RuleID");
        return None;
    };
    let mut draft = Draft::new(FindingClass::Secret, rule);
    draft.title = clean(item.text("Description").unwrap_or_default());
    (draft.severity, draft.severity_source) = (Severity::High, UNRATED.to_owned());
    let file = item.text("File").unwrap_or_default();
    match uri::path(file) {
        Some(path) => draft.evidence.push(place(clean(&path), METHOD, item.whole("StartLine"))),
        None => {
            builder.gap(GapCode::UnsafePath, item.pointer_of("File"), "it names no file below the repository")
        }
    }
    draft.references.extend(item.text("Link").map(&clean));
    let commit = item.text("Commit").unwrap_or_default();
    draft.location = match item.text("Fingerprint") {
        Some(fingerprint) => vec![METHOD.to_owned(), "fingerprint".to_owned(), fingerprint.to_owned()],
        None => {
            let line = item.whole("StartLine").unwrap_or_default().to_string();
            vec![METHOD.to_owned(), "place".to_owned(), commit.to_owned(), file.to_owned(), line]
        }
    };
    // What gitleaks has redacted itself tells nothing about the secret.
    let whole = !secret.is_empty() && secret != "REDACTED" && !secret.ends_with("...");
    draft.proof = Some(json!({
        "commit": Some(commit).filter(|commit| !commit.is_empty()).map(|commit| text::title(&clean(commit))),
        "secretSha256Prefix": whole.then(|| text::secret_prefix(secret)),
    }));
    Some(draft)
}

/// The text without the secret.
fn redacted(text: &str, secret: &str) -> String {
    if secret.len() < SECRET_BYTES_MIN {
        return text.to_owned();
    }
    text.replace(secret, &format!("[secret {}]", text::secret_prefix(secret)))
}
