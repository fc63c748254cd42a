//! What one detection is about: the things that its first event names, how they are joined, and the path in its evidence.

use serde_json::Value;

use super::thing::{Names, Thing, cluster_of};
use crate::dto::Detection;

/// Steps of one path that are drawn.
const STEPS_MAX: usize = 200;
/// Processes of one event that are drawn: the one that acted and those that made it.
const PROCESSES_MAX: usize = 8;

/// How two things are joined.
#[derive(Debug)]
pub(super) struct Join {
    pub(super) from: Thing,
    pub(super) to: Thing,
    pub(super) edge: String,
    pub(super) why: String,
    /// What a plugin names as proof: ids of detections among it.
    pub(super) proof: Vec<String>,
}

/// Everything that one detection tells.
#[derive(Debug, Default)]
pub(super) struct About {
    /// What was seen to take part.
    pub(super) seen: Vec<Thing>,
    pub(super) joins: Vec<Join>,
    /// Whether a path or a family of processes was longer than is drawn.
    pub(super) cut: bool,
    /// Further names of things: a pod's uid, an image's tag.
    names: Vec<(String, Thing)>,
}

/// The members of an event that are looked at.
struct Subject<'a> {
    body: &'a Value,
    cluster: Option<&'a str>,
}

impl<'a> Subject<'a> {
    fn of(detection: &'a Detection) -> Self {
        let body = &detection.subject;
        let told = body.get("cluster").and_then(Value::as_str).filter(|cluster| is_name(cluster));
        Self { body, cluster: told.or_else(|| cluster_of(&detection.asset)) }
    }

    fn text(&self, path: &str) -> &'a str {
        self.body.pointer(path).and_then(Value::as_str).unwrap_or_default()
    }

    /// A thing by its name, if that is told.
    fn thing(&self, path: &str, of: impl FnOnce(&'a str) -> Thing) -> Option<Thing> {
        Some(self.text(path)).filter(|name| !name.is_empty()).map(of)
    }

    fn workload(&self) -> Option<Thing> {
        let (namespace, kind) = (self.text("/pod/namespace"), self.text("/pod/workload/kind"));
        self.thing("/pod/workload/name", |name| Thing::workload(self.cluster, namespace, kind, name))
    }

    fn pod(&self) -> Option<Thing> {
        let by_name =
            self.thing("/pod/name", |name| Thing::pod(self.cluster, self.text("/pod/namespace"), name));
        by_name.or_else(|| self.thing("/pod/uid", |uid| Thing::named(&format!("pod:{uid}"))))
    }

    fn image(&self) -> Option<Thing> {
        let by_digest = self.thing("/container/digest", Thing::image);
        by_digest.or_else(|| self.thing("/container/image", Thing::image))
    }

    /// What an API call was about, where that is no pod; else the resource of a cloud.
    fn resource(&self) -> Option<Thing> {
        let parts =
            ["/api/group", "/api/resource", "/api/namespace", "/api/name"].map(|path| self.text(path));
        let [_, named @ ..] = parts;
        if named.iter().any(|part| !part.is_empty()) {
            return Some(Thing::resource(self.cluster, parts));
        }
        self.thing("/cloud/resources/0", Thing::of_asset)
    }
}

impl About {
    pub(super) fn of(detection: &Detection) -> Self {
        let subject = Subject::of(detection);
        let mut about = Self::default();
        let place = about.runs(&subject);
        about.processes(&subject, place.as_ref());
        about.acts(&subject, detection);
        about.path(detection);
        about
    }

    /// What runs, from the workload to the machine. Gives the container, or else the pod.
    fn runs(&mut self, subject: &Subject<'_>) -> Option<Thing> {
        let (workload, pod, image) = (subject.workload(), subject.pod(), subject.image());
        let container = subject.thing("/container/id", Thing::container);
        let node = subject.thing("/node", |name| Thing::node(subject.cluster, name));
        let place = container.clone().or_else(|| pod.clone());
        self.join(workload.as_ref(), pod.as_ref(), "runs", "The event names the pod's owner.");
        self.join(pod.as_ref(), container.as_ref(), "runs", "The event names the pod of the container.");
        self.join(place.as_ref(), image.as_ref(), "uses", "The event names the image.");
        self.join(pod.as_ref().or(container.as_ref()), node.as_ref(), "on", "The event names the machine.");
        let further =
            [(subject.text("/pod/uid"), "pod", &pod), (subject.text("/container/image"), "image", &image)];
        for (name, kind, thing) in further {
            if let Some(thing) = thing.as_ref().filter(|_| !name.is_empty()) {
                self.names.push((format!("{kind}:{name}"), thing.clone()));
            }
        }
        self.seen.extend([workload, pod, container, image].into_iter().flatten());
        self.seen.extend(node.clone());
        place.or(node)
    }

