//! Secrets that stay in layers and in the image's configuration, and what makes a download anybody's. The values found are never shown.

use palisade_sdk::Severity::{High, Medium};

use crate::finding::{Failure, Subject, Table, fail, shown};
use crate::shell::Command;

pub(crate) const CHECKS: &Table = &[
    ("secret-in-env", High, environment),
    ("secret-in-arg", High, arguments),
    ("secret-in-run", High, commands),
    ("run-pipe-to-shell", High, piped),
    ("tls-verification-off", High, unverified),
    ("add-remote", Medium, remote),
];

const HIDDEN: &str = "(not shown)";

/// Endings of names that hold secrets, in lower case without separators.
const NAMES: [&str; 16] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "secretkey",
    "secretaccesskey",
    "apikey",
    "accesstoken",
    "authtoken",
    "bearertoken",
    "privatekey",
    "clientsecret",
    "encryptionkey",
    "signingkey",
    "credentials",
    "token",
];

fn secret_name(name: &str) -> bool {
    let plain: String =
        name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    NAMES.iter().any(|ending| plain.ends_with(ending))
}

/// A value, and not the place of one, a switch or nothing.
fn secret_value(value: &str) -> bool {
    let place = ["/", "./", "$", "<", "file:", "vault:", "http://", "https://"]
        .iter()
        .any(|start| value.starts_with(start));
    let word = value.to_ascii_lowercase();
    let switch =
        matches!(word.as_str(), "true" | "false" | "none" | "null" | "yes" | "no" | "changeme-at-runtime");
    value.len() >= 4 && !place && !switch && !value.contains("${")
}

/// What is a secret whatever its name.
fn secret_text(text: &str) -> Option<&'static str> {
    let long = |start: &str, length: usize| {
        text.match_indices(start).any(|(at, _)| {
            let rest = text.get(at + start.len()..).unwrap_or_default();
            rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count() >= length
        })
    };
    let key = text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----");
    let known = [
        (key, "a private key"),
        (long("AKIA", 16), "an AWS access key id"),
        (long("ghp_", 36) || long("github_pat_", 22), "a GitHub token"),
        (long("glpat-", 20), "a GitLab token"),
        (login(text), "a login in a URL"),
    ];
    known.into_iter().find(|(is, _)| *is).map(|(_, what)| what)
}

/// `scheme://user:password@host` with a password that is written out.
fn login(text: &str) -> bool {
    text.match_indices("://").any(|(at, _)| {
        let rest = text.get(at + 3..).unwrap_or_default();
        let host =
            rest.split(|end: char| end == '/' || end.is_whitespace() || end == '"' || end == '\'').next();
        let password =
            host.and_then(|host| host.rsplit_once('@')).and_then(|(login, _)| login.split_once(':'));
        password.is_some_and(|(_, password)| !password.is_empty() && !password.contains(['$', '{', '<']))
    })
}

fn named(subject: &Subject<'_>, op: &str, what: &str) -> Option<Vec<Failure>> {
    let (mut failures, mut any) = (Vec::new(), false);
    for (at, instruction) in subject.file.all(op) {
        any = true;
        let mut args = instruction.args.iter();
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        match (op, instruction.args.as_slice()) {
            // The old form: `ENV NAME value`.
            ("ENV", [name, value, ..]) if !name.contains('=') => pairs.push((name, value)),
            _ => pairs.extend(args.by_ref().filter_map(|word| word.split_once('='))),
        }
        for (name, value) in pairs {
            let sort = secret_text(value)
                .or_else(|| (secret_name(name) && secret_value(value)).then_some("what its name says"));
            if let Some(sort) = sort {
                let message =
                    format!("{what} {} holds {sort}, which everybody reads who has the image.", shown(name));
                failures.push(fail(
                    &at,
                    message,
                    HIDDEN,
                    "a secret of the build (RUN --mount=type=secret), or of the runtime",
                ));
            }
        }
    }
    any.then_some(failures)
}

fn environment(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    named(subject, "ENV", "The variable")
}

fn arguments(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    named(subject, "ARG", "The argument")
}

/// A secret among the words of a command: an option, an assignment, or a text that can be nothing else.
fn secret_of(command: &Command) -> Option<String> {
    let exported = command.words.iter().filter(|_| command.name() == "export");
    for word in command.set.iter().chain(exported) {
        if let Some((name, value)) = word.split_once('=')
            && secret_name(name)
            && secret_value(value)
        {
            return Some(format!("the value of {}", shown(name)));
        }
    }
    for word in &command.words {
        let option = word.strip_prefix("--").and_then(|option| option.split_once('='));
        if let Some((name, value)) = option
            && secret_name(name)
            && secret_value(value)
        {
            return Some(format!("the value of --{}", shown(name)));
        }
        if let Some(what) = secret_text(word) {
            return Some(what.to_owned());
        }
    }
    None
}

