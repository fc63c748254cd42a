//! What images pods name. Sources: the reference grammar of github.com/distribution/reference; kubernetes.io, "Images".

use palisade_sdk::Severity::{Low, Medium};
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::workload::Workload;

type Pods<'a> = Object<'a, Workload>;

pub(crate) const CHECKS: &Table<Workload> = &[
    ("image-latest-tag", Medium, latest),
    ("image-digest", Low, digest),
    ("image-pull-policy", Medium, pull_policy),
    ("image-registry-implicit", Low, registry_implicit),
    ("image-registry-address", Low, registry_address),
];

/// An image reference taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Reference<'a> {
    registry: Option<&'a str>,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Reference<'a> {
    fn parse(text: &'a str) -> Self {
        let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
        let (first, rest) = name.split_once('/').map_or((None, name), |(first, rest)| (Some(first), rest));
        let host = |part: &&str| part.contains(['.', ':']) || *part == "localhost" || part.starts_with('[');
        let registry = first.filter(host);
        let path = if registry.is_some() { rest } else { name };
        let tag = path.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
        Self { registry, tag, digest }
    }

    /// Whether the name may mean another image tomorrow without anybody having changed a version.
    fn moving(&self) -> bool {
        self.digest.is_none() && matches!(self.tag, None | Some("latest"))
    }
}

/// Images of a workload: where each is named, whose it is, and its name.
fn images<'a>(pods: &'a Pods<'_>) -> impl Iterator<Item = (String, String, &'a str)> {
    let containers = pods.body.containers().filter_map(|place| {
        let image = place.container.image.as_deref().filter(|image| !image.is_empty())?;
        Some((format!("{}/image", place.at), place.name(), image))
    });
    let volumes = pods.body.pod.volumes.iter().enumerate().filter_map(|(index, volume)| {
        let reference = volume.image.as_ref()?.reference.as_str();
        let at = format!("{}/volumes/{index}/image/reference", pods.body.at);
        (!reference.is_empty()).then(|| (at, format!("Volume {}", shown(&volume.name)), reference))
    });
    containers.chain(volumes)
}

/// The digest that runs under an image's name: a pod's status tells it.
fn running(pods: &Pods<'_>, at: &str) -> Option<String> {
    let place = pods.body.containers().find(|place| at.strip_prefix(&place.at) == Some("/image"))?;
    let status = pods.body.statuses.iter().find(|status| status.name == place.container.name)?;
    let (_, digest) = status.image_id.rsplit_once("@sha256:")?;
    let hex = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| format!("sha256:{digest}"))
}

fn pinned(finding: Finding, pods: &Pods<'_>, at: &str, image: &str) -> Finding {
    match running(pods, at) {
        Some(digest) => finding.set(at, json!(format!("{image}@{digest}"))),
        None => finding,
    }
}

fn latest(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for (at, whose, image) in images(pods) {
        let reference = Reference::parse(image);
        if reference.moving() {
            let how = if reference.tag.is_some() { "with the tag latest" } else { "without a tag" };
            let message = format!("{whose} names the image {} {how}.", shown(image));
            let finding = Finding::at(&at, message).compared(quoted(image), json!("a version and a digest"));
            found.add(pinned(finding, pods, &at, image));
        }
    }
    Ok(true)
}

fn digest(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for (at, whose, image) in images(pods) {
        let reference = Reference::parse(image);
        // An image without a version has a worse fault, and a rule for it.
        if reference.digest.is_none() && !reference.moving() {
            let message = format!("{whose} names the image {} by a tag, which can be moved.", shown(image));
            let finding =
                Finding::at(&at, message).compared(quoted(image), json!("the same with its digest"));
            found.add(pinned(finding, pods, &at, image));
        }
    }
    found.unless(images(pods).any(|(_, _, image)| Reference::parse(image).moving()))
}

fn pull_policy(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for place in pods.body.containers() {
        let Some(image) = place.container.image.as_deref() else { continue };
        let policy = place.container.image_pull_policy.as_deref().unwrap_or_default();
        let stale = Reference::parse(image).moving() && matches!(policy, "IfNotPresent" | "Never");
        if stale || policy == "Never" {
            let at = format!("{}/imagePullPolicy", place.at);
            let message = format!(
                "{} starts {} as the node has it ({policy}), without asking the registry.",
                place.name(),
                shown(image)
            );
            found.add(
                Finding::at(&at, message).compared(json!(policy), json!("Always")).set(at, json!("Always")),
            );
        }
    }
    Ok(true)
}

fn registry_implicit(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for (at, whose, image) in images(pods) {
        if Reference::parse(image).registry.is_none() {
            let message = format!(
                "{whose} names the image {} without a registry: the node decides which one.",
                shown(image)
            );
            let full = if image.contains('/') {
                format!("docker.io/{image}")
            } else {
                format!("docker.io/library/{image}")
            };
            found.add(Finding::at(&at, message).compared(quoted(image), quoted(&full)).set(&at, json!(full)));
        }
    }
    Ok(true)
}

fn registry_address(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for (at, whose, image) in images(pods) {
        let Some(registry) = Reference::parse(image).registry else { continue };
        let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>().is_ok();
        if address || host == "localhost" {
            let message = format!(
                "{whose} takes its image from {}, an address that no certificate names.",
                shown(registry)
            );
            found.add(Finding::at(at, message).compared(quoted(registry), Value::Null));
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::Reference;

    #[test]
    fn references_are_taken_apart() {
        let cases = [
            ("alpine", (None, None, None)),
            ("alpine:3", (None, Some("3"), None)),
            ("library/alpine", (None, None, None)),
            ("localhost/a", (Some("localhost"), None, None)),
            ("registry.example:5000/a", (Some("registry.example:5000"), None, None)),
            (
                "registry.example:5000/a/b:1@sha256:00",
                (Some("registry.example:5000"), Some("1"), Some("sha256:00")),
            ),
            ("[::1]:5000/a:2", (Some("[::1]:5000"), Some("2"), None)),
            ("", (None, None, None)),
        ];
        for (text, (registry, tag, digest)) in cases {
            assert_eq!(Reference::parse(text), Reference { registry, tag, digest }, "{text}");
        }
    }
}
