//! Rust crates of an executable: the list that `cargo auditable` puts into it (cargo-auditable, "PARSING.md").

use std::borrow::Cow;
use std::collections::BTreeMap;

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use palisade_sdk::{Package, PackageType, Report, Unreadable};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::PACKAGES_MAX;
use crate::bytes::{Source, read_at};
use crate::executable::Executable;

/// Largest list, inflated; the format's own readers stop there too.
const LIST_MAX: usize = 8 << 20;

/// Largest entry of the list, in bytes of JSON. In memory an entry takes up to a hundred times of that, so the list is not
/// taken apart as a whole.
const ENTRY_MAX: usize = 64 << 10;

/// Reads the section `.dep-v0`: JSON, deflated. Crates that only ran during the build are not in the executable.
pub(crate) fn read(file: &mut dyn Source, report: &mut Report<'_>) -> Result<(), Unreadable> {
    let Some(executable) = Executable::read(file)? else { return Ok(()) };
    let Some(section) = executable.section(&[".dep-v0"]) else { return Ok(()) };
    if section.size > LIST_MAX as u64 {
        return Err(format!("a crate list of {} bytes", section.size).into());
    }
    let packed = read_at(file, section.offset, section.size)?;
    let json = decompress_to_vec_zlib_with_limit(&packed, LIST_MAX)
        .map_err(|error| format!("the crate list: {error}"))?;
    let malformed = |error: serde_json::Error| format!("the crate list: {error}");
    let list: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(&json).map_err(malformed)?;
    let crates = list.get("packages").ok_or("the crate list has no packages")?;
    let crates: Vec<&RawValue> = serde_json::from_str(crates.get()).map_err(malformed)?;
    if crates.len() > PACKAGES_MAX {
        return Err(format!("a crate list of {} crates", crates.len()).into());
    }
    for entry in crates {
        let entry = Some(entry.get()).filter(|text| text.len() <= ENTRY_MAX);
        let entry: Value = serde_json::from_str(entry.ok_or("the crate list has an entry that is too long")?)
            .map_err(malformed)?;
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        if text("kind") == Some("build") {
            continue;
        }
        match (text("name"), text("version")) {
            (Some(name), Some(version)) => {
                report.package(Package::new(PackageType::Cargo, name, version, "cargo-auditable"));
            }
            _ => return Err("the crate list has an entry without a name or a version".into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::test::{analysis, executable, hostile, names};
    use miniz_oxide::deflate::compress_to_vec_zlib;

    const LIST: &[u8] = br#"{"packages":[{"name":"a","version":"1.0.0","source":"local","root":true},
        {"name":"cc","version":"1.1.0","source":"crates.io","kind":"build"},{"name":"b","version":"0.2.0-rc.1","source":"git"}]}"#;

    #[test]
    fn crates_that_are_in_the_executable_are_listed() {
        let file = executable(".dep-v0", &compress_to_vec_zlib(LIST, 6));
        assert_eq!(names(&analysis("rust-executable", "usr/bin/x", &file)), ["a 1.0.0", "b 0.2.0-rc.1"]);
    }

    #[test]
    fn a_bomb_is_a_problem() {
        let bomb = compress_to_vec_zlib(&vec![b' '; 64 << 20], 9);
        let found = analysis("rust-executable", "usr/bin/x", &executable(".dep-v0", &bomb));
        assert_eq!((found.packages.len(), found.problems.len()), (0, 1));
    }

    #[test]
    fn survives_anything() {
        hostile(&["rust-executable"], &executable(".dep-v0", &compress_to_vec_zlib(LIST, 6)));
    }
}
