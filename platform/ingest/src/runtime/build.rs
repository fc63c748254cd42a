//! The last step of every format: id, time, joins and asset of a drafted event.

use std::borrow::Cow;

use model::event::{ActorKind, Container, Event, EventKind, Pod, Raw, Text, Workload};

use super::{Draft, Item, Made, Problem, ProblemCode, Record, SensorHealth, Source, id};
use crate::limits;

/// Digits of a container id that every sensor keeps.
const CONTAINER_DIGITS: usize = 12;

/// Completes what a decoder made of an element.
pub(super) fn finish<'a>(made: Made<'a>, raw: &'a str, source: &Source<'a>, index: usize) -> Item<'a> {
    match made {
        Made::Event(draft) => match record(draft, raw, source) {
            Some(record) => Item::Event(record),
            None => no_time(index),
        },
        Made::Health(draft, health) => match record(draft, raw, source) {
            Some(record) => {
                let (state, drops, seen, period_ns) =
                    (health.state, health.drops, health.seen, health.period_ns);
                Item::Health(SensorHealth { record, state, drops, seen, period_ns })
            }
            None => no_time(index),
        },
        Made::Refused(code, detail) => Item::Problem(Problem::new(index, code, detail)),
    }
}

fn no_time(index: usize) -> Item<'static> {
    Item::Problem(Problem::new(index, ProblemCode::Incomplete, "it has no time that can be read"))
}

fn record<'a>(draft: Draft<'a>, raw: &'a str, source: &Source<'a>) -> Option<Record<'a>> {
    let Draft { mut event, id, time, other_pod, other_principal, raw: own } = draft;
    let raw = own.unwrap_or(Cow::Borrowed(raw));
    let time = time.or(source.observed_at)?;
    if let Some(observed) = source.observed_at
        && (time > observed.saturating_add(limits::SKEW_AHEAD_NS)
            || time < observed.saturating_sub(limits::SKEW_BEHIND_NS))
    {
        event.skewed = true;
        event.observed_at = Some(observed);
    }
    if event.cluster.is_none() {
        event.cluster.clone_from(&source.cluster);
    }
    event.joins = joins(&event, other_pod.as_deref(), other_principal.as_deref());
    let id = id::of(event.source, id.as_deref(), &raw);
    let asset = asset(&event);
    event.raw = Raw::checked(raw);
    Some(Record { id, time, asset, event })
}

fn joins(event: &Event<'_>, other_pod: Option<&str>, other_principal: Option<&str>) -> Vec<String> {
    if event.kind == EventKind::SensorHealth {
        return Vec::new();
    }
    let mut out = Vec::with_capacity(6);
    let mut push = |key: &[&str]| {
        if key.iter().map(|part| part.len()).sum::<usize>() <= limits::EVENT_KEY_BYTES {
            let key = key.concat();
            if !out.contains(&key) {
                out.push(key);
            }
        }
    };
    if let Some(container) = &event.container {
        if let Some(short) = container.id.as_deref().and_then(short_id) {
            push(&["container:", short]);
        }
        if let Some(digest) = &container.digest {
            push(&["image:", digest]);
        }
    }
    if let Some(exec) = event.process.as_ref().and_then(|process| process.exec_id.as_deref()) {
        push(&["exec:", exec]);
    }
    let pod = event.pod.as_deref();
    for uid in [pod.and_then(|pod| pod.uid.as_deref()), other_pod].into_iter().flatten() {
        push(&["pod:", uid]);
    }
    if let (
        Some(Pod { namespace: Some(namespace), workload: Some(Workload { kind, name }), .. }),
        Some(cluster),
    ) = (pod, &event.cluster)
    {
        push(&["workload:", namespace, "/", kind, "/", name, "@", cluster]);
    }
    let actor = event.actor.as_deref().filter(|actor| actor.kind != ActorKind::Unknown);
    for name in [actor.and_then(|actor| actor.name.as_deref()), other_principal].into_iter().flatten() {
        push(&["principal:", name]);
    }
    out
}

