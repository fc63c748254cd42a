//! What changes objects on the strict API server of the tests: creations, merge patches, deletions and evictions, for good or as a dry run,
//! with the refusals of the real one. What no client of ours should send is told apart from what a server refuses.
//!
//! Only the standard library and JSON are used: the server in `kubernetes.rs` and the tests of `platform/respond` share it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Objects by kind and group, and namespace and name.
pub(crate) type Objects = BTreeMap<(String, String), Value>;

/// What happened: `resourceVersion`, kind and group, event.
pub(crate) type Log = Vec<(u64, String, Value)>;

/// A cluster whose objects change.
pub(crate) struct World<'a> {
    pub(crate) objects: &'a mut Objects,
    pub(crate) version: &'a mut u64,
    pub(crate) log: &'a mut Log,
}

/// A request that changes something.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) plural: &'a str,
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    pub(crate) namespace: &'a str,
    /// Empty for a collection.
    pub(crate) name: &'a str,
    pub(crate) subresource: Option<&'a str>,
    pub(crate) query: &'a BTreeMap<String, String>,
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a [u8],
}

/// What the server answers.
#[derive(Debug)]
pub(crate) enum Reply {
    Good(u16, Value),
    Refused(u16, Value),
    /// Nobody should send this.
    Wrong(String),
}

pub(crate) fn word<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn refused(code: u16, reason: &str, message: &str) -> Reply {
    Reply::Refused(
        code,
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code }),
    )
}

fn invalid(call: &Call<'_>, name: &str, what: &str) -> Reply {
    refused(422, "Invalid", &format!("{} \"{name}\" is invalid: {what}", call.kind))
}

impl Call<'_> {
    fn of(&self) -> String {
        format!("{}.{}", self.kind, self.group)
    }

    fn key(&self) -> (String, String) {
        (self.of(), format!("{}/{}", self.namespace, self.name))
    }

    fn not_found(&self) -> Reply {
        refused(404, "NotFound", &format!("{} \"{}\" not found", self.plural, self.name))
    }

    fn conflict(&self, what: &str) -> Reply {
        let message = format!("Operation cannot be fulfilled on {} \"{}\": {what}", self.plural, self.name);
        refused(409, "Conflict", &message)
    }

    fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

