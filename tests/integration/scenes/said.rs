//! What is seen, in the words of the sensors: Falco's alerts, Tetragon's lines, items of the audit log.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::story::{Alert, Audit, Connect, Exec, Place, Said, Scene};
use super::world::{Pod, World, digits, uid};

/// A source of events, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sensor {
    Falco,
    Tetragon,
    Audit,
}

impl Sensor {
    pub(super) const ALL: [Self; 3] = [Self::Falco, Self::Tetragon, Self::Audit];

    /// Name of the source, and its format.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Falco => ("falco", "falco"),
            Self::Tetragon => ("tetragon", "tetragon"),
            Self::Audit => ("audit", "kubernetes-audit"),
        }
    }

    /// Many events in the envelope in which the product sends them.
    pub(super) fn body(self, events: &[&Value]) -> Value {
        match self {
            Self::Audit => {
                json!({ "kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": events })
            }
            Self::Falco | Self::Tetragon => json!(events),
        }
    }
}

/// An event on its way.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) sensor: Sensor,
    pub(super) time: Timestamp,
    /// The id that the service makes of the sensor's own.
    pub(super) id: String,
    pub(super) body: Value,
}

pub(super) fn after(start: Timestamp, milliseconds: u64) -> Timestamp {
    start + SignedDuration::from_millis(i64::try_from(milliseconds).unwrap())
}

/// All events of a scene that begins at `start`.
pub(super) fn scene(scene: &Scene, world: &World, start: Timestamp) -> Vec<Sent> {
    let mut all = Vec::new();
    for (number, step) in scene.steps.iter().enumerate() {
        for time in 0..step.times {
            let at = after(start, (step.at + time) * 1_000 + 137);
            let own = format!("{}/{number}/{time}", scene.namespace);
            let place = place(scene, world, &step.place);
            all.push(match &step.said {
                Said::Exec(said) => exec(said, &place.unwrap(), at, &own),
                Said::Connect(said) => connect(said, &place.unwrap(), at, &own),
                Said::Alert(said) => match (place, &step.place.on_node_of) {
                    (None, Some(workload)) => {
                        alert(said, None, &world.pod(&scene.namespace, workload).node, at, &own)
                    }
                    (place, _) => alert(said, place.as_ref(), &place.as_ref().unwrap().node, at, &own),
                },
                Said::Audit(said) => audit(said, scene, world, at, time, &own),
            });
        }
    }
    all
}

fn place(scene: &Scene, world: &World, place: &Place) -> Option<Pod> {
    let namespace = &scene.namespace;
    let node = scene.number + 6;
    if let Some(workload) = &place.r#in {
        return Some(world.pod(namespace, workload).clone());
    }
    let image = "docker.io/library/alpine:3.20";
    if let Some(name) = &place.in_pod {
        return Some(Pod::new(namespace, name, ("Pod", name), image, node));
    }
    if let Some(name) = &place.in_job_of {
        return Some(Pod::new(namespace, &format!("{name}-29401234-q7x2p"), ("CronJob", name), image, node));
    }
    let name = place.in_daemon_of.as_ref()?;
    Some(Pod::new(namespace, &format!("{name}-k2p9z"), ("DaemonSet", name), image, node))
}

fn exec_id(node: &str, own: &str) -> String {
    // What is decoded is `NODE:NANOSECONDS:PID`; nothing reads it.
    format!("{node}:{}", digits(own, 20))
}

fn process(pod: &Pod, binary: &str, arguments: &str, exec_id: &str, parent: &str, at: Timestamp) -> Value {
    let (repository, _) = pod.image.rsplit_once(':').unwrap();
    let digest = digits(&pod.image, 64);
    json!({
        "exec_id": exec_id, "parent_exec_id": parent, "pid": 4242, "uid": 0, "cwd": "/", "binary": binary, "arguments": arguments,
        "flags": "execve clone", "start_time": at.to_string(), "auid": 4_294_967_295_u32, "docker": &pod.container[..31],
        "pod": {
            "namespace": pod.namespace, "name": pod.name, "uid": pod.uid, "workload": pod.owner.1, "workload_kind": pod.owner.0,
            "container": {
                "id": format!("containerd://{}", pod.container), "name": "main", "pid": 12,
                "image": { "id": format!("{repository}@sha256:{digest}"), "name": pod.image },
            },
        },
    })
}