/// Whether there is anything to look at.
fn runs<'a>(subject: &Subject<'a>) -> Option<&'a [Command]> {
    (!subject.commands.is_empty()).then_some(subject.commands)
}

fn commands(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let found = runs(subject)?.iter().filter_map(|command| {
        let message = format!("A command holds {}, which stays in the image's history.", secret_of(command)?);
        Some(fail(&command.at, message, HIDDEN, "RUN --mount=type=secret"))
    });
    Some(found.collect())
}

fn piped(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let all = runs(subject)?;
    let shell = |name: &str| {
        matches!(
            name,
            "sh" | "bash" | "ash" | "dash" | "zsh" | "python" | "python3" | "perl" | "node" | "ruby"
        )
    };
    let mut failures = Vec::new();
    let mut fetched = None;
    for command in all {
        if !command.piped {
            fetched = None;
        }
        if let Some(program) = fetched
            && shell(command.name())
        {
            let message = format!("What {program} fetches is run unseen by {}.", shown(command.name()));
            failures.push(fail(
                &command.at,
                message,
                &command.words.join(" "),
                "a download with a checksum, checked before it is run",
            ));
        }
        if matches!(command.name(), "curl" | "wget") {
            fetched = Some(if command.name() == "curl" { "curl" } else { "wget" });
        }
    }
    Some(failures)
}

/// How a command is told not to verify who answers.
fn unverified_by(command: &Command) -> bool {
    let given = |words: &[&str]| words.iter().any(|word| command.has(word));
    let set = |words: &[&str]| {
        words.iter().any(|word| command.set.iter().chain(&command.words).any(|given| given == word))
    };
    let variables = [
        "GIT_SSL_NO_VERIFY=1",
        "GIT_SSL_NO_VERIFY=true",
        "NODE_TLS_REJECT_UNAUTHORIZED=0",
        "PYTHONHTTPSVERIFY=0",
    ];
    set(&variables)
        || match command.name() {
            "curl" => command.flag('k') || given(&["--insecure"]),
            "wget" => given(&["--no-check-certificate"]),
            "pip" | "pip3" => command.words.iter().any(|word| word.starts_with("--trusted-host")),
            "npm" | "yarn" | "pnpm" => {
                given(&["--strict-ssl=false", "strict-ssl=false"])
                    || given(&["strict-ssl"]) && given(&["false"])
            }
            "git" => {
                let setting = command.words.iter().map(|word| word.to_ascii_lowercase());
                let words: Vec<String> = setting.collect();
                let has = |word: &str| words.iter().any(|given| given == word);
                has("http.sslverify=false") || has("http.sslverify") && has("false")
            }
            "python" | "python3" => command.words.iter().any(|word| word.starts_with("--trusted-host")),
            _ => false,
        }
}

fn unverified(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let mut failures: Vec<Failure> = Vec::new();
    let wanted = "verification, with the own authority added to the trusted ones where needed";
    for (at, variable) in subject.file.all("ENV") {
        let off = [
            "GIT_SSL_NO_VERIFY=1",
            "GIT_SSL_NO_VERIFY=true",
            "NODE_TLS_REJECT_UNAUTHORIZED=0",
            "PYTHONHTTPSVERIFY=0",
        ];
        if let Some(word) = variable.args.iter().find(|word| off.contains(&word.as_str())) {
            failures.push(fail(
                &at,
                format!("{} turns off the verification of TLS.", shown(word)),
                word,
                wanted,
            ));
        }
    }
    for command in subject.commands.iter().filter(|command| unverified_by(command)) {
        let message = format!("{} does not verify whom it talks to.", shown(command.name()));
        failures.push(fail(&command.at, message, command.name(), wanted));
    }
    (!subject.commands.is_empty() || !failures.is_empty()).then_some(failures)
}

fn remote(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let adds: Vec<_> = subject.file.all("ADD").collect();
    if adds.is_empty() {
        return None;
    }
    let url = |word: &&String| word.starts_with("http://") || word.starts_with("https://");
    let found =
        adds.into_iter().filter(|(_, add)| !add.flags.contains_key("checksum")).filter_map(|(at, add)| {
            let url = add.args.iter().find(url)?;
            let shown_url = if login(url) { HIDDEN } else { url };
            Some(fail(
                &at,
                "ADD takes whatever the URL gives at the time of the build.",
                shown_url,
                "ADD --checksum=sha256:…",
            ))
        });
    Some(found.collect())
}
