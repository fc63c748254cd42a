//! What is put into the image, and who may change it there.

use palisade_sdk::Severity::{High, Low, Medium};

use crate::body::Instruction;
use crate::finding::{Failure, Subject, Table, fail, shown};

pub(crate) const CHECKS: &Table = &[
    ("copy-context", Medium, context),
    ("copy-secrets", High, secrets),
    ("add-instead-of-copy", Low, add),
    ("world-writable", Medium, writable),
    ("setuid", High, setuid),
];

/// Instructions that take files of the context, with their sources.
fn sources<'a>(subject: &Subject<'a>, op: &'a str) -> Vec<(String, &'a Instruction, &'a [String])> {
    let of =
        subject.file.all(op).filter(|(_, one)| !one.flags.contains_key("from") && one.heredocs.is_empty());
    of.filter_map(|(at, one)| Some((at, one, one.args.split_last()?.1))).collect()
}

fn taken<'a>(subject: &Subject<'a>) -> Option<Vec<(String, &'a Instruction, &'a [String])>> {
    let mut all = sources(subject, "COPY");
    all.extend(sources(subject, "ADD"));
    (!all.is_empty()).then_some(all)
}

/// Whether a pattern of `.dockerignore` leaves a file at the root of the context out.
fn ignores(pattern: &str, file: &str) -> bool {
    let pattern = pattern
        .trim_start_matches("**/")
        .trim_start_matches('/')
        .trim_end_matches("/**")
        .trim_end_matches('/');
    match pattern.split_once('*') {
        Some((start, end)) => {
            file.len() >= start.len() + end.len()
                && file.starts_with(start)
                && file.ends_with(end.trim_start_matches('*'))
        }
        None => pattern == file,
    }
}

fn context(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let whole = |word: &String| matches!(word.as_str(), "." | "./" | "/" | "*" | "./*");
    let patterns = subject.file.dockerignore.as_deref().unwrap_or_default();
    let kept: Vec<&str> = [".git", ".env"]
        .into_iter()
        .filter(|file| !patterns.iter().any(|pattern| !pattern.starts_with('!') && ignores(pattern, file)))
        .collect();
    let found =
        taken(subject)?.into_iter().filter(|(_, _, sources)| sources.iter().any(whole) && !kept.is_empty());
    let failures = found.map(|(at, one, _)| {
        let message =
            format!("The whole context is copied, and {} with it where it is there.", kept.join(" and "));
        fail(&at, message, &one.text, "the files that are needed, or .git and .env in .dockerignore")
    });
    Some(failures.collect())
}

/// Files that hold secrets by their name.
fn is_secret(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let sample = ["example", "sample", "template", "dist"].iter().any(|word| name.contains(word));
    let named = matches!(
        name,
        ".env"
            | ".npmrc"
            | ".pypirc"
            | ".netrc"
            | ".git-credentials"
            | ".htpasswd"
            | ".pgpass"
            | "id_rsa"
            | "id_dsa"
            | "id_ecdsa"
            | "id_ed25519"
            | ".ssh"
            | ".aws"
            | "kubeconfig"
            | "credentials.json"
    );
    let ending = [".key", ".p12", ".pfx", ".jks", ".kdbx"].iter().any(|ending| name.ends_with(ending))
        || name.starts_with(".env.");
    let placed =
        [".aws/credentials", ".docker/config.json", ".kube/config"].iter().any(|place| path.ends_with(place));
    !sample && (named || ending || placed)
}

fn secrets(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let found = taken(subject)?.into_iter().filter_map(|(at, _, sources)| {
        let file = sources.iter().find(|source| is_secret(source))?;
        Some(fail(
            &at,
            format!(
                "{} is put into a layer, from which it can be taken even if it is removed later.",
                shown(file)
            ),
            file,
            "RUN --mount=type=secret",
        ))
    });
    Some(found.collect())
}

fn add(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let adds = sources(subject, "ADD");
    if adds.is_empty() {
        return None;
    }
    let special = |source: &String| {
        let archive = [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".txz", ".tar.zst"]
            .iter()
            .any(|ending| source.ends_with(ending));
        archive
            || source.contains("://")
            || source.starts_with("git@")
            || source.contains('$')
            || source.contains('*')
    };
    let found = adds.into_iter().filter(|(_, _, sources)| !sources.iter().any(special));
    Some(
        found
            .map(|(at, one, _)| {
                fail(&at, "ADD also unpacks and fetches; nothing here asks for that.", &one.text, "COPY")
            })
            .collect(),
    )
}

/// The digits of a mode, the last four.
fn digits(mode: &str) -> Option<Vec<u32>> {
    let digits: Option<Vec<u32>> = mode.chars().map(|digit| digit.to_digit(8)).collect();
    digits.filter(|digits| (3..=5).contains(&digits.len()))
}

fn is_writable(mode: &str) -> bool {
    let symbolic = mode.split(',').any(|part| {
        part.split_once(['+', '=']).is_some_and(|(who, what)| who.contains(['o', 'a']) && what.contains('w'))
    });
    symbolic || digits(mode).and_then(|digits| digits.last().copied()).is_some_and(|others| others & 2 != 0)
}

fn is_setuid(mode: &str) -> bool {
    let symbolic = mode.split(',').any(|part| {
        part.split_once(['+', '=']).is_some_and(|(who, what)| !who.contains('o') && what.contains('s'))
    });
    let special = digits(mode)
        .filter(|digits| digits.len() >= 4)
        .and_then(|digits| digits.get(digits.len() - 4).copied());
    symbolic || special.is_some_and(|special| special & 6 != 0)
}

/// Modes that are given to files, with their places.
fn modes<'a>(subject: &Subject<'a>) -> Vec<(String, &'a str)> {
    let chmods = subject.commands.iter().filter(|command| command.name() == "chmod");
    let mode = |word: &&str| !word.contains('/');
    let run = chmods.filter_map(|command| Some((command.at.clone(), command.plain().find(mode)?)));
    let flags =
        subject.file.instructions().filter_map(|(at, one)| Some((at, one.flags.get("chmod")?.as_str())));
    run.chain(flags).collect()
}

fn of_modes(
    subject: &Subject<'_>,
    bad: fn(&str) -> bool,
    message: &str,
    wanted: &'static str,
) -> Option<Vec<Failure>> {
    let modes = modes(subject);
    if modes.is_empty() {
        return None;
    }
    let found = modes.into_iter().filter(|(_, mode)| bad(mode));
    Some(found.map(|(at, mode)| fail(&at, message, mode, wanted)).collect())
}

fn writable(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    of_modes(
        subject,
        is_writable,
        "Everybody in the container may change these files.",
        "write for the owner only",
    )
}

fn setuid(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    of_modes(
        subject,
        is_setuid,
        "Who runs this file becomes its owner or a member of its group.",
        "a mode without setuid and setgid",
    )
}
