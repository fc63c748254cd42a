//! Repositories of images.

use palisade_sdk::Severity::{Critical, Low, Medium};
use serde_json::{Value, json};

use crate::body::Body;
use crate::buckets::open_policy;
use crate::finding::{Finding, Found, Table, Verdict, quoted};

pub(crate) const CHECKS: &Table = &[
    ("ecr-scan-on-push", Medium, scan),
    ("ecr-tag-immutability", Medium, immutable),
    ("ecr-policy-public", Critical, |body, found| open_policy(body, found, "the repository")),
    ("ecr-lifecycle-policy", Low, lifecycle),
];

fn scan(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let scanning = body.need("imageScanningConfiguration")?;
    if !scanning.flag_of("scanOnPush")? {
        let message = "Images are not scanned when they are pushed.";
        found.add(Finding::at(scanning.place("scanOnPush"), message).compared(json!(false), json!(true)));
    }
    Ok(true)
}

fn immutable(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let mutability = body.need("imageTagMutability")?;
    if !mutability.text()?.starts_with("IMMUTABLE") {
        let message = "Tags of images can be moved to other images.";
        found.add(
            Finding::at(&mutability.at, message).compared(quoted(mutability.text()?), json!("IMMUTABLE")),
        );
    }
    Ok(true)
}

fn lifecycle(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if body.told("LifecyclePolicy")?.is_none() {
        let message = "Old images are never removed.";
        found
            .add(Finding::at("/LifecyclePolicy", message).compared(Value::Null, json!("a lifecycle policy")));
    }
    Ok(true)
}
