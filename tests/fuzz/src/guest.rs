//! The first-party plugin, compiled for this machine, on one file. What holds for every answer is what the platform
//! checks before it believes one: an answer that fails there costs every file of its call.

use std::io;

use image_packages::ImagePackages;
use palisade_sdk::{Analysis, Body, InputFile, ReadAt, analyze};

use crate::must::must;

/// Bytes of a text, and records of an answer, that the platform takes.
const TEXT_BYTES_MAX: usize = 64 << 10;
const RECORDS_MAX: usize = 200_000;

/// Reads a file as these interests, whole and in parts.
pub(crate) fn read(path: &str, interests: &[&str], bytes: &[u8]) {
    let file = |body: Body| InputFile {
        path: path.to_owned(),
        size: bytes.len() as u64,
        interests: interests.iter().map(|name| (*name).to_owned()).collect(),
        body,
    };
    let whole = analysis(file(Body::Whole(bytes.to_vec())));
    let parts = analysis(file(Body::Parts(Box::new(Parts(bytes.to_vec())))));
    assert_eq!(whole, parts, "a file in parts is another file");
    check(&whole);
}

fn analysis(file: InputFile) -> Analysis {
    must(analyze::<ImagePackages>("{}", &[file]), "a plugin without settings")
}

/// A file that is read through the platform.
struct Parts(Vec<u8>);

impl ReadAt for Parts {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, length: u32) -> io::Result<Vec<u8>> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.0.get(offset..)).unwrap_or_default();
        Ok(rest.iter().take(length as usize).copied().collect())
    }
}

fn check(found: &Analysis) {
    let records = found.systems.len()
        + found.packages.len()
        + found.ownerships.len()
        + found.findings.len()
        + found.problems.len();
    assert!(records <= RECORDS_MAX, "{records} records");
    assert!(found.findings.is_empty(), "a finding without a rule");
    for system in &found.systems {
        texts([Some(&system.id), system.version.as_ref(), system.codename.as_ref()]);
        texts([system.pretty_name.as_ref()]);
        texts(system.like.iter().map(Some));
    }
    for package in &found.packages {
        assert!(!package.name.is_empty() && !package.version.is_empty(), "{package:?} says nothing");
        texts([Some(&package.name), Some(&package.version), Some(&package.method)]);
        texts(
            [&package.arch, &package.source_name, &package.source_version, &package.inner]
                .map(Option::as_ref),
        );
        texts(package.licenses.iter().map(Some));
    }
    for ownership in &found.ownerships {
        texts([Some(&ownership.name)]);
        texts(ownership.paths.iter().map(Some));
    }
    texts(found.problems.iter().map(|problem| Some(&problem.message)));
}

fn texts<'a>(texts: impl IntoIterator<Item = Option<&'a String>>) {
    for text in texts.into_iter().flatten() {
        assert!(text.len() <= TEXT_BYTES_MAX, "a text of {} bytes", text.len());
    }
}
