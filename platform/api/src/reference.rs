//! Checks what a client asks to have scanned, before anything is stored.
//!
//! Two rules. A reference to a registry must be one: the workers would read anything else as a path. And a path is
//! taken only below a directory that the operator opened, with every link resolved, so that nobody can have the server
//! read its own secrets and report on them.

use std::path::{Path, PathBuf};

use crate::code::Code;
use crate::dto::{NewScan, ScanKind};
use crate::problem::Problem;

/// Longest reference in bytes.
const REFERENCE_BYTES_MAX: usize = 1024;
/// Longest repository name, by the distribution specification's advice to clients.
const REPOSITORY_BYTES_MAX: usize = 255;
/// Longest tag, by the distribution specification.
const TAG_BYTES_MAX: usize = 128;

/// Prefixes of images that are files of this machine, and whether `:TAG` may follow the path.
const FILE_FORMS: [(&str, bool); 3] = [("oci:", true), ("oci-archive:", true), ("docker-archive:", true)];

/// What may be scanned beside images of registries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// Directories, with every link resolved.
    pub(crate) roots: Vec<PathBuf>,
    /// Names of clusters with an API server.
    pub(crate) clusters: Vec<String>,
    /// Names of accounts of clouds.
    pub(crate) accounts: Vec<String>,
}

/// The reference as workers get it: checked, and with links resolved where it is a path.
///
/// # Errors
/// A problem that names the member of the body that is wrong.
pub(crate) fn check(new: &NewScan, places: &Places) -> Result<String, Problem> {
    let roots = places.roots.as_slice();
    let text = new.reference.as_str();
    if text.is_empty() || text.len() > REFERENCE_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(invalid(format!(
            "A reference has 1 to {REFERENCE_BYTES_MAX} bytes and no control characters."
        )));
    }
    if let Some(platform) = &new.platform {
        check_platform(platform)?;
    }
    match new.kind {
        ScanKind::Cluster if places.clusters.iter().any(|name| name == text) => Ok(text.to_owned()),
        ScanKind::Account if places.accounts.iter().any(|name| name == text) => Ok(text.to_owned()),
        ScanKind::Account if text.starts_with('/') => {
            let path = open_path(Path::new(text), roots)?;
            if path.is_file() { utf8(&path) } else { Err(not_allowed()) }
        }
        ScanKind::Account => Err(invalid(
            "No account of this name is configured, and it is no absolute path of what was collected of one.",
        )),
        ScanKind::Directory | ScanKind::Cluster => {
            let path = open_path(Path::new(text.strip_prefix("dir:").unwrap_or(text)), roots)?;
            if path.is_dir() { utf8(&path) } else { Err(not_allowed()) }
        }
        ScanKind::Image => match FILE_FORMS.iter().find(|(prefix, _)| text.starts_with(prefix)) {
            Some((prefix, tagged)) => check_image_file(text, prefix, *tagged, roots),
            None => check_registry(text).map(|()| text.to_owned()),
        },
    }
}

fn check_image_file(text: &str, prefix: &str, tagged: bool, roots: &[PathBuf]) -> Result<String, Problem> {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    let (path, tag) = match rest.rsplit_once(':') {
        Some((path, tag)) if tagged && !tag.contains('/') => (path, Some(tag)),
        _ => (rest, None),
    };
    let path = utf8(&open_path(Path::new(path), roots)?)?;
    match tag {
        Some(tag) if is_tag(tag) => Ok(format!("{prefix}{path}:{tag}")),
        Some(_) => Err(invalid("The tag after the path is not a tag.")),
        None => Ok(format!("{prefix}{path}")),
    }
}

/// The path with links resolved, if it lies below a root. Whether something exists elsewhere is not told.
fn open_path(path: &Path, roots: &[PathBuf]) -> Result<PathBuf, Problem> {
    if !path.is_absolute() {
        return Err(invalid("A path must be absolute."));
    }
    let real = std::fs::canonicalize(path).map_err(|_| not_allowed())?;
    if roots.iter().any(|root| real.starts_with(root)) { Ok(real) } else { Err(not_allowed()) }
}

