use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use jiff::{SignedDuration, Timestamp};
use model::TenantId;
use serde_json::{Value, json};

use super::writes::{Call, Log, Objects, Reply, World, selected, word};
use crate::entry::{Begin, Decision, Entry, RunId};
use crate::error::BookError;
use crate::{
    Book, CallCause, CallError, Cluster, Commit, Deliver, Driver, Kind, MemoryBook, Message, ObjectRef,
    Phase, Progress, Query, Quota, Receipt, RespondError, Run, Settings, Write,
};

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap() + SignedDuration::from_secs(seconds)
}

/// Points at which a process may die: before and after everything that it asks of the world.
#[derive(Default)]
pub(super) struct Points(Mutex<(usize, Option<usize>)>);

impl Points {
    /// The process lives through so many more, and not through the next.
    pub(super) fn die_after(&self, points: Option<usize>) {
        *self.0.lock().unwrap() = (0, points);
    }

    pub(super) fn passed(&self) -> usize {
        self.0.lock().unwrap().0
    }

    async fn here(&self) {
        let dies = {
            let mut state = self.0.lock().unwrap();
            state.0 += 1;
            state.1.is_some_and(|point| state.0 > point)
        };
        if dies {
            std::future::pending::<()>().await;
        }
    }
}

/// What becomes of writes, one after the other; when it has all happened nothing disturbs any more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Weather {
    Fine,
    /// Somebody changes the status of the object first.
    Changed,
    /// It is done, and nobody hears of it.
    Unheard,
    /// It is not done, and the server is busy.
    Busy,
}

#[derive(Default)]
struct State {
    objects: Objects,
    version: u64,
    log: Log,
    /// The ledger outside of the process: what had an effect.
    effects: Vec<String>,
    weather: Vec<Weather>,
    denied: Vec<Kind>,
    dry_runs: usize,
    requests: Vec<Message>,
    /// What destinations say, one answer after the other; nothing: they take it.
    answers: Vec<CallError>,
}

#[derive(Default)]
pub(super) struct Fake {
    state: Mutex<State>,
    pub(super) points: Points,
}

fn denied(kind: Kind) -> CallError {
    let message = format!("403: {} is forbidden", kind.plural());
    CallError { cause: CallCause::Denied, message, retry_after: None }
}

impl Fake {
    pub(super) fn with(objects: Vec<Value>) -> Self {
        let fake = Self::default();
        objects.into_iter().for_each(|object| fake.put(object));
        fake
    }

