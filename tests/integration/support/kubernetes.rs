//! A strict Kubernetes API server: discovery, lists in pages, single objects, watches and changes over objects that a test gives it, with
//! faults that a test writes down. What no client should send is answered with 400 and fails the test when the server is dropped.
//!
//! Only the standard library, JSON and gzip are used, so that the tests of `platform/cluster` include this file too.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};

#[path = "kubernetes_writes.rs"]
pub(crate) mod writes;

use writes::{Call, Reply, World, selected};

/// Plural, group, version, kind, and whether its objects are of namespaces: what Kubernetes 1.36 serves of what is asked for.
const KINDS: [(&str, &str, &str, &str, bool); 37] = [
    ("namespaces", "", "v1", "Namespace", false),
    ("nodes", "", "v1", "Node", false),
    ("pods", "", "v1", "Pod", true),
    ("services", "", "v1", "Service", true),
    ("serviceaccounts", "", "v1", "ServiceAccount", true),
    ("secrets", "", "v1", "Secret", true),
    ("configmaps", "", "v1", "ConfigMap", true),
    ("limitranges", "", "v1", "LimitRange", true),
    ("resourcequotas", "", "v1", "ResourceQuota", true),
    ("persistentvolumes", "", "v1", "PersistentVolume", false),
    ("persistentvolumeclaims", "", "v1", "PersistentVolumeClaim", true),
    ("replicationcontrollers", "", "v1", "ReplicationController", true),
    ("endpoints", "", "v1", "Endpoints", true),
    ("events", "", "v1", "Event", true),
    ("deployments", "apps", "v1", "Deployment", true),
    ("statefulsets", "apps", "v1", "StatefulSet", true),
    ("daemonsets", "apps", "v1", "DaemonSet", true),
    ("replicasets", "apps", "v1", "ReplicaSet", true),
    ("jobs", "batch", "v1", "Job", true),
    ("cronjobs", "batch", "v1", "CronJob", true),
    ("networkpolicies", "networking.k8s.io", "v1", "NetworkPolicy", true),
    ("ingresses", "networking.k8s.io", "v1", "Ingress", true),
    ("ingressclasses", "networking.k8s.io", "v1", "IngressClass", false),
    ("poddisruptionbudgets", "policy", "v1", "PodDisruptionBudget", true),
    ("storageclasses", "storage.k8s.io", "v1", "StorageClass", false),
    ("roles", "rbac.authorization.k8s.io", "v1", "Role", true),
    ("clusterroles", "rbac.authorization.k8s.io", "v1", "ClusterRole", false),
    ("rolebindings", "rbac.authorization.k8s.io", "v1", "RoleBinding", true),
    ("clusterrolebindings", "rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", false),
    (
        "validatingwebhookconfigurations",
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingWebhookConfiguration",
        false,
    ),
    (
        "mutatingwebhookconfigurations",
        "admissionregistration.k8s.io",
        "v1",
        "MutatingWebhookConfiguration",
        false,
    ),
    ("validatingadmissionpolicies", "admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy", false),
    (
        "validatingadmissionpolicybindings",
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingAdmissionPolicyBinding",
        false,
    ),
    ("customresourcedefinitions", "apiextensions.k8s.io", "v1", "CustomResourceDefinition", false),
    ("apiservices", "apiregistration.k8s.io", "v1", "APIService", false),
    ("endpointslices", "discovery.k8s.io", "v1", "EndpointSlice", true),
    ("horizontalpodautoscalers", "autoscaling", "v2", "HorizontalPodAutoscaler", true),
];

/// What anything is sent over.
pub(crate) trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

type Wrap = dyn Fn(TcpStream) -> Box<dyn Stream> + Send + Sync;
type Matches = dyn Fn(&Request) -> bool + Send;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn is_watch(&self) -> bool {
        self.query.contains_key("watch")
    }
}