fn utf8(path: &Path) -> Result<String, Problem> {
    path.to_str().map(str::to_owned).ok_or_else(not_allowed)
}

fn invalid(detail: impl Into<String>) -> Problem {
    let detail = detail.into();
    Problem::new(Code::InvalidReference, detail.clone())
        .hint("Give `registry.example/repository:tag`, or a path below a scan root.")
        .pointer("/reference", detail)
}

fn not_allowed() -> Problem {
    Problem::new(
        Code::PathNotAllowed,
        "The path is not below a directory that this server may scan, or there is nothing there to scan.",
    )
    .hint("Ask the operator to add the directory to the scan roots.")
    .pointer("/reference", "outside the scan roots")
}

/// `os/architecture[/variant]`.
fn check_platform(platform: &str) -> Result<(), Problem> {
    let parts: Vec<&str> = platform.split('/').collect();
    let is_part = |part: &&str| {
        part.len() <= 32
            && part.starts_with(|first: char| first.is_ascii_alphanumeric())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
    };
    if (2..=3).contains(&parts.len()) && parts.iter().all(is_part) {
        return Ok(());
    }
    Err(Problem::new(Code::InvalidPlatform, "A platform looks like `linux/amd64` or `linux/arm64/v8`.")
        .pointer("/platform", "not os/architecture[/variant]"))
}

/// `[host[:port]/]repository[:tag][@digest]`, as the distribution specification spells it.
fn check_registry(text: &str) -> Result<(), Problem> {
    let (named, digest) = match text.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (text, None),
    };
    if digest.is_some_and(|digest| model::Digest::parse(digest).is_err()) {
        return Err(invalid(
            "The part after @ is not a digest of the form sha256:<64 lower-case hexadecimal digits>.",
        ));
    }
    let (path, tag) = match named.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (named, None),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err(invalid("The tag may hold letters, digits, dots, dashes and underscores."));
    }
    let repository = match path.split_once('/') {
        Some((host, rest)) if is_host(host) => rest,
        Some((host, _)) if host.contains([':', '.']) => {
            return Err(invalid("The part before the first slash is not a host name."));
        }
        _ => path,
    };
    if repository.len() > REPOSITORY_BYTES_MAX || !repository.split('/').all(is_component) {
        return Err(invalid(
            "A repository name is lower-case letters, digits, dots, dashes and underscores between slashes.",
        ));
    }
    Ok(())
}

fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= TAG_BYTES_MAX
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

