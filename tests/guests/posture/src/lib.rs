//! A well-behaved plugin of kind `posture`: checks a field, and asks the platform whose the resource is.

use palisade_sdk::{CheckResult, Checks, Config, Error, Posture, Resource, Severity, Unreadable};
use palisade_sdk::{assets, log, metrics};
use serde::Deserialize;

struct Replicas {
    settings: Settings,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Settings {
    #[serde(default = "two")]
    replicas_min: u64,
}

fn two() -> u64 {
    2
}

#[derive(Deserialize)]
struct Owned {
    owner: Option<String>,
}

#[palisade_sdk::posture]
impl Posture for Replicas {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { settings: config.parse()? })
    }

    fn check(&self, resource: &Resource, checks: &mut Checks<'_>) -> Result<(), Unreadable> {
        if resource.kind != "apps/v1/Deployment" {
            checks.add(CheckResult::not_applicable("replicas"));
            return Ok(());
        }
        metrics::add("deployments", 1);
        let body: serde_json::Value = resource.json()?;
        let replicas = body.pointer("/spec/replicas").and_then(serde_json::Value::as_u64).unwrap_or(1);
        let wanted = self.settings.replicas_min;
        if replicas >= wanted {
            checks.add(CheckResult::pass("replicas"));
            return Ok(());
        }
        let message = match assets::describe_json::<Owned>(&resource.asset) {
            Ok(Some(Owned { owner: Some(owner) })) => format!("Tell {owner} to run {wanted} replicas."),
            Ok(_) => format!("Run {wanted} replicas."),
            Err(error) => {
                log::warn(&format!("{}: {error}", resource.asset));
                format!("Run {wanted} replicas.")
            }
        };
        let evidence = serde_json::json!({ "replicas": replicas, "wanted": wanted });
        let result = CheckResult::fail("replicas", Severity::Medium, message);
        checks.add(result.location("/spec/replicas").evidence(&evidence));
        Ok(())
    }
}