/// An answer that a test wants instead of the right one.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A code, a body, and headers.
    Status(u16, Value, Vec<(&'static str, String)>),
    /// A good answer with any body.
    Body(Vec<u8>),
    /// A good answer that ends after so many bytes of the right one.
    Cut(usize),
    /// What is asked for is done, and the connection is lost before anybody hears of it.
    Unheard,
    /// A watch that sends this; then it ends, or stays open without a word.
    Lines(Vec<u8>, bool),
    /// A watch that sends this, and a connection that is lost in the middle of it.
    Lost(Vec<u8>),
    /// No answer until the server ends.
    Silence,
}

struct Fault {
    times: usize,
    matches: Box<Matches>,
    answer: Answer,
}

struct Kind {
    plural: String,
    group: String,
    version: String,
    kind: String,
    namespaced: bool,
    custom: bool,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<(String, String), Value>,
    /// What happened: `resourceVersion`, plural and group, event.
    log: Vec<(u64, String, Value)>,
    version: u64,
    /// Watches from before this are answered with 410.
    remembered: u64,
    tokens: BTreeSet<String>,
    faults: Vec<Fault>,
    requests: Vec<Request>,
    unexpected: Vec<String>,
    classic: bool,
    ended: bool,
    /// By plural and group, how often open watches were ended.
    cut: BTreeMap<String, u64>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// A server that answers until it is dropped.
pub(crate) struct ApiServer {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    shared: Arc<Shared>,
}

pub(crate) const TOKEN: &str = "example-not-a-secret";

impl ApiServer {
    pub(crate) fn start(objects: &[Value]) -> Self {
        Self::start_with(objects, |stream| Box::new(stream))
    }

    /// The same with something between it and the network.
    pub(crate) fn start_with(
        objects: &[Value],
        wrap: impl Fn(TcpStream) -> Box<dyn Stream> + Send + Sync + 'static,
    ) -> Self {
        let mut state = State { version: 100, remembered: 100, ..State::default() };
        state.tokens.insert(TOKEN.to_owned());
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server =
            Self { address: listener.local_addr().unwrap().to_string(), shared: Arc::clone(&shared) };
        for object in objects {
            server.apply(object.clone());
        }
        let mut state = shared.state.lock().unwrap();
        (state.remembered, state.log) = (state.version, Vec::new());
        drop(state);
        let wrap: Arc<Wrap> = Arc::new(wrap);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (shared, wrap) = (Arc::clone(&shared), Arc::clone(&wrap));
                if shared.state.lock().unwrap().ended {
                    return;
                }
                let Ok(stream) = stream else { continue };
                std::thread::spawn(move || {
                    let raw = stream.try_clone();
                    Served { stream: BufReader::new(wrap(stream)), shared }.run();
                    // What is cut off is cut off at once.
                    drop(raw.map(|raw| raw.shutdown(Shutdown::Both)));
                });
            }
        });
        server
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    /// Makes or changes an object, which watches hear of.
    pub(crate) fn apply(&self, mut object: Value) {
        let mut state = self.state();
        state.version += 1;
        let version = state.version;
        object["metadata"]["resourceVersion"] = version.to_string().into();
        object["metadata"]["managedFields"] = json!([{ "manager": "test", "operation": "Update" }]);
        let key = key(&object);
        let event = if state.objects.contains_key(&key) { "MODIFIED" } else { "ADDED" };
        state.log.push((version, key.0.clone(), json!({ "type": event, "object": object })));
        state.objects.insert(key, object);
        self.shared.changed.notify_all();
    }

    /// Takes an object away, which watches hear of.
    pub(crate) fn delete(&self, object: &Value) {
        let mut state = self.state();
        let key = key(object);
        let mut gone = state.objects.remove(&key).unwrap();
        state.version += 1;
        let version = state.version;
        gone["metadata"]["resourceVersion"] = version.to_string().into();
        state.log.push((version, key.0, json!({ "type": "DELETED", "object": gone })));
        self.shared.changed.notify_all();
    }

    /// The objects as they are now, as `kubectl` would print them.
    pub(crate) fn objects(&self) -> Vec<Value> {
        self.state().objects.values().cloned().collect()
    }

    /// Forgets what happened until now: who asks for it is answered with 410.
    pub(crate) fn forget(&self) {
        let mut state = self.state();
        state.version += 1;
        (state.remembered, state.log) = (state.version, Vec::new());
    }

    /// Ends the open watches of a kind, such as `Deployment.apps`, as servers do after a while.
    pub(crate) fn end_watches(&self, kind: &str) {
        *self.state().cut.entry(kind.to_owned()).or_default() += 1;
        self.shared.changed.notify_all();
    }

    /// Answers so, as often as is said, what is asked for so.
    pub(crate) fn fault(
        &self,
        times: usize,
        answer: Answer,
        matches: impl Fn(&Request) -> bool + Send + 'static,
    ) {
        self.state().faults.push(Fault { times, matches: Box::new(matches), answer });
    }

    pub(crate) fn no_faults(&self) {
        self.state().faults.clear();
    }

    /// Accepts this token and no other.
    pub(crate) fn accept(&self, token: &str) {
        self.state().tokens = [token.to_owned()].into();
    }

    /// Has no aggregated discovery from now on.
    pub(crate) fn classic(&self) {
        self.state().classic = true;
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// A kubeconfig for this server, with whatever the user is to be.
    pub(crate) fn kubeconfig(&self, scheme: &str, cluster: &Value, user: &Value) -> String {
        let mut cluster = cluster.clone();
        cluster["server"] = format!("{scheme}://{}", self.address).into();
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{ "name": "c", "cluster": cluster }],
            "users": [{ "name": "u", "user": user }],
            "contexts": [{ "name": "test", "context": { "cluster": "c", "user": "u" } }],
        })
        .to_string()
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        let mut state = self.state();
        state.ended = true;
        let unexpected = std::mem::take(&mut state.unexpected);
        drop(state);
        self.shared.changed.notify_all();
        // Wakes whoever waits for connections.
        drop(TcpStream::connect(&self.address));
        if !std::thread::panicking() {
            assert!(unexpected.is_empty(), "requests that nobody should send: {unexpected:#?}");
        }
    }
}

