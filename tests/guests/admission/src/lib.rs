//! A well-behaved plugin of kind `admission`: refuses privileged containers, warns of containers without limits, and labels
//! what passes.

use palisade_sdk::{Admission, AdmissionRequest, Config, Decision, Error, Patch, pointer_part};
use serde_json::{Value, json};

struct Privileged;

#[palisade_sdk::admission]
impl Admission for Privileged {
    fn new(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }

    fn review(&self, request: &AdmissionRequest<'_>) -> Result<Decision, Error> {
        let request: Value = request.json()?;
        let mut decision = Decision::allow();
        for container in containers(&request) {
            let name = container["name"].as_str().unwrap_or("without a name");
            if container["securityContext"]["privileged"] == true {
                decision = decision.violation("privileged", format!("The container {name} is privileged."));
            }
            if container["resources"]["limits"].is_null() {
                decision = decision.warning("limits", format!("The container {name} has no limits."));
            }
        }
        if !decision.violations.is_empty() {
            return Ok(decision);
        }
        let label = "example.com/reviewed";
        let labels = &request["object"]["metadata"]["labels"];
        Ok(decision.patch(if labels.is_object() {
            Patch::new().add(&format!("/metadata/labels/{}", pointer_part(label)), &"yes")
        } else {
            Patch::new().add("/metadata/labels", &json!({ label: "yes" }))
        }))
    }
}

fn containers(request: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["containers", "initContainers", "ephemeralContainers"];
    lists.into_iter().flat_map(|list| request["object"]["spec"][list].as_array().into_iter().flatten())
}
