//! The choke point: the one way from a guest to anything outside its call.
//!
//! Every host call that needs a grant becomes an [`Ask`] and goes through [`Gate::pass`]: the rights of this tenant, for this
//! digest, decide before anybody is asked; what is refused and what leaves the machine is noted for the audit log; and the
//! answer is kept for the transcript, or comes from one. There is no other function that reaches [`Services`].

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::analysis::SharedBytes;
use crate::overlay::Overlay;
use crate::rights::{Capability, Rights};
use crate::services::{AdvisoryAnswer, Caller, HttpRequest, HttpResponse, Refusal, RelatedAsset, Services};
use crate::target;
use crate::transcript::{Exchange, Recorder, Replayer};

/// Audit entries kept of one call; what goes over is counted.
const AUDIT_MAX: usize = 256;
/// Bytes of one audit entry's text.
const AUDIT_TEXT_MAX: usize = 300;
/// Longest id of an asset, purl or repository.
const NAME_BYTES_MAX: usize = 2 * 1024;
/// Most keys and related assets in one answer.
const LISTED_MAX: usize = 1_000;

/// What a guest asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "call")]
#[expect(missing_docs, reason = "the fields are the arguments in wit/host, documented there")]
pub enum Ask {
    /// `state.get`.
    StateGet { key: String },
    /// `state.set`.
    StateSet {
        key: String,
        #[serde(with = "crate::bytes_text")]
        value: Vec<u8>,
    },
    /// `state.delete`.
    StateDelete { key: String },
    /// `state.keys`.
    StateKeys { prefix: String, after: Option<String>, limit: u32 },
    /// `advisories.matching`.
    AdvisoriesMatching { purl: String },
    /// `assets.describe`.
    AssetsDescribe { asset: String },
    /// `assets.related`.
    AssetsRelated { asset: String, edge: String, limit: u32 },
    /// `blob.open`.
    BlobOpen { repository: String, digest: String },
    /// `http.send`.
    HttpSend { request: HttpRequest },
}

impl Ask {
    /// Name of the host call, as in WIT.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::StateGet { .. } => "state.get",
            Self::StateSet { .. } => "state.set",
            Self::StateDelete { .. } => "state.delete",
            Self::StateKeys { .. } => "state.keys",
            Self::AdvisoriesMatching { .. } => "advisories.matching",
            Self::AssetsDescribe { .. } => "assets.describe",
            Self::AssetsRelated { .. } => "assets.related",
            Self::BlobOpen { .. } => "blob.open",
            Self::HttpSend { .. } => "http.send",
        }
    }

    /// The capability that it needs; a request with a secret needs [`Capability::Secret`] as well.
    #[must_use]
    pub fn capability(&self) -> Capability {
        match self {
            Self::StateGet { .. }
            | Self::StateSet { .. }
            | Self::StateDelete { .. }
            | Self::StateKeys { .. } => Capability::State,
            Self::AdvisoriesMatching { .. } => Capability::Advisories,
            Self::AssetsDescribe { .. } | Self::AssetsRelated { .. } => Capability::Assets,
            Self::BlobOpen { .. } => Capability::Blob,
            Self::HttpSend { .. } => Capability::Http,
        }
    }

    /// Names that nothing has are refused before anybody looks for them.
    fn check_names(&self) -> Result<(), Refusal> {
        let names: &[(&str, &str)] = match self {
            Self::AdvisoriesMatching { purl } => &[("purl", purl)],
            Self::AssetsDescribe { asset } => &[("asset", asset)],
            Self::AssetsRelated { asset, edge, .. } => &[("asset", asset), ("edge", edge)],
            Self::BlobOpen { repository, digest } => &[("repository", repository), ("digest", digest)],
            _ => &[],
        };
        let odd = |name: &str| name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains('\0');
        match names.iter().find(|(_, name)| odd(name)) {
            Some((what, _)) => {
                Err(Refusal::Invalid(format!("the {what} is empty or has more than {NAME_BYTES_MAX} bytes")))
            }
            None => Ok(()),
        }
    }

    /// Bytes that it carries towards the host.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::StateGet { key } | Self::StateDelete { key } => key.len(),
            Self::StateSet { key, value } => key.len().saturating_add(value.len()),
            Self::StateKeys { prefix, after, .. } => prefix.len() + after.as_ref().map_or(0, String::len),
            Self::AdvisoriesMatching { purl } => purl.len(),
            Self::AssetsDescribe { asset } => asset.len(),
            Self::AssetsRelated { asset, edge, .. } => asset.len() + edge.len(),
            Self::BlobOpen { repository, digest } => repository.len() + digest.len(),
            Self::HttpSend { request } => {
                let headers: usize =
                    request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
                request.url.len().saturating_add(headers).saturating_add(request.body.len())
            }
        }
    }
}

