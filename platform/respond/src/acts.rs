//! What each step comes to for the objects that it is about.

use serde_json::{Value, json};

use crate::change::{Change, Field};
use crate::object::{Kind, ObjectRef, put, word};
use crate::plan::{Disruption, Replicas};
use crate::playbook::PlannedStep;
use crate::seams::{CallError, Cluster, Deliver, Query};
use crate::selector::{Labels, selects};
use crate::step::{Aim, Class, Step};
use crate::survey::{Survey, controller};

/// Label by which the policy of a quarantine knows its pods.
pub const QUARANTINE: &str = "palisade.dev/quarantine";
/// Annotation that says to people how many replicas there were.
pub const REPLICAS: &str = "palisade.dev/replicas";

impl<C: Cluster, D: Deliver> Survey<'_, C, D> {
    pub(crate) async fn step(&mut self, step: &PlannedStep, action: Step) -> Result<(), CallError> {
        match action {
            Step::Label { aim, labels } => {
                for (target, object) in self.aim(step, &aim).await? {
                    let field = |(name, value): (&String, &String)| {
                        Field::new(&object, &["metadata", "labels", name], Some(value.as_str().into()))
                    };
                    let change = Change::Patch(labels.iter().map(field).collect());
                    self.act(step, Class::Reversible, target, Some(&object), change);
                }
                Ok(())
            }
            Step::Quarantine { aim, allow, detach } => self.quarantine(step, &aim, &allow, detach).await,
            Step::ScaleToZero { aim } => self.scale(step, &aim).await,
            Step::DeletePod { aim, grace } => {
                for (target, pod) in self.aim(step, &aim).await? {
                    self.end(step, target, &pod, Change::Delete { grace });
                }
                Ok(())
            }
            Step::EvictPod { aim, grace } => {
                for (target, pod) in self.aim(step, &aim).await? {
                    self.budgets(&target, &pod).await?;
                    self.end(step, target, &pod, Change::Evict { grace });
                }
                Ok(())
            }
            Step::Cordon { aim } => {
                for (target, node) in self.aim(step, &aim).await? {
                    self.cordon(step, target, &node);
                }
                Ok(())
            }
            Step::Drain { aim, grace } => self.drain(step, &aim, grace).await,
            Step::RevokeToken { aim, rotate, unbind } => self.revoke(step, &aim, rotate, unbind).await,
            Step::CollectEvidence { aim, lines } => {
                for (target, _) in self.aim(step, &aim).await? {
                    self.act(step, Class::Observing, target, None, Change::Collect { lines });
                }
                Ok(())
            }
            Step::Tell { body, .. } => {
                self.tell(step, body);
                Ok(())
            }
        }
    }

    async fn quarantine(
        &mut self,
        step: &PlannedStep,
        aim: &Aim,
        allow: &[Value],
        detach: bool,
    ) -> Result<(), CallError> {
        let mut pods = Vec::new();
        for (target, object) in self.aim(step, aim).await? {
            match target.kind {
                Kind::Pod => pods.push((target, object)),
                _ => pods.extend(self.pods_of(&target, &object).await?),
            }
        }
        let name = self.short(step);
        let mut namespaces: Vec<&String> = pods.iter().map(|(target, _)| &target.namespace).collect();
        namespaces.sort();
        namespaces.dedup();
        for namespace in namespaces {
            let target =
                ObjectRef::named(Kind::NetworkPolicy, namespace, &format!("palisade-quarantine-{name}"));
            let body = policy(&target, &name, allow);
            self.act(step, Class::Reversible, target, None, Change::Create(body));
        }
        for (target, pod) in pods {
            let mut fields =
                vec![Field::new(&pod, &["metadata", "labels", QUARANTINE], Some(name.as_str().into()))];
            let mut after = Labels::of(&pod);
            if detach {
                let others = after.names().filter(|label| *label != QUARANTINE);
                fields.extend(others.map(|label| Field::new(&pod, &["metadata", "labels", label], None)));
                after = Labels::default();
            }
            self.still_allowed(&target, &pod, &after).await?;
            self.touch(target.clone());
            self.act(step, Class::Reversible, target, Some(&pod), Change::Patch(fields));
        }
        Ok(())
    }

    /// Policies add up: what another one allows a pod, a quarantine does not take away.
    async fn still_allowed(
        &mut self,
        target: &ObjectRef,
        pod: &Value,
        labels: &Labels,
    ) -> Result<(), CallError> {
        if pod.pointer("/spec/hostNetwork") == Some(&Value::Bool(true)) {
            self.warn(format!("{target} uses the network of its node, which no NetworkPolicy is about"));
        }
        let policies = self.list(Query::of(Kind::NetworkPolicy, &target.namespace)).await?;
        for policy in policies {
            let allows = ["ingress", "egress"].iter().any(|side| {
                policy
                    .pointer(&format!("/spec/{side}"))
                    .and_then(Value::as_array)
                    .is_some_and(|rules| !rules.is_empty())
            });
            if allows && selects(policy.pointer("/spec/podSelector"), labels) {
                self.warn(format!(
                    "NetworkPolicy {}/{} is about {target} too, and what it allows stays allowed; `detach: true` takes the pod out of it \
                     where that one goes by labels",
                    target.namespace,
                    word(&policy, "/metadata/name")
                ));
            }
        }
        Ok(())
    }

    async fn scale(&mut self, step: &PlannedStep, aim: &Aim) -> Result<(), CallError> {
        for (target, object) in self.aim(step, aim).await? {
            if !matches!(target.kind, Kind::Deployment | Kind::StatefulSet | Kind::ReplicaSet) {
                self.refuse(format!("{target} has no number of replicas"));
                continue;
            }
            // One by default, and the server writes that down.
            let before = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
            for (pod, _) in self.pods_of(&target, &object).await? {
                self.touch(pod);
            }
            self.plan.replicas.push(Replicas { target: target.clone(), before, after: 0 });
            let fields = vec![
                Field::new(&object, &["spec", "replicas"], Some(0.into())),
                Field::new(&object, &["metadata", "annotations", REPLICAS], Some(before.to_string().into())),
            ];
            self.act(step, Class::Reversible, target, Some(&object), Change::Patch(fields));
        }
        Ok(())
    }

    async fn pods_of(
        &mut self,
        target: &ObjectRef,
        object: &Value,
    ) -> Result<Vec<(ObjectRef, Value)>, CallError> {
        let selector = object.pointer("/spec/selector");
        let pods = self.list(Query::of(Kind::Pod, &target.namespace)).await?;
        let fits = |pod: &Value| selector.is_some() && selects(selector, &Labels::of(pod));
        let pods = pods.into_iter().filter(fits).map(|pod| (self.seen(Kind::Pod, &pod), pod));
        Ok(pods.collect())
    }

    /// Ends a pod.
    fn end(&mut self, step: &PlannedStep, target: ObjectRef, pod: &Value, change: Change) {
        if pod
            .pointer("/metadata/annotations")
            .is_some_and(|all| all.get("kubernetes.io/config.mirror").is_some())
        {
            self.refuse(format!("{target} mirrors a file of its node, and ends only when that is removed"));
            return;
        }
        if controller(pod).is_none() {
            self.warn(format!("nothing known will start another {target}"));
        }
        self.touch(target.clone());
        self.act(step, Class::Destructive, target, Some(pod), change);
    }

    /// The disruption budgets that a pod is under.
    async fn budgets(&mut self, target: &ObjectRef, pod: &Value) -> Result<(), CallError> {
        let labels = Labels::of(pod);
        for budget in self.list(Query::of(Kind::PodDisruptionBudget, &target.namespace)).await? {
            if !selects(budget.pointer("/spec/selector"), &labels) {
                continue;
            }
            let name = ObjectRef::of(Kind::PodDisruptionBudget, &budget);
            let allowed =
                budget.pointer("/status/disruptionsAllowed").and_then(Value::as_i64).unwrap_or_default();
            match self.plan.disruptions.iter_mut().find(|known| known.budget == name) {
                Some(known) => known.evicted += 1,
                None => self.plan.disruptions.push(Disruption { budget: name, allowed, evicted: 1 }),
            }
        }
        Ok(())
    }

    fn cordon(&mut self, step: &PlannedStep, target: ObjectRef, node: &Value) {
        let fields = vec![Field::new(node, &["spec", "unschedulable"], Some(true.into()))];
        self.act(step, Class::Reversible, target, Some(node), Change::Patch(fields));
    }

    async fn drain(&mut self, step: &PlannedStep, aim: &Aim, grace: Option<u32>) -> Result<(), CallError> {
        for (target, node) in self.aim(step, aim).await? {
            let mut query = Query::of(Kind::Pod, "");
            query.fields = Some(format!("spec.nodeName={}", target.name));
            self.cordon(step, target.clone(), &node);
            for pod in self.list(query).await? {
                let name = self.seen(Kind::Pod, &pod);
                let of_node = controller(&pod).is_some_and(|owner| owner.kind == Kind::DaemonSet)
                    || pod
                        .pointer("/metadata/annotations")
                        .is_some_and(|all| all.get("kubernetes.io/config.mirror").is_some());
                let is_over = matches!(word(&pod, "/status/phase"), "Succeeded" | "Failed");
                if of_node || is_over {
                    continue;
                }
                if self.is_protected(&name.namespace) {
                    self.warn(format!("{name} stays on {target}: its namespace is protected"));
                    continue;
                }
                self.budgets(&name, &pod).await?;
                self.end(step, name, &pod, Change::Evict { grace });
            }
        }
        Ok(())
    }

    async fn revoke(
        &mut self,
        step: &PlannedStep,
        aim: &Aim,
        rotate: bool,
        unbind: bool,
    ) -> Result<(), CallError> {
        for (target, account) in self.aim(step, aim).await? {
            if unbind {
                self.unbind(step, &target).await?;
            }
            let query = Query {
                fields: Some("type=kubernetes.io/service-account-token".to_owned()),
                metadata_only: true,
                ..Query::of(Kind::Secret, &target.namespace)
            };
            for secret in self.list(query).await? {
                let of = secret
                    .pointer("/metadata/annotations")
                    .and_then(|all| all.get("kubernetes.io/service-account.name"));
                if of.and_then(Value::as_str) == Some(target.name.as_str()) {
                    let name = self.seen(Kind::Secret, &secret);
                    self.act(step, Class::Destructive, name, Some(&secret), Change::Delete { grace: None });
                }
            }
            if rotate {
                let again = ObjectRef { uid: None, ..target.clone() };
                let body = anew(&account);
                self.act(step, Class::Destructive, target, Some(&account), Change::Delete { grace: None });
                self.act(step, Class::Destructive, again, None, Change::Create(body));
            }
        }
        Ok(())
    }

    /// Takes an account out of every binding that names it.
    async fn unbind(&mut self, step: &PlannedStep, account: &ObjectRef) -> Result<(), CallError> {
        for kind in [Kind::RoleBinding, Kind::ClusterRoleBinding] {
            for binding in self.list(Query::of(kind, "")).await? {
                let subjects = binding.get("subjects").and_then(Value::as_array).cloned().unwrap_or_default();
                let is = |subject: &Value| {
                    subject["kind"] == "ServiceAccount"
                        && subject["name"] == account.name.as_str()
                        && subject["namespace"] == account.namespace.as_str()
                };
                let rest: Vec<Value> = subjects.iter().filter(|subject| !is(subject)).cloned().collect();
                if rest.len() == subjects.len() {
                    continue;
                }
                let target = self.seen(kind, &binding);
                let fields = vec![Field::new(&binding, &["subjects"], Some(rest.into()))];
                self.act(step, Class::Reversible, target, Some(&binding), Change::Patch(fields));
            }
        }
        Ok(())
    }
}

