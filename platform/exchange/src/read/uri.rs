//! From the URIs and paths of tools to paths below the thing that was looked at: forward slashes, no scheme, no leading
//! slash, no `.` and `..`.

use crate::limits;
use model::purl::decode;

/// A path as a tool writes it, on any system. Nothing where it leads out of its root, is empty or too long.
pub(crate) fn path(said: &str) -> Option<String> {
    if said.len() > limits::TEXT_BYTES {
        return None;
    }
    let said = said.trim().replace('\\', "/");
    let mut segments: Vec<&str> = Vec::new();
    for segment in said.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()?),
            _ => segments.push(segment),
        }
    }
    (!segments.is_empty()).then(|| segments.join("/"))
}

/// A URI reference as a path, below `bases`: from the inmost base to the outmost, as they stand in the file. An
/// absolute URI loses the longest base that it begins with.
pub(crate) fn reference(uri: &str, bases: &[&str], roots: &[String]) -> Option<String> {
    if uri.len() > limits::TEXT_BYTES || bases.iter().any(|base| base.len() > limits::TEXT_BYTES) {
        return None;
    }
    let uri = uri.trim();
    let plain = plain(uri);
    if has_scheme(uri) || is_absolute(&plain) {
        let absolute = decode(&plain).unwrap_or(plain);
        let below = roots
            .iter()
            .filter_map(|root| absolute.strip_prefix(root.as_str()))
            .min_by_key(|rest| rest.len());
        return path(below.unwrap_or(&absolute));
    }
    let mut whole = decode(&plain).unwrap_or(plain);
    for base in bases.iter().take_while(|base| !has_scheme(base) && !base.starts_with('/')) {
        whole = format!("{}/{whole}", decode(base).unwrap_or_else(|| (*base).to_owned()));
    }
    path(&whole)
}

/// The absolute path of a base that is one, ending in a slash.
pub(crate) fn root(base: &str) -> Option<String> {
    let plain = plain(base);
    if !(has_scheme(base) || is_absolute(&plain)) {
        return None;
    }
    let mut decoded = decode(&plain)?;
    if !decoded.ends_with('/') {
        decoded.push('/');
    }
    Some(decoded)
}

/// Without the scheme and authority of `file:`, and without a query or fragment where there is a scheme.
fn plain(uri: &str) -> String {
    let uri = uri.trim().replace('\\', "/");
    let Some((_, rest)) = uri.split_once(':').filter(|_| has_scheme(&uri)) else { return uri };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    match rest.strip_prefix("//") {
        Some(authority) => {
            authority.find('/').map_or("", |at| authority.get(at..).unwrap_or_default()).to_owned()
        }
        None => rest.to_owned(),
    }
}

/// A letter and a colon are a drive, not a scheme.
fn has_scheme(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.len() > 1
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.as_bytes().get(1) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::{path, reference, root};

    #[test]
    fn paths_of_every_system_are_one() {
        assert_eq!(path("/usr//lib/./a.so").as_deref(), Some("usr/lib/a.so"));
        assert_eq!(path("src\\app\\Main.cs").as_deref(), Some("src/app/Main.cs"));
        assert_eq!(path("a/../b").as_deref(), Some("b"));
        for bad in ["", "/", "..", "a/../../b", "."] {
            assert_eq!(path(bad), None, "{bad}");
        }
    }

    #[test]
    fn references_are_read_below_their_bases() {
        let roots = [root("file:///home/ci/app").unwrap(), root("file:///C:/agent/_work/1/s/").unwrap()];
        let read = |uri: &str, bases: &[&str]| reference(uri, bases, &roots);
        assert_eq!(
            read("my%20file.rs", &["src/", "file:///home/ci/app/"]).as_deref(),
            Some("src/my file.rs")
        );
        assert_eq!(read("file:///home/ci/app/src/a.rs", &[]).as_deref(), Some("src/a.rs"));
        assert_eq!(read("file:///C:/agent/_work/1/s/Web/a.cs", &[]).as_deref(), Some("Web/a.cs"));
        assert_eq!(read("C:\\other\\b.cs", &[]).as_deref(), Some("C:/other/b.cs"));
        assert_eq!(
            read("https://gitlab.example/g/p/-/blob/main/a.rb?x=1#L3", &[]).as_deref(),
            Some("g/p/-/blob/main/a.rb")
        );
        assert_eq!(read("100%.txt", &[]).as_deref(), Some("100%.txt"));
        assert_eq!(read("../../etc/passwd", &[]), None);
    }
}
