//! A component of the draft kind `posture`: it type-checks against the published text and uses what the kind may import.

wit_bindgen::generate!({
    path: ["../../../wit/types", "../../../wit/host", "../../../wit/plugin", "../../../wit/worlds"],
    world: "palisade:worlds/posture-plugin",
    generate_all,
});

use palisade::types::common::{Error, Severity};
use palisade::types::posture_types::{AssetResource, CheckResult, CheckStatus};

struct Draft;

impl exports::palisade::plugin::posture::Guest for Draft {
    fn check(resources: Vec<AssetResource>) -> Result<Vec<CheckResult>, Error> {
        let judged = |(item, resource): (u32, AssetResource)| {
            let known = palisade::host::assets::describe(&resource.asset).is_ok();
            let status = if known { CheckStatus::Pass } else { CheckStatus::Error };
            CheckResult {
                item,
                rule: "rule".to_owned(),
                status,
                severity: Severity::Low,
                evidence: resource.body,
            }
        };
        Ok((0..).zip(resources).map(judged).collect())
    }
}

export!(Draft);
