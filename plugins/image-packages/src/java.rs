//! Java packages: archives, and archives inside them.
//!
//! What Maven wrote into an archive (`pom.properties`) is believed; an archive without it is named from its manifest and
//! its file name, which is a guess and says so. Archives that are stored inside others are read in place; compressed ones
//! are inflated in memory, so their size, their depth and the sum of all that is inflated are bounded. So is the sum of
//! all that is read: entries of a directory may share the bytes they name, and a few kilobytes of archives whose entries
//! all name the next one would be read for ever.

use std::io::Cursor;

use miniz_oxide::inflate::decompress_to_vec_with_limit;
use palisade_sdk::{Confidence, Package, PackageType, Report, Unreadable};

use crate::bytes::Source;
use crate::java_identity::{Coordinates, Manifest, guess, pom_properties};
use crate::zip::{Member, Stored, Window};

/// Archives in archives in archives.
const DEPTH_MAX: usize = 16;

/// Bytes that are inflated of one file, all its archives together: a bound on time.
const INFLATED_MAX: u64 = 1 << 30;

/// Bytes that are read of one file, all its archives together: directories, records and what is inflated. A sound file
/// has each byte read a few times at most, and mostly directories are.
const READ_MAX: u64 = 2 << 30;

/// What opening an archive costs at least, in bytes read: eight thousand archives in one file are the end.
const OPEN_COST: u64 = 256 << 10;

/// Bytes of inflated archives that are in memory at one time.
const LIVE_MAX: u64 = 96 << 20;

/// Bytes of one record.
const RECORD_MAX: u64 = 1 << 20;

/// Packages of one file.
const PACKAGES_MAX: usize = 20_000;

/// Problems of one file that are told one by one.
const PROBLEMS_MAX: usize = 20;

/// Longest path inside the file.
const INNER_MAX: usize = 4096;

/// Reads one archive.
pub(crate) fn read(path: &str, file: &mut dyn Source, report: &mut Report<'_>) -> Result<(), Unreadable> {
    let mut walk = Walk {
        report,
        inflatable: INFLATED_MAX,
        readable: READ_MAX,
        live: LIVE_MAX,
        packages: 0,
        problems: 0,
    };
    walk.archive(Window::new(file)?, path, "", 0)
}

struct Walk<'r, 'a> {
    report: &'r mut Report<'a>,
    /// Bytes that may still be inflated.
    inflatable: u64,
    /// Bytes that may still be read.
    readable: u64,
    /// Bytes that may still be in memory.
    live: u64,
    packages: usize,
    problems: usize,
}

impl Walk<'_, '_> {
    /// One archive: `path` names it, `inner` is where it is inside the file, with `!/` at its end unless it is the file.
    fn archive(
        &mut self,
        mut window: Window<'_>,
        path: &str,
        inner: &str,
        depth: usize,
    ) -> Result<(), Unreadable> {
        self.spend(OPEN_COST)?;
        let members = window.members(|name| is_record(name) || is_archive(name))?;
        self.spend(window.cost)?;
        self.identify(&mut window, &members, path, inner)?;
        for member in members.iter().filter(|member| is_archive(&member.name)) {
            if let Err(Unreadable(message)) = self.nested(&mut window, member, inner, depth + 1) {
                self.problem(format!("{inner}{}: {message}", member.name));
            }
        }
        Ok(())
    }

    fn nested(
        &mut self,
        window: &mut Window<'_>,
        member: &Member,
        inner: &str,
        depth: usize,
    ) -> Result<(), Unreadable> {
        let inside = format!("{inner}{}!/", member.name);
        if depth > DEPTH_MAX || inside.len() > INNER_MAX {
            return Err("nested too deep".into());
        }
        match window.locate(member)? {
            Stored::Plain(offset, size) => {
                self.archive(window.part(offset, size)?, &member.name, &inside, depth)
            }
            Stored::Deflated(offset, size) => {
                let bytes = self.inflate(window, offset, size, self.live)?;
                let size = bytes.len() as u64;
                self.live = self.live.saturating_sub(size);
                let outcome =
                    self.archive(Window::new(&mut Cursor::new(bytes))?, &member.name, &inside, depth);
                self.live += size;
                outcome
            }
        }
    }

