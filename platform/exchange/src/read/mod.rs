//! Telling formats apart, and handing the tree to the reader of one.

mod cyclonedx;
mod gitleaks;
mod grype;
mod kube_bench;
mod ocsf;
pub(crate) mod properties;
mod sarif;
mod semgrep;
mod trivy;
mod uri;

use serde_json::Value;

use crate::import::{Builder, Imported};
use crate::tree::Item;
use crate::{ExchangeError, Format, limits};

/// Reads a report. Without a format the content tells it; with one, the content has to agree.
///
/// # Errors
/// Every variant of [`ExchangeError`] but [`ExchangeError::FormatName`].
pub fn read(bytes: &[u8], format: Option<Format>) -> Result<Imported, ExchangeError> {
    if bytes.len() > limits::FILE_BYTES {
        return Err(ExchangeError::TooLarge { bytes: bytes.len(), limit: limits::FILE_BYTES });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    check_weight(bytes)?;
    let root = parse(bytes)?;
    let format = agree(&root, format)?;
    let mut builder = Builder::new(format);
    let item = Item::root(&root);
    match format {
        Format::Sarif => sarif::read(&item, &mut builder)?,
        Format::TrivyJson => trivy::read(&item, &mut builder)?,
        Format::GrypeJson => grype::read(&item, &mut builder)?,
        Format::CycloneDx => cyclonedx::read(&item, &mut builder)?,
        Format::KubeBench => kube_bench::read(&item, &mut builder)?,
        Format::ProwlerOcsf | Format::Ocsf => ocsf::read(&item, &mut builder)?,
        Format::Gitleaks => gitleaks::read(&item, &mut builder)?,
        Format::Semgrep => semgrep::read(&item, &mut builder)?,
    }
    builder.finish()
}

/// Parses the file, or the lines of one with an event on each.
fn parse(bytes: &[u8]) -> Result<Value, ExchangeError> {
    let whole = match serde_json::from_slice::<Value>(bytes) {
        Ok(root) => return Ok(root),
        Err(error) => error,
    };
    let mut events = Vec::new();
    for event in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
        match event {
            Ok(event) if event.get("class_uid").is_some() => events.push(event),
            Err(error) if !events.is_empty() => return Err(error.into()),
            _ => return Err(whole.into()),
        }
    }
    if events.is_empty() { Err(whole.into()) } else { Ok(Value::Array(events)) }
}

fn agree(root: &Value, claimed: Option<Format>) -> Result<Format, ExchangeError> {
    let empty = root.as_array().is_some_and(Vec::is_empty);
    match (claimed, Format::detect(root)) {
        (Some(claimed), Some(found)) if claimed == found => Ok(claimed),
        // A tool that has nothing to tell writes an empty list, which is of any format that is a list.
        (Some(claimed), None) if claimed.is_list() && (empty || root.is_null()) => Ok(claimed),
        (Some(claimed), found) => Err(ExchangeError::FormatMismatch { claimed, found }),
        (None, Some(found)) => Ok(found),
        (None, None) => Err(ExchangeError::FormatUnknown { known: Format::names() }),
    }
}

/// Refuses a file whose tree would take many times its own size, before there is a tree.
fn check_weight(bytes: &[u8]) -> Result<(), ExchangeError> {
    let (mut objects, mut values) = (0_usize, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => objects += 1,
            b',' | b'[' if !quoted => values += 1,
            _ => {}
        }
    }
    if objects > limits::OBJECTS {
        return Err(ExchangeError::TooMany { what: "JSON objects", limit: limits::OBJECTS });
    }
    if values + objects > limits::VALUES {
        return Err(ExchangeError::TooMany { what: "JSON values", limit: limits::VALUES });
    }
    Ok(())
}

/// The id that findings are known by: the first CVE where there is one, as our own judgement has it.
fn known_id(id: &str, others: &[String]) -> String {
    if id.starts_with("CVE-") {
        return id.to_owned();
    }
    let cve = others.iter().filter(|other| other.starts_with("CVE-")).min();
    cve.map_or_else(|| id.to_owned(), Clone::clone)
}
