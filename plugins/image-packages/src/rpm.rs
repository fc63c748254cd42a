//! rpm packages: the SQLite form of the database.

use palisade_sdk::{Ownership, Package, PackageType, Report, Unreadable};

use crate::PACKAGES_MAX;
use crate::bytes::Source;
use crate::ownership::Collector;
use crate::rpm_header::{
    ARCH, BASE_NAMES, DIRECTORY_INDEXES, DIRECTORY_NAMES, EPOCH, Header, LICENSE, NAME, RELEASE, SOURCE_RPM,
    VERSION,
};
use crate::sqlite::Database;

/// Directories of one package. The largest have some ten thousand.
const DIRECTORIES_MAX: usize = 500_000;

/// Reads `rpmdb.sqlite`: a table `Packages` of (number, header).
pub(crate) fn read(file: &mut dyn Source, report: &mut Report<'_>) -> Result<(), Unreadable> {
    let mut unreadable = 0;
    let mut count = 0;
    let mut owned = Collector::new();
    let walked = Database::open(file)?.rows("Packages", &mut |columns| {
        count += 1;
        if count > PACKAGES_MAX {
            return Err(format!("more than {PACKAGES_MAX} packages").into());
        }
        let blob = columns.get(1).map(|column| column.bytes()).unwrap_or_default();
        let Some(header) = Header::parse(blob) else {
            unreadable += 1;
            return Ok(());
        };
        let Some(package) = package(&header) else {
            unreadable += 1;
            return Ok(());
        };
        // Signing keys are kept as if they were packages.
        if package.name == "gpg-pubkey" {
            return Ok(());
        }
        let paths = files(&header, &mut owned);
        if !paths.is_empty() {
            report.ownership(Ownership::new(PackageType::Rpm, &package.name, paths));
        }
        report.package(package);
        Ok(())
    });
    if unreadable > 0 {
        report.problem(format!("{unreadable} package headers cannot be read"));
    }
    walked.and(owned.outcome())
}

fn package(header: &Header<'_>) -> Option<Package> {
    let (name, version, release) = (header.string(NAME)?, header.string(VERSION)?, header.string(RELEASE)?);
    let version = match header.integers(EPOCH).next() {
        Some(epoch) if epoch > 0 => format!("{epoch}:{version}-{release}"),
        _ => format!("{version}-{release}"),
    };
    let source_rpm = header.string(SOURCE_RPM);
    let (source, source_version) = source_rpm.as_deref().and_then(source).unzip();
    let package = Package::new(PackageType::Rpm, name, version, "rpm-sqlite").arch(header.string(ARCH));
    Some(package.source(source, source_version).licenses(header.string(LICENSE)))
}

/// `openssl-3.0.7-2.el9.src.rpm`. The epoch is not told.
fn source(file: &str) -> Option<(&str, String)> {
    let stem = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm"))?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some((name, format!("{version}-{release}")))
}