/// The error that the API server sends with a code.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> Answer {
    Answer::Status(code, body(code, reason, message), Vec::new())
}

pub(crate) fn body(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code,
    })
}

fn word<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Kind and group, and namespace and name.
fn key(object: &Value) -> (String, String) {
    let group = word(object, "/apiVersion").split_once('/').map_or("", |(group, _)| group);
    let name = format!("{}/{}", word(object, "/metadata/namespace"), word(object, "/metadata/name"));
    (format!("{}.{group}", word(object, "/kind")), name)
}

/// One connection.
struct Served {
    stream: BufReader<Box<dyn Stream>>,
    shared: Arc<Shared>,
}

impl Served {
    fn run(mut self) {
        while let Some(request) = self.request() {
            if self.answer(&request).is_none() {
                return;
            }
        }
    }

    fn request(&mut self) -> Option<Request> {
        let mut line = String::new();
        self.stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let query = query.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
        let length =
            headers.get("content-length").map_or(0, |length: &String| length.parse::<usize>().unwrap());
        assert!(
            length <= 1024 * 1024 && !headers.contains_key("transfer-encoding"),
            "a body without a length"
        );
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        let request = Request { method, path: path.to_owned(), query, headers, body };
        let mut state = self.shared.state.lock().unwrap();
        state.requests.push(request.clone());
        Some(request)
    }

    /// Answers; nothing when the connection has to end.
    fn answer(&mut self, request: &Request) -> Option<()> {
        match self.fault(request) {
            None => self.right(request, usize::MAX),
            Some(Answer::Cut(bytes)) => self.right(request, bytes),
            Some(Answer::Unheard) => {
                self.right(request, 0);
                None
            }
            Some(Answer::Status(code, body, headers)) => {
                self.send(code, &headers, body.to_string().as_bytes(), usize::MAX)
            }
            Some(Answer::Body(body)) => self.send(200, &[], &body, usize::MAX),
            Some(Answer::Lines(lines, open)) => {
                self.chunks()?;
                self.chunk(&lines)?;
                if open {
                    self.wait();
                }
                self.chunk(b"")
            }
            Some(Answer::Lost(lines)) => {
                self.chunks()?;
                self.chunk(&lines)?;
                None
            }
            Some(Answer::Silence) => {
                self.wait();
                None
            }
        }
    }

    fn fault(&self, request: &Request) -> Option<Answer> {
        let mut state = self.shared.state.lock().unwrap();
        let fault = state.faults.iter_mut().find(|fault| fault.times > 0 && (fault.matches)(request))?;
        fault.times -= 1;
        Some(fault.answer.clone())
    }

