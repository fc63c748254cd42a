//! What the operator does not want looked at, below a scanned directory.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::error::ImageError;

/// Patterns of paths to pass over. A directory that matches is not entered.
#[derive(Debug, Clone)]
pub struct Exclude(GlobSet);

impl Exclude {
    /// Excludes nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self(GlobSet::empty())
    }

    /// Compiles globs that are matched with whole paths from the root of the scan: `*` stays within a component, `**` does not,
    /// a leading `/` says nothing.
    ///
    /// # Errors
    /// [`ImageError::Exclude`] names the glob that is none.
    pub fn new(globs: &[String]) -> Result<Self, ImageError> {
        let mut set = GlobSetBuilder::new();
        for text in globs {
            let refused =
                |why: &dyn ToString| ImageError::Exclude { glob: text.clone(), why: why.to_string() };
            let bare = text.trim_matches('/');
            if bare.is_empty() {
                return Err(refused(&"it is empty, or all that there is"));
            }
            let glob = GlobBuilder::new(bare).literal_separator(true).backslash_escape(true).build();
            set.add(glob.map_err(|error| refused(error.kind()))?);
        }
        set.build()
            .map(Self)
            .map_err(|error| ImageError::Exclude { glob: globs.join(" "), why: error.kind().to_string() })
    }

    /// Whether a path, relative to the root, is to be passed over.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        !self.0.is_empty() && self.0.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::Exclude;

    #[test]
    fn globs_are_matched_with_whole_paths() {
        let exclude = Exclude::new(&["/srv/*/target".to_owned(), "**/.git/".to_owned()]).unwrap();
        for path in ["srv/a/target", ".git", "srv/a/.git"] {
            assert!(exclude.matches(path), "{path}");
        }
        for path in ["srv/target", "srv/a/b/target", "srv/a/target2", "git", ""] {
            assert!(!exclude.matches(path), "{path}");
        }
        assert!(!Exclude::nothing().matches("srv"));
    }

    #[test]
    fn what_is_no_glob_is_refused_by_name() {
        for bad in ["", "/", "a[", "{a"] {
            let error = Exclude::new(&[bad.to_owned()]).unwrap_err();
            assert_eq!(error.code(), "image-exclude-invalid");
        }
    }
}
