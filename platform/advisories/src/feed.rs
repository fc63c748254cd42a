//! Feeds as they lie on disk: folders and zips of OSV records, the KEV catalogue, EPSS scores.
//!
//! What a file is, is told by its place and content, so that one folder can hold all of them: `<ecosystem>/all.zip` as the public
//! OSV bucket has it, `<ecosystem>/<ID>.json`, `kev.json` or `known_exploited_vulnerabilities.json`, `epss*.csv[.gz]`.
//! Files are read in the order of their names, so the same inputs give the same index.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use crate::exploitation::{read_epss, read_kev};
use crate::index::{BuildReport, Builder, Origin};
use crate::osv::RECORD_BYTES_MAX;
use crate::{AdvisoryError, Index};

/// Folders below the given one that are looked into.
const DEPTH_MAX: usize = 5;
/// Files of one folder. The largest ecosystem has some 250,000 records.
const FILES_MAX: usize = 3_000_000;
/// Unpacked bytes of one zip; the largest real one unpacks to about 2 GB.
const UNPACKED_MAX: u64 = 16 << 30;

/// What a part of the input is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PartKind {
    /// A zip of records.
    Zip,
    /// Single records, sorted.
    Records(Vec<PathBuf>),
    /// CISA's catalogue.
    Kev,
    /// Scores.
    Epss,
}

/// A part of the input that is replaced as a whole when it is imported again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its name: the ecosystem's folder, else the file's name without its end; `kev` and `epss`.
    pub(crate) feed: String,
    pub(crate) path: PathBuf,
    pub(crate) kind: PartKind,
}

/// Builds an index file from folders and files, without a data directory.
///
/// # Errors
/// An input cannot be read or is no feed, no record can be used, or the index cannot be written.
pub fn build_index(inputs: &[PathBuf], origin: &Origin, out: &Path) -> Result<BuildReport, AdvisoryError> {
    let mut builder = Builder::new();
    for part in discover(inputs)? {
        load(&part, &mut builder)?;
    }
    write_index(builder, origin, out)
}

/// Writes the index under another name, syncs it, checks that it can be read back, and renames it into place.
pub(crate) fn write_index(
    builder: Builder,
    origin: &Origin,
    out: &Path,
) -> Result<BuildReport, AdvisoryError> {
    let temporary = out.with_extension("partial");
    let write = |source| AdvisoryError::Write { path: temporary.clone(), source };
    let mut file = BufWriter::new(File::create(&temporary).map_err(write)?);
    let report = builder.finish(origin, &mut file).and_then(|report| {
        file.into_inner().map_err(|error| write(error.into_error()))?.sync_all().map_err(write)?;
        Index::open(&temporary)?.verify()?;
        std::fs::rename(&temporary, out).map_err(write)?;
        Ok(report)
    });
    if report.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    report
}

/// Finds the parts of the given folders and files.
pub(crate) fn discover(inputs: &[PathBuf]) -> Result<Vec<Part>, AdvisoryError> {
    let mut parts = Vec::new();
    for input in inputs {
        let before = parts.len();
        if input.is_dir() {
            walk(input, 0, &mut parts)?;
        } else {
            parts.push(single_file(input)?);
        }
        if parts.len() == before {
            let reason = "it holds no record, zip, KEV or EPSS file".to_owned();
            return Err(AdvisoryError::Unsupported { path: input.clone(), reason });
        }
    }
    Ok(parts)
}

fn walk(folder: &Path, depth: usize, parts: &mut Vec<Part>) -> Result<(), AdvisoryError> {
    let read = |source| AdvisoryError::Read { path: folder.to_owned(), source };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        entries.push(entry.map_err(read)?.path());
        if entries.len() > FILES_MAX {
            let reason = format!("it holds more than {FILES_MAX} files");
            return Err(AdvisoryError::BrokenFeed { feed: folder.display().to_string(), reason });
        }
    }
    entries.sort();
    let mut records = Vec::new();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_ascii_lowercase();
        if path.is_dir() {
            if depth < DEPTH_MAX {
                walk(&path, depth + 1, parts)?;
            }
        } else if name.ends_with(".zip") {
            parts.push(Part { feed: feed_name(&path), path, kind: PartKind::Zip });
        } else if name == "kev.json" || name.starts_with("known_exploited_vulnerabilities") {
            parts.push(Part { feed: "kev".to_owned(), path, kind: PartKind::Kev });
        } else if name.ends_with(".json") {
            records.push(path);
        } else if name.contains("epss") && (name.ends_with(".csv") || name.ends_with(".csv.gz")) {
            parts.push(Part { feed: "epss".to_owned(), path, kind: PartKind::Epss });
        }
    }
    if !records.is_empty() {
        let feed = stem(folder);
        parts.push(Part { feed, path: folder.to_owned(), kind: PartKind::Records(records) });
    }
    Ok(())
}