    /// Waits until the server ends.
    fn wait(&self) {
        let state = self.shared.state.lock().unwrap();
        drop(self.shared.changed.wait_while(state, |state| !state.ended).unwrap());
    }

    fn refuse(&mut self, request: &Request, why: &str) -> Option<()> {
        let said = format!("{why}: {request:?}");
        self.shared.state.lock().unwrap().unexpected.push(said.clone());
        self.send(400, &[], body(400, "BadRequest", &said).to_string().as_bytes(), usize::MAX)
    }

    fn right(&mut self, request: &Request, cut: usize) -> Option<()> {
        let state = self.shared.state.lock().unwrap();
        let token = request.headers.get("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if token.is_none_or(|token| !state.tokens.contains(token)) {
            drop(state);
            return self.send(
                401,
                &[],
                body(401, "Unauthorized", "Unauthorized").to_string().as_bytes(),
                cut,
            );
        }
        let kinds = kinds(&state);
        let classic = state.classic;
        drop(state);
        if let Some(answer) = discovery(request, &kinds, classic).filter(|_| request.method == "GET") {
            return self.compressed(request, answer.to_string().as_bytes(), cut);
        }
        let mut segments: Vec<&str> = request.path.split('/').skip(1).collect();
        let (group, rest) = match segments.first() {
            Some(&"api") => ("", segments.split_off(1)),
            Some(&"apis") if segments.len() > 2 => (segments[1], segments.split_off(2)),
            _ => return self.refuse(request, "there is no such path"),
        };
        let (namespace, plural, name, subresource) = match rest.as_slice() {
            [_, "namespaces", namespace, plural] => (Some(*namespace), *plural, None, None),
            [_, "namespaces", namespace, plural, name] => (Some(*namespace), *plural, Some(*name), None),
            [_, "namespaces", namespace, plural, name, of] => {
                (Some(*namespace), *plural, Some(*name), Some(*of))
            }
            [_, plural] => (None, *plural, None, None),
            [_, plural, name] => (None, *plural, Some(*name), None),
            _ => return self.refuse(request, "there is no such path"),
        };
        let kind = kinds.iter().find(|kind| kind.group == group && kind.plural == plural);
        let Some(kind) = kind.filter(|kind| kind.version == rest[0]) else {
            return self.refuse(request, "there is no such resource");
        };
        if !kind.namespaced && namespace.is_some() {
            return self.refuse(request, "these have no namespace");
        }
        if request.method != "GET" {
            return self.change(request, kind, namespace.unwrap_or_default(), name, subresource, cut);
        }
        match name {
            Some(name) if subresource == Some("log") => {
                self.log(request, namespace.unwrap_or_default(), name)
            }
            Some(_) if subresource.is_some() => self.refuse(request, "there is no such subresource"),
            Some(name) => self.one(request, kind, namespace.unwrap_or_default(), name),
            None if request.is_watch() => self.watch(request, kind),
            None => self.list(request, kind, namespace, cut),
        }
    }

    fn change(
        &mut self,
        request: &Request,
        kind: &Kind,
        namespace: &str,
        name: Option<&str>,
        subresource: Option<&str>,
        cut: usize,
    ) -> Option<()> {
        let call = Call {
            method: &request.method,
            kind: &kind.kind,
            plural: &kind.plural,
            group: &kind.group,
            version: &kind.version,
            namespace,
            name: name.unwrap_or_default(),
            subresource,
            query: &request.query,
            content_type: request.headers.get("content-type").map_or("", String::as_str),
            body: &request.body,
        };
        let mut state = self.shared.state.lock().unwrap();
        let State { objects, version, log, .. } = &mut *state;
        let reply = World { objects, version, log }.answer(&call);
        drop(state);
        self.shared.changed.notify_all();
        match reply {
            Reply::Good(code, body) | Reply::Refused(code, body) => {
                self.send(code, &[], body.to_string().as_bytes(), cut)
            }
            Reply::Wrong(why) => self.refuse(request, &why),
        }
    }