    /// Reports what the archive is, by every `pom.properties` in it (a shaded archive has many), else by its manifest.
    fn identify(
        &mut self,
        window: &mut Window<'_>,
        members: &[Member],
        path: &str,
        inner: &str,
    ) -> Result<(), Unreadable> {
        let mut known = false;
        let mut manifest = None;
        for member in members.iter().filter(|member| is_record(&member.name)) {
            let text = match self.record(window, member) {
                Ok(text) => text,
                Err(Unreadable(message)) => {
                    self.problem(format!("{inner}{}: {message}", member.name));
                    continue;
                }
            };
            if member.name == MANIFEST {
                manifest = Some(Manifest::parse(&text));
            } else if let Some(coordinates) = pom_properties(&text) {
                known = true;
                self.package(
                    coordinates,
                    "pom-properties",
                    Confidence::High,
                    format!("{inner}{}", member.name),
                )?;
            }
        }
        if !known && let Some((coordinates, confidence)) = guess(path, &manifest.unwrap_or_default()) {
            self.package(coordinates, "java-manifest", confidence, format!("{inner}{MANIFEST}"))?;
        }
        Ok(())
    }

    fn package(
        &mut self,
        coordinates: Coordinates,
        method: &str,
        confidence: Confidence,
        inner: String,
    ) -> Result<(), Unreadable> {
        self.packages += 1;
        if self.packages > PACKAGES_MAX {
            return Err(format!("more than {PACKAGES_MAX} packages").into());
        }
        // Without a group nobody can look it up, but it stays in the inventory.
        let kind = if coordinates.name.contains(':') { PackageType::Maven } else { PackageType::Generic };
        let package = Package::new(kind, coordinates.name, coordinates.version, method);
        self.report.package(package.confidence(confidence).inner(Some(inner)));
        Ok(())
    }

    fn spend(&mut self, bytes: u64) -> Result<(), Unreadable> {
        self.readable = self.readable.saturating_sub(bytes);
        if self.readable == 0 {
            return Err(format!("more than {READ_MAX} bytes to read in all archives together").into());
        }
        Ok(())
    }

    fn record(&mut self, window: &mut Window<'_>, member: &Member) -> Result<String, Unreadable> {
        let bytes = match window.locate(member)? {
            Stored::Plain(offset, size) if size <= RECORD_MAX => {
                self.spend(size)?;
                window.read(offset, size)?
            }
            Stored::Plain(_, size) => return Err(format!("a record of {size} bytes").into()),
            Stored::Deflated(offset, size) => self.inflate(window, offset, size, RECORD_MAX)?,
        };
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn inflate(
        &mut self,
        window: &mut Window<'_>,
        offset: u64,
        packed: u64,
        size_max: u64,
    ) -> Result<Vec<u8>, Unreadable> {
        let size_max = size_max.min(self.inflatable);
        if packed > size_max {
            return Err(format!("{packed} bytes; no more than {size_max} can be inflated here").into());
        }
        self.spend(packed)?;
        let bytes = window.read(offset, packed)?;
        let limit = usize::try_from(size_max).unwrap_or(usize::MAX);
        let inflated = decompress_to_vec_with_limit(&bytes, limit);
        let cost = inflated.as_ref().map_or_else(|error| error.output.len(), Vec::len) as u64;
        self.inflatable = self.inflatable.saturating_sub(cost);
        inflated.map_err(|error| match error.status {
            miniz_oxide::inflate::TINFLStatus::HasMoreOutput => {
                format!("inflates to more than {size_max} bytes").into()
            }
            _ => "damaged: the compressed data contradict themselves".into(),
        })
    }

    fn problem(&mut self, message: String) {
        self.problems += 1;
        match self.problems {
            ..=PROBLEMS_MAX => self.report.problem(message),
            n if n == PROBLEMS_MAX + 1 => self.report.problem("more problems of this kind"),
            _ => {}
        }
    }
}

const MANIFEST: &str = "META-INF/MANIFEST.MF";

fn is_record(name: &str) -> bool {
    name == MANIFEST || (name.starts_with("META-INF/maven/") && name.ends_with("/pom.properties"))
}

fn is_archive(name: &str) -> bool {
    matches!(name.rsplit_once('.'), Some((_, "jar" | "war" | "ear" | "par")))
}

#[cfg(test)]
mod tests {
    use palisade_sdk::Confidence;

