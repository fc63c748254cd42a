//! Installed packages of images: operating systems, languages, executables.
//!
//! Every reader is a pure function of one file. Databases of package managers are trusted most; a name that is only guessed
//! says so by its confidence. Whatever cannot be read is a problem of that file, never a crash: the platform runs many files
//! in one call, and a trap would lose them all.

mod apk;
mod bytes;
mod dpkg;
mod executable;
mod go;
mod headers;
mod java;
mod java_identity;
mod node;
mod os_release;
mod ownership;
mod python;
mod rpm;
mod rpm_header;
mod rust;
mod sqlite;
#[cfg(test)]
mod test;
mod zip;

use palisade_sdk::{Config, Error, ImageAnalyzer, InputFile, Report, Unreadable};

/// The manifest that is built into the component.
pub const MANIFEST: &str = include_str!("../plugin.toml");

const MIB: u64 = 1 << 20;

/// Packages read of one file. The largest real databases have some ten thousand. With the list of files that each may have,
/// and the problems of its reader, they fit into the 200,000 records that the platform takes in one answer.
const PACKAGES_MAX: usize = 99_000;

/// The plugin. It has no settings.
#[derive(Debug)]
pub struct ImagePackages;

#[palisade_sdk::image_analyzer]
impl ImageAnalyzer for ImagePackages {
    fn new(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }

    fn analyze(&self, file: &InputFile, report: &mut Report<'_>) -> Result<(), Unreadable> {
        let mut outcome = Ok(());
        for interest in &file.interests {
            // One reader's trouble with a file must not keep another from it.
            outcome = outcome.and(read(interest, file, report));
        }
        outcome
    }
}

fn read(interest: &str, file: &InputFile, report: &mut Report<'_>) -> Result<(), Unreadable> {
    match interest {
        "os-release" => os_release::read(&file.text(MIB)?, report),
        "release-file" => os_release::read_release_file(&file.path, &file.text(MIB)?, report),
        "dpkg-status" => dpkg::read_status(&file.text(64 * MIB)?, report),
        "dpkg-status-d" => dpkg::read_status_d(&file.path, &file.text(4 * MIB)?, report),
        "dpkg-list" => dpkg::read_list(&file.path, &file.text(64 * MIB)?, report),
        "apk-installed" => apk::read(&file.text(64 * MIB)?, report),
        "rpm-sqlite" => rpm::read(&mut file.reader(), report),
        "rpm-journal" => Err("the rpm database has a write-ahead log that is not read; \
             packages in it may be missing or out of date"
            .into()),
        "rpm-legacy" => Err("rpm databases in the Berkeley DB and NDB formats are not read; \
             the rpm packages of this root are missing"
            .into()),
        "python-metadata" => python::read(&file.text(16 * MIB)?, report),
        "node-manifest" => node::read(&file.path, &file.bytes(16 * MIB)?, report),
        "java-archive" => java::read(&file.path, &mut file.reader(), report),
        "go-executable" => go::read(&mut file.reader(), report),
        "rust-executable" => rust::read(&mut file.reader(), report),
        other => Err(format!("no reader for the interest {other}").into()),
    }
}