    /// The log of a container: what its pod's annotation says, the newest lines.
    fn log(&mut self, request: &Request, namespace: &str, name: &str) -> Option<()> {
        let expected = ["container", "limitBytes", "tailLines"];
        if !request.query.keys().eq(expected) {
            return self.refuse(request, "logs have these parameters");
        }
        let key = ("Pod.".to_owned(), format!("{namespace}/{name}"));
        let pod = self.shared.state.lock().unwrap().objects.get(&key).cloned();
        let Some(pod) = pod else {
            let message = format!("pods \"{name}\" not found");
            return self.send(404, &[], body(404, "NotFound", &message).to_string().as_bytes(), usize::MAX);
        };
        let lines: usize = request.query["tailLines"].parse().unwrap();
        let all: Vec<&str> =
            word(&pod, "/metadata/annotations/example.org~1log").split_inclusive('\n').collect();
        let text = all[all.len().saturating_sub(lines)..].concat();
        self.send(200, &[], text.as_bytes(), usize::MAX)
    }

    fn one(&mut self, request: &Request, kind: &Kind, namespace: &str, name: &str) -> Option<()> {
        let key = (format!("{}.{}", kind.kind, kind.group), format!("{namespace}/{name}"));
        let object = self.shared.state.lock().unwrap().objects.get(&key).cloned();
        match object {
            Some(object) => {
                let partial = request
                    .headers
                    .get("accept")
                    .is_some_and(|accept| accept.contains("as=PartialObjectMetadata;"));
                let only = json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] });
                let object = if partial { only } else { object };
                self.compressed(request, object.to_string().as_bytes(), usize::MAX)
            }
            None => {
                let message = format!("{} \"{name}\" not found", kind.plural);
                self.send(404, &[], body(404, "NotFound", &message).to_string().as_bytes(), usize::MAX)
            }
        }
    }

    fn list(&mut self, request: &Request, kind: &Kind, namespace: Option<&str>, cut: usize) -> Option<()> {
        let known = ["limit", "continue", "labelSelector", "fieldSelector"];
        if request.query.keys().any(|key| !known.contains(&key.as_str())) {
            return self.refuse(request, "lists have other parameters");
        }
        let Some(limit) = request.query.get("limit").and_then(|limit| limit.parse::<usize>().ok()) else {
            return self.refuse(request, "a list without a limit");
        };
        let mut state = self.shared.state.lock().unwrap();
        let (version, from) = match request.query.get("continue").map(String::as_str) {
            None => (state.version, 0),
            Some(token) => {
                let parts: Vec<u64> = token
                    .trim_start_matches("next+/=")
                    .split(':')
                    .filter_map(|part| part.parse().ok())
                    .collect();
                let [version, from, size] = parts[..] else {
                    drop(state);
                    return self.refuse(request, "a token that was never given out");
                };
                if size != limit as u64 {
                    drop(state);
                    return self.refuse(request, "another limit than on the first page");
                }
                if version < state.remembered {
                    drop(state);
                    let expired = body(
                        410,
                        "Expired",
                        "The provided continue parameter is too old to display a consistent list result.",
                    );
                    return self.send(410, &[], expired.to_string().as_bytes(), cut);
                }
                (version, from as usize)
            }
        };
        let wanted = format!("{}.{}", kind.kind, kind.group);
        let here = |object: &Value| {
            namespace.is_none_or(|namespace| word(object, "/metadata/namespace") == namespace)
        };
        let all = state.objects.iter_mut().filter(|((kind, _), object)| *kind == wanted && here(object));
        let mut all: Vec<Value> = all.map(|(_, object)| object.clone()).collect();
        drop(state);
        for object in &all {
            if let Err(why) = selected(&request.query, object) {
                return self.refuse(request, &why);
            }
        }
        all.retain(|object| selected(&request.query, object).unwrap());
        let mut metadata = json!({ "resourceVersion": version.to_string() });
        if from + limit < all.len() {
            metadata["continue"] = format!("next+/={version}:{}:{limit}", from + limit).into();
            // Nobody counts what a selector leaves out.
            if known.iter().skip(2).all(|selector| !request.query.contains_key(*selector)) {
                metadata["remainingItemCount"] = (all.len() - from - limit).into();
            }
        }
        let mut items: Vec<Value> = all.into_iter().skip(from).take(limit).collect();
        // Items of built-in kinds do not say what they are.
        for item in items.iter_mut().filter(|_| !kind.custom) {
            item.as_object_mut().unwrap().retain(|key, _| key != "kind" && key != "apiVersion");
        }
        let api_version = api_version(kind);
        if request.headers.get("accept").is_some_and(|accept| accept.contains("as=PartialObjectMetadataList"))
        {
            let only = |item: &Value| json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"] });
            let items: Vec<Value> = items.iter().map(only).collect();
            let list = json!({ "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items });
            return self.compressed(request, list.to_string().as_bytes(), cut);
        }
        let list = format!("{}List", kind.kind);
        let list = json!({ "kind": list, "apiVersion": api_version, "metadata": metadata, "items": items });
        self.compressed(request, list.to_string().as_bytes(), cut)
    }

    fn watch(&mut self, request: &Request, kind: &Kind) -> Option<()> {
        let expected = ["allowWatchBookmarks", "resourceVersion", "timeoutSeconds", "watch"];
        let version = request.query.get("resourceVersion").and_then(|version| version.parse::<u64>().ok());
        let (Some(mut version), true) = (version, request.query.keys().eq(expected)) else {
            return self.refuse(request, "watches have these parameters, and a position");
        };
        if request.headers.get("accept-encoding").is_some_and(|accepted| accepted != "identity") {
            return self.refuse(request, "a watch that is compressed");
        }
        let wanted = format!("{}.{}", kind.kind, kind.group);
        let mut state = self.shared.state.lock().unwrap();
        if version < state.remembered {
            drop(state);
            let gone = body(410, "Expired", "too old resource version");
            return self.send(410, &[], gone.to_string().as_bytes(), usize::MAX);
        }
        let cut = state.cut.get(&wanted).copied();
        drop(state);
        self.chunks()?;
        loop {
            state = self.shared.state.lock().unwrap();
            let ready = |state: &mut State| {
                !state.ended
                    && state.cut.get(&wanted).copied() == cut
                    && !state.log.iter().any(|(at, of, _)| *at > version && *of == wanted)
            };
            state = self.shared.changed.wait_while(state, ready).unwrap();
            if state.ended {
                return None;
            }
            if state.cut.get(&wanted).copied() != cut {
                drop(state);
                return self.chunk(b"");
            }
            let news = state.log.iter().filter(|(at, of, _)| *at > version && *of == wanted);
            let lines: String = news.map(|(_, _, event)| format!("{event}\n")).collect();
            version = state.version;
            drop(state);
            let bookmark = json!({ "type": "BOOKMARK", "object": {
                "kind": kind.kind, "apiVersion": api_version(kind), "metadata": { "resourceVersion": version.to_string() },
            } });
            self.chunk(format!("{lines}{bookmark}\n").as_bytes())?;
        }
    }

    fn compressed(&mut self, request: &Request, bytes: &[u8], cut: usize) -> Option<()> {
        if request.headers.get("accept-encoding").is_none_or(|accepted| !accepted.contains("gzip")) {
            return self.refuse(request, "an answer that may not be compressed");
        }
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        self.send(200, &[("content-encoding", "gzip".to_owned())], &encoder.finish().unwrap(), cut)
    }

    fn send(&mut self, code: u16, headers: &[(&str, String)], bytes: &[u8], cut: usize) -> Option<()> {
        let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = bytes.len();
        let head = format!(
            "HTTP/1.1 {code} Answer\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{more}\r\n"
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(&bytes[..length.min(cut)]).ok()?;
        stream.flush().ok()?;
        (length <= cut).then_some(())
    }

    fn chunks(&mut self) -> Option<()> {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        self.stream.get_mut().write_all(head.as_bytes()).ok()?;
        self.stream.get_mut().flush().ok()
    }

    /// One part of an answer without a length; an empty one ends it.
    fn chunk(&mut self, bytes: &[u8]) -> Option<()> {
        let stream = self.stream.get_mut();
        stream.write_all(format!("{:x}\r\n", bytes.len()).as_bytes()).ok()?;
        stream.write_all(bytes).ok()?;
        stream.write_all(b"\r\n").ok()?;
        stream.flush().ok()
    }
}

fn decoded(value: &str) -> String {
    let (mut bytes, mut all) = (value.bytes(), Vec::new());
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                all.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            // A plus sign would be a space to the real one.
            b'+' => all.push(b' '),
            byte => all.push(byte),
        }
    }
    String::from_utf8(all).unwrap()
}