    pub(super) fn put(&self, mut object: Value) {
        let mut state = self.state.lock().unwrap();
        state.version += 1;
        object["metadata"]["resourceVersion"] = state.version.to_string().into();
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = format!("uid-{}", state.version).into();
        }
        let group = word(&object, "/apiVersion").split_once('/').map_or("", |(group, _)| group).to_owned();
        let kind = format!("{}.{group}", word(&object, "/kind"));
        let name = format!("{}/{}", word(&object, "/metadata/namespace"), word(&object, "/metadata/name"));
        state.objects.insert((kind, name), object);
    }

    pub(super) fn get(&self, kind: Kind, name: &str) -> Option<Value> {
        let name = if name.contains('/') { name.to_owned() } else { format!("/{name}") };
        self.state.lock().unwrap().objects.get(&(format!("{}.{}", kind.name(), kind.group()), name)).cloned()
    }

    /// Somebody changes an object.
    pub(super) fn edit(&self, kind: Kind, name: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.get(kind, name).unwrap();
        change(&mut object);
        self.put(object);
    }

    pub(super) fn remove(&self, kind: Kind, name: &str) {
        let key = (format!("{}.{}", kind.name(), kind.group()), name.to_owned());
        self.state.lock().unwrap().objects.remove(&key).unwrap();
    }

    pub(super) fn weather(&self, weather: Vec<Weather>) {
        self.state.lock().unwrap().weather = weather;
    }

    pub(super) fn deny(&self, kind: Kind) {
        self.state.lock().unwrap().denied.push(kind);
    }

    pub(super) fn effects(&self) -> Vec<String> {
        self.state.lock().unwrap().effects.clone()
    }

    pub(super) fn dry_runs(&self) -> usize {
        self.state.lock().unwrap().dry_runs
    }

    /// Destinations say this, one after the other, and then take what comes.
    pub(super) fn answers(&self, answers: &[(CallCause, &str, Option<u32>)]) {
        let error = |(cause, message, retry_after): &(CallCause, &str, Option<u32>)| CallError {
            cause: *cause,
            message: (*message).to_owned(),
            retry_after: *retry_after,
        };
        self.state.lock().unwrap().answers = answers.iter().map(error).collect();
    }

    /// Requests to destinations, with those that were sent again.
    pub(super) fn requests(&self) -> Vec<Message> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Messages as a destination knows them that tells them apart by their keys.
    pub(super) fn messages(&self) -> Vec<Message> {
        let mut seen = std::collections::BTreeSet::new();
        self.requests().into_iter().filter(|message| seen.insert(message.key.clone())).collect()
    }

    /// The objects without what differs from time to time.
    pub(super) fn plain(&self) -> BTreeMap<String, Value> {
        let state = self.state.lock().unwrap();
        let plain = state.objects.iter().map(|((kind, name), object)| {
            let mut object = object.clone();
            for changing in ["resourceVersion", "managedFields", "uid"] {
                object["metadata"].as_object_mut().unwrap().remove(changing);
            }
            object.as_object_mut().unwrap().remove("status");
            // The server keeps the empty map of the last label or annotation that was taken off.
            for map in ["labels", "annotations"] {
                if object["metadata"][map].as_object().is_some_and(|map| map.is_empty()) {
                    object["metadata"].as_object_mut().unwrap().remove(map);
                }
            }
            (format!("{kind} {name}"), object)
        });
        plain.collect()
    }

    fn answer(&self, write: &Write, dry_run: bool) -> Result<Value, CallError> {
        let (method, target, mut body, subresource, content_type) = match write.clone() {
            Write::Patch { target, body } => ("PATCH", target, body, None, "application/merge-patch+json"),
            Write::Create { target, body } => ("POST", target, body, None, "application/json"),
            Write::Delete { target, body } => ("DELETE", target, body, None, "application/json"),
            Write::Evict { target, body } => ("POST", target, body, Some("eviction"), "application/json"),
        };
        let mut query = BTreeMap::new();
        if method == "DELETE" {
            if dry_run {
                body["dryRun"] = json!(["All"]);
            }
        } else {
            query.insert("fieldManager".to_owned(), "palisade".to_owned());
            if dry_run {
                query.insert("dryRun".to_owned(), "All".to_owned());
            }
        }
        let mut state = self.state.lock().unwrap();
        if state.denied.contains(&target.kind) {
            return Err(denied(target.kind));
        }
        let weather = match dry_run || state.weather.is_empty() {
            true => Weather::Fine,
            false => state.weather.remove(0),
        };
        let key = (
            format!("{}.{}", target.kind.name(), target.kind.group()),
            format!("{}/{}", target.namespace, target.name),
        );
        let State { objects, version, log, .. } = &mut *state;
        match weather {
            Weather::Busy => {
                let message = "429: too many requests".to_owned();
                return Err(CallError { cause: CallCause::Busy, message, retry_after: Some(1) });
            }
            Weather::Changed => {
                if let Some(object) = objects.get_mut(&key) {
                    *version += 1;
                    object["metadata"]["resourceVersion"] = version.to_string().into();
                    object["status"]["seen"] = version.to_string().into();
                }
            }
            Weather::Fine | Weather::Unheard => {}
        }
        let before = log.len();
        let bytes = body.to_string();
        let name = if method == "POST" && subresource.is_none() { "" } else { &target.name };
        let reply = World { objects, version, log }.answer(&Call {
            method,
            kind: target.kind.name(),
            plural: target.kind.plural(),
            group: target.kind.group(),
            version: target.kind.version(),
            namespace: &target.namespace,
            name,
            subresource,
            query: &query,
            content_type,
            body: bytes.as_bytes(),
        });
        let happened = state.log.len() > before;
        assert!(!(dry_run && happened), "a dry run that did something");
        state.dry_runs += usize::from(dry_run);
        if happened {
            // Who did what to what, whatever version of it.
            for volatile in
                [&["metadata"][..], &["preconditions"][..], &["deleteOptions", "preconditions"][..]]
            {
                let mut inner = &mut body;
                for name in volatile {
                    inner = &mut inner[*name];
                }
                if let Some(members) = inner.as_object_mut() {
                    members.remove("resourceVersion");
                    members.remove("uid");
                }
            }
            // Which other marks are left depends on what was taken back before.
            if let Some(annotations) = body["metadata"]["annotations"].as_object_mut() {
                annotations.remove(crate::MARK);
            }
            state.effects.push(format!("{method} {target} {body}"));
        }
        match reply {
            Reply::Good(..) if weather == Weather::Unheard => {
                let message = "the answer was cut off".to_owned();
                Err(CallError { cause: CallCause::Uncertain, message, retry_after: None })
            }
            Reply::Good(_, value) => Ok(value),
            Reply::Refused(code, status) => {
                let cause = match code {
                    404 => CallCause::NotFound,
                    409 => CallCause::Conflict,
                    429 => CallCause::Blocked,
                    500 => CallCause::Uncertain,
                    _ => CallCause::Invalid,
                };
                let message = format!("{code}: {}", word(&status, "/message"));
                Err(CallError { cause, message, retry_after: None })
            }
            Reply::Wrong(why) => panic!("nobody should send this: {why}: {write:?}"),
        }
    }
}