/// A first component is a host when it could not be a repository: it has a dot or a port, or is `localhost`.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (text, None),
    };
    let looks_like_one = port.is_some() || name.contains('.') || name == "localhost";
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    looks_like_one
        && name.len() <= 253
        && name.split('.').all(label)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_component(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.bytes().next().is_some_and(plain)
        && text.bytes().last().is_some_and(plain)
        && text.bytes().all(|b| plain(b) || b"._-".contains(&b))
        && !text.contains("..")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::{check, check_registry};
    use crate::code::Code;
    use crate::dto::{NewScan, ScanKind};

    fn ask(kind: ScanKind, reference: &str, roots: &[PathBuf]) -> Result<String, Code> {
        let new = NewScan { kind, reference: reference.to_owned(), platform: None };
        check(&new, &super::Places { roots: roots.to_vec(), ..super::Places::default() })
            .map_err(|problem| problem.code())
    }

    #[test]
    fn registry_references_are_read_as_the_distribution_specification_spells_them() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let good = [
            "alpine",
            "alpine:3.20",
            "library/alpine",
            "registry.example/team/app:1.2",
            "localhost/app",
            "127.0.0.1:5000/a/b:latest",
            "registry.example:5000/a-b__c.d/e:V_1.0-x",
            &format!("registry.example/app@{digest}"),
            &format!("registry.example/app:1@{digest}"),
        ];
        for text in good {
            assert!(check_registry(text).is_ok(), "{text}");
        }
        let bad = [
            "",
            "/etc/passwd",
            "./x",
            "../x",
            "a/../b",
            "a//b",
            "a/",
            "App",
            "a b",
            "a:",
            ":a",
            "a@sha256:00",
            "host_name.x/a",
            "registry.example:0/a",
            "registry.example:99999/a",
            "dir:/etc",
            "-a",
            "a/-b",
            "file:///x",
            "a?b",
            "ä",
            "a:b:c",
        ];
        for text in bad {
            assert!(check_registry(text).is_err(), "{text}");
        }
    }

    #[test]
    fn paths_are_taken_only_below_a_root_whatever_links_say() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        let (root, outside) = (base.join("root"), base.join("outside"));
        std::fs::create_dir_all(root.join("layout")).unwrap();
        std::fs::create_dir_all(&outside).unwrap();
        std::fs::write(root.join("file.tar"), b"").unwrap();
        std::os::unix::fs::symlink(&outside, root.join("link")).unwrap();
        let roots = vec![root.clone()];
        let at = |path: &str| root.join(path).to_str().unwrap().to_owned();

        assert_eq!(ask(ScanKind::Directory, &at("layout"), &roots), Ok(at("layout")));
        assert_eq!(ask(ScanKind::Directory, &at("layout/../layout"), &roots), Ok(at("layout")));
        assert_eq!(
            ask(ScanKind::Image, &format!("oci:{}:v1", at("layout")), &roots),
            Ok(format!("oci:{}:v1", at("layout")))
        );
        assert_eq!(
            ask(ScanKind::Image, &format!("docker-archive:{}", at("file.tar")), &roots),
            Ok(format!("docker-archive:{}", at("file.tar")))
        );
        let refused =
            [at("link"), at("../outside"), at("missing"), at("file.tar"), "/etc".to_owned(), "/".to_owned()];
        for path in refused {
            assert_eq!(ask(ScanKind::Directory, &path, &roots), Err(Code::PathNotAllowed), "{path}");
        }
        assert_eq!(ask(ScanKind::Account, &at("file.tar"), &roots), Ok(at("file.tar")));
        for path in [at("layout"), at("../outside"), at("missing"), "/etc/passwd".to_owned()] {
            assert_eq!(ask(ScanKind::Account, &path, &roots), Err(Code::PathNotAllowed), "{path}");
        }
        assert_eq!(ask(ScanKind::Account, "file.tar", &roots), Err(Code::InvalidReference));
        assert_eq!(ask(ScanKind::Directory, "layout", &roots), Err(Code::InvalidReference));
        assert_eq!(ask(ScanKind::Image, "oci:/etc", &roots), Err(Code::PathNotAllowed));
        assert_eq!(ask(ScanKind::Image, &at("layout"), &roots), Err(Code::InvalidReference));
        assert_eq!(ask(ScanKind::Directory, &at("layout"), &[]), Err(Code::PathNotAllowed));
    }

    #[test]
    fn platforms_are_words_between_slashes() {
        let ask = |platform: &str| {
            let new = NewScan {
                kind: ScanKind::Image,
                reference: "alpine".to_owned(),
                platform: Some(platform.to_owned()),
            };
            check(&new, &super::Places::default()).map_err(|problem| problem.code())
        };
        assert!(ask("linux/amd64").is_ok() && ask("linux/arm64/v8").is_ok());
        for bad in ["", "linux", "linux/", "linux/amd64/v8/x", "Linux/amd64", "linux/../x", "linux/ a"] {
            assert_eq!(ask(bad), Err(Code::InvalidPlatform), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_taken_for_an_image_that_a_worker_could_read_as_a_path(text in "[a-z./:@\\\\~%-]{0,24}") {
            if check_registry(&text).is_ok() {
                prop_assert!(!text.starts_with(['/', '.', '~']));
                prop_assert!(!text.contains(".."));
                prop_assert!(!text.contains('\\'));
            }
        }
    }
}
