//! Questions to the advisory index; needs the capability `advisories`.

use crate::{HostError, host};

/// One advisory that applies to a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advisory {
    /// Primary id.
    pub id: String,
    /// All ids.
    pub aliases: Vec<String>,
    /// Versions that mend it.
    pub fixed: Vec<String>,
}

/// The advisories that apply to a package, named by its purl.
///
/// # Errors
/// [`HostError::Denied`] without the grant, [`HostError::Invalid`] for a purl that is none.
pub fn matching(purl: &str) -> Result<Vec<Advisory>, HostError> {
    host::advisories_matching(purl)
}
