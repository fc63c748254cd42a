//! A component of the draft kind `compliance`: it type-checks against the published text and uses what the kind may import.

wit_bindgen::generate!({
    path: ["../../../wit/types", "../../../wit/host", "../../../wit/plugin", "../../../wit/worlds"],
    world: "palisade:worlds/compliance-plugin",
    generate_all,
});

use palisade::types::common::Error;
use palisade::types::posture_types::{CheckResult, CheckStatus, ControlResult, ControlStatus};

struct Draft;

impl exports::palisade::plugin::compliance::Guest for Draft {
    fn assess(results: Vec<CheckResult>) -> Result<Vec<ControlResult>, Error> {
        let met = results.iter().all(|result| result.status == CheckStatus::Pass);
        let status = if met { ControlStatus::Met } else { ControlStatus::NotMet };
        Ok(vec![ControlResult {
            control: "example:1".to_owned(),
            status,
            items: (0..).zip(&results).map(|(item, _)| item).collect(),
            rationale: format!("{} results", results.len()),
        }])
    }
}

export!(Draft);