fn files(header: &Header<'_>, owned: &mut Collector) -> Vec<String> {
    let directories: Vec<&[u8]> = header.strings(DIRECTORY_NAMES).take(DIRECTORIES_MAX).collect();
    let mut paths = Vec::new();
    for (index, name) in header.integers(DIRECTORY_INDEXES).zip(header.strings(BASE_NAMES)) {
        let directory = usize::try_from(index).ok().and_then(|index| directories.get(index)).copied();
        let (Some(Ok(directory)), Ok(name)) = (directory.map(std::str::from_utf8), std::str::from_utf8(name))
        else {
            continue;
        };
        paths.extend(owned.path(directory.trim_matches('/'), name));
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::source;
    use crate::test::{analysis, hostile, names};

    const PAGE: usize = 1024;

    /// A header with these tags; numbers are given as texts of digits behind a `#`.
    fn header(tags: &[(u32, &[&str])]) -> Vec<u8> {
        let (mut index, mut store) = (Vec::new(), Vec::new());
        for (tag, values) in tags {
            let number = values[0].starts_with('#');
            let kind = if number {
                4
            } else if values.len() > 1 || *tag > 1100 {
                8
            } else {
                6
            };
            for word in [*tag, kind, store.len() as u32, values.len() as u32] {
                index.extend(word.to_be_bytes());
            }
            for value in *values {
                match value.strip_prefix('#') {
                    Some(digits) => store.extend(digits.parse::<u32>().unwrap().to_be_bytes()),
                    None => store.extend([value.as_bytes(), b"\0"].concat()),
                }
            }
        }
        let sizes = [(tags.len() as u32).to_be_bytes(), (store.len() as u32).to_be_bytes()].concat();
        [sizes, index, store].concat()
    }

    fn varint(value: usize) -> Vec<u8> {
        vec![(value >> 14) as u8 | 0x80, (value >> 7) as u8 | 0x80, value as u8 & 0x7f]
    }

    /// A leaf page of rows, and the pages that the rows flow over to, which follow page `next`.
    fn leaf(start: usize, rows: &[Vec<u8>], mut next: u32) -> (Vec<u8>, Vec<u8>) {
        let (mut page, mut overflow) = (vec![0; PAGE], Vec::new());
        page[start] = 13;
        page[start + 4] = rows.len() as u8;
        let mut end = PAGE;
        for (index, row) in rows.iter().enumerate() {
            let least = (PAGE - 12) * 32 / 255 - 23;
            let fitting = least + (row.len().max(least) - least) % (PAGE - 4);
            let local = match row.len() {
                size if size <= PAGE - 35 => size,
                _ if fitting <= PAGE - 35 => fitting,
                _ => least,
            };
            let mut cell = [varint(row.len()), vec![index as u8 + 1], row[..local].to_vec()].concat();
            let rest: Vec<&[u8]> = row[local..].chunks(PAGE - 4).collect();
            for (number, chunk) in rest.iter().enumerate() {
                next += 1;
                if number == 0 {
                    cell.extend(next.to_be_bytes());
                }
                let following = if number + 1 < rest.len() { next + 1 } else { 0 };
                let mut bytes = [&following.to_be_bytes(), *chunk].concat();
                bytes.resize(PAGE, 0);
                overflow.extend(bytes);
            }
            end -= cell.len();
            page[end..end + cell.len()].copy_from_slice(&cell);
            page[start + 8 + 2 * index..][..2].copy_from_slice(&(end as u16).to_be_bytes());
        }
        (page, overflow)
    }

    /// A database whose table `Packages` has its rows on page 2.
    fn database(headers: &[Vec<u8>]) -> Vec<u8> {
        let schema = [&[6, 23, 29, 29, 1, 0][..], b"tablePackagesPackages", &[2]].concat();
        let (mut first, _) = leaf(100, &[schema], 0);
        first[..16].copy_from_slice(b"SQLite format 3\0");
        first[16..18].copy_from_slice(&(PAGE as u16).to_be_bytes());
        let row = |header: &Vec<u8>| {
            let serial = varint(header.len() * 2 + 12);
            [vec![serial.len() as u8 + 2, 0], serial, header.clone()].concat()
        };
        let (second, overflow) = leaf(0, &headers.iter().map(row).collect::<Vec<_>>(), 2);
        [first, second, overflow].concat()
    }

    fn sample() -> Vec<u8> {
        let long = "x".repeat(3000);
        let openssl: &[(u32, &[&str])] = &[
            (1000, &["openssl"]),
            (1001, &["3.0.7"]),
            (1002, &["2.el9"]),
            (1003, &["#1"]),
            (1014, &["Apache-2.0"]),
            (1022, &["x86_64"]),
            (1044, &["openssl-src-3.0.7-2.el9.src.rpm"]),
            (1005, &[&long]),
            (1116, &["#0", "#1"]),
            (1117, &["openssl", "openssl.cnf"]),
            (1118, &["/usr/bin/", "/etc/pki/tls/"]),
        ];
        let key: &[(u32, &[&str])] = &[(1000, &["gpg-pubkey"]), (1001, &["1"]), (1002, &["2"])];
        let base: &[(u32, &[&str])] = &[(1000, &["base"]), (1001, &["1.0"]), (1002, &["1"]), (1003, &["#0"])];
        database(&[header(openssl), header(key), header(base), b"short".to_vec()])
    }

    #[test]
    fn headers_that_flow_over_pages_are_read() {
        let found = analysis("rpm-sqlite", "var/lib/rpm/rpmdb.sqlite", &sample());
        assert_eq!(names(&found), ["openssl 1:3.0.7-2.el9", "base 1.0-1"], "{:?}", found.problems);
        let openssl = &found.packages[0];
        assert_eq!(openssl.source_name.as_deref(), Some("openssl-src"));
        assert_eq!(openssl.source_version.as_deref(), Some("3.0.7-2.el9"));
        assert_eq!((openssl.arch.as_deref(), openssl.licenses.len()), (Some("x86_64"), 1));
        assert_eq!(found.ownerships[0].paths, ["usr/bin/openssl"]);
        assert_eq!(found.problems.len(), 1);
    }

    #[test]
    fn a_page_that_is_its_own_child_ends() {
        let mut looped = sample();
        looped[PAGE] = 5;
        looped[PAGE + 3..PAGE + 5].copy_from_slice(&[0, 0]);
        looped[PAGE + 8..PAGE + 12].copy_from_slice(&2_u32.to_be_bytes());
        let found = analysis("rpm-sqlite", "var/lib/rpm/rpmdb.sqlite", &looped);
        assert_eq!(found.problems[0].message, "the tree of pages has a loop");
    }

    #[test]
    fn rows_that_share_their_bytes_end() {
        let base: &[(u32, &[&str])] = &[(1000, &["base"]), (1001, &["1.0"]), (1002, &["1"])];
        let mut shared = database(&[header(base)]);
        let cell = shared[PAGE + 8..PAGE + 10].to_vec();
        shared[PAGE + 3..PAGE + 5].copy_from_slice(&300_u16.to_be_bytes());
        for index in 0..300 {
            shared[PAGE + 8 + 2 * index..][..2].copy_from_slice(&cell);
        }
        let found = analysis("rpm-sqlite", "var/lib/rpm/rpmdb.sqlite", &shared);
        assert_eq!(found.problems[0].message, "more rows than the file has room for");
        assert!(found.packages.len() < 30, "{}", found.packages.len());
    }

    #[test]
    fn the_source_package_is_named_by_its_file() {
        let found = source("perl-Net-SSLeay-1.94-1.el9.src.rpm");
        assert_eq!(found, Some(("perl-Net-SSLeay", "1.94-1.el9".to_owned())));
        assert_eq!(source("(none)"), None);
    }

    #[test]
    fn survives_anything() {
        hostile(&["rpm-sqlite"], &sample());
    }
}
