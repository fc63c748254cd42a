//! Refuses pods with privileged containers, and labels what passes.

use palisade_sdk::{Admission, AdmissionRequest, Config, Decision, Error, Patch, pointer_part};
use serde_json::{Value, json};

struct Privileged;

const LABEL: &str = "example.com/reviewed";

#[palisade_sdk::admission]
impl Admission for Privileged {
    fn new(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }

    fn review(&self, request: &AdmissionRequest<'_>) -> Result<Decision, Error> {
        let request: Value = request.json()?;
        let privileged = containers(&request)
            .filter(|container| container["securityContext"]["privileged"] == true)
            .map(|container| container["name"].as_str().unwrap_or("without a name"));
        let decision = privileged.fold(Decision::allow(), |decision, name| {
            decision.violation(
                "privileged",
                format!("The container {name} is privileged; it need not be."),
            )
        });
        if !decision.violations.is_empty() {
            return Ok(decision);
        }
        Ok(
            decision.patch(if request["object"]["metadata"]["labels"].is_object() {
                Patch::new().add(&format!("/metadata/labels/{}", pointer_part(LABEL)), &"yes")
            } else {
                Patch::new().add("/metadata/labels", &json!({ LABEL: "yes" }))
            }),
        )
    }
}

fn containers(request: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["containers", "initContainers", "ephemeralContainers"];
    lists.into_iter().flat_map(|list| {
        request["object"]["spec"][list]
            .as_array()
            .into_iter()
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::Privileged;
    use palisade_sdk::{Decision, Error};
    use serde_json::{Value, json};

    fn review(object: Value) -> Decision {
        let request = json!({ "object": object }).to_string();
        palisade_sdk::review::<Privileged>("{}", request.as_bytes()).unwrap()
    }

    #[test]
    fn a_privileged_container_is_refused_wherever_it_stands() {
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            let container = json!({ "name": "a", "securityContext": { "privileged": true } });
            let decision = review(json!({ "spec": { list: [container] } }));
            assert_eq!(decision.violations.len(), 1, "{list}");
            assert_eq!(decision.patch, None);
        }
    }

    #[test]
    fn what_passes_is_labelled_beside_its_labels() {
        let patch = |object| String::from_utf8(review(object).patch.unwrap()).unwrap();
        assert!(patch(json!({})).contains(r#""path":"/metadata/labels","#));
        let labelled = json!({ "metadata": { "labels": { "a": "b" } } });
        assert!(patch(labelled).contains("/metadata/labels/example.com~1reviewed"));
    }

    #[test]
    fn a_request_that_is_not_json_is_an_error() {
        let answer = palisade_sdk::review::<Privileged>("{}", b"{");
        assert!(matches!(answer, Err(Error::InvalidInput(_))));
    }
}
