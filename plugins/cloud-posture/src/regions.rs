//! What is switched on in each region of an account.

use palisade_sdk::Severity::{High, Low, Medium};
use serde_json::{Value, json};

use crate::body::{Body, Node, Stop};
use crate::finding::{Finding, Found, Table, Verdict, on, quoted};

pub(crate) const CHECKS: &Table = &[
    ("cloudtrail-in-region", High, trail),
    ("config-recorder", Medium, recorder),
    ("guardduty-enabled", High, detector),
    ("securityhub-enabled", Low, hub),
    ("iam-access-analyzer", Low, analyzer),
    ("ebs-default-encryption", Medium, |body, found| {
        on(body, found, "EbsEncryptionByDefault", "New volumes are not encrypted by default.")
    }),
    ("ebs-snapshot-block-public-access", Low, |body, found| {
        state(
            body,
            found,
            "SnapshotBlockPublicAccess",
            &["block-all-sharing", "block-new-sharing"],
            "snapshots",
        )
    }),
    ("ami-block-public-access", Low, |body, found| {
        state(body, found, "ImageBlockPublicAccess", &["block-new-sharing"], "machine images")
    }),
];

fn trail(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if body.need("Trails")?.items()?.is_empty() {
        let message = "No trail records what is done in the region.";
        found.add(
            Finding::at("/Trails", message).compared(json!([]), json!("a trail that covers the region")),
        );
    }
    Ok(true)
}

/// Whether a recorder is recording every kind of resource.
fn records_all(recorder: &Node<'_>) -> Result<bool, Stop> {
    let status = recorder.get("Status")?;
    let recording = status.map(|status| status.flag_of("recording")).transpose()?.unwrap_or(false);
    let Some(group) = recorder.get("recordingGroup")? else { return Ok(recording) };
    let strategy = group.inside(&["recordingStrategy", "useOnly"])?.map(|node| node.text()).transpose()?;
    Ok(recording && (group.flag_of("allSupported")? || strategy == Some("ALL_SUPPORTED_RESOURCE_TYPES")))
}

fn recorder(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let recorders = body.need("ConfigurationRecorders")?.items()?;
    let channels = body.need("DeliveryChannels")?.items()?.len();
    let mut whole = false;
    for recorder in &recorders {
        whole |= records_all(recorder)?;
    }
    if !whole || channels == 0 {
        let message = match (recorders.is_empty(), whole) {
            (true, _) => "AWS Config does not record in the region.",
            (_, false) => "AWS Config is not recording all kinds of resources in the region.",
            _ => "What AWS Config records in the region is delivered nowhere.",
        };
        let place = if whole { "/DeliveryChannels" } else { "/ConfigurationRecorders" };
        let value = json!({ "recorders": recorders.len(), "channels": channels });
        found.add(
            Finding::at(place, message).compared(
                value,
                json!("a recorder of all resources that is recording, and a delivery channel"),
            ),
        );
    }
    Ok(true)
}

fn detector(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let detectors = body.need("Detectors")?.items()?;
    for detector in &detectors {
        if detector.text_of("Status")? == Some("ENABLED") {
            return Ok(true);
        }
    }
    let message = "GuardDuty does not watch the region.";
    found.add(
        Finding::at("/Detectors", message).compared(json!(detectors.len()), json!({ "Status": "ENABLED" })),
    );
    Ok(true)
}

fn hub(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if body.told("SecurityHub")?.is_none() {
        let message = "Security Hub is not enabled in the region.";
        found.add(Finding::at("/SecurityHub", message).compared(Value::Null, json!("enabled")));
    }
    Ok(true)
}

fn analyzer(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for analyzer in body.need("AccessAnalyzers")?.items()? {
        let kind = analyzer.text_of("type")?.unwrap_or("ACCOUNT");
        if analyzer.text_of("status")? == Some("ACTIVE") && matches!(kind, "ACCOUNT" | "ORGANIZATION") {
            return Ok(true);
        }
    }
    let message = "No analyzer of external access is active in the region.";
    found
        .add(Finding::at("/AccessAnalyzers", message).compared(json!("none"), json!({ "status": "ACTIVE" })));
    Ok(true)
}

fn state(body: &Body<'_>, found: &mut Found<'_>, key: &str, good: &[&str], what: &str) -> Verdict {
    let state = body.need(key)?;
    if !good.contains(&state.text()?) {
        let message = format!("Sharing {what} with everybody is not blocked in the region.");
        found.add(Finding::at(&state.at, message).compared(quoted(state.text()?), json!(good)));
    }
    Ok(true)
}