    /// Processes: the one that acted, where it ran, and those that made it.
    fn processes<'a>(&mut self, subject: &Subject<'a>, place: Option<&Thing>) {
        let parent = |process: &&'a Value| process.get("parent");
        let family =
            std::iter::successors(subject.body.get("process"), parent).take_while(|one| one.is_object());
        let family: Vec<&Value> = family.take(PROCESSES_MAX + 1).collect();
        self.cut |= family.len() > PROCESSES_MAX;
        let mut child: Option<Thing> = None;
        for body in family.into_iter().take(PROCESSES_MAX) {
            let Some(process) = process(body, place) else { break };
            match &child {
                Some(child) => {
                    let why = "The event names the process that made it.";
                    self.join(Some(&process), Some(child), "started", why);
                }
                None => self.join(place, Some(&process), "ran", "The event names where the process ran."),
            }
            self.seen.push(process.clone());
            child = Some(process);
        }
        let acted = subject.body.get("process").and_then(|body| process(body, place));
        let address = subject.thing("/network/destinationIp", Thing::address);
        self.join(acted.as_ref().or(place), address.as_ref(), "connects", "The event names the connection.");
        self.seen.extend(address);
    }

    /// Who acted, from where, and upon what.
    fn acts(&mut self, subject: &Subject<'_>, detection: &Detection) {
        let principal = subject.thing("/actor/name", |name| Thing::principal(subject.cluster, name));
        let caller = subject.thing("/actor/sourceIps/0", Thing::address);
        self.join(caller.as_ref(), principal.as_ref(), "from", "The event names where the caller came from.");
        let of_asset =
            || Some(&detection.asset).filter(|asset| !asset.is_empty()).map(|asset| Thing::of_asset(asset));
        let touched = subject.pod().or_else(|| subject.workload());
        let touched = touched.or_else(|| subject.resource()).or_else(of_asset);
        self.join(principal.as_ref(), touched.as_ref(), "acts", &detection.title);
        self.seen.extend([principal, caller, touched].into_iter().flatten());
    }

    /// A path that a plugin has found: `evidence.path`, a list of `{from, to, edge, why, proof}`.
    fn path(&mut self, detection: &Detection) {
        let Some(steps) = detection.evidence.get("path").and_then(Value::as_array) else { return };
        self.cut |= steps.len() > STEPS_MAX;
        for step in steps.iter().take(STEPS_MAX) {
            let text = |name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default();
            let proof = match step.get("proof") {
                Some(Value::String(one)) => vec![one.clone()],
                Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => Vec::new(),
            };
            let (from, to) = (text("from"), text("to"));
            if !from.is_empty() && !to.is_empty() {
                let (edge, why) = (text("edge").to_owned(), text("why").to_owned());
                self.joins.push(Join { from: Thing::named(from), to: Thing::named(to), edge, why, proof });
            }
        }
    }

    fn join(&mut self, from: Option<&Thing>, to: Option<&Thing>, edge: &str, why: &str) {
        if let (Some(from), Some(to)) = (from, to) {
            let (from, to, edge, why) = (from.clone(), to.clone(), edge.to_owned(), why.to_owned());
            self.joins.push(Join { from, to, edge, why, proof: Vec::new() });
        }
    }

    /// Tells which names it has for its things.
    pub(super) fn teach(&self, names: &mut Names) {
        let ends = self.joins.iter().flat_map(|join| [&join.from, &join.to]);
        for thing in self.seen.iter().chain(ends) {
            names.learn(thing);
        }
        for (name, thing) in &self.names {
            names.learn_as(name.clone(), thing);
        }
    }
}

/// Whether nothing in a cluster's name could be taken for another part of an id.
fn is_name(cluster: &str) -> bool {
    !cluster.is_empty() && !cluster.contains(['/', '@'])
}

/// A process by the key that its sensor has for it; without one by where it ran, its number and its program.
fn process(body: &Value, place: Option<&Thing>) -> Option<Thing> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let binary = text("binary");
    if !text("execId").is_empty() {
        return Some(Thing::process(text("execId"), binary));
    }
    if binary.is_empty() {
        return None;
    }
    let place = place.map(|place| place.name.as_str());
    let number = body.get("pid").and_then(Value::as_u64).map(|pid| pid.to_string());
    let parts = [place.map(str::to_owned), number, Some(binary.to_owned())];
    Some(Thing::process(&parts.into_iter().flatten().collect::<Vec<_>>().join(" "), binary))
}