/// A policy that lets nothing in and out but from and to these, for the pods of one quarantine.
fn policy(target: &ObjectRef, name: &str, allow: &[Value]) -> Value {
    let mut spec = json!({
        "podSelector": { "matchLabels": { QUARANTINE: name } }, "policyTypes": ["Ingress", "Egress"],
    });
    if !allow.is_empty() {
        put(&mut spec, "ingress", json!([{ "from": allow }]));
        put(&mut spec, "egress", json!([{ "to": allow }]));
    }
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": { "name": target.name, "namespace": target.namespace }, "spec": spec,
    })
}

/// The same account once more: with another uid, which ends every token of the old one.
fn anew(account: &Value) -> Value {
    let mut metadata = json!({
        "name": word(account, "/metadata/name"), "namespace": word(account, "/metadata/namespace"),
    });
    for map in ["labels", "annotations"] {
        let kept =
            account.pointer(&format!("/metadata/{map}")).and_then(Value::as_object).into_iter().flatten();
        let kept = kept.filter(|(name, _)| {
            !name.starts_with("palisade.dev/") && *name != "kubectl.kubernetes.io/last-applied-configuration"
        });
        let kept: serde_json::Map<String, Value> =
            kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        if !kept.is_empty() {
            put(&mut metadata, map, kept.into());
        }
    }
    let mut body = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata });
    for member in ["imagePullSecrets", "automountServiceAccountToken"] {
        if let Some(value) = account.get(member) {
            put(&mut body, member, value.clone());
        }
    }
    body
}
