//! Which of an operating-system package's files can prove a package of another kind.
//!
//! Package managers list every file, hundreds of thousands in a large image; nearly all of them can never be evidence.

use std::borrow::Cow;

use palisade_sdk::Unreadable;

/// Longest path that is kept; the longest that Linux opens.
const PATH_MAX: usize = 4096;

/// Bytes of paths kept of one database. Databases that name directories once and files many times could otherwise say in a
/// megabyte what takes gigabytes to write down.
const PATHS_MAX: usize = 32 << 20;

/// About what a path costs beyond its letters.
const PATH_OVERHEAD: usize = 32;

/// Joins directories and file names and keeps the useful paths.
pub(crate) struct Collector {
    left: usize,
    cut: bool,
}

impl Collector {
    pub(crate) fn new() -> Self {
        Self { left: PATHS_MAX, cut: false }
    }

    /// The path of a file in a directory (without slashes at its ends), if it is useful.
    pub(crate) fn path(&mut self, directory: &str, name: &str) -> Option<String> {
        if directory.is_empty() {
            return self.keep(Cow::Borrowed(name));
        }
        if directory.len() + name.len() >= PATH_MAX {
            return None;
        }
        self.keep(Cow::Owned(format!("{directory}/{name}")))
    }

    /// A whole path, if it is useful; it comes back without a leading slash.
    pub(crate) fn whole(&mut self, path: &str) -> Option<String> {
        self.keep(Cow::Borrowed(path.trim_start_matches('/')))
    }

    fn keep(&mut self, path: Cow<'_, str>) -> Option<String> {
        if path.len() > PATH_MAX || !is_useful(&path) {
            return None;
        }
        match self.left.checked_sub(path.len() + PATH_OVERHEAD) {
            Some(left) => self.left = left,
            None => self.cut = true,
        }
        (!self.cut).then(|| path.into_owned())
    }

    /// Whether all useful paths were kept.
    pub(crate) fn outcome(self) -> Result<(), Unreadable> {
        if self.cut {
            return Err(
                format!("more than {PATHS_MAX} bytes of file names; some files have no owner here").into()
            );
        }
        Ok(())
    }
}

/// Language metadata, archives, and files where executables are kept.
fn is_useful(path: &str) -> bool {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "package.json" => true,
        "METADATA" => directory.ends_with(".dist-info"),
        "PKG-INFO" => directory.ends_with(".egg-info"),
        _ => match name.rsplit_once('.') {
            Some((_, "jar" | "war" | "ear" | "par" | "egg-info")) => true,
            Some(_) => has_executables(directory),
            // Executables outside the usual directories have no extension; neither have directories, which do no harm.
            None => {
                has_executables(directory) || directory.starts_with("usr/lib/") || path.starts_with("opt/")
            }
        },
    }
}

fn has_executables(directory: &str) -> bool {
    directory.split('/').any(|segment| matches!(segment, "bin" | "sbin" | "libexec"))
}

#[cfg(test)]
mod tests {
    use super::{Collector, PATHS_MAX};

    #[test]
    fn only_possible_evidence_is_kept() {
        let list = [
            "/.",
            "/usr/bin/docker",
            "/usr/share/doc/docker/copyright",
            "/usr/lib/python3/dist-packages/six-1.16.0.egg-info",
            "/usr/lib/python3/dist-packages/idna-3.3.dist-info/METADATA",
            "/usr/lib/python3/dist-packages/idna/core.py",
            "/usr/share/java/ant.jar",
            "/usr/libexec/docker/cli-plugins/docker-compose",
            "/usr/lib/x86_64-linux-gnu/libc.so.6",
        ];
        let mut owned = Collector::new();
        let kept: Vec<String> = list.into_iter().filter_map(|path| owned.whole(path)).collect();
        let expected = [1, 3, 4, 6, 7].map(|index| list[index].trim_start_matches('/'));
        assert_eq!(kept, expected);
    }

    #[test]
    fn a_list_that_is_too_long_is_told_of() {
        let mut owned = Collector::new();
        let kept = (0..PATHS_MAX / 20).filter_map(|_| owned.whole("bin/a")).count();
        assert!((100_000..PATHS_MAX / 30).contains(&kept), "{kept}");
        assert!(owned.outcome().is_err());
    }
}
