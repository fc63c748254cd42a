//! `kube-bench --json`: with totals, or as the list of controls that older versions write.
//!
//! kube-bench rates nothing in this file. A failed check is high, as kube-bench itself says in the findings that it
//! sends to AWS Security Hub. The file names neither node nor cluster.

use model::{FindingClass, GapCode, Severity};
use serde_json::json;

use crate::draft::{Draft, place};
use crate::import::{Builder, TargetIndex, TargetKind};
use crate::tree::Item;
use crate::{ExchangeError, text};

/// How every place is said to have been read, and the tool's name.
const METHOD: &str = "kube-bench";

/// The controls that a check stands in.
struct Control {
    benchmark: String,
    node: String,
    target: TargetIndex,
}

pub(super) fn read(root: &Item<'_>, builder: &mut Builder) -> Result<(), ExchangeError> {
    builder.tool(METHOD, None);
    let controls =
        if root.value().is_array() { builder.objects_of(root) } else { builder.objects(root, "Controls") };
    builder.clean();
    for control in controls {
        let node = text::title(control.text("node_type").unwrap_or("unknown"));
        let kind = if node == "policies" { TargetKind::Cluster } else { TargetKind::Host };
        let target = builder.target(kind, "", None);
        let benchmark = text::title(control.text("version").unwrap_or("unversioned"));
        let scope = Control { benchmark, node, target };
        for section in builder.objects(&control, "tests") {
            for check in builder.objects(&section, "results") {
                read_check(&scope, &check, builder);
            }
        }
    }
    Ok(())
}

fn read_check(control: &Control, check: &Item<'_>, builder: &mut Builder) {
    match check.text("status") {
        Some("PASS" | "INFO") => return builder.clean(),
        Some("FAIL") => {}
        Some("WARN") => {
            let number = check.text("test_number").unwrap_or("a check");
            let reason = format!(
                "{number} has to be checked by hand: {}",
                check.text("test_desc").unwrap_or_default()
            );
            builder.clean();
            return builder.gap(GapCode::NotCollected, check.pointer(), reason);
        }
        _ => {
            let reason = "it is none of PASS, FAIL, WARN and INFO";
            return builder.skip(GapCode::ParseError, check.pointer_of("status"), reason);
        }
    }
    let rule =
        check.text("test_number").and_then(|number| text::id(&format!("{}/{number}", control.benchmark)));
    let Some(rule) = rule else {
        return builder.skip(GapCode::ParseError, check.pointer(), "it has no usable test_number");
    };
    let mut draft = Draft::new(FindingClass::Misconfiguration, rule);
    draft.title = check.text("test_desc").unwrap_or_default().to_owned();
    let texts = [check.text("reason"), check.text("remediation")];
    draft.description = texts.into_iter().flatten().collect::<Vec<_>>().join("\n\n");
    draft.severity = Severity::High;
    draft.severity_source = "kube-bench status FAIL, which it sends to Security Hub as high".to_owned();
    draft.evidence.extend(text::exact(&control.node).map(|node| place(node, METHOD, None)));
    draft.location = vec![METHOD.to_owned(), control.node.clone()];
    draft.proof = Some(json!({
        "found": check.text("actual_value").map(text::title),
        "wanted": check.text("expected_result").map(text::title),
    }));
    builder.finding(control.target, draft);
}
