//! How packages are installed.

use palisade_sdk::Severity::{High, Low, Medium};

use crate::finding::{Failure, Subject, Table, fail, shown};
use crate::shell::Command;

pub(crate) const CHECKS: &Table = &[
    ("apt-versions", Low, apt_versions),
    ("apt-recommends", Low, apt_recommends),
    ("apt-cleanup", Low, apt_cleanup),
    ("update-alone", Medium, update_alone),
    ("apk-cache", Low, apk_cache),
    ("packages-unauthenticated", High, unauthenticated),
    ("pip-versions", Low, pip_versions),
    ("npm-versions", Low, npm_versions),
    ("ssh-server", Medium, ssh_server),
    ("run-sudo", Medium, sudo),
];

fn is_apt(command: &Command) -> bool {
    matches!(command.name(), "apt-get" | "apt" | "aptitude")
}

/// What a command of a package manager installs; nothing for other commands.
fn installed(command: &Command) -> Option<Vec<&str>> {
    let verb = match command.name() {
        "apt-get" | "apt" | "aptitude" | "yum" | "dnf" | "microdnf" | "zypper" => "install",
        "apk" => "add",
        _ => return None,
    };
    // Values of options stand before the verb too.
    let mut words = command.plain().skip_while(|word| *word != verb);
    words.next()?;
    // Redirections, variables and patterns are no names of packages.
    Some(words.filter(|word| !word.contains(['$', '>', '<', '*', '`'])).collect())
}

fn apt_installs<'a>(subject: &Subject<'a>) -> Option<Vec<(&'a Command, Vec<&'a str>)>> {
    let apt = subject.commands.iter().filter(|command| is_apt(command));
    let all: Vec<_> = apt.filter_map(|command| Some((command, installed(command)?))).collect();
    (!all.is_empty()).then_some(all)
}

fn apt_versions(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let found = apt_installs(subject)?.into_iter().filter_map(|(command, packages)| {
        // Files are as they are, and `/` names a release.
        let loose = packages.iter().find(|package| !package.contains(['=', '/']))?;
        let message =
            format!("The version of {} is whatever the mirror has at the time of the build.", shown(loose));
        Some(fail(&command.at, message, loose, "PACKAGE=VERSION"))
    });
    Some(found.collect())
}

fn apt_recommends(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let found = apt_installs(subject)?.into_iter().filter_map(|(command, _)| {
        let left_out = command.words.iter().any(|word| {
            let word = word.to_ascii_lowercase();
            word == "--no-install-recommends"
                || word.contains("install-recommends=false")
                || word.contains("install-recommends=0")
        });
        let message = "Packages that nobody asked for are installed with the others.";
        (!left_out).then(|| fail(&command.at, message, &command.words.join(" "), "--no-install-recommends"))
    });
    Some(found.collect())
}

fn apt_cleanup(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let cleaned = |at: &str| {
        let here = subject.commands.iter().filter(|command| command.at == at);
        let mut removed = here.filter(|command| command.name() == "rm");
        let mounted =
            subject.file.all("RUN").any(|(place, run)| place == at && run.flags.contains_key("mount"));
        mounted || removed.any(|command| command.plain().any(|path| path.starts_with("/var/lib/apt")))
    };
    let found = apt_installs(subject)?.into_iter().filter(|(command, _)| !cleaned(&command.at)).map(
        |(command, _)| {
            fail(
                &command.at,
                "The lists of packages stay in the layer.",
                &command.words.join(" "),
                "rm -rf /var/lib/apt/lists/* in the same RUN",
            )
        },
    );
    Some(found.collect())
}

fn updates(command: &Command) -> bool {
    let verb = command.plain().next();
    match command.name() {
        "apt-get" | "apt" | "aptitude" | "apk" => verb == Some("update"),
        "zypper" => matches!(verb, Some("refresh" | "ref")),
        "yum" | "dnf" => verb == Some("makecache"),
        _ => false,
    }
}

fn update_alone(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let all: Vec<&Command> = subject.commands.iter().filter(|command| updates(command)).collect();
    if all.is_empty() {
        return None;
    }
    let used = |update: &Command| {
        let same = subject
            .commands
            .iter()
            .filter(|command| command.at == update.at && command.name() == update.name());
        let mut verbs = same.filter_map(|command| command.plain().next());
        let apt = is_apt(update)
            && subject
                .commands
                .iter()
                .any(|command| command.at == update.at && is_apt(command) && !updates(command));
        apt || verbs.any(|verb| !matches!(verb, "update" | "refresh" | "ref" | "makecache"))
    };
    let found = all.into_iter().filter(|update| !used(update)).map(|update| {
        let message = "Lists of packages are fetched in a layer of their own, which later builds take from their cache: old versions are installed.";
        fail(&update.at, message, &update.words.join(" "), "update and install in one RUN")
    });
    Some(found.collect())
}

fn apk_cache(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let adds: Vec<&Command> = subject
        .commands
        .iter()
        .filter(|command| command.name() == "apk" && installed(command).is_some())
        .collect();
    if adds.is_empty() {
        return None;
    }
    let mounted =
        |at: &str| subject.file.all("RUN").any(|(place, run)| place == at && run.flags.contains_key("mount"));
    let removed = |at: &str| {
        let mut here = subject.commands.iter().filter(|command| command.at == at && command.name() == "rm");
        here.any(|command| command.plain().any(|path| path.starts_with("/var/cache/apk")))
    };
    let found =
        adds.into_iter().filter(|add| !(add.has("--no-cache") || mounted(&add.at) || removed(&add.at)));
    Some(
        found
            .map(|add| {
                fail(
                    &add.at,
                    "The index of packages stays in the layer.",
                    &add.words.join(" "),
                    "apk add --no-cache",
                )
            })
            .collect(),
    )
}

