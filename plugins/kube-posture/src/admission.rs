//! What is asked before an object is accepted: webhooks, policies, extension servers.
//! Sources: kubernetes.io, "Dynamic Admission Control", "Validating Admission Policy".

use palisade_sdk::Severity::{High, Low, Medium};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::graph::Listed;
use crate::object::{List, Selector, Specified};

/// A validating or mutating webhook configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Configuration {
    webhooks: List<Webhook>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Webhook {
    name: String,
    failure_policy: Option<String>,
    timeout_seconds: Option<i64>,
    namespace_selector: Option<Selector>,
    object_selector: Option<Selector>,
    client_config: Client,
    rules: List<Rule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Client {
    url: Option<String>,
    service: Option<ServiceRef>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ServiceRef {
    name: String,
    namespace: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rule {
    api_groups: List<String>,
    resources: List<String>,
}

type Webhooks<'a> = Object<'a, Configuration>;

pub(crate) const WEBHOOK_CHECKS: &Table<Configuration> = &[
    ("webhook-fail-open", Medium, fail_open),
    ("webhook-timeout", Low, timeout),
    ("webhook-catches-system", Low, catches_system),
    ("webhook-external-url", Medium, external_url),
    ("webhook-matches-everything", Medium, matches_everything),
    ("webhook-dangling-service", Medium, dangling_service),
];

fn webhooks<'a>(object: &'a Webhooks<'_>) -> impl Iterator<Item = (String, &'a Webhook)> {
    object.body.webhooks.iter().enumerate().map(|(index, webhook)| (format!("/webhooks/{index}"), webhook))
}

impl Webhook {
    fn fails_closed(&self) -> bool {
        self.failure_policy.as_deref() != Some("Ignore")
    }
}

fn fail_open(object: &Webhooks<'_>, found: &mut Found<'_>) -> Verdict {
    for (at, webhook) in webhooks(object).filter(|(_, webhook)| !webhook.fails_closed()) {
        let at = format!("{at}/failurePolicy");
        let message =
            format!("When the webhook {} does not answer, everything passes.", shown(&webhook.name));
        found.add(Finding::at(&at, message).compared(json!("Ignore"), json!("Fail")).set(at, json!("Fail")));
    }
    Ok(true)
}

/// What the API server waits for, unless told, in seconds.
const TIMEOUT_MAX: i64 = 10;

fn timeout(object: &Webhooks<'_>, found: &mut Found<'_>) -> Verdict {
    for (at, webhook) in webhooks(object) {
        if let Some(seconds) = webhook.timeout_seconds.filter(|seconds| *seconds > TIMEOUT_MAX) {
            let at = format!("{at}/timeoutSeconds");
            let message = format!(
                "Every matching request may wait {seconds} seconds for the webhook {}.",
                shown(&webhook.name)
            );
            found.add(
                Finding::at(&at, message)
                    .compared(json!(seconds), json!(TIMEOUT_MAX))
                    .set(at, json!(TIMEOUT_MAX)),
            );
        }
    }
    Ok(true)
}

/// Whether the rules cover what a cluster needs to come up again.
fn covers_pods(webhook: &Webhook) -> bool {
    let any = |list: &[String], words: &[&str]| list.iter().any(|entry| words.contains(&entry.as_str()));
    webhook
        .rules
        .iter()
        .any(|rule| any(&rule.api_groups, &["", "*"]) && any(&rule.resources, &["pods", "*", "*/*"]))
}

fn catches_system(object: &Webhooks<'_>, found: &mut Found<'_>) -> Verdict {
    for (at, webhook) in
        webhooks(object).filter(|(_, webhook)| webhook.fails_closed() && covers_pods(webhook))
    {
        let all = |selector: &Option<Selector>| selector.as_ref().is_none_or(Selector::is_empty);
        if all(&webhook.namespace_selector) && all(&webhook.object_selector) {
            let message = format!(
                "The webhook {} has to answer for pods of kube-system too: while it is away the cluster cannot mend itself.",
                shown(&webhook.name)
            );
            let outside = json!({ "matchExpressions": [{
                "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"],
            }] });
            let place = if webhook.namespace_selector.is_some() {
                format!("{at}/namespaceSelector")
            } else {
                at.clone()
            };
            let finding = Finding::at(place, message).compared(json!({}), outside.clone());
            found.add(finding.set(format!("{at}/namespaceSelector"), outside));
        }
    }
    Ok(true)
}

fn external_url(object: &Webhooks<'_>, found: &mut Found<'_>) -> Verdict {
    for (at, webhook) in webhooks(object) {
        if let Some(url) = webhook.client_config.url.as_deref() {
            let message = format!(
                "The webhook {} sends objects to {}, not to a service of the cluster.",
                shown(&webhook.name),
                shown(url)
            );
            found.add(
                Finding::at(format!("{at}/clientConfig/url"), message)
                    .compared(quoted(url), json!("clientConfig.service")),
            );
        }
    }
    Ok(true)
}

fn matches_everything(object: &Webhooks<'_>, found: &mut Found<'_>) -> Verdict {
    for (at, webhook) in webhooks(object) {
        let all = |list: &[String]| list.iter().any(|entry| matches!(entry.as_str(), "*" | "*/*"));
        for (index, _) in
            webhook.rules.iter().enumerate().filter(|(_, rule)| all(&rule.api_groups) && all(&rule.resources))
        {
            let message = format!(
                "The webhook {} is sent every kind of object, Secrets with their values too.",
                shown(&webhook.name)
            );
            found.add(
                Finding::at(format!("{at}/rules/{index}"), message)
                    .compared(json!("*"), json!("the kinds it looks at")),
            );
        }
    }
    Ok(true)
}

fn dangling_service(object: &Webhooks<'_>, found: &mut Found<'_>) -> Verdict {
    if !object.graph.lists(object.id()?, Listed::Services)? {
        return Ok(false);
    }
    for (at, webhook) in webhooks(object) {
        let Some(service) = &webhook.client_config.service else { continue };
        if !object.graph.exists(&object.id()?.of("core", "Service", &service.namespace, &service.name))? {
            let message = format!(
                "The service {}/{} of the webhook {} does not exist: whoever makes it is sent the objects.",
                shown(&service.namespace),
                shown(&service.name),
                shown(&webhook.name)
            );
            found.add(
                Finding::at(format!("{at}/clientConfig/service"), message)
                    .compared(quoted(&service.name), json!("a service that exists")),
            );
        }
    }
    Ok(true)
}

/// A validating admission policy.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Policy {
    failure_policy: Option<String>,
}

