//! Debian packages: the `status` database, the `status.d` files of distroless images, and the lists of files.

use palisade_sdk::{Ownership, Package, PackageType, Report, Unreadable};

use crate::PACKAGES_MAX;
use crate::headers::{Paragraph, paragraphs};
use crate::ownership::Collector;

/// Reads `var/lib/dpkg/status`: packages whose state is `installed`, not what was removed and left its settings behind.
pub(crate) fn read_status(text: &str, report: &mut Report<'_>) -> Result<(), Unreadable> {
    let (mut read, mut unreadable) = (0, 0);
    paragraphs(text, |paragraph| {
        if read == PACKAGES_MAX {
            return Err(format!("more than {PACKAGES_MAX} packages"));
        }
        read += 1;
        match paragraph.get("Status").and_then(state) {
            Some("installed") => match package(paragraph, "dpkg-status") {
                Some(package) => report.package(package),
                None => unreadable += 1,
            },
            Some(_) => {}
            None => unreadable += 1,
        }
        Ok(())
    })?;
    if unreadable > 0 {
        return Err(format!("{unreadable} paragraphs without Package, Version or Status").into());
    }
    Ok(())
}

/// The last word of `want flag status`, such as `install ok installed` or `hold ok installed`.
fn state(field: &str) -> Option<&str> {
    let space = memchr::memrchr(b' ', field.as_bytes())?;
    field.get(space + 1..)
}

/// Reads one file of `var/lib/dpkg/status.d`: a paragraph a package, without a state. Checksum lists lie beside them.
pub(crate) fn read_status_d(path: &str, text: &str, report: &mut Report<'_>) -> Result<(), Unreadable> {
    if path.ends_with(".md5sums") {
        return Ok(());
    }
    let paragraph = Paragraph::parse(text);
    let package = package(&paragraph, "dpkg-status-d").ok_or("no Package or no Version")?;
    report.package(package);
    Ok(())
}

/// Reads `var/lib/dpkg/info/NAME[:ARCH].list`.
pub(crate) fn read_list(path: &str, text: &str, report: &mut Report<'_>) -> Result<(), Unreadable> {
    let file = path.rsplit('/').next().unwrap_or_default();
    let name = file.strip_suffix(".list").unwrap_or(file);
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    let mut owned = Collector::new();
    let paths: Vec<String> = text.lines().filter_map(|line| owned.whole(line)).collect();
    if !paths.is_empty() {
        report.ownership(Ownership::new(PackageType::Deb, name, paths));
    }
    owned.outcome()
}

fn package(paragraph: &Paragraph<'_>, method: &str) -> Option<Package> {
    let (name, version) = (paragraph.get("Package")?, paragraph.get("Version")?);
    let (source, source_version) = paragraph.get("Source").map(source).unzip();
    let package = Package::new(PackageType::Deb, name, version, method);
    Some(package.arch(paragraph.get("Architecture")).source(source, source_version.flatten()))
}

/// `glibc` or `glibc (2.36-9)`.
fn source(field: &str) -> (&str, Option<&str>) {
    let bracket = memchr::memchr(b'(', field.as_bytes()).and_then(|at| field.split_at_checked(at));
    bracket.map_or((field, None), |(name, version)| {
        (name.trim_ascii(), Some(version.trim_matches(['(', ')']).trim_ascii()))
    })
}

#[cfg(test)]
mod tests {
    use crate::test::{analysis, hostile, names, run};

    const STATUS: &str = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc (2.36-9)\n\
        Version: 2.36-9+deb12u4\nDescription: C\n long: text\n .\n\nPackage: gone\nStatus: deinstall ok config-files\n\
        Version: 1\n\nPackage: kept\nStatus: hold ok installed\nVersion: 1:2~rc1-3\n";

    #[test]
    fn only_installed_packages_count() {
        let found = run("dpkg-status", "var/lib/dpkg/status", STATUS);
        assert_eq!(names(&found), ["libc6 2.36-9+deb12u4", "kept 1:2~rc1-3"]);
        assert_eq!(found.packages[0].source_name.as_deref(), Some("glibc"));
        assert_eq!(found.packages[0].source_version.as_deref(), Some("2.36-9"));
        assert_eq!(found.packages[1].source_name, None);
    }

    #[test]
    fn a_broken_paragraph_does_not_cost_the_others() {
        let text =
            format!("{STATUS}\nStatus: install ok installed\nPackage: no-version\n\nPackage: no-status\n");
        let found = analysis("dpkg-status", "var/lib/dpkg/status", text.as_bytes());
        assert_eq!((found.packages.len(), found.problems.len()), (2, 1));
    }

    #[test]
    fn distroless_files_have_no_state() {
        let found = run("dpkg-status-d", "var/lib/dpkg/status.d/base", "Package: base\nVersion: 12\n");
        assert_eq!(names(&found), ["base 12"]);
        assert!(run("dpkg-status-d", "var/lib/dpkg/status.d/base.md5sums", "abc  x\n").packages.is_empty());
    }

    #[test]
    fn lists_belong_to_the_package_without_its_architecture() {
        let found = run("dpkg-list", "var/lib/dpkg/info/libx:amd64.list", "/.\n/usr/share/java/x.jar\n");
        assert_eq!(found.ownerships[0].name, "libx");
        assert_eq!(found.ownerships[0].paths, ["usr/share/java/x.jar"]);
    }

    #[test]
    fn survives_anything() {
        hostile(&["dpkg-status", "dpkg-status-d", "dpkg-list"], STATUS.as_bytes());
    }
}
