//! What the platform does for plugins, behind the gate: state, requests, questions.
//!
//! An implementation serves and never decides: whether a plugin may ask has been settled by [`crate::Rights`] before it hears of
//! it. It sees who asks on every call, so that nothing is ever answered with the host's own rights.

use std::time::Instant;

use model::{Digest, TenantId};
use serde::{Deserialize, Serialize};

use crate::analysis::SharedBytes;
use crate::bytes_text;

/// Who asks, and until when an answer is of use.
#[derive(Debug, Clone)]
pub struct Caller {
    /// For whose data.
    pub tenant: TenantId,
    /// Id of the plugin. State belongs to it, over all its versions.
    pub plugin: String,
    /// Digest of its component.
    pub digest: Digest,
    /// When the call ends whatever happens.
    pub deadline: Instant,
}

/// Why there is no answer, as the guest sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Not allowed; the text names the capability and what was asked.
    Denied(String),
    /// A limit of the call is used up; the text names it.
    Limit(String),
    /// The argument is not usable.
    Invalid(String),
    /// There is no such thing.
    NotFound,
    /// It failed outside.
    Unavailable(String),
}

/// A request that a plugin sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// Method, one of [`crate::rights::METHODS`].
    pub method: String,
    /// Absolute URL, as the gate has read it: without user-info and fragment.
    pub url: String,
    /// Header names and values; none of them carries credentials.
    pub headers: Vec<(String, String)>,
    /// Body.
    #[serde(with = "bytes_text")]
    pub body: Vec<u8>,
    /// Name of the secret to put in.
    pub secret: Option<String>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// Body.
    #[serde(with = "bytes_text")]
    pub body: Vec<u8>,
}

/// An advisory that applies to a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvisoryAnswer {
    /// Primary id.
    pub id: String,
    /// All ids.
    pub aliases: Vec<String>,
    /// Versions that mend it.
    pub fixed: Vec<String>,
}

/// An asset joined to another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelatedAsset {
    /// Canonical id.
    pub id: String,
    /// Kind, by which the gate leaves out what was not granted.
    pub kind: String,
}

/// The platform's side of every capability. What a process does not serve it leaves to the default, [`Refusal::Unavailable`].
pub trait Services: Send + Sync {
    /// The value of a key of the plugin's state.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] when the state cannot be read.
    fn state_get(&self, caller: &Caller, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let _ = (caller, key);
        Err(unserved("state"))
    }

    /// Keys after `after` that start with `prefix`, sorted by bytes, at most `limit`.
    ///
    /// # Errors
    /// As [`Services::state_get`].
    fn state_keys(
        &self,
        caller: &Caller,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Refusal> {
        let _ = (caller, prefix, after, limit);
        Err(unserved("state"))
    }

    /// Bytes of all keys and values together.
    ///
    /// # Errors
    /// As [`Services::state_get`].
    fn state_bytes(&self, caller: &Caller) -> Result<u64, Refusal> {
        let _ = caller;
        Err(unserved("state"))
    }

    /// Sends one request, follows no redirect and reads at most `body_bytes_max` of the answer. Puts the named secret in, if it
    /// may go to this host.
    ///
    /// # Errors
    /// [`Refusal::Denied`] when the guard refuses the address or the secret, [`Refusal::Limit`] when the answer is larger,
    /// [`Refusal::Unavailable`] when none comes.
    fn http(
        &self,
        caller: &Caller,
        request: &HttpRequest,
        body_bytes_max: usize,
    ) -> Result<HttpResponse, Refusal> {
        let _ = (caller, request, body_bytes_max);
        Err(unserved("http"))
    }

    /// Advisories that apply to the package of a purl.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for what is no purl, [`Refusal::Unavailable`] without advisories.
    fn advisories(&self, caller: &Caller, purl: &str) -> Result<Vec<AdvisoryAnswer>, Refusal> {
        let _ = (caller, purl);
        Err(unserved("advisories"))
    }

    /// Kind of an asset of the tenant.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when there is no such asset.
    fn asset_kind(&self, caller: &Caller, asset: &str) -> Result<String, Refusal> {
        let _ = (caller, asset);
        Err(unserved("assets"))
    }

    /// Attributes of an asset as JSON.
    ///
    /// # Errors
    /// As [`Services::asset_kind`].
    fn describe(&self, caller: &Caller, asset: &str) -> Result<Vec<u8>, Refusal> {
        let _ = (caller, asset);
        Err(unserved("assets"))
    }

    /// Assets joined to this one by a kind of edge, at most `limit`.
    ///
    /// # Errors
    /// As [`Services::asset_kind`].
    fn related(
        &self,
        caller: &Caller,
        asset: &str,
        edge: &str,
        limit: usize,
    ) -> Result<Vec<RelatedAsset>, Refusal> {
        let _ = (caller, asset, edge, limit);
        Err(unserved("assets"))
    }

    /// A blob of a registry. The gate compares it with its digest.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] or [`Refusal::Unavailable`].
    fn blob(&self, caller: &Caller, repository: &str, digest: &Digest) -> Result<SharedBytes, Refusal> {
        let _ = (caller, repository, digest);
        Err(unserved("blob"))
    }
}

fn unserved(capability: &str) -> Refusal {
    Refusal::Unavailable(format!("this process does not serve the capability `{capability}`"))
}

/// Serves nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoServices;

impl Services for NoServices {}