/// What it gets.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// Nothing but success.
    Done,
    /// A value, or none.
    Value(#[serde(with = "crate::bytes_text::optional")] Option<Vec<u8>>),
    /// Keys, or ids of assets.
    Names(Vec<String>),
    /// Advisories.
    Advisories(Vec<AdvisoryAnswer>),
    /// A response.
    Response(HttpResponse),
    /// A blob, lent through a handle.
    Blob(#[serde(with = "crate::transcript::blob")] SharedBytes),
}

impl Reply {
    /// Bytes that it carries towards the guest. A blob is counted when it is read.
    pub(crate) fn bytes(&self) -> usize {
        let texts = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
        match self {
            Self::Done | Self::Blob(_) | Self::Value(None) => 0,
            Self::Value(Some(bytes)) => bytes.len(),
            Self::Names(names) => texts(names),
            Self::Advisories(all) => {
                all.iter().map(|one| one.id.len() + texts(&one.aliases) + texts(&one.fixed)).sum()
            }
            Self::Response(response) => {
                let headers: usize =
                    response.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
                response.body.len().saturating_add(headers)
            }
        }
    }
}

/// What became of an ask, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Audit {
    /// The capability.
    pub capability: Capability,
    /// What was asked, without anything secret: `POST api.example.com/hook`.
    pub what: String,
    /// Whether it was within the rights.
    pub allowed: bool,
}

/// Counts of one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) calls: BTreeMap<Capability, u64>,
    pub(crate) bytes_out: u64,
    pub(crate) audit: Vec<Audit>,
    pub(crate) audit_dropped: u64,
}

/// Where answers come from.
pub(crate) enum Source {
    Live(Arc<dyn Services>),
    Replay(Replayer),
}

/// The gate of one call.
pub(crate) struct Gate {
    caller: Caller,
    asked: Arc<Rights>,
    granted: Arc<Rights>,
    source: Source,
    pub(crate) overlay: Overlay,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) tally: Tally,
    requests_left: u32,
    egress_left: usize,
}

/// What one call may send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Egress {
    pub(crate) requests: u32,
    pub(crate) bytes: usize,
}

impl Gate {
    pub(crate) fn new(
        caller: Caller,
        (asked, granted): (Arc<Rights>, Arc<Rights>),
        source: Source,
        egress: Egress,
        record: bool,
    ) -> Self {
        Self {
            caller,
            asked,
            granted,
            source,
            overlay: Overlay::default(),
            recorder: record.then(Recorder::default),
            tally: Tally::default(),
            requests_left: egress.requests,
            egress_left: egress.bytes,
        }
    }

    /// Lets one ask through, or not.
    pub(crate) fn pass(&mut self, ask: Ask) -> Result<Reply, Refusal> {
        let count = self.tally.calls.entry(ask.capability()).or_default();
        *count = count.saturating_add(1);
        let (ask, judged) = self.judge(ask);
        let answer = match (judged, &mut self.source) {
            (Err(refusal), Source::Live(_)) => Err(refusal),
            (_, Source::Replay(replayer)) => {
                let answer = replayer.next(&ask);
                if answer.is_ok() {
                    self.overlay.repeat(&ask);
                }
                answer
            }
            (Ok(()), Source::Live(services)) => {
                let services = Arc::clone(services);
                self.serve(&*services, &ask)
            }
        };
        self.note(&ask, &answer);
        if let Some(recorder) = &mut self.recorder {
            recorder.push(Exchange { ask, answer: answer.clone() });
        }
        answer
    }

