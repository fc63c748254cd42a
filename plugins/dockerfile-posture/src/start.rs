//! As whom and how a container starts.

use palisade_sdk::Severity::{High, Low, Medium};

use crate::finding::{Failure, Subject, Table, fail, shown};

pub(crate) const CHECKS: &Table = &[
    ("user-missing", Medium, user_missing),
    ("user-root", High, user_root),
    ("healthcheck-missing", Low, healthcheck),
    ("entrypoint-shell-form", Low, shell_form),
    ("single-cmd", Low, single_cmd),
    ("single-entrypoint", Low, single_entrypoint),
    ("expose-ssh", Medium, expose_ssh),
    ("maintainer-deprecated", Low, maintainer),
    ("workdir-absolute", Low, workdir),
];

/// The place of the stage that the image is.
fn last_stage(subject: &Subject<'_>) -> Option<String> {
    Some(format!("/stages/{}", subject.file.stages.len().checked_sub(1)?))
}

/// The image that the resulting one begins with.
fn root<'a>(subject: &Subject<'a>) -> Option<&'a str> {
    let first = *subject.file.chain().last()?;
    subject.file.stages.get(first).map(|stage| stage.from.as_str())
}

fn user_missing(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let at = last_stage(subject)?;
    if subject.file.last("USER").is_some() {
        return Some(Vec::new());
    }
    // Images that are made to run as somebody else say so in their name; of an unknown image nothing is known.
    let root = root(subject)?;
    if root.contains('$') {
        return None;
    }
    if root.contains("nonroot") || root.contains("rootless") || root.contains("unprivileged") {
        return Some(Vec::new());
    }
    Some(vec![fail(
        &at,
        "No USER is set, so that the container most likely runs as root.",
        "",
        "USER with a number other than 0",
    )])
}

fn user_root(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let (at, user) = subject.file.last("USER")?;
    let name = user.args.first()?;
    let name = name.split(':').next().unwrap_or_default();
    if name.contains('$') {
        return None;
    }
    let root = name.eq_ignore_ascii_case("root") || !name.is_empty() && name.bytes().all(|byte| byte == b'0');
    let failure = || fail(&at, "The container runs as root.", name, "USER with a number other than 0");
    Some(if root { vec![failure()] } else { Vec::new() })
}

fn healthcheck(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let at = last_stage(subject)?;
    // What does not start by itself is no service.
    if subject.file.last("CMD").is_none() && subject.file.last("ENTRYPOINT").is_none() {
        return None;
    }
    let failure = || {
        fail(
            &at,
            "Nobody can ask the container whether it still works.",
            "",
            "HEALTHCHECK, unless an orchestrator's probes ask",
        )
    };
    Some(if subject.file.last("HEALTHCHECK").is_some() { Vec::new() } else { vec![failure()] })
}

fn shell_form(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let (at, entrypoint) = subject.file.last("ENTRYPOINT")?;
    let shell = entrypoint.form == "shell" && !entrypoint.text.is_empty();
    let failure = || {
        fail(
            &at,
            "A shell is started first, which does not pass on signals: the program is killed instead of stopped, and arguments are lost.",
            &entrypoint.text,
            "ENTRYPOINT [\"program\", \"argument\"]",
        )
    };
    Some(if shell { vec![failure()] } else { Vec::new() })
}

fn single(subject: &Subject<'_>, op: &str) -> Option<Vec<Failure>> {
    let mut failures = Vec::new();
    let mut any = false;
    for (number, stage) in subject.file.stages.iter().enumerate() {
        let places: Vec<usize> = stage
            .instructions
            .iter()
            .enumerate()
            .filter(|(_, one)| one.op == op)
            .map(|(place, _)| place)
            .collect();
        let Some((_, dead)) = places.split_last() else { continue };
        any = true;
        for place in dead {
            let at = format!("/stages/{number}/instructions/{place}");
            failures.push(fail(
                &at,
                format!("This {op} is replaced by a later one, and never used."),
                op,
                "one in each stage",
            ));
        }
    }
    any.then_some(failures)
}

fn single_cmd(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    single(subject, "CMD")
}

fn single_entrypoint(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    single(subject, "ENTRYPOINT")
}

fn expose_ssh(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let all: Vec<_> = subject.file.all("EXPOSE").collect();
    if all.is_empty() {
        return None;
    }
    let remote = |word: &&String| matches!(word.split('/').next(), Some("22" | "23" | "3389"));
    let found = all.into_iter().filter_map(|(at, expose)| {
        let port = expose.args.iter().find(remote)?;
        Some(fail(
            &at,
            format!("Port {} is for logging in to machines.", shown(port)),
            port,
            "the ports of the service only",
        ))
    });
    Some(found.collect())
}

fn maintainer(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let found = subject.file.all("MAINTAINER");
    let failures = found.map(|(at, _)| {
        fail(&at, "MAINTAINER is deprecated.", "MAINTAINER", "LABEL org.opencontainers.image.authors=…")
    });
    Some(failures.collect())
}

fn workdir(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let all: Vec<_> = subject.file.all("WORKDIR").collect();
    if all.is_empty() {
        return None;
    }
    let absolute = |path: &str| path.starts_with(['/', '$', '\\']) || path.chars().nth(1) == Some(':');
    let found = all.into_iter().filter_map(|(at, one)| {
        let path = one.args.first().filter(|path| !absolute(path))?;
        Some(fail(&at, "The folder depends on what the base image says.", path, "an absolute path"))
    });
    Some(found.collect())
}
