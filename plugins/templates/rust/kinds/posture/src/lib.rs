//! Checks that every Deployment runs at least as many replicas as the operator wants.

use palisade_sdk::{CheckResult, Checks, Config, Error, Posture, Resource, Severity, Unreadable};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Replicas {
    #[serde(default = "two")]
    replicas_min: u64,
}

fn two() -> u64 {
    2
}

#[palisade_sdk::posture]
impl Posture for Replicas {
    fn new(config: &Config) -> Result<Self, Error> {
        config.parse()
    }

    fn check(&self, resource: &Resource, checks: &mut Checks<'_>) -> Result<(), Unreadable> {
        if resource.kind != "apps/v1/Deployment" {
            return Ok(());
        }
        let body: serde_json::Value = resource.json()?;
        let replicas = body
            .pointer("/spec/replicas")
            .and_then(|value| value.as_u64())
            .unwrap_or(1);
        checks.add(if replicas >= self.replicas_min {
            CheckResult::pass("replicas")
        } else {
            let message = format!("It runs {replicas}; run at least {}.", self.replicas_min);
            let evidence = serde_json::json!({ "replicas": replicas, "wanted": self.replicas_min });
            CheckResult::fail("replicas", Severity::Medium, message)
                .location("/spec/replicas")
                .evidence(&evidence)
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Replicas;
    use palisade_sdk::{CheckStatus, Resource};
    use serde_json::json;

    fn status(config: &str, replicas: u64) -> CheckStatus {
        let body = json!({ "spec": { "replicas": replicas } });
        let resource = Resource::new("workload:a", "apps/v1/Deployment", &body);
        palisade_sdk::check::<Replicas>(config, &[resource])
            .unwrap()
            .results[0]
            .status
    }

    #[test]
    fn enough_is_what_the_operator_says() {
        assert_eq!(status("{}", 1), CheckStatus::Fail);
        assert_eq!(status("{}", 2), CheckStatus::Pass);
        assert_eq!(status(r#"{"replicas-min": 3}"#, 2), CheckStatus::Fail);
    }

    #[test]
    fn a_body_that_is_not_json_is_a_problem_of_its_resource() {
        let resource = Resource {
            body: b"{".to_vec(),
            ..Resource::new("a", "apps/v1/Deployment", &())
        };
        let assessment = palisade_sdk::check::<Replicas>("{}", &[resource]).unwrap();
        assert_eq!(assessment.problems.len(), 1);
    }
}