impl Cluster for Fake {
    async fn read(&self, target: &ObjectRef) -> Result<Option<Value>, CallError> {
        self.points.here().await;
        let name = format!("{}/{}", target.namespace, target.name);
        Ok(self.get(target.kind, &name))
    }

    async fn list(&self, query: &Query) -> Result<Vec<Value>, CallError> {
        self.points.here().await;
        assert!(query.kind != Kind::Secret || query.metadata_only, "the values of Secrets");
        let mut selectors = BTreeMap::new();
        selectors.extend(query.labels.iter().map(|selector| ("labelSelector".to_owned(), selector.clone())));
        selectors.extend(query.fields.iter().map(|selector| ("fieldSelector".to_owned(), selector.clone())));
        let wanted = format!("{}.{}", query.kind.name(), query.kind.group());
        let state = self.state.lock().unwrap();
        let here = |object: &Value| {
            query.namespace.as_ref().is_none_or(|namespace| word(object, "/metadata/namespace") == namespace)
                && selected(&selectors, object).unwrap()
        };
        let all = state.objects.iter().filter(|((kind, _), object)| *kind == wanted && here(object));
        let only = |object: &Value| {
            if query.metadata_only { json!({ "metadata": object["metadata"] }) } else { object.clone() }
        };
        Ok(all.map(|(_, object)| only(object)).collect())
    }

    async fn pods(&self) -> Result<u64, CallError> {
        let state = self.state.lock().unwrap();
        Ok(state.objects.keys().filter(|(kind, _)| kind == "Pod.").count() as u64)
    }

    async fn log(&self, pod: &ObjectRef, container: &str, lines: u32) -> Result<Vec<u8>, CallError> {
        if self.state.lock().unwrap().denied.contains(&Kind::Event) {
            return Err(denied(Kind::Event));
        }
        Ok(format!("{lines} lines of {container} of {}\n", pod.name).into_bytes())
    }

    async fn write(&self, write: &Write, dry_run: bool) -> Result<Value, CallError> {
        self.points.here().await;
        let answer = self.answer(write, dry_run);
        self.points.here().await;
        answer
    }
}

impl Deliver for Fake {
    async fn check(&self, message: &Message) -> Result<(), CallError> {
        match message.destination.as_deref() {
            Some("nowhere") => {
                let message = "there is no destination \"nowhere\"".to_owned();
                Err(CallError { cause: CallCause::Invalid, message, retry_after: None })
            }
            _ => Ok(()),
        }
    }

    async fn deliver(&self, message: &Message) -> Result<Receipt, CallError> {
        self.points.here().await;
        let answer = {
            let mut state = self.state.lock().unwrap();
            let known = state.requests.iter().any(|other| other.key == message.key);
            state.requests.push(message.clone());
            match state.answers.is_empty() {
                true => Ok(Receipt { known, said: "id T-1".to_owned() }),
                false => Err(state.answers.remove(0)),
            }
        };
        self.points.here().await;
        answer
    }
}