pub(super) fn exec(said: &Exec, pod: &Pod, at: Timestamp, own: &str) -> Sent {
    let (id, parent_id) = (exec_id(&pod.node, own), exec_id(&pod.node, &pod.container));
    let body = json!({
        "process_exec": {
            "process": process(pod, &said.exec, &said.arguments, &id, &parent_id, at),
            "parent": process(pod, &said.parent, "", &parent_id, "", at),
        },
        "node_name": pod.node, "time": at.to_string(),
    });
    Sent { sensor: Sensor::Tetragon, time: at, id: format!("tetragon:{id}/process_exec"), body }
}

fn connect(said: &Connect, pod: &Pod, at: Timestamp, own: &str) -> Sent {
    let (id, parent_id) = (exec_id(&pod.node, own), exec_id(&pod.node, &pod.container));
    let (address, port) = said.connect.rsplit_once(':').unwrap();
    let time = at.to_string();
    let body = json!({
        "process_kprobe": {
            "process": process(pod, &said.binary, "", &id, &parent_id, at),
            "function_name": "tcp_connect", "policy_name": "connect", "action": "KPROBE_ACTION_POST",
            "args": [{ "sock_arg": { "family": "AF_INET", "type": "SOCK_STREAM", "protocol": "IPPROTO_TCP", "saddr": "10.0.3.17",
                "daddr": address, "sport": 45_210, "dport": port.parse::<u16>().unwrap() } }],
        },
        "node_name": pod.node, "time": time,
    });
    Sent { sensor: Sensor::Tetragon, time: at, id: format!("tetragon:{id}/process_kprobe/{time}"), body }
}

/// An alert in a pod, or of the node itself.
pub(super) fn alert(said: &Alert, pod: Option<&Pod>, node: &str, at: Timestamp, own: &str) -> Sent {
    let id = uid(own);
    let name = said.process.split(' ').next().unwrap().rsplit('/').next().unwrap();
    let mut fields = json!({
        "evt.time": i64::try_from(at.as_nanosecond()).unwrap(), "evt.type": "execve", "proc.cmdline": said.process,
        "proc.name": name, "proc.pname": "sh", "user.name": "root", "user.uid": 0, "user.loginuid": -1,
        "container.id": "host", "container.name": "host", "k8s.ns.name": null, "k8s.pod.name": null,
    });
    if let Some(pod) = pod {
        let (repository, tag) = pod.image.rsplit_once(':').unwrap();
        fields["container.id"] = json!(&pod.container[..12]);
        fields["container.name"] = json!("main");
        fields["container.image.repository"] = json!(repository);
        fields["container.image.tag"] = json!(tag);
        fields["k8s.ns.name"] = json!(pod.namespace);
        fields["k8s.pod.name"] = json!(pod.name);
    }
    if let Some(file) = &said.file {
        fields["fd.name"] = json!(file);
    }
    if let Some(remote) = &said.connection {
        fields["fd.name"] = json!(format!("10.0.3.17:45210->{remote}"));
        fields["fd.type"] = json!("ipv4");
        fields["fd.l4proto"] = json!("tcp");
    }
    let body = json!({
        "uuid": id, "hostname": node, "priority": said.priority, "rule": said.alert, "source": "syscall", "tags": said.tags,
        "time": at.to_string(), "output": format!("{}: {} {}", at, said.priority, said.alert), "output_fields": fields,
    });
    Sent { sensor: Sensor::Falco, time: at, id: format!("falco:{id}"), body }
}

