//! The judge of admission requests: policies in the sandbox, and what the store knows of images.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use ::admission::{Failure, Judge, Judgement, Mode, Request, Said};
use host::{Answer, CallContext, Grant, Input, Plugin, Rights, Session};
use model::TenantId;
use serde_json::Value;
use store::Store;

use crate::config::{Enforcement, Images};
use crate::policies::Policy;

/// The plugin's rule for a policy that could not judge a request.
const FAILED: &str = "policy-failed";
/// Name under which images are refused.
const IMAGES: &str = "images";

/// Asks every policy about a request.
pub(crate) struct Policies {
    /// All of them at once, which is quick: one instance keeps them compiled.
    all: Session,
    /// One by one, to tell which of them cannot be asked.
    each: BTreeMap<String, Session>,
    enforcement: BTreeMap<String, Enforcement>,
    usual: Enforcement,
    images: Option<ImageVerdicts>,
}

/// What the store says of images.
struct ImageVerdicts {
    store: Store,
    runtime: tokio::runtime::Handle,
    wanted: Images,
}

impl Policies {
    /// Sessions of the plugin for these policies.
    pub(crate) fn new(
        plugin: &Plugin,
        rights: &Rights,
        policies: &[Policy],
        all: &str,
        config: &crate::config::Admission,
        store: Option<Store>,
    ) -> Self {
        let session = |config: &str| {
            let tenant = TenantId::default_tenant();
            let grant =
                Grant { tenant: tenant.clone(), digest: plugin.digest().clone(), rights: rights.clone() };
            let context =
                CallContext { grant: Some(Arc::new(grant)), ..CallContext::new(tenant, Arc::from(config)) };
            Session::new(plugin, &context)
        };
        let images = store.zip(config.images.clone()).map(|(store, wanted)| ImageVerdicts {
            store,
            runtime: tokio::runtime::Handle::current(),
            wanted,
        });
        Self {
            all: session(all),
            each: policies.iter().map(|policy| (policy.name.clone(), session(&policy.config))).collect(),
            enforcement: config.policies.clone(),
            usual: config.usual.clone(),
            images,
        }
    }

    fn enforcement(&self, policy: &str) -> &Enforcement {
        self.enforcement.get(policy).unwrap_or(&self.usual)
    }

    /// Sorts what policies said by how each of them is enforced.
    fn take(&self, decision: host::kinds::Decision, judgement: &mut Judgement) {
        for violation in decision.violations {
            let told = ::policy::Told::of_decision(&violation.message);
            let said = Said { policy: told.policy, message: told.message };
            if violation.rule == FAILED {
                judgement.failures.push(self.failure(&said.policy, &said.message));
                continue;
            }
            match self.enforcement(&said.policy).mode {
                crate::config::PolicyMode::Enforce => judgement.violations.push(said),
                crate::config::PolicyMode::Warn => judgement.warnings.push(said),
                crate::config::PolicyMode::DryRun => judgement.dry_run.push(said),
                // It is not among those that are asked.
                crate::config::PolicyMode::Off => {}
            }
        }
        judgement.warnings.extend(decision.warnings.into_iter().map(|warning| {
            let told = ::policy::Told::of_decision(&warning.message);
            Said { policy: told.policy, message: told.message }
        }));
        if let Some(Value::Array(operations)) =
            decision.patch.and_then(|patch| serde_json::from_slice(&patch).ok())
        {
            judgement.patch.extend(operations);
        }
    }

    fn failure(&self, policy: &str, reason: &str) -> Failure {
        let closed = self.enforcement(policy).fail_closed;
        Failure { policy: policy.to_owned(), reason: reason.to_owned(), closed }
    }
}

fn ask(session: &Session, request: &Request) -> Result<host::kinds::Decision, String> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    match session.call(now, Input::Admission { request: request.body.clone() }).result {
        Ok(Answer::Admission(decision)) => Ok(decision),
        Ok(other) => Err(other.unexpected().message),
        Err(fault) => Err(format!("{} ({})", fault.message, fault.kind.as_str())),
    }
}

impl Judge for Policies {
    fn judge(&self, mode: Mode, request: &Request, deadline: Instant) -> Judgement {
        let mut judgement = Judgement::default();
        if !self.each.is_empty() {
            match ask(&self.all, request) {
                Ok(decision) => self.take(decision, &mut judgement),
                // One of them costs all of them their answer: each is asked alone, as long as there is time.
                Err(_) => {
                    for (name, session) in &self.each {
                        if Instant::now() >= deadline {
                            judgement.failures.push(self.failure(name, "there was no time left to ask it"));
                            continue;
                        }
                        match ask(session, request) {
                            Ok(decision) => self.take(decision, &mut judgement),
                            Err(reason) => judgement.failures.push(self.failure(name, &reason)),
                        }
                    }
                }
            }
        }
        if let (Mode::Validate, Some(images)) = (mode, &self.images) {
            images.judge(request, &mut judgement);
        }
        judgement
    }

    fn not_in_time(&self, _: Mode, _: &Request) -> Vec<Failure> {
        self.each.keys().map(|name| self.failure(name, "it did not answer in time")).collect()
    }
}

impl ImageVerdicts {
    /// Images of pods and of whatever makes pods, by what the newest scan of each found.
    fn judge(&self, request: &Request, judgement: &mut Judgement) {
        for reference in images(&request.value) {
            let Some((_, digest)) = reference.split_once('@') else {
                self.unknown(
                    &reference,
                    "it is named by a tag and not by a digest, and tags move",
                    judgement,
                );
                continue;
            };
            let id = model::AssetId(digest.to_owned());
            match self.runtime.block_on(self.store.asset(&TenantId::default_tenant(), &id)) {
                Ok(Some(asset)) => {
                    let (critical, high) = (asset.row.findings.critical, asset.row.findings.high);
                    if critical > self.wanted.critical_max || high > self.wanted.high_max {
                        let message = format!(
                            "{reference} has {critical} critical and {high} high findings; allowed are {} and {}",
                            self.wanted.critical_max, self.wanted.high_max
                        );
                        judgement.violations.push(Said { policy: IMAGES.to_owned(), message });
                    }
                }
                Ok(None) => self.unknown(&reference, "it was never scanned", judgement),
                Err(error) => judgement.failures.push(Failure {
                    policy: IMAGES.to_owned(),
                    reason: error.to_string(),
                    closed: self.wanted.unknown == crate::config::Unknown::Refuse,
                }),
            }
        }
    }

    fn unknown(&self, reference: &str, why: &str, judgement: &mut Judgement) {
        let said =
            Said { policy: IMAGES.to_owned(), message: format!("nothing is known of {reference}: {why}") };
        match self.wanted.unknown {
            crate::config::Unknown::Allow => {}
            crate::config::Unknown::Warn => judgement.warnings.push(said),
            crate::config::Unknown::Refuse => judgement.violations.push(said),
        }
    }
}

/// References of every image that the object of a request would have run.
fn images(request: &Value) -> Vec<String> {
    let specs = ["/object/spec", "/object/spec/template/spec", "/object/spec/jobTemplate/spec/template/spec"];
    let lists = ["containers", "initContainers", "ephemeralContainers"];
    let mut all = Vec::new();
    for spec in specs.into_iter().filter_map(|pointer| request.pointer(pointer)) {
        for container in lists.into_iter().filter_map(|list| spec.get(list)?.as_array()).flatten() {
            all.extend(container.get("image").and_then(Value::as_str).map(str::to_owned));
        }
    }
    all.sort();
    all.dedup();
    all
}
