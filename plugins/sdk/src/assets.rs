//! Indexed questions about the tenant's assets; needs the capability `assets`.

use serde::de::DeserializeOwned;

use crate::{Error, HostError, host};

/// The attributes of an asset as JSON text.
///
/// # Errors
/// [`HostError::Denied`] for a kind of asset that is not granted, [`HostError::NotFound`] for an asset that is not known.
pub fn describe(asset: &str) -> Result<Vec<u8>, HostError> {
    host::assets_describe(asset)
}

/// The attributes of an asset as a type of the plugin's own; nothing for an asset that is not known.
///
/// # Errors
/// Those of [`describe`] but the last, and [`Error::Other`] for attributes that are not of this type.
pub fn describe_json<T: DeserializeOwned>(asset: &str) -> Result<Option<T>, Error> {
    let bytes = match describe(asset) {
        Ok(bytes) => bytes,
        Err(HostError::NotFound) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let value = serde_json::from_slice(&bytes);
    value.map(Some).map_err(|error| Error::Other(format!("the asset {asset:?} is not as expected: {error}")))
}

/// Ids of assets joined to this one by a kind of edge, at most `limit`.
///
/// # Errors
/// As [`describe`].
pub fn related(asset: &str, edge: &str, limit: u32) -> Result<Vec<String>, HostError> {
    host::assets_related(asset, edge, limit)
}
