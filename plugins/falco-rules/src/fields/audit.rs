//! Fields of Kubernetes audit events (`audit.k8s.io/v1`), as Falco's plugin `k8saudit` names them.
//!
//! A field about containers looks at `spec.containers` of the object of the request. A container that does not have the member in
//! question is left out; Falco's plugin gives up the whole field then.

use std::borrow::Cow;

use super::Argument::{Key, Place};
use super::Shape::List;
use super::{Event, Field, Value, flag, list, many, one, perhaps, text};
use crate::json::Json;

pub(super) const FIELDS: &[Field] = &[
    Field::path("ka.auditid", &["auditID"]),
    Field::path("ka.stage", &["stage"]),
    Field::path("ka.auth.decision", &["annotations", "authorization.k8s.io/decision"]),
    Field::path("ka.auth.reason", &["annotations", "authorization.k8s.io/reason"]),
    Field::path("ka.user.name", &["user", "username"]),
    Field::path("ka.user.groups", &["user", "groups"]).shape(List),
    Field::path("ka.impuser.name", &["impersonatedUser", "username"]),
    Field::path("ka.verb", &["verb"]),
    Field::path("ka.uri", &["requestURI"]),
    Field::made("ka.uri.param", uri_parameter).with(Key),
    Field::path("ka.target.name", &["objectRef", "name"]),
    Field::path("ka.target.namespace", &["objectRef", "namespace"]),
    Field::path("ka.target.resource", &["objectRef", "resource"]),
    Field::path("ka.target.subresource", &["objectRef", "subresource"]),
    Field::path("ka.req.binding.subjects", &["requestObject", "subjects"]).shape(List),
    Field::path("ka.req.binding.role", &["requestObject", "roleRef", "name"]),
    Field::made("ka.req.binding.subject.has_name", |_, _| one("true")).with(Key),
    Field::path("ka.req.configmap.name", &["objectRef", "name"]),
    Field::path("ka.req.configmap.obj", &["requestObject", "data"]),
    Field::made("ka.req.pod.containers.image", |e, place| each(e, place, &["image"])).shape(List).with(Place),
    Field::made("ka.req.container.image", |e, _| first(each(e, "0", &["image"]))),
    Field::made("ka.req.pod.containers.image.repository", repositories).shape(List).with(Place),
    Field::made("ka.req.container.image.repository", |e, _| first(repositories(e, "0"))),
    Field::path("ka.req.pod.host_ipc", &["requestObject", "spec", "hostIPC"]),
    Field::path("ka.req.pod.host_network", &["requestObject", "spec", "hostNetwork"]),
    Field::path("ka.req.container.host_network", &["requestObject", "spec", "hostNetwork"]),
    Field::path("ka.req.pod.host_pid", &["requestObject", "spec", "hostPID"]),
    Field::made("ka.req.pod.containers.host_port", host_ports).shape(List).with(Place),
    Field::made("ka.req.pod.containers.privileged", |e, place| {
        each(e, place, &["securityContext", "privileged"])
    })
    .shape(List)
    .with(Place),
    Field::made("ka.req.container.privileged", any_privileged),
    Field::made("ka.req.pod.containers.allow_privilege_escalation", |e, place| {
        each(e, place, &["securityContext", "allowPrivilegeEscalation"])
    })
    .shape(List)
    .with(Place),
    Field::made("ka.req.pod.containers.read_only_fs", |e, place| {
        each(e, place, &["securityContext", "readOnlyRootFilesystem"])
    })
    .shape(List)
    .with(Place),
    Field::path("ka.req.pod.run_as_user", &["requestObject", "spec", "securityContext", "runAsUser"]),
    Field::made("ka.req.pod.containers.run_as_user", |e, place| {
        each(e, place, &["securityContext", "runAsUser"])
    })
    .shape(List)
    .with(Place),
    Field::made("ka.req.pod.containers.eff_run_as_user", |e, place| effective(e, place, "runAsUser"))
        .shape(List)
        .with(Place),
    Field::path("ka.req.pod.run_as_group", &["requestObject", "spec", "securityContext", "runAsGroup"]),
    Field::made("ka.req.pod.containers.run_as_group", |e, place| {
        each(e, place, &["securityContext", "runAsGroup"])
    })
    .shape(List)
    .with(Place),
    Field::made("ka.req.pod.containers.eff_run_as_group", |e, place| effective(e, place, "runAsGroup"))
        .shape(List)
        .with(Place),
    Field::made("ka.req.pod.containers.proc_mount", |e, place| {
        each(e, place, &["securityContext", "procMount"])
    })
    .shape(List)
    .with(Place),
    Field::path("ka.req.role.rules", &["requestObject", "rules"]).shape(List),
    Field::made("ka.req.role.rules.apiGroups", |e, place| of_rules(e, place, "apiGroups"))
        .shape(List)
        .with(Place),
    Field::made("ka.req.role.rules.nonResourceURLs", |e, place| of_rules(e, place, "nonResourceURLs"))
        .shape(List)
        .with(Place),
    Field::made("ka.req.role.rules.verbs", |e, place| of_rules(e, place, "verbs")).shape(List).with(Place),
    Field::made("ka.req.role.rules.resources", |e, place| of_rules(e, place, "resources"))
        .shape(List)
        .with(Place),
    Field::path("ka.req.pod.fs_group", &["requestObject", "spec", "securityContext", "fsGroup"]),
    Field::path(
        "ka.req.pod.supplemental_groups",
        &["requestObject", "spec", "securityContext", "supplementalGroups"],
    )
    .shape(List),
    Field::made("ka.req.pod.containers.add_capabilities", capabilities).shape(List).with(Place),
    Field::path("ka.req.service.type", &["requestObject", "spec", "type"]),
    Field::made("ka.req.service.ports", |e, place| many(chosen(e, place, &["spec", "ports"])))
        .shape(List)
        .with(Place),
    Field::made("ka.req.pod.volumes.hostpath", |e, place| of_volumes(e, place, &["hostPath", "path"]))
        .shape(List)
        .with(Place),
    Field::made("ka.req.volume.hostpath", has_host_path).with(Key),
    Field::made("ka.req.pod.volumes.flexvolume_driver", |e, place| {
        of_volumes(e, place, &["flexVolume", "driver"])
    })
    .shape(List)
    .with(Place),
    Field::made("ka.req.pod.volumes.volume_type", volume_types).shape(List).with(Place),
    Field::path("ka.resp.name", &["responseObject", "metadata", "name"]),
    Field::path("ka.response.code", &["responseStatus", "code"]),
    Field::path("ka.response.reason", &["responseStatus", "reason"]),
    Field::path("ka.useragent", &["userAgent"]),
];

