//! Disks and what is made of them: volumes, snapshots, machine images, file systems.

use palisade_sdk::Severity::{Critical, High, Medium};
use serde_json::json;

use crate::body::Body;
use crate::buckets::open_policy;
use crate::finding::{Finding, Found, Table, Verdict, off, on};

pub(crate) const VOLUME_CHECKS: &Table = &[("ebs-volume-encryption", Medium, |body, found| {
    on(body, found, "Encrypted", "The volume is not encrypted.")
})];

pub(crate) const SNAPSHOT_CHECKS: &Table = &[
    ("ebs-snapshot-public", Critical, snapshot_public),
    ("ebs-snapshot-encryption", Medium, |body, found| {
        on(body, found, "Encrypted", "The snapshot is not encrypted.")
    }),
];

pub(crate) const IMAGE_CHECKS: &Table =
    &[("ami-public", High, |body, found| off(body, found, "Public", "The image is public."))];

pub(crate) const FILE_SYSTEM_CHECKS: &Table = &[
    ("efs-encryption", Medium, |body, found| {
        on(body, found, "Encrypted", "The file system is not encrypted.")
    }),
    ("efs-policy-public", High, file_system_policy),
];

fn snapshot_public(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for permission in body.need("CreateVolumePermissions")?.items()? {
        if permission.text_of("Group")? == Some("all") {
            let message = "Everybody may make volumes of the snapshot.";
            found.add(
                Finding::at(permission.at, message)
                    .compared(json!({ "Group": "all" }), json!("named accounts")),
            );
        }
    }
    Ok(true)
}

fn file_system_policy(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if body.told("Policy")?.is_none() {
        let message =
            "Without a policy every client in the network may mount the file system and write to it.";
        let wanted = json!("a policy that names roles");
        found.add(Finding::at("/Policy", message).compared(json!(null), wanted).severity(Medium));
    }
    open_policy(body, found, "the file system")
}