    /// Whether the rights allow it. Gives the ask as it was understood, so that what was judged is what is done.
    fn judge(&self, ask: Ask) -> (Ask, Result<(), Refusal>) {
        if let Err(refusal) = ask.check_names() {
            return (ask, Err(refusal));
        }
        let denied = |what: &str| Err(Refusal::Denied(format!("{}: {what}", ask.capability())));
        let both = |test: &dyn Fn(&Rights) -> bool| test(&self.asked) && test(&self.granted);
        let verdict = match &ask {
            Ask::StateGet { .. } | Ask::StateSet { .. } | Ask::StateDelete { .. } | Ask::StateKeys { .. } => {
                if self.state_bytes_max() > 0 {
                    Ok(())
                } else {
                    denied("no state is granted")
                }
            }
            Ask::AdvisoriesMatching { .. } => {
                if both(&|rights| rights.advisories) {
                    Ok(())
                } else {
                    denied("it is not granted")
                }
            }
            // Who asks for assets of one kind alone, `EDGE:KIND`, must not take a refusal for there being none.
            Ask::AssetsRelated { edge, .. }
                if edge
                    .split_once(':')
                    .is_some_and(|(_, kind)| !both(&|rights| rights.allows_asset(kind))) =>
            {
                denied(&format!("{} asks for a kind that is not granted", crate::error::shown(edge)))
            }
            // The kind of the asset decides, and only the inventory knows it; see `serve`.
            Ask::AssetsDescribe { .. } | Ask::AssetsRelated { .. } => {
                if both(&|rights| !rights.assets.is_empty()) { Ok(()) } else { denied("it is not granted") }
            }
            Ask::BlobOpen { repository, .. } => {
                if both(&|rights| rights.allows_blob(repository)) {
                    Ok(())
                } else {
                    denied(&crate::error::shown(repository))
                }
            }
            Ask::HttpSend { request } => {
                let target = match target::read(request) {
                    Ok(target) => target,
                    Err(refusal) => return (ask, Err(refusal)),
                };
                let verdict = self.judge_request(&target, request.secret.as_deref());
                let Ask::HttpSend { request } = ask else { return (ask, verdict) };
                let request = HttpRequest { url: target.url, ..request };
                return (Ask::HttpSend { request }, verdict);
            }
        };
        (ask, verdict)
    }

    fn judge_request(&self, target: &target::Target, secret: Option<&str>) -> Result<(), Refusal> {
        let target::Target { host, method, path, .. } = target;
        if !(self.asked.allows_http(host, method, path) && self.granted.allows_http(host, method, path)) {
            return Err(Refusal::Denied(format!("http: {}", target.shown())));
        }
        let Some(name) = secret else { return Ok(()) };
        if self.asked.allows_secret(name, host, true) && self.granted.allows_secret(name, host, false) {
            return Ok(());
        }
        Err(Refusal::Denied(format!("secret: {} to {host}", crate::error::shown(name))))
    }

    fn state_bytes_max(&self) -> u64 {
        self.asked.state_bytes.min(self.granted.state_bytes)
    }

    fn allows_kind(&self, kind: &str) -> bool {
        self.asked.allows_asset(kind) && self.granted.allows_asset(kind)
    }