pub(crate) const POLICY_CHECKS: &Table<Specified<Policy>> =
    &[("policy-fail-open", Medium, |object, found| {
        if object.body.spec.failure_policy.as_deref() == Some("Ignore") {
            let at = "/spec/failurePolicy";
            let message = "When the policy cannot be evaluated, everything passes.";
            found.add(
                Finding::at(at, message).compared(json!("Ignore"), json!("Fail")).set(at, json!("Fail")),
            );
        }
        Ok(true)
    })];

/// A binding of such a policy.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PolicyBinding {
    policy_name: String,
    validation_actions: List<String>,
    param_ref: Option<ParamRef>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ParamRef {
    parameter_not_found_action: Option<String>,
}

type PolicyBindings<'a> = Object<'a, Specified<PolicyBinding>>;

pub(crate) const POLICY_BINDING_CHECKS: &Table<Specified<PolicyBinding>> = &[
    ("policy-binding-audit-only", Medium, audit_only),
    ("policy-binding-missing-policy", Medium, missing_policy),
    ("policy-binding-parameters-optional", Low, parameters),
];

fn audit_only(object: &PolicyBindings<'_>, found: &mut Found<'_>) -> Verdict {
    let actions = &object.body.spec.validation_actions;
    if !actions.iter().any(|action| action == "Deny") {
        let at = "/spec/validationActions";
        let named: Vec<String> = actions.iter().take(5).map(|action| shown(action)).collect();
        let message = format!(
            "What breaks the policy {} is told of and let through.",
            shown(&object.body.spec.policy_name)
        );
        found.add(
            Finding::at(if actions.is_empty() { "/spec" } else { at }, message)
                .compared(json!(named), json!(["Deny"]))
                .set(at, json!(["Deny", "Audit"])),
        );
    }
    Ok(true)
}

fn missing_policy(object: &PolicyBindings<'_>, found: &mut Found<'_>) -> Verdict {
    let name = &object.body.spec.policy_name;
    let id = object.id()?.of("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "-", name);
    if !object.graph.exists(&id)? {
        let message = format!("The policy {} does not exist: the binding checks nothing.", shown(name));
        found.add(
            Finding::at("/spec/policyName", message).compared(quoted(name), json!("a policy that exists")),
        );
    }
    Ok(true)
}

fn parameters(object: &PolicyBindings<'_>, found: &mut Found<'_>) -> Verdict {
    let Some(reference) = &object.body.spec.param_ref else { return Ok(false) };
    if reference.parameter_not_found_action.as_deref() == Some("Allow") {
        let at = "/spec/paramRef/parameterNotFoundAction";
        let message =
            "Without its parameters the policy lets everything through: deleting them switches it off.";
        found.add(Finding::at(at, message).compared(json!("Allow"), json!("Deny")).set(at, json!("Deny")));
    }
    Ok(true)
}

/// An extension of the API server.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ApiService {
    #[serde(rename = "insecureSkipTLSVerify")]
    skip_tls_verify: Option<bool>,
    service: Option<ServiceRef>,
}

pub(crate) const API_SERVICE_CHECKS: &Table<Specified<ApiService>> = &[(
    "api-service-skip-tls-verify",
    High,
    |object, found| {
        // What the API server serves itself has no other server.
        let Some(service) = &object.body.spec.service else { return Ok(false) };
        if object.body.spec.skip_tls_verify == Some(true) {
            let at = "/spec/insecureSkipTLSVerify";
            let message = format!(
                "The API server does not verify the certificate of {}/{}: whoever is between them answers for it.",
                shown(&service.namespace),
                shown(&service.name)
            );
            found.add(
                Finding::at(at, message).compared(json!(true), Value::Bool(false)).set(at, json!(false)),
            );
        }
        Ok(true)
    },
)];