/// A book with points at which the process may die.
#[derive(Default)]
pub(super) struct TripBook<'a> {
    pub(super) book: MemoryBook,
    points: Option<&'a Points>,
}

impl<'a> TripBook<'a> {
    pub(super) fn new(fake: &'a Fake) -> Self {
        Self { book: MemoryBook::default(), points: Some(&fake.points) }
    }

    async fn here(&self) {
        if let Some(points) = self.points {
            points.here().await;
        }
    }
}

impl Book for TripBook<'_> {
    async fn journal(
        &self,
        tenant: &TenantId,
        run: &RunId,
    ) -> Result<Option<Vec<(Timestamp, Entry)>>, BookError> {
        let journal = self.book.journal(tenant, run).await?;
        // What is kept is text: whatever does not survive that is not kept.
        let text = serde_json::to_string(&journal).unwrap();
        Ok(serde_json::from_str(&text).unwrap())
    }

    async fn commit(&self, commit: Commit) -> Result<(), BookError> {
        self.here().await;
        let done = self.book.commit(commit).await;
        self.here().await;
        done
    }

    async fn stopped(&self, tenant: &TenantId, playbook: &str) -> Result<Option<String>, BookError> {
        self.book.stopped(tenant, playbook).await
    }

    async fn used(&self, tenant: &TenantId, quota: &Quota) -> Result<u64, BookError> {
        self.book.used(tenant, quota).await
    }
}

/// The result; nothing when the process died.
pub(super) fn live<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

pub(super) fn begin(playbook: &str, event: Value) -> Begin {
    Begin {
        tenant: TenantId::default_tenant(),
        playbook: playbook.to_owned(),
        incident: "incident-1".to_owned(),
        event,
        parameters: BTreeMap::new(),
        by: None,
        round: 1,
        cluster: String::new(),
        approval: None,
    }
}

pub(super) fn decision(run: &Run, by: &str, roles: &[&str]) -> Decision {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    Decision { by: by.to_owned(), roles, agree: true, plan: run.plan.as_ref().unwrap().digest() }
}

/// Drives a run until it is over, or until it waits for something that is later than `until`; people who are asked agree. Dies at the given
/// points, one after the other, and goes on by the journal.
pub(super) fn drive(
    fake: &Fake,
    book: &TripBook<'_>,
    settings: &Settings,
    begin: &Begin,
    deaths: &[usize],
    from: Timestamp,
    until: Timestamp,
) -> (Run, Progress) {
    let driver = Driver::new(fake, book, settings).with_post(fake);
    let mut deaths = deaths.iter().copied();
    fake.points.die_after(deaths.next());
    let (mut kept, mut now) = (None, from);
    for _ in 0..2000 {
        let known = kept.take();
        let step = async {
            let mut run = match known {
                Some(run) => run,
                None => driver.begin(begin.clone(), now).await?,
            };
            if run.phase == Phase::Asking {
                for by in ["ann", "bob"] {
                    let decision = decision(&run, by, &["responder", "lead", "identity", "platform"]);
                    if run.may_decide(&decision, now).is_ok() {
                        driver.decide(&mut run, decision, now).await?;
                    }
                }
            }
            let progress = driver.advance(&mut run, now).await?;
            Ok::<_, RespondError>((run, progress))
        };
        match live(step) {
            None => fake.points.die_after(deaths.next()),
            Some(Err(RespondError::Book(BookError::Fenced))) => {}
            Some(Err(error)) => panic!("{error}"),
            Some(Ok((run, progress))) => {
                match &progress {
                    Progress::Moved => {}
                    Progress::Waiting(later) if *later <= until => now = now.max(*later),
                    _ => return (run, progress),
                }
                kept = Some(run);
            }
        }
    }
    panic!("the run does not come to an end");
}

pub(super) fn object(api_version: &str, kind: &str, name: &str, rest: Value) -> Value {
    let mut object =
        json!({ "apiVersion": api_version, "kind": kind, "metadata": { "uid": format!("{kind}-{name}") } });
    super::writes::merge(&mut object, &rest);
    match name.split_once('/') {
        Some((namespace, name)) => {
            object["metadata"]["namespace"] = namespace.into();
            object["metadata"]["name"] = name.into();
        }
        None => object["metadata"]["name"] = name.into(),
    }
    object
}

