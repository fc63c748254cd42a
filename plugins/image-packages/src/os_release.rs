//! The distribution: `os-release`, and the files that older roots have instead of it.
//!
//! A derived distribution is never taken for its parent: a file that does not say which distribution it is says nothing
//! here.

use palisade_sdk::{OperatingSystem, Report, Unreadable};

/// Reads an `os-release` file (freedesktop `os-release(5)`).
pub(crate) fn read(text: &str, report: &mut Report<'_>) -> Result<(), Unreadable> {
    let mut system = OperatingSystem::new("");
    for line in text.lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        let value = unquote(value.trim());
        let known = Some(value.clone()).filter(|value| !value.is_empty());
        match key.trim() {
            "ID" => system.id = value.to_ascii_lowercase(),
            "VERSION_ID" => system.version = known,
            "VERSION_CODENAME" => system.codename = known,
            "ID_LIKE" => system.like = value.split_whitespace().map(str::to_owned).collect(),
            "PRETTY_NAME" => system.pretty_name = known,
            _ => {}
        }
    }
    if system.id.is_empty() {
        return Err("no ID, so the distribution is not known".into());
    }
    report.system(system);
    Ok(())
}

/// A value of a shell assignment: in quotes or not, with a backslash before special characters.
fn unquote(value: &str) -> String {
    let inner = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value);
    let literal = value.starts_with('\'');
    let mut out = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if !literal => out.extend(characters.next()),
            _ => out.push(character),
        }
    }
    out
}

/// Reads `etc/alpine-release`, `etc/debian_version` or `etc/redhat-release`.
pub(crate) fn read_release_file(path: &str, text: &str, report: &mut Report<'_>) -> Result<(), Unreadable> {
    let line = text.lines().next().unwrap_or_default().trim();
    let (id, version) = match path.rsplit('/').next().unwrap_or_default() {
        "alpine-release" => ("alpine", line),
        // The point release: `12.7` of Debian 12. Testing says `trixie/sid`, and so do distributions derived from it.
        "debian_version" => ("debian", line.split('.').next().unwrap_or_default()),
        _ => red_hat_like(line),
    };
    if id.is_empty() || !version.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(());
    }
    let pretty_name = (id != "alpine" && id != "debian").then(|| line.to_owned());
    report.system(OperatingSystem {
        version: Some(version.to_owned()),
        pretty_name,
        ..OperatingSystem::new(id)
    });
    Ok(())
}

/// `Rocky Linux release 9.3 (Blue Onyx)`.
fn red_hat_like(line: &str) -> (&'static str, &str) {
    let Some((name, rest)) = line.split_once(" release ") else { return ("", "") };
    let version = rest.split_whitespace().next().unwrap_or_default();
    let id = match name {
        "AlmaLinux" => "almalinux",
        "CentOS" | "CentOS Linux" | "CentOS Stream" => "centos",
        "Fedora" | "Fedora Linux" => "fedora",
        "Rocky Linux" => "rocky",
        name if name.starts_with("Red Hat Enterprise Linux") => "rhel",
        _ => "",
    };
    // Like VERSION_ID of the same releases: CentOS names only the major version there.
    let version = if id == "centos" { version.split('.').next().unwrap_or_default() } else { version };
    (id, version)
}

#[cfg(test)]
mod tests {
    use crate::test::{analysis, run};

    #[test]
    fn quotes_and_escapes_are_those_of_the_shell() {
        let text = "# comment\nID=\"RHEL\"\nVERSION_ID='9.1'\nID_LIKE=\"fedora centos\"\nPRETTY_NAME=\"A \\\"B\\\" \\$C\"\nVERSION_CODENAME=\n";
        let found = run("os-release", "etc/os-release", text);
        let system = &found.systems[0];
        assert_eq!((system.id.as_str(), system.version.as_deref()), ("rhel", Some("9.1")));
        assert_eq!(system.pretty_name.as_deref(), Some("A \"B\" $C"));
        assert_eq!((system.like.len(), &system.codename), (2, &None));
    }

    #[test]
    fn a_file_without_an_id_is_a_problem() {
        assert_eq!(analysis("os-release", "etc/os-release", b"NAME=x\n").problems.len(), 1);
    }

    #[test]
    fn release_files_name_only_what_they_say() {
        let system = |path: &str, text: &str| {
            let found = run("release-file", path, text);
            found.systems.first().map(|s| format!("{} {}", s.id, s.version.clone().unwrap_or_default()))
        };
        assert_eq!(system("etc/alpine-release", "3.18.0\n").as_deref(), Some("alpine 3.18.0"));
        assert_eq!(system("etc/debian_version", "12.7\n").as_deref(), Some("debian 12"));
        assert_eq!(system("etc/debian_version", "trixie/sid\n"), None);
        let red_hat = "Red Hat Enterprise Linux Server release 7.9 (Maipo)\n";
        assert_eq!(system("etc/redhat-release", red_hat).as_deref(), Some("rhel 7.9"));
        let centos = "CentOS Linux release 7.9.2009 (Core)\n";
        assert_eq!(system("etc/redhat-release", centos).as_deref(), Some("centos 7"));
        assert_eq!(system("etc/redhat-release", "Something Else release 1\n"), None);
    }
}
