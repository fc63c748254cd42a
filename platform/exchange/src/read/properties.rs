//! Properties of our own CycloneDX documents, for what the format has no member for.

/// Of a component: the kind of asset that it stands for.
pub(crate) const ASSET_KIND: &str = "palisade:asset:kind";

/// Of a vulnerability: the state of its fix.
pub(crate) const FIX: &str = "palisade:fix";

/// Of a vulnerability: the key of the finding.
pub(crate) const KEY: &str = "palisade:key";

/// Of a vulnerability: why it does not count, as JSON.
pub(crate) const SUPPRESSED: &str = "palisade:suppressed";