/// The elements of an array in the object of the request; one of them where a place is given.
fn chosen<'e>(event: &Event<'e>, place: &str, path: &[&str]) -> impl Iterator<Item = Json<'e>> + use<'e> {
    let wanted: Option<usize> = place.parse().ok();
    let array = event.raw.get("requestObject").and_then(|object| object.at(path));
    let elements = array.into_iter().flat_map(Json::items).enumerate();
    elements.filter(move |(at, _)| wanted.is_none_or(|wanted| wanted == *at)).map(|(_, element)| element)
}

fn containers<'e>(event: &Event<'e>, place: &str) -> impl Iterator<Item = Json<'e>> + use<'e> {
    chosen(event, place, &["spec", "containers"])
}

fn each<'e>(event: &Event<'e>, place: &str, path: &'static [&'static str]) -> Value<'e> {
    many(containers(event, place).filter_map(|container| container.at(path)))
}

fn first(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Many(values) => values.into_iter().next().map_or(Value::Missing, Value::One),
        other => other,
    }
}

/// Images without tag and digest. A port of the registry's name stays.
fn repositories<'e>(event: &Event<'e>, place: &str) -> Value<'e> {
    list(containers(event, place).filter_map(|container| container.get("image")).map(|image| {
        match image.text() {
            Cow::Borrowed(image) => Cow::Borrowed(repository(image)),
            Cow::Owned(image) => Cow::Owned(repository(&image).to_owned()),
        }
    }))
}

fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or_default();
    let name = image.rfind('/').map_or(0, |slash| slash + 1);
    let colon = image.get(name..).and_then(|name| name.find(':'));
    image.get(..colon.map_or(image.len(), |colon| name + colon)).unwrap_or_default()
}

fn host_ports<'e>(event: &Event<'e>, place: &str) -> Value<'e> {
    let ports = containers(event, place).filter_map(|container| container.get("ports")).flat_map(Json::items);
    // A port of a container is one of the host where the pod has the host's network.
    many(ports.filter_map(|port| port.get("hostPort").or_else(|| port.get("containerPort"))))
}

fn any_privileged<'e>(event: &Event<'e>, _: &str) -> Value<'e> {
    let mut containers = containers(event, "").peekable();
    if containers.peek().is_none() {
        return Value::Missing;
    }
    let privileged = |container: Json<'e>| container.at(&["securityContext", "privileged"]);
    flag(containers.filter_map(privileged).any(|value| value.text() == "true"))
}

/// What a container has, else what its pod has, else 0.
fn effective<'e>(event: &Event<'e>, place: &str, member: &'static str) -> Value<'e> {
    let pod = event.raw.at(&["requestObject", "spec", "securityContext", member]);
    list(containers(event, place).map(|container| {
        let own = container.at(&["securityContext", member]);
        own.or(pod).map_or(Cow::Borrowed("0"), Json::text)
    }))
}

fn of_rules<'e>(event: &Event<'e>, place: &str, member: &'static str) -> Value<'e> {
    many(chosen(event, place, &["rules"]).filter_map(|rule| rule.get(member)).flat_map(Json::items))
}

fn capabilities<'e>(event: &Event<'e>, place: &str) -> Value<'e> {
    let added = |container: Json<'e>| container.at(&["securityContext", "capabilities", "add"]);
    many(containers(event, place).filter_map(added).flat_map(Json::items))
}

fn of_volumes<'e>(event: &Event<'e>, place: &str, path: &'static [&'static str]) -> Value<'e> {
    many(chosen(event, place, &["spec", "volumes"]).filter_map(|volume| volume.at(path)))
}

fn volume_types<'e>(event: &Event<'e>, place: &str) -> Value<'e> {
    let members = chosen(event, place, &["spec", "volumes"]).flat_map(Json::members);
    list(members.map(|(key, _)| key.text()).filter(|key| key != "name"))
}

/// Whether a volume is of this path of the host, or of one below it where the argument ends in `*`.
fn has_host_path<'e>(event: &Event<'e>, wanted: &str) -> Value<'e> {
    let Value::Many(paths) = of_volumes(event, "", &["hostPath", "path"]) else { return Value::Missing };
    let found = |path: &Cow<'_, [u8]>| match wanted.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix.as_bytes()),
        None => **path == *wanted.as_bytes(),
    };
    flag(paths.iter().any(found))
}

/// The first value of a parameter of the request's address.
fn uri_parameter<'e>(event: &Event<'e>, name: &str) -> Value<'e> {
    let Value::One(uri) = text(event.raw.get("requestURI")) else { return Value::Missing };
    let uri = String::from_utf8_lossy(&uri).into_owned();
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    perhaps(pairs.find(|(key, _)| decoded(key) == name).map(|(_, value)| decoded(value)))
}

/// A part of a query without its escapes (`application/x-www-form-urlencoded`).
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, escaped) {
            (b'%', Some(escaped)) => {
                bytes.push(escaped);
                rest = behind.get(2..).unwrap_or_default();
                continue;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
        rest = behind;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