    fn serve(&mut self, services: &dyn Services, ask: &Ask) -> Result<Reply, Refusal> {
        let bytes_max = self.state_bytes_max();
        let caller = &self.caller;
        match ask {
            Ask::StateGet { key } => self.overlay.get(services, caller, key).map(Reply::Value),
            Ask::StateSet { key, value } => {
                self.overlay.set(services, caller, key, Some(value), bytes_max).map(|()| Reply::Done)
            }
            Ask::StateDelete { key } => {
                self.overlay.set(services, caller, key, None, bytes_max).map(|()| Reply::Done)
            }
            Ask::StateKeys { prefix, after, limit } => {
                let limit = listed(*limit);
                self.overlay.keys(services, caller, prefix, after.as_deref(), limit).map(Reply::Names)
            }
            Ask::AdvisoriesMatching { purl } => services.advisories(caller, purl).map(Reply::Advisories),
            Ask::AssetsDescribe { asset } => {
                self.asset(services, asset)?;
                services.describe(caller, asset).map(|bytes| Reply::Value(Some(bytes)))
            }
            Ask::AssetsRelated { asset, edge, limit } => {
                self.asset(services, asset)?;
                let found = services.related(caller, asset, edge, listed(*limit))?;
                let allowed = |one: &RelatedAsset| self.allows_kind(&one.kind);
                Ok(Reply::Names(found.into_iter().filter(allowed).map(|one| one.id).collect()))
            }
            Ask::BlobOpen { repository, digest } => {
                let digest = model::Digest::parse(digest)
                    .map_err(|error| Refusal::Invalid(crate::error::shown(&error.to_string())))?;
                let bytes = services.blob(caller, repository, &digest)?;
                if crate::inspect::digest((*bytes).as_ref()) != digest {
                    return Err(Refusal::Unavailable("the registry gave another blob".to_owned()));
                }
                Ok(Reply::Blob(bytes))
            }
            Ask::HttpSend { request } => self.send(services, ask.bytes(), request).map(Reply::Response),
        }
    }

    /// An asset of a kind that may be asked about.
    fn asset(&self, services: &dyn Services, asset: &str) -> Result<(), Refusal> {
        let kind = services.asset_kind(&self.caller, asset)?;
        if self.allows_kind(&kind) {
            return Ok(());
        }
        Err(Refusal::Denied("assets: this kind of asset is not granted".to_owned()))
    }

    fn send(
        &mut self,
        services: &dyn Services,
        bytes: usize,
        request: &HttpRequest,
    ) -> Result<HttpResponse, Refusal> {
        let Some(left) = self.requests_left.checked_sub(1) else {
            return Err(Refusal::Limit("requests".to_owned()));
        };
        self.requests_left = left;
        let Some(egress_left) = self.egress_left.checked_sub(bytes) else {
            return Err(Refusal::Limit("egress-mib".to_owned()));
        };
        self.egress_left = egress_left;
        self.tally.bytes_out = self.tally.bytes_out.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        let mut response = services.http(&self.caller, request, self.egress_left)?;
        // A session of the other side is a credential, and credentials are never the guest's.
        response.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("set-cookie"));
        let answer = Reply::Response(response.clone()).bytes();
        self.egress_left = self.egress_left.saturating_sub(answer);
        Ok(response)
    }

    /// Keeps what an operator wants to read later: everything denied, and everything that left the machine.
    fn note(&mut self, ask: &Ask, answer: &Result<Reply, Refusal>) {
        let denied = matches!(answer, Err(Refusal::Denied(_)));
        let outward = matches!(ask, Ask::HttpSend { .. } | Ask::BlobOpen { .. });
        if !denied && !outward {
            return;
        }
        if self.tally.audit.len() >= AUDIT_MAX {
            self.tally.audit_dropped = self.tally.audit_dropped.saturating_add(1);
            return;
        }
        let what = match ask {
            Ask::HttpSend { request } => match target::read(request) {
                Ok(target) => {
                    let secret = request.secret.as_deref().map(crate::error::shown);
                    let with = secret.map_or_else(String::new, |name| format!(" with the secret {name}"));
                    format!("{}{with}", target.shown())
                }
                Err(_) => "a request that cannot be read".to_owned(),
            },
            Ask::BlobOpen { repository, digest } => {
                format!("{}@{}", crate::error::shown(repository), crate::error::shown(digest))
            }
            Ask::AssetsDescribe { asset } | Ask::AssetsRelated { asset, .. } => crate::error::shown(asset),
            other => other.name().to_owned(),
        };
        let what = what.chars().take(AUDIT_TEXT_MAX).collect();
        self.tally.audit.push(Audit { capability: ask.capability(), what, allowed: !denied });
    }
}

fn listed(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(LISTED_MAX).min(LISTED_MAX)
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