    use crate::test::{analysis, hostile, names};
    use crate::zip::tests::{archive, repeated, widened};

    const POM: &str = "META-INF/maven/g/a/pom.properties";
    const LIBRARY: &[u8] = b"groupId=org.lib\nartifactId=lib\nversion=1.0\n";
    const SHADED: &[u8] = b"groupId=org.shaded\nartifactId=shaded\nversion=2.0\n";
    const ATTRIBUTES: &[u8] =
        b"Manifest-Version: 1.0\nImplementation-Vendor-Id: org.outer\nImplementation-Version: 3\n";

    fn read(bytes: &[u8]) -> palisade_sdk::Analysis {
        analysis("java-archive", "opt/app/outer-3.0.war", bytes)
    }

    /// A war without Maven's record that holds a jar with two, once stored and once deflated.
    fn war() -> Vec<u8> {
        let jar = archive(&[(POM, LIBRARY, true), ("META-INF/maven/h/b/pom.properties", SHADED, false)]);
        archive(&[
            ("META-INF/MANIFEST.MF", ATTRIBUTES, true),
            ("WEB-INF/lib/stored.jar", &jar, false),
            ("WEB-INF/lib/deflated.jar", &jar, true),
            ("WEB-INF/lib/broken.jar", b"PK nothing", false),
        ])
    }

    #[test]
    fn archives_inside_are_read_and_one_that_is_broken_costs_only_itself() {
        let found = read(&war());
        let twice = ["org.lib:lib 1.0", "org.shaded:shaded 2.0"];
        assert_eq!(names(&found), [["org.outer:outer 3.0"].as_slice(), &twice, &twice].concat());
        assert_eq!(found.packages[0].confidence, Confidence::Medium);
        assert_eq!(found.packages[1].confidence, Confidence::High);
        assert_eq!(
            found.packages[3].inner.as_deref(),
            Some(format!("WEB-INF/lib/deflated.jar!/{POM}").as_str())
        );
        assert_eq!(found.problems.len(), 1);
        assert!(found.problems[0].message.starts_with("WEB-INF/lib/broken.jar: "));
    }

    #[test]
    fn a_program_in_front_and_wide_offsets_change_nothing() {
        let plain = read(&war());
        assert_eq!(read(&widened(&war())), plain);
        assert_eq!(read(&[b"#!/bin/sh\nexec java -jar $0\n".as_slice(), &war()].concat()), plain);
        assert_eq!(read(&[b"#!/bin/sh\n".as_slice(), &widened(&war())].concat()), plain);
    }

    #[test]
    fn bombs_end_with_a_reason() {
        let mut nested = archive(&[(POM, LIBRARY, false)]);
        for _ in 0..40 {
            nested = archive(&[("a.jar", &nested, false)]);
        }
        let found = read(&nested);
        assert!(found.problems[0].message.ends_with("nested too deep"), "{:?}", found.problems);
        let large = archive(&[("a.jar", &vec![0; 97 << 20], true), (POM, LIBRARY, true)]);
        let found = read(&large);
        assert_eq!(names(&found), ["org.lib:lib 1.0"]);
        assert!(found.problems[0].message.contains("inflates to more than"), "{:?}", found.problems);
    }

    #[test]
    fn archives_that_are_all_named_many_times_end() {
        let mut nested = archive(&[(POM, LIBRARY, false)]);
        for _ in 0..12 {
            nested = repeated(&archive(&[("a.jar", &nested, false)]), 20);
        }
        let found = read(&nested);
        assert!(found.problems[0].message.contains("bytes to read"), "{:?}", found.problems);
    }

    #[test]
    fn survives_anything() {
        hostile(&["java-archive"], &war());
        hostile(&["java-archive"], &widened(&war()));
    }
}