fn owned(kind: &str, name: &str) -> Value {
    let (namespace, short) = name.split_once('/').unwrap();
    json!([{ "apiVersion": "apps/v1", "kind": kind, "name": short, "uid": format!("{kind}-{namespace}/{short}"), "controller": true }])
}

pub(super) fn pod(name: &str, app: &str, owner: Value) -> Value {
    let metadata = json!({ "labels": { "app": app }, "ownerReferences": owner });
    let spec = json!({ "nodeName": "node-1", "serviceAccountName": "web", "containers": [{ "name": "main", "image": "i" }] });
    object("v1", "Pod", name, json!({ "metadata": metadata, "spec": spec, "status": { "phase": "Running" } }))
}

/// A shop with everything that playbooks are about.
pub(super) fn shop() -> Vec<Value> {
    let selector = json!({ "matchLabels": { "app": "web" } });
    let web = json!({ "spec": { "replicas": 2, "selector": selector }, "metadata": { "annotations": { "note": "n" } } });
    let set = json!({ "spec": { "replicas": 2, "selector": selector }, "metadata": { "ownerReferences": owned("Deployment", "shop/web") } });
    let budget =
        json!({ "spec": { "selector": selector, "minAvailable": 1 }, "status": { "disruptionsAllowed": 1 } });
    let account = |name: &str| json!({ "kind": "ServiceAccount", "name": name, "namespace": "shop" });
    let role = json!({ "kind": "Role", "name": "r", "apiGroup": "rbac.authorization.k8s.io" });
    let token = json!({
        "type": "kubernetes.io/service-account-token", "data": { "token": "ZXhhbXBsZQ==" },
        "metadata": { "annotations": { "kubernetes.io/service-account.name": "web" } },
    });
    let mut objects = vec![
        object("v1", "Node", "node-1", json!({ "spec": {} })),
        object("apps/v1", "Deployment", "shop/web", web),
        object("apps/v1", "ReplicaSet", "shop/web-7d9", set),
        pod("shop/web-1", "web", owned("ReplicaSet", "shop/web-7d9")),
        pod("shop/web-2", "web", owned("ReplicaSet", "shop/web-7d9")),
        pod("shop/agent", "agent", owned("DaemonSet", "shop/agents")),
        pod("kube-system/dns", "dns", json!([])),
        object("policy/v1", "PodDisruptionBudget", "shop/web", budget),
        object("v1", "ServiceAccount", "shop/web", json!({ "imagePullSecrets": [{ "name": "pull" }] })),
        object("v1", "Secret", "shop/web-token", token),
        object("v1", "Secret", "shop/other", json!({ "type": "Opaque" })),
        object(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            "shop/b",
            json!({ "roleRef": role, "subjects": [account("web"), account("x")] }),
        ),
        object(
            "v1",
            "Event",
            "shop/e",
            json!({ "involvedObject": { "uid": "Pod-shop/web-1" }, "reason": "Started" }),
        ),
    ];
    objects.extend(["shop", "kube-system"].map(|name| object("v1", "Namespace", name, json!({}))));
    // Enough for percents to mean something.
    objects.extend((0..33).map(|number| pod(&format!("shop/batch-{number}"), "batch", json!([]))));
    for number in 0..33 {
        objects.iter_mut().filter(|object| object["metadata"]["name"] == format!("batch-{number}")).for_each(
            |pod| {
                pod["spec"]["nodeName"] = "node-2".into();
            },
        );
    }
    objects
}

/// An event about the pod `shop/web-1`.
pub(super) fn event() -> Value {
    json!({
        "source": "falco", "kind": "alert", "severity": "critical", "title": "Terminal shell in container", "node": "node-1",
        "rule": { "id": "Terminal shell in container", "name": "Terminal shell in container", "tags": ["T1611", "T1496", "container"] },
        "pod": { "namespace": "shop", "name": "web-1", "uid": "Pod-shop/web-1", "serviceAccount": "web" },
        "process": { "binary": "/tmp/xmrig" },
    })
}