impl World<'_> {
    /// Answers a request, and does what it asks for.
    pub(crate) fn answer(&mut self, call: &Call<'_>) -> Reply {
        let Ok(body) = serde_json::from_slice::<Value>(call.body) else {
            return Reply::Wrong("a body that is no JSON".to_owned());
        };
        let allowed: &[&str] = if call.method == "DELETE" { &[] } else { &["dryRun", "fieldManager"] };
        if let Some(other) = call.query.keys().find(|name| !allowed.contains(&name.as_str())) {
            // A server ignores options in the query of a deletion that has a body: it would not be a dry run.
            return Reply::Wrong(format!("{} with the parameter {other}", call.method));
        }
        if call.method != "DELETE" && call.query.get("fieldManager").map(String::as_str) != Some("palisade") {
            return Reply::Wrong("a change that nobody signs".to_owned());
        }
        let dry = match call.query.get("dryRun").map(String::as_str) {
            None => false,
            Some("All") => true,
            Some(other) => return Reply::Wrong(format!("dryRun={other}")),
        };
        let json = call.content_type == "application/json";
        match (call.method, call.subresource, call.name) {
            ("POST", None, "") if json => self.create(call, &body, dry),
            ("POST", Some("eviction"), name) if json && call.kind == "Pod" && !name.is_empty() => {
                self.evict(call, &body, dry)
            }
            ("PATCH", None, name) if !name.is_empty() => match call.content_type {
                "application/merge-patch+json" => self.patch(call, &body, dry),
                other => Reply::Wrong(format!("a patch of the type {other}")),
            },
            ("DELETE", None, name) if json && !name.is_empty() => self.delete(call, &body),
            _ => Reply::Wrong(format!("{} of {:?} as {}", call.method, call.subresource, call.content_type)),
        }
    }

    fn put(&mut self, of: String, name: String, mut object: Value) -> Value {
        *self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let event = if self.objects.contains_key(&(of.clone(), name.clone())) { "MODIFIED" } else { "ADDED" };
        self.log.push((*self.version, of.clone(), json!({ "type": event, "object": object })));
        self.objects.insert((of, name), object.clone());
        object
    }

    fn remove(&mut self, key: &(String, String)) -> Value {
        let mut gone = self.objects.remove(key).unwrap();
        *self.version += 1;
        gone["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.log.push((*self.version, key.0.clone(), json!({ "type": "DELETED", "object": gone })));
        gone
    }

    fn create(&mut self, call: &Call<'_>, body: &Value, dry: bool) -> Reply {
        let name = word(body, "/metadata/name").to_owned();
        if body["kind"] != call.kind || body["apiVersion"] != call.api_version().as_str() {
            return refused(400, "BadRequest", "the object provided is unrecognized");
        }
        if word(body, "/metadata/namespace") != call.namespace {
            let message =
                "the namespace of the provided object does not match the namespace sent on the request";
            return refused(400, "BadRequest", message);
        }
        if body.pointer("/metadata/resourceVersion").is_some() || body.pointer("/metadata/uid").is_some() {
            return refused(400, "BadRequest", "resourceVersion should not be set on objects to be created");
        }
        let namespace = ("Namespace.".to_owned(), format!("/{}", call.namespace));
        if !call.namespace.is_empty() && !self.objects.contains_key(&namespace) {
            return refused(404, "NotFound", &format!("namespaces \"{}\" not found", call.namespace));
        }
        let key = (call.of(), format!("{}/{name}", call.namespace));
        if self.objects.contains_key(&key) {
            return refused(409, "AlreadyExists", &format!("{} \"{name}\" already exists", call.plural));
        }
        let mut object = body.clone();
        if let Err(what) = fits(call.kind, None, &object) {
            return invalid(call, &name, &what);
        }
        object["metadata"]["uid"] = format!("uid-{}", *self.version + 1).into();
        object["metadata"]["creationTimestamp"] = "2026-11-22T00:00:00Z".into();
        object["metadata"]["generation"] = 1.into();
        sign(&mut object);
        if dry {
            return Reply::Good(201, object);
        }
        Reply::Good(201, self.put(key.0, key.1, object))
    }

    fn patch(&mut self, call: &Call<'_>, body: &Value, dry: bool) -> Reply {
        let Some(before) = self.objects.get(&call.key()).cloned() else { return call.not_found() };
        let Some(version) = body.pointer("/metadata/resourceVersion").and_then(Value::as_str) else {
            return Reply::Wrong("a patch of any version".to_owned());
        };
        if version != word(&before, "/metadata/resourceVersion") {
            return call.conflict(
                "the object has been modified; please apply your changes to the latest version and try again",
            );
        }
        let mut object = before.clone();
        merge(&mut object, body);
        for fixed in
            ["/metadata/name", "/metadata/namespace", "/metadata/uid", "/kind", "/apiVersion", "/status"]
        {
            if object.pointer(fixed) != before.pointer(fixed) {
                return invalid(call, call.name, &format!("{fixed} is immutable"));
            }
        }
        if let Err(what) = fits(call.kind, Some(&before), &object) {
            return invalid(call, call.name, &what);
        }
        if object == before {
            return Reply::Good(200, object);
        }
        sign(&mut object);
        if dry {
            return Reply::Good(200, object);
        }
        let (of, name) = call.key();
        Reply::Good(200, self.put(of, name, object))
    }

    fn delete(&mut self, call: &Call<'_>, body: &Value) -> Reply {
        if body["kind"] != "DeleteOptions" || body["apiVersion"] != "v1" {
            return refused(400, "BadRequest", "the object provided is unrecognized");
        }
        if body["propagationPolicy"].as_str().is_some_and(|policy| policy != "Background") {
            return Reply::Wrong("a deletion that leaves others behind, or waits for them".to_owned());
        }
        let dry = match &body["dryRun"] {
            Value::Null => false,
            value if *value == json!(["All"]) => true,
            other => return Reply::Wrong(format!("dryRun: {other}")),
        };
        self.end(call, body, dry)
    }

    /// What a deletion and an eviction do in the end.
    fn end(&mut self, call: &Call<'_>, options: &Value, dry: bool) -> Reply {
        let key = call.key();
        let Some(object) = self.objects.get(&key).cloned() else { return call.not_found() };
        let Some(uid) = options.pointer("/preconditions/uid").and_then(Value::as_str) else {
            return Reply::Wrong("a deletion of whatever has this name".to_owned());
        };
        let found = word(&object, "/metadata/uid");
        if uid != found {
            let what =
                format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {found}");
            return call.conflict(&what);
        }
        let version = options.pointer("/preconditions/resourceVersion").and_then(Value::as_str);
        let now = word(&object, "/metadata/resourceVersion");
        if let Some(version) = version.filter(|version| *version != now) {
            let what = format!(
                "Precondition failed: ResourceVersion in precondition: {version}, ResourceVersion in object meta: {now}"
            );
            return call.conflict(&what);
        }
        if dry {
            return Reply::Good(200, object);
        }
        // Whoever has to do something first keeps it from going.
        if object.pointer("/metadata/finalizers").and_then(Value::as_array).is_some_and(|all| !all.is_empty())
        {
            if word(&object, "/metadata/deletionTimestamp").is_empty() {
                let mut ending = object;
                ending["metadata"]["deletionTimestamp"] = "2026-11-22T00:00:00Z".into();
                return Reply::Good(200, self.put(key.0, key.1, ending));
            }
            return Reply::Good(200, object);
        }
        Reply::Good(200, self.remove(&key))
    }

    fn evict(&mut self, call: &Call<'_>, body: &Value, dry: bool) -> Reply {
        let is = body["kind"] == "Eviction" && body["apiVersion"] == "policy/v1";
        if !is || word(body, "/metadata/name") != call.name {
            return refused(400, "BadRequest", "name in URL does not match name in Eviction object");
        }
        let Some(pod) = self.objects.get(&call.key()).cloned() else { return call.not_found() };
        let covers = |((kind, _), budget): &(&(String, String), &Value)| {
            kind == "PodDisruptionBudget.policy"
                && word(budget, "/metadata/namespace") == call.namespace
                && budget["spec"]["selector"]["matchLabels"].as_object().is_some_and(|labels| {
                    labels.iter().all(|(name, value)| pod["metadata"]["labels"].get(name) == Some(value))
                })
        };
        let budgets: Vec<(String, String)> =
            self.objects.iter().filter(covers).map(|(key, _)| key.clone()).collect();
        if budgets.len() > 1 {
            let message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return refused(500, "InternalError", message);
        }
        let allowed = |budget: &Value| budget["status"]["disruptionsAllowed"].as_i64().unwrap_or_default();
        if let Some(key) = budgets.first() {
            let budget = &self.objects[key];
            if allowed(budget) < 1 {
                let name = word(budget, "/metadata/name");
                return Reply::Refused(
                    429,
                    json!({
                        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "TooManyRequests", "code": 429,
                        "message": "Cannot evict pod as it would violate the pod's disruption budget.",
                        "details": { "causes": [{
                            "reason": "DisruptionBudget", "message": format!("The disruption budget {name} does not allow any more now"),
                        }] },
                    }),
                );
            }
        }
        let reply = self.end(call, &body["deleteOptions"], dry);
        if let (Reply::Good(..), Some(key), false) = (&reply, budgets.first(), dry) {
            let mut budget = self.objects[key].clone();
            budget["status"]["disruptionsAllowed"] = (allowed(&budget) - 1).into();
            self.put(key.0.clone(), key.1.clone(), budget);
        }
        match reply {
            Reply::Good(..) => Reply::Good(
                201,
                json!({ "kind": "Status", "apiVersion": "v1", "status": "Success", "code": 201 }),
            ),
            other => other,
        }
    }
}