fn short_id(id: &str) -> Option<&str> {
    id.get(..CONTAINER_DIGITS).filter(|short| short.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The asset id as `cluster::id` writes it: of the workload, else of the pod; else the cloud's name of the first resource, else the
/// digest of the image, else the machine of the cluster.
fn asset(event: &Event<'_>) -> String {
    if let (Some(cluster), Some(pod)) = (&event.cluster, &event.pod)
        && let Some(namespace) = &pod.namespace
    {
        let object = |group: &str, kind: &str, name: &str| {
            ["k8s:", cluster, "/", group, "/", kind, "/", namespace, "/", name].concat()
        };
        if let Some(workload) = &pod.workload
            && let Some(group) = group_of(&workload.kind)
        {
            return object(group, &workload.kind, &workload.name);
        }
        if let Some(name) = &pod.name {
            return object("core", "Pod", name);
        }
    }
    let resource = event.cloud.as_ref().and_then(|cloud| cloud.resources.first());
    let digest = || event.container.as_ref().and_then(|container| container.digest.as_ref());
    let node = || Some(["k8s:", event.cluster.as_ref()?, "/core/Node/-/", event.node.as_ref()?].concat());
    resource.or_else(digest).map(|name| name.to_string()).or_else(node).unwrap_or_default()
}

/// The API group of the kinds that own pods.
pub(super) fn group_of(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => "apps",
        "Job" | "CronJob" => "batch",
        "Pod" | "ReplicationController" => "core",
        "Rollout" => "argoproj.io",
        "DeploymentConfig" => "apps.openshift.io",
        _ => return None,
    })
}

// What several formats need to say.

/// A container, if anything of it is known.
pub(super) fn container(container: Container<'_>) -> Option<Box<Container<'_>>> {
    (container != Container::default()).then(|| Box::new(container))
}

/// A pod, if anything of it is known.
pub(super) fn pod(pod: Pod<'_>) -> Option<Box<Pod<'_>>> {
    (pod != Pod::default()).then(|| Box::new(pod))
}

/// A workload, if both its parts are known.
pub(super) fn workload<'a>(kind: Option<Text<'a>>, name: Option<Text<'a>>) -> Option<Workload<'a>> {
    Some(Workload { kind: kind?, name: name? })
}

/// The container id without the runtime's scheme.
pub(super) fn container_id(id: Text<'_>) -> Option<Text<'_>> {
    let bare = match id {
        Cow::Borrowed(id) => Cow::Borrowed(id.rsplit_once("://").map_or(id, |(_, bare)| bare)),
        Cow::Owned(id) => Cow::Owned(id.rsplit_once("://").map_or(&*id, |(_, bare)| bare).to_owned()),
    };
    (!bare.is_empty() && bare != "host").then_some(bare)
}

/// Divides `name@sha256:…` in two; a bare digest has no name.
pub(super) fn image(image: Text<'_>) -> (Option<Text<'_>>, Option<Text<'_>>) {
    let some = |text: Text<'static>| (!text.is_empty()).then_some(text);
    match &image {
        Cow::Borrowed(text) => {
            let (name, digest) = split_image(text);
            (name.map(Cow::Borrowed), digest.map(Cow::Borrowed))
        }
        Cow::Owned(text) => {
            let (name, digest) = split_image(text);
            let own = |part: Option<&str>| part.and_then(|part| some(Cow::Owned(part.to_owned())));
            (own(name), own(digest))
        }
    }
}

fn split_image(image: &str) -> (Option<&str>, Option<&str>) {
    let (name, digest) = match image.rsplit_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None if image.starts_with("sha256:") => ("", Some(image)),
        None => (image, None),
    };
    let is_digest = |digest: &&str| {
        digest
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let name = name.rsplit_once("://").map_or(name, |(_, name)| name);
    ((!name.is_empty()).then_some(name), digest.filter(is_digest))
}

/// The technique in a tag, such as `T1059`, `attack.t1552.007` or `MITRE_T1565_stored_data`.
pub(super) fn technique(tag: &str) -> Option<Text<'_>> {
    let bytes = tag.as_bytes();
    let number = |from: usize, length: usize| {
        bytes.get(from..from + length).filter(|digits| digits.iter().all(u8::is_ascii_digit))
    };
    for (at, byte) in bytes.iter().enumerate() {
        if !matches!(byte, b'T' | b't') || number(at + 1, 4).is_none() {
            continue;
        }
        if at > 0 && bytes.get(at - 1).is_some_and(u8::is_ascii_alphanumeric) {
            continue;
        }
        let end = at + 5;
        if bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
            continue;
        }
        let part = matches!(bytes.get(end), Some(b'.' | b'_'))
            && number(end + 1, 3).is_some()
            && !bytes.get(end + 4).is_some_and(u8::is_ascii_alphanumeric);
        let plain = *byte == b'T' && (!part || bytes.get(end) == Some(&b'.'));
        let text = tag.get(at..if part { end + 4 } else { end })?;
        return Some(if plain {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(text.to_ascii_uppercase().replace('_', "."))
        });
    }
    None
}

/// The techniques in tags, each once.
pub(super) fn techniques<'a>(tags: &[Text<'a>]) -> Vec<Text<'a>> {
    let mut out: Vec<Text<'a>> = Vec::new();
    for tag in tags {
        let found = match tag {
            Cow::Borrowed(tag) => technique(tag),
            Cow::Owned(tag) => technique(tag).map(|found| Cow::Owned(found.into_owned())),
        };
        if let Some(found) = found
            && !out.contains(&found)
        {
            out.push(found);
        }
    }
    out
}

