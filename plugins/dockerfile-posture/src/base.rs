//! What an image is built on. Sources: docs.docker.com, "Building best practices"; the reference grammar of
//! github.com/distribution/reference.

use palisade_sdk::Severity::{Low, Medium};

use crate::finding::{Failure, Subject, Table, fail, shown};

pub(crate) const CHECKS: &Table = &[
    ("base-image-tag", Medium, tag),
    ("base-image-digest", Low, digest),
    ("base-image-registry", Medium, registry),
];

/// Images whose name is known; `scratch` is none.
fn images<'a>(subject: &Subject<'a>) -> Option<Vec<(String, &'a str)>> {
    let known = |(_, from): &(String, &str)| !from.is_empty() && *from != "scratch" && !from.contains('$');
    let images: Vec<_> = subject.file.images().filter(known).collect();
    (!images.is_empty()).then_some(images)
}

fn tag_of(from: &str) -> Option<&str> {
    from.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag)
}

fn tag(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let moving = |from: &str| !from.contains('@') && matches!(tag_of(from), None | Some("latest"));
    let failures = images(subject)?.into_iter().filter(|(_, from)| moving(from)).map(|(at, from)| {
        fail(
            &at,
            format!("The base image {} is whatever was pushed last.", shown(from)),
            from,
            "a version as tag",
        )
    });
    Some(failures.collect())
}

fn digest(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    // Without a version it is worse, and another rule's business.
    let versioned = |from: &str| from.contains('@') || !matches!(tag_of(from), None | Some("latest"));
    let images: Vec<_> = images(subject)?.into_iter().filter(|(_, from)| versioned(from)).collect();
    if images.is_empty() {
        return None;
    }
    let failures = images.into_iter().filter(|(_, from)| !from.contains("@sha256:")).map(|(at, from)| {
        let message = format!("The base image {} can change under its tag.", shown(from));
        fail(&at, message, from, "the tag with its digest, NAME:TAG@sha256:…")
    });
    Some(failures.collect())
}

/// The full name: what Docker Hub is left out of is put before it.
fn full(from: &str) -> String {
    match from.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => from.to_owned(),
        Some(_) => format!("docker.io/{from}"),
        None => format!("docker.io/library/{from}"),
    }
}

fn registry(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    if subject.registries.is_empty() {
        return None;
    }
    let trusted = |from: &str| {
        let name = full(from);
        let below = |registry: &String| {
            let rest = name.strip_prefix(registry.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '@']))
        };
        subject.registries.iter().any(below)
    };
    let failures = images(subject)?.into_iter().filter(|(_, from)| !trusted(from)).map(|(at, from)| {
        fail(
            &at,
            format!("The base image {} comes from elsewhere than is allowed.", shown(from)),
            from,
            "an allowed registry",
        )
    });
    Some(failures.collect())
}
