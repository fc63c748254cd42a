//! Strangers' text in sentences of ours, and JSON Pointers.

use model::{Gap, GapCode};

/// Longest text of a stranger that is shown, in bytes.
const SHOWN_MAX: usize = 200;

/// A stranger's text, escaped and cut.
pub(crate) fn shown(text: &str) -> String {
    let cut = text.get(..text.floor_char_boundary(SHOWN_MAX)).unwrap_or_default();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", cut.escape_debug())
}

/// A gap at a file.
pub(crate) fn gap(code: GapCode, subject: &str, reason: impl Into<String>) -> Gap {
    Gap { code, subject: subject.to_owned(), reason: reason.into() }
}

/// The folder of a file; empty for the root.
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part of a path.
pub(crate) fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// A path below a folder, `.` and `..` resolved. Nothing where it leads out of the root.
pub(crate) fn joined(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Whether a path is in a folder; everything is in the root.
pub(crate) fn is_in(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