/// What follows the first word of a command line.
pub(super) fn behind_program(command_line: Text<'_>) -> Option<Text<'_>> {
    let cut = |line: &str| {
        line.split_once(' ').map(|(_, rest)| rest.trim_start().len()).filter(|length| *length > 0)
    };
    let length = cut(&command_line)?;
    let from = command_line.len() - length;
    Some(match command_line {
        Cow::Borrowed(line) => Cow::Borrowed(line.get(from..)?),
        Cow::Owned(line) => Cow::Owned(line.get(from..)?.to_owned()),
    })
}

/// The first word of a command line.
pub(super) fn program(command_line: Text<'_>) -> Text<'_> {
    match command_line {
        Cow::Borrowed(line) => Cow::Borrowed(line.split(' ').next().unwrap_or(line)),
        Cow::Owned(line) => Cow::Owned(line.split(' ').next().unwrap_or(&line).to_owned()),
    }
}

/// Whether a text is an address, not the name of a service that stands in its place.
pub(super) fn is_address(text: &str) -> bool {
    text.len() <= 45 && text.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::{behind_program, container_id, image, technique};

    #[test]
    fn texts_are_taken_apart() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(
            image(format!("r/web:1@{digest}").into()),
            (Some("r/web:1".into()), Some(digest.clone().into()))
        );
        assert_eq!(image(digest.as_str().into()), (None, Some(digest.as_str().into())));
        assert_eq!(image("docker-pullable://r/web".into()), (Some("r/web".into()), None));
        assert_eq!(image("r/web@sha256:zz".into()), (Some("r/web".into()), None));
        assert_eq!(container_id("containerd://abc".into()), Some("abc".into()));
        assert_eq!(container_id("host".into()), None);
        assert_eq!(behind_program("bash  -c id".into()), Some("-c id".into()));
        assert_eq!(behind_program("bash".into()), None);
        let techniques = [
            "T1059",
            "attack.t1552.007",
            "MITRE_T1036_005",
            "MITRE_T1565_stored",
            "T10591",
            "XT1059",
            "T105",
            "",
        ];
        let found = techniques.map(|tag| technique(tag).map(String::from));
        let expected =
            [Some("T1059"), Some("T1552.007"), Some("T1036.005"), Some("T1565"), None, None, None, None];
        assert_eq!(found, expected.map(|text| text.map(str::to_owned)));
    }
}