/// Tells what a file is by its first bytes.
fn single_file(path: &Path) -> Result<Part, AdvisoryError> {
    let read = |source| AdvisoryError::Read { path: path.to_owned(), source };
    let mut head = Vec::new();
    File::open(path).map_err(read)?.take(64 << 10).read_to_end(&mut head).map_err(read)?;
    let text = String::from_utf8_lossy(&head);
    let text = text.trim_start();
    let part = |feed: &str, kind| Part { feed: feed.to_owned(), path: path.to_owned(), kind };
    if head.starts_with(b"PK") {
        Ok(part(&feed_name(path), PartKind::Zip))
    } else if head.starts_with(&[0x1f, 0x8b])
        || text.starts_with("#model_version")
        || text.starts_with("cve,")
    {
        Ok(part("epss", PartKind::Epss))
    } else if text.starts_with('{') && (text.contains("\"catalogVersion\"") || text.contains("\"cveID\"")) {
        Ok(part("kev", PartKind::Kev))
    } else if text.starts_with('{') {
        Ok(part(&stem(path), PartKind::Records(vec![path.to_owned()])))
    } else {
        let reason = "its first bytes are those of no known form".to_owned();
        Err(AdvisoryError::Unsupported { path: path.to_owned(), reason })
    }
}

fn feed_name(path: &Path) -> String {
    match (stem(path).as_str(), path.parent()) {
        ("all", Some(folder)) if folder.file_name().is_some() => stem(folder),
        (name, _) => name.to_owned(),
    }
}

fn stem(path: &Path) -> String {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("records");
    let known_end = [".json", ".zip"].iter().find_map(|end| name.strip_suffix(end));
    known_end.unwrap_or(name).to_owned()
}

/// Reads a part into a builder.
pub(crate) fn load(part: &Part, builder: &mut Builder) -> Result<(), AdvisoryError> {
    let broken = |reason: String| AdvisoryError::BrokenFeed { feed: part.path.display().to_string(), reason };
    let open = || {
        let read = |source| AdvisoryError::Read { path: part.path.clone(), source };
        Ok(BufReader::new(File::open(&part.path).map_err(read)?))
    };
    let before = builder.report().clone();
    match &part.kind {
        PartKind::Kev => {
            builder.add_kev(read_kev(open()?).map_err(broken)?);
            return Ok(());
        }
        PartKind::Epss => {
            builder.add_epss(read_epss(open()?).map_err(broken)?);
            return Ok(());
        }
        PartKind::Zip => load_zip(open()?, broken, builder)?,
        PartKind::Records(files) => {
            for file in files {
                load_file(file, builder)?;
            }
        }
    }
    let after = builder.report();
    if after.read == before.read {
        return Err(broken("it holds no records".to_owned()));
    }
    if after.read - before.read == after.skipped - before.skipped {
        let first =
            after.skipped_first.get(before.skipped_first.len()).map_or("unknown", |first| &first.reason);
        return Err(broken(format!(
            "none of its {} records can be used; of the first, {first}",
            after.read - before.read
        )));
    }
    Ok(())
}

fn load_file(path: &Path, builder: &mut Builder) -> Result<(), AdvisoryError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut json = Vec::new();
    match File::open(path).and_then(|file| file.take(RECORD_BYTES_MAX + 1).read_to_end(&mut json)) {
        Ok(_) => builder.add_json(name, &json),
        Err(error) => {
            builder.skip(name, &format!("it cannot be read: {error}"));
            Ok(())
        }
    }
}

fn load_zip(
    file: BufReader<File>,
    broken: impl Fn(String) -> AdvisoryError,
    builder: &mut Builder,
) -> Result<(), AdvisoryError> {
    let mut archive =
        ZipArchive::new(file).map_err(|error| broken(format!("it is no whole zip: {error}")))?;
    if archive.len() > FILES_MAX {
        return Err(broken(format!("it holds more than {FILES_MAX} files")));
    }
    let mut names: Vec<(String, usize)> = (0..archive.len())
        .filter_map(|number| Some((archive.name_for_index(number)?.ok()?.into_owned(), number)))
        .filter(|(name, _)| name.ends_with(".json"))
        .collect();
    names.sort();
    let mut unpacked = 0_u64;
    let mut json = Vec::new();
    for (name, number) in names {
        json.clear();
        let read = archive.by_index(number).map_err(std::io::Error::other).and_then(|entry| {
            if entry.size() > RECORD_BYTES_MAX {
                return Err(std::io::Error::other(format!(
                    "it is longer than {} MiB",
                    RECORD_BYTES_MAX >> 20
                )));
            }
            entry.take(RECORD_BYTES_MAX + 1).read_to_end(&mut json)
        });
        match read {
            Ok(_) => builder.add_json(&name, &json)?,
            Err(error) => builder.skip(&name, &format!("it cannot be unpacked: {error}")),
        }
        unpacked += json.len() as u64;
        if unpacked > UNPACKED_MAX {
            return Err(broken(format!("it unpacks to more than {} GiB", UNPACKED_MAX >> 30)));
        }
    }
    Ok(())
}