/// Who changed it last.
fn sign(object: &mut Value) {
    let mut managers = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    managers.retain(|one| one["manager"] != "palisade");
    managers.push(json!({ "manager": "palisade", "operation": "Update", "time": "2026-11-22T00:00:00Z" }));
    object["metadata"]["managedFields"] = managers.into();
}

/// RFC 7396.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Some(members) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in members {
        let target = target.as_object_mut().unwrap();
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// What the server validates of what is written here.
fn fits(kind: &str, before: Option<&Value>, object: &Value) -> Result<(), String> {
    let label = |text: &str| {
        let ends = text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric());
        text.is_empty()
            || (text.len() <= 63
                && ends
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)))
    };
    for (name, value) in object["metadata"]["labels"].as_object().into_iter().flatten() {
        let short = name.rsplit('/').next().unwrap();
        if short.is_empty() || !label(short) || !value.as_str().is_some_and(label) {
            return Err(format!("metadata.labels: Invalid value: {name}={value}"));
        }
    }
    for (name, value) in object["metadata"]["annotations"].as_object().into_iter().flatten() {
        if !value.is_string() {
            return Err(format!("metadata.annotations: Invalid value: {name}={value}"));
        }
    }
    let name = word(object, "/metadata/name");
    if name.is_empty()
        || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:".contains(c))
    {
        return Err(format!("metadata.name: Invalid value: {name:?}"));
    }
    let spec = &object["spec"];
    let said = |pointer: &str| before.is_none_or(|before| before.pointer(pointer) != object.pointer(pointer));
    match kind {
        "Pod" if said("/spec") => {
            Err("spec: Forbidden: pod updates may not change fields other than a few".to_owned())
        }
        "Deployment" | "StatefulSet" | "ReplicaSet" => match spec["replicas"].as_i64() {
            Some(replicas) if replicas >= 0 => Ok(()),
            _ => Err(format!("spec.replicas: Invalid value: {}", spec["replicas"])),
        },
        "Node"
            if said("/spec/unschedulable")
                && !matches!(spec.get("unschedulable"), None | Some(Value::Bool(_))) =>
        {
            Err("spec.unschedulable: Invalid value".to_owned())
        }
        "NetworkPolicy" => {
            if !spec["podSelector"].is_object() {
                return Err("spec.podSelector: Required value".to_owned());
            }
            for (side, list) in [("ingress", "from"), ("egress", "to")] {
                for rule in spec[side].as_array().into_iter().flatten() {
                    if rule.as_object().unwrap().keys().any(|key| key != list && key != "ports") {
                        return Err(format!("spec.{side}: unknown field in {rule}"));
                    }
                    for peer in rule[list].as_array().into_iter().flatten() {
                        let block = peer.get("ipBlock").is_some();
                        if block && peer.as_object().unwrap().len() > 1 {
                            return Err(format!(
                                "spec.{side}: may not specify both ipBlock and another peer"
                            ));
                        }
                    }
                }
            }
            Ok(())
        }
        "RoleBinding" | "ClusterRoleBinding" if said("/roleRef") => {
            Err("roleRef: cannot change roleRef".to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether an object is one of those that a list's selectors are about; an error for selectors that nobody should send.
pub(crate) fn selected(query: &BTreeMap<String, String>, object: &Value) -> Result<bool, String> {
    let mut all = true;
    for term in query.get("labelSelector").into_iter().flat_map(|selector| selector.split(',')) {
        let (name, value) = term.split_once('=').ok_or(format!("the label selector {term}"))?;
        all &= object["metadata"]["labels"].get(name).and_then(Value::as_str) == Some(value);
    }
    for term in query.get("fieldSelector").into_iter().flat_map(|selector| selector.split(',')) {
        let (name, value) = term.split_once('=').ok_or(format!("the field selector {term}"))?;
        // Those that the API server knows.
        let pointer = match (word(object, "/kind"), name) {
            ("Pod", "spec.nodeName") => "/spec/nodeName",
            ("Secret", "type") => "/type",
            ("Event", "involvedObject.uid") => "/involvedObject/uid",
            ("", _) => return Err("objects without a kind".to_owned()),
            (kind, _) => return Err(format!("the field selector {term} of {kind}")),
        };
        all &= word(object, pointer) == value;
    }
    Ok(all)
}