fn audit(said: &Audit, scene: &Scene, world: &World, at: Timestamp, time: u64, own: &str) -> Sent {
    let is_person = said.r#as.contains('@');
    let user = if is_person {
        json!({ "username": said.r#as, "groups": ["system:authenticated"] })
    } else {
        let mut user = json!({
            "username": format!("system:serviceaccount:{}:{}", scene.namespace, said.r#as),
            "groups": ["system:serviceaccounts", "system:authenticated"],
        });
        if let Some(workload) = &said.from {
            let pod = world.pod(&scene.namespace, workload);
            user["extra"] = json!({
                "authentication.kubernetes.io/pod-name": [pod.name], "authentication.kubernetes.io/pod-uid": [pod.uid],
            });
        }
        user
    };
    let own_namespace = (said.in_namespace || said.of.is_some()).then(|| scene.namespace.clone());
    let of = said.of.as_ref().map(|workload| world.pod(&scene.namespace, workload).name.clone());
    call(
        &Call {
            verb: &said.audit,
            resource: &said.resource,
            namespace: said.namespace.clone().or(own_namespace),
            name: of.or_else(|| said.name.as_ref().map(|name| name.replace('#', &time.to_string()))),
            user,
            from: if is_person { "203.0.113.77" } else { "10.0.3.17" },
            agent: &said.agent,
            code: said.code.unwrap_or(200),
            query: said.query.as_deref(),
            object: said.object.as_ref(),
        },
        at,
        own,
    )
}

/// A request to the API server.
pub(super) struct Call<'c> {
    pub(super) verb: &'c str,
    pub(super) resource: &'c str,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) user: Value,
    pub(super) from: &'c str,
    pub(super) agent: &'c str,
    pub(super) code: u16,
    pub(super) query: Option<&'c str>,
    pub(super) object: Option<&'c Value>,
}

const GROUPS: [&str; 5] =
    ["apps", "batch", "authorization.k8s.io", "rbac.authorization.k8s.io", "admissionregistration.k8s.io"];

pub(super) fn call(call: &Call<'_>, at: Timestamp, own: &str) -> Sent {
    let mut parts = call.resource.split('/').peekable();
    let group = parts.next_if(|part| GROUPS.contains(part));
    let (resource, sub) = (parts.next().unwrap(), parts.next());
    let root = group.map_or("/api/v1".to_owned(), |group| format!("/apis/{group}/v1"));
    let namespace = call.namespace.as_ref().map_or(String::new(), |name| format!("/namespaces/{name}"));
    // What is made has no name in the path.
    let named = call.name.as_ref().filter(|_| call.verb != "create" || sub.is_some());
    let mut path = format!("{root}{namespace}/{resource}");
    for part in named.map(String::as_str).into_iter().chain(sub) {
        path = format!("{path}/{part}");
    }
    if let Some(query) = call.query {
        path = format!("{path}?{query}");
    }
    let mut reference = json!({ "resource": resource, "apiVersion": "v1" });
    let members = [
        ("apiGroup", group.map(str::to_owned)),
        ("namespace", call.namespace.clone()),
        ("name", call.name.clone()),
        ("subresource", sub.map(str::to_owned)),
    ];
    for (member, value) in members {
        if let Some(value) = value {
            reference[member] = json!(value);
        }
    }
    let decision = if call.code == 403 { "forbid" } else { "allow" };
    let (id, stage) = (uid(own), if call.code == 101 { "ResponseStarted" } else { "ResponseComplete" });
    let mut body = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "auditID": id, "stage": stage, "requestURI": path,
        "verb": call.verb, "user": call.user, "sourceIPs": [call.from], "userAgent": call.agent, "objectRef": reference,
        "responseStatus": { "metadata": {}, "code": call.code }, "requestReceivedTimestamp": at.to_string(),
        "stageTimestamp": at.to_string(), "annotations": { "authorization.k8s.io/decision": decision, "authorization.k8s.io/reason": "" },
    });
    if let Some(object) = call.object {
        body["requestObject"] = object.clone();
    }
    Sent { sensor: Sensor::Audit, time: at, id: format!("kubernetes-audit:{id}/{stage}"), body }
}