fn unauthenticated(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let manager = |command: &&Command| {
        is_apt(command) || matches!(command.name(), "apk" | "yum" | "dnf" | "microdnf" | "zypper")
    };
    let managers: Vec<&Command> = subject.commands.iter().filter(manager).collect();
    if managers.is_empty() {
        return None;
    }
    let options = [
        "--allow-unauthenticated",
        "--force-yes",
        "--allow-untrusted",
        "--nogpgcheck",
        "--no-gpg-checks",
        "--allow-insecure-repositories",
    ];
    let found = managers.into_iter().filter_map(|command| {
        let option = options.iter().find(|option| command.has(option))?;
        let message = format!("{option} installs packages that nobody signed.");
        Some(fail(&command.at, message, option, "signed packages, with the key of their repository"))
    });
    Some(found.collect())
}

fn pip_versions(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let pip = |command: &&Command| {
        let module =
            matches!(command.name(), "python" | "python3") && command.flag('m') && command.has("pip");
        (matches!(command.name(), "pip" | "pip3") || module) && command.has("install")
    };
    let all: Vec<&Command> = subject.commands.iter().filter(pip).collect();
    if all.is_empty() {
        return None;
    }
    let found = all.into_iter().filter_map(|command| {
        // Options that have a value of their own.
        let valued = [
            "-r",
            "--requirement",
            "-c",
            "--constraint",
            "-i",
            "--index-url",
            "--extra-index-url",
            "-t",
            "--target",
            "-f",
            "--find-links",
            "--prefix",
            "--trusted-host",
            "--root",
            "--cache-dir",
            "-e",
            "--editable",
            "--platform",
            "--proxy",
        ];
        let constrained = command.has("-c") || command.has("--constraint");
        let mut words = command.words.iter().skip_while(|word| *word != "install").skip(1);
        let mut loose = None;
        while let Some(word) = words.next() {
            if valued.contains(&word.as_str()) {
                words.next();
            } else if !word.starts_with('-')
                && !word.contains("==")
                && !word.starts_with(['>', '<'])
                && !word.contains(['/', '$', '@', '`'])
                && word != "."
                && !word.ends_with(".whl")
            {
                loose = loose.or(Some(word));
            }
        }
        let loose = loose.filter(|_| !constrained)?;
        Some(fail(
            &command.at,
            format!("The version of {} is whatever the index has.", shown(loose)),
            loose,
            "NAME==VERSION, or a list with hashes",
        ))
    });
    Some(found.collect())
}

fn npm_versions(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let install = |command: &&Command| {
        let verb = command.plain().next();
        match command.name() {
            "npm" | "pnpm" => matches!(verb, Some("install" | "i" | "add")),
            "yarn" => matches!(verb, Some("add" | "global")),
            _ => false,
        }
    };
    let all: Vec<&Command> = subject.commands.iter().filter(install).collect();
    if all.is_empty() {
        return None;
    }
    let found = all.into_iter().filter_map(|command| {
        let words: Vec<&str> = command
            .plain()
            .skip(1)
            .filter(|word| *word != "add" && !word.contains(['$', '>', '<', '`']))
            .collect();
        let versioned = |word: &str| {
            let name = word.strip_prefix('@').unwrap_or(word);
            let path = word.starts_with(['.', '/']) || word.contains("://") || word.ends_with(".tgz");
            path || name
                .split_once('@')
                .is_some_and(|(_, version)| version.starts_with(|first: char| first.is_ascii_digit()))
        };
        let (loose, message) = if words.is_empty() && command.name() != "yarn" {
            (command.name(), "install may change the versions of the lock file.".to_owned())
        } else {
            let loose = *words.iter().find(|word| !versioned(word))?;
            (loose, format!("The version of {} is whatever the registry has.", shown(loose)))
        };
        Some(fail(&command.at, message, loose, "NAME@VERSION, or npm ci with a lock file"))
    });
    Some(found.collect())
}

fn ssh_server(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    let all: Vec<(&Command, Vec<&str>)> =
        subject.commands.iter().filter_map(|command| Some((command, installed(command)?))).collect();
    if all.is_empty() {
        return None;
    }
    let server = |name: &str| {
        matches!(name.split(['=', '~']).next(), Some("openssh-server" | "openssh" | "dropbear" | "telnetd"))
    };
    let found = all.into_iter().filter_map(|(command, packages)| {
        let name = *packages.iter().find(|name| server(name))?;
        Some(fail(
            &command.at,
            format!("{} gives a second way into the container.", shown(name)),
            name,
            "the platform's own way in, such as docker exec",
        ))
    });
    Some(found.collect())
}

fn sudo(subject: &Subject<'_>) -> Option<Vec<Failure>> {
    if subject.commands.is_empty() {
        return None;
    }
    let installs = |command: &Command| {
        installed(command)
            .is_some_and(|packages| packages.iter().any(|name| name.split('=').next() == Some("sudo")))
    };
    let found = subject.commands.iter().filter(|command| command.sudo || installs(command)).map(|command| {
        fail(
            &command.at,
            "sudo is used or installed: who runs as another user can become root again.",
            &command.words.join(" "),
            "USER root for the instructions that need it, and another USER behind them",
        )
    });
    Some(found.collect())
}
