//! Versions of Falco's engine.

/// Major, minor, patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u64, pub(crate) u64, pub(crate) u64);

impl Version {
    /// Reads `MAJOR.MINOR.PATCH` or, as once was usual, the minor version alone.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let numbers = text.trim().split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>()?;
        match numbers.as_slice() {
            [minor] => Some(Self(0, *minor, 0)),
            [major, minor] => Some(Self(*major, *minor, 0)),
            [major, minor, patch] => Some(Self(*major, *minor, *patch)),
            _ => None,
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}