fn api_version(kind: &Kind) -> String {
    if kind.group.is_empty() { kind.version.clone() } else { format!("{}/{}", kind.group, kind.version) }
}

/// What is built in, and what definitions add.
fn kinds(state: &State) -> Vec<Kind> {
    let built_in = KINDS.iter().map(|(plural, group, version, kind, namespaced)| Kind {
        plural: (*plural).to_owned(),
        group: (*group).to_owned(),
        version: (*version).to_owned(),
        kind: (*kind).to_owned(),
        namespaced: *namespaced,
        custom: false,
    });
    let definitions = state.objects.values().filter(|object| object["kind"] == "CustomResourceDefinition");
    let custom = definitions.map(|definition| Kind {
        plural: word(definition, "/spec/names/plural").to_owned(),
        group: word(definition, "/spec/group").to_owned(),
        version: word(definition, "/spec/versions/0/name").to_owned(),
        kind: word(definition, "/spec/names/kind").to_owned(),
        namespaced: word(definition, "/spec/scope") == "Namespaced",
        custom: true,
    });
    built_in.chain(custom).collect()
}

fn discovery(request: &Request, kinds: &[Kind], classic: bool) -> Option<Value> {
    let accept = request.headers.get("accept").map_or("", String::as_str);
    let verbs = ["create", "delete", "get", "list", "patch", "update", "watch"];
    let groups: BTreeSet<&str> = kinds.iter().map(|kind| kind.group.as_str()).collect();
    let of = |group: &str| kinds.iter().filter(move |kind| kind.group == group).collect::<Vec<_>>();
    let aggregated = |groups: Vec<&str>| {
        let items = groups.into_iter().map(|group| {
            let resources = of(group).into_iter().map(|kind| {
                json!({
                    "resource": kind.plural, "responseKind": { "group": "", "version": "", "kind": kind.kind }, "verbs": verbs,
                    "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
                    "subresources": [{ "subresource": "status", "responseKind": { "kind": kind.kind }, "verbs": ["get"] }],
                })
            });
            let resources: Vec<Value> = resources.collect();
            json!({ "metadata": { "name": group }, "versions": [
                { "version": of(group)[0].version, "resources": resources, "freshness": "Current" },
            ] })
        });
        let items: Vec<Value> = items.collect();
        json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items })
    };
    let is_aggregated = !classic && accept.contains("g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    match request.path.as_str() {
        "/api" if is_aggregated => return Some(aggregated(vec![""])),
        "/apis" if is_aggregated => {
            return Some(aggregated(groups.into_iter().filter(|group| !group.is_empty()).collect()));
        }
        "/api" => return Some(json!({ "kind": "APIVersions", "versions": ["v1"] })),
        "/apis" => {
            let version = |group: &str| {
                let version = &of(group)[0].version;
                json!({ "groupVersion": format!("{group}/{version}"), "version": version })
            };
            let groups = groups.into_iter().filter(|group| !group.is_empty()).map(|group| {
                // An old version is served too, and is not the best.
                let old = json!({ "groupVersion": format!("{group}/v1alpha1"), "version": "v1alpha1" });
                json!({ "name": group, "versions": [old, version(group)], "preferredVersion": version(group) })
            });
            let groups: Vec<Value> = groups.collect();
            return Some(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }));
        }
        _ => {}
    }
    let path = request.path.strip_prefix("/apis/").or(request.path.strip_prefix("/api/"))?;
    let (group, version) = path.split_once('/').unwrap_or(("", path));
    let all: Vec<&Kind> = of(group).into_iter().filter(|kind| kind.version == version).collect();
    if all.is_empty() || path.matches('/').count() > 1 {
        return None;
    }
    let resources = all.into_iter().flat_map(|kind| {
        let resource = |name: String| json!({ "name": name, "namespaced": kind.namespaced, "kind": kind.kind, "verbs": verbs });
        [resource(kind.plural.clone()), resource(format!("{}/status", kind.plural))]
    });
    let resources: Vec<Value> = resources.collect();
    Some(
        json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": path, "resources": resources }),
    )
}