/// Packs named records into a zip.
pub(crate) fn pack<'a>(
    out: &Path,
    records: impl Iterator<Item = Result<(String, std::borrow::Cow<'a, [u8]>), AdvisoryError>>,
) -> Result<(), AdvisoryError> {
    let failed = |source| AdvisoryError::Write { path: out.to_owned(), source };
    let file = BufWriter::new(File::create(out).map_err(failed)?);
    let mut writer = zip::ZipWriter::new(file);
    // Level 1: records are packed again into blocks for the index, and read back only to rebuild it.
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .compression_level(Some(1));
    for record in records {
        let (name, json) = record?;
        writer.start_file(name, options).map_err(|error| failed(std::io::Error::other(error)))?;
        writer.write_all(&json).map_err(failed)?;
    }
    let file = writer.finish().map_err(|error| failed(std::io::Error::other(error)))?;
    file.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{build_index, discover};
    use crate::{AdvisoryError, Index, Origin};

    fn record(id: &str, fixed: &str) -> String {
        format!(
            r#"{{"id":"{id}","modified":"2024-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"npm","name":"left"}},
            "ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}]}}"#
        )
    }

    #[test]
    fn one_folder_may_hold_every_kind_of_feed() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("npm/A-1.json", record("A-1", "1.0.0").as_bytes());
        write("npm/cut.json", b"{\"id\":\"A-2\"");
        write("npm/long.json", &vec![b' '; (super::RECORD_BYTES_MAX + 10) as usize]);
        write("kev.json", br#"{"vulnerabilities":[{"cveID":"CVE-2024-1","dateAdded":"2024-01-01"}]}"#);
        write("epss.csv", b"#model_version:1\ncve,epss,percentile\nCVE-2024-1,0.5,0.9\n");
        write("PyPI/modified_id.csv", b"ignored");
        let mut zip = zip::ZipWriter::new(std::fs::File::create(folder.path().join("PyPI/all.zip")).unwrap());
        zip.start_file("B-1.json", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(record("B-1", "2.0.0").as_bytes()).unwrap();
        zip.finish().unwrap();
        let parts = discover(&[folder.path().to_owned()]).unwrap();
        let feeds: Vec<&str> = parts.iter().map(|part| part.feed.as_str()).collect();
        assert_eq!(feeds, ["PyPI", "epss", "kev", "npm"]);
        let out = folder.path().join("x.index");
        let report = build_index(&[folder.path().to_owned()], &Origin::default(), &out).unwrap();
        assert_eq!((report.used, report.skipped, report.kev, report.epss), (2, 2, 1, 1));
        let index = Index::open(&out).unwrap();
        assert_eq!(index.lookup("npm", "left").unwrap().count(), 2);
        assert_eq!(index.epss("CVE-2024-1").unwrap().percentile, 0.9);
        assert_eq!(index.kev("CVE-2024-1").unwrap().added, "2024-01-01");
    }

    #[test]
    fn what_is_no_feed_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.bin");
        std::fs::write(&path, b"hello").unwrap();
        let out = folder.path().join("x.index");
        let code = |input: &std::path::Path| {
            build_index(&[input.to_owned()], &Origin::default(), &out).unwrap_err().code()
        };
        assert_eq!(code(&path), "advisory-input-unsupported");
        assert_eq!(code(&folder.path().join("absent")), "advisory-read-failed");
        std::fs::write(&path, b"PK\x03\x04 cut").unwrap();
        assert_eq!(code(&path), "advisory-feed-broken");
        std::fs::write(&path, b"{\"id\":\"A").unwrap();
        let error = build_index(&[path], &Origin::default(), &out).unwrap_err();
        assert!(
            matches!(&error, AdvisoryError::BrokenFeed { reason, .. } if reason.contains("no JSON")),
            "{error}"
        );
        assert!(!out.exists());
    }
}
