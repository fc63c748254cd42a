//! What stands behind the gate while a case runs: the answers of `host.json`, and nothing else.
//!
//! The gate in front of it is production's: what the manifest does not ask for is denied, whatever the file holds. What is not
//! in the file is not there (`not-found`) or cannot be reached (`unavailable`), because an answer that nobody wrote down would
//! be one that nobody looked at.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use host::services::{AdvisoryAnswer, Caller, HttpRequest, HttpResponse, RelatedAsset};
use host::{Capability, HttpRule, Manifest, Refusal, Rights, SecretRule, Services, SharedBytes};
use model::Digest;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::case::RawBytes;

/// `host.json` as it is written.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct RawHost {
    state: BTreeMap<String, String>,
    http: Vec<RawHttp>,
    assets: BTreeMap<String, Map<String, Value>>,
    related: BTreeMap<String, Vec<String>>,
    advisories: Option<BTreeMap<String, Vec<AdvisoryAnswer>>>,
    blobs: BTreeMap<String, RawBytes>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHttp {
    method: String,
    url: String,
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
}

/// One request that will come, and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    method: String,
    url: String,
    response: HttpResponse,
}

/// `host.json`, checked.
#[derive(Debug, Clone)]
pub(crate) struct Played {
    state: BTreeMap<String, Vec<u8>>,
    pub(crate) http: Vec<Exchange>,
    assets: BTreeMap<String, Map<String, Value>>,
    related: BTreeMap<String, Vec<String>>,
    advisories: Option<BTreeMap<String, Vec<AdvisoryAnswer>>>,
    blobs: BTreeMap<String, Arc<Vec<u8>>>,
    /// The kind of an asset that does not say its own.
    kind: String,
    hosts: Vec<String>,
}

impl Played {
    pub(crate) fn new(raw: RawHost, manifest: &Manifest, folder: &Path) -> Result<Self, String> {
        let mut hosts = Vec::new();
        let mut http = Vec::new();
        for one in raw.http {
            let mut url = Url::parse(&one.url).map_err(|error| format!("the url {:?}: {error}", one.url))?;
            url.set_fragment(None);
            hosts.extend(host_of(&url));
            let body = match one.body {
                Value::Null => Vec::new(),
                Value::String(text) => text.into_bytes(),
                other => other.to_string().into_bytes(),
            };
            let headers = one.headers.into_iter().collect();
            let response = HttpResponse { status: one.status, headers, body };
            http.push(Exchange { method: one.method, url: url.to_string(), response });
        }
        hosts.sort();
        hosts.dedup();
        let mut blobs = BTreeMap::new();
        for (name, bytes) in raw.blobs {
            blobs.insert(name, Arc::new(bytes.read(folder)?));
        }
        Ok(Self {
            state: raw.state.into_iter().map(|(key, value)| (key, value.into_bytes())).collect(),
            http,
            assets: raw.assets,
            related: raw.related,
            advisories: raw.advisories,
            blobs,
            kind: manifest.asked().assets.first().cloned().unwrap_or_default(),
            hosts,
        })
    }

    /// All that the manifest asks for, as an operator would grant it: hosts that it leaves open are those of `host.json`.
    pub(crate) fn granted(&self, manifest: &Manifest) -> Rights {
        let asked = manifest.asked();
        let named = |rule: &HttpRule| -> Vec<HttpRule> {
            let hosts = if rule.host == "*" { self.hosts.clone() } else { vec![rule.host.clone()] };
            hosts.into_iter().map(|host| HttpRule { host, ..rule.clone() }).collect()
        };
        let http: Vec<HttpRule> = asked.http.iter().flat_map(named).collect();
        let mut hosts: Vec<String> = http.iter().map(|rule| rule.host.clone()).collect();
        hosts.sort();
        hosts.dedup();
        let secrets = asked
            .secrets
            .iter()
            .filter(|_| !hosts.is_empty())
            .map(|secret| SecretRule { name: secret.name.clone(), hosts: hosts.clone() })
            .collect();
        Rights { http, secrets, ..asked }
    }

    /// The same with every answer of another system cut after a share of its bytes.
    pub(crate) fn cut(&self, cut: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        let mut other = self.clone();
        for exchange in &mut other.http {
            exchange.response.body = cut(&exchange.response.body);
        }
        other
    }

    /// Services that answer one call.
    pub(crate) fn services(&self) -> Arc<dyn Services> {
        Arc::new(Fakes { played: self.clone(), used: Mutex::default() })
    }
}

/// The host of a URL as rules write it: the port only where it is not 443.
fn host_of(url: &Url) -> Option<String> {
    let host = url.host_str()?.to_ascii_lowercase();
    Some(match (url.scheme(), url.port()) {
        ("http", None) => format!("{host}:80"),
        (_, Some(port)) => format!("{host}:{port}"),
        _ => host,
    })
}

struct Fakes {
    played: Played,
    /// Which exchanges have happened.
    used: Mutex<Vec<bool>>,
}

impl Fakes {
    fn kind(&self, attributes: &Map<String, Value>) -> String {
        attributes.get("kind").and_then(Value::as_str).map_or_else(|| self.played.kind.clone(), str::to_owned)
    }

    fn asset(&self, asset: &str) -> Result<&Map<String, Value>, Refusal> {
        self.played.assets.get(asset).ok_or(Refusal::NotFound)
    }
}

impl Services for Fakes {
    fn state_get(&self, _caller: &Caller, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.played.state.get(key).cloned())
    }

    fn state_keys(
        &self,
        _caller: &Caller,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Refusal> {
        let keys = self.played.state.keys().filter(|key| key.starts_with(prefix));
        let behind = keys.filter(|key| after.is_none_or(|after| key.as_str() > after));
        Ok(behind.take(limit).cloned().collect())
    }

    fn state_bytes(&self, _caller: &Caller) -> Result<u64, Refusal> {
        let bytes: usize = self.played.state.iter().map(|(key, value)| key.len() + value.len()).sum();
        Ok(u64::try_from(bytes).unwrap_or(u64::MAX))
    }

    /// The first exchange of this method and address that has not happened; when all have, the last one again.
    fn http(
        &self,
        _caller: &Caller,
        request: &HttpRequest,
        body_bytes_max: usize,
    ) -> Result<HttpResponse, Refusal> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.resize(self.played.http.len(), false);
        let mut found = None;
        for (exchange, used) in self.played.http.iter().zip(used.iter_mut()) {
            if exchange.method == request.method && exchange.url == request.url {
                found = Some(&exchange.response);
                if !std::mem::replace(used, true) {
                    break;
                }
            }
        }
        let Some(response) = found else {
            return Err(Refusal::Unavailable(format!("host.json has no {} {}", request.method, request.url)));
        };
        if response.body.len() > body_bytes_max {
            return Err(Refusal::Limit("egress-mib".to_owned()));
        }
        Ok(response.clone())
    }

    fn advisories(&self, _caller: &Caller, purl: &str) -> Result<Vec<AdvisoryAnswer>, Refusal> {
        match &self.played.advisories {
            Some(known) => Ok(known.get(purl).cloned().unwrap_or_default()),
            None => Err(Refusal::Unavailable("host.json has no advisories".to_owned())),
        }
    }

    fn asset_kind(&self, _caller: &Caller, asset: &str) -> Result<String, Refusal> {
        self.asset(asset).map(|attributes| self.kind(attributes))
    }

    fn describe(&self, _caller: &Caller, asset: &str) -> Result<Vec<u8>, Refusal> {
        Ok(Value::Object(self.asset(asset)?.clone()).to_string().into_bytes())
    }

    fn related(
        &self,
        _caller: &Caller,
        asset: &str,
        edge: &str,
        limit: usize,
    ) -> Result<Vec<RelatedAsset>, Refusal> {
        let ids = self.played.related.get(&format!("{asset}/{edge}")).map(Vec::as_slice).unwrap_or_default();
        let kind = |id: &String| {
            self.played.assets.get(id).map_or_else(|| self.played.kind.clone(), |it| self.kind(it))
        };
        Ok(ids.iter().take(limit).map(|id| RelatedAsset { id: id.clone(), kind: kind(id) }).collect())
    }

    fn blob(&self, _caller: &Caller, repository: &str, digest: &Digest) -> Result<SharedBytes, Refusal> {
        let blob = self.played.blobs.get(&format!("{repository}@{digest}")).ok_or(Refusal::NotFound)?;
        Ok(Arc::clone(blob) as SharedBytes)
    }
}

/// Capabilities that the host's imports belong to, by the interface's name.
pub(crate) fn capability_of(import: &str) -> Option<Capability> {
    let (interface, _) = import.strip_prefix("palisade:host/")?.split_once('@')?;
    Capability::from_name(interface)
}

#[cfg(test)]
mod tests {
    use super::{Played, RawHost};
    use crate::case::manifest;
    use host::services::{Caller, HttpRequest};
    use host::{Refusal, Services};
    use std::sync::Arc;

    fn played(text: &str) -> Played {
        let raw: RawHost = serde_json::from_str(text).unwrap();
        Played::new(raw, &manifest("collector"), std::path::Path::new(".")).unwrap()
    }

    fn caller() -> Caller {
        Caller {
            tenant: model::TenantId::default_tenant(),
            plugin: "a.b".to_owned(),
            digest: model::Digest::from_sha256([0; 32]),
            deadline: std::time::Instant::now(),
        }
    }

    fn send(services: &Arc<dyn Services>, url: &str) -> Result<String, Refusal> {
        let request = HttpRequest {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            secret: None,
        };
        let response = services.http(&caller(), &request, 1_000)?;
        Ok(String::from_utf8(response.body).unwrap())
    }

    #[test]
    fn requests_are_answered_in_order_and_only_as_written() {
        let played = played(
            r#"{"http": [
                {"method": "GET", "url": "https://a.example:8443/v1/x", "status": 200, "body": "one"},
                {"method": "GET", "url": "https://a.example:8443/v1/x", "status": 200, "body": {"two": 2}}]}"#,
        );
        let services = played.services();
        let url = "https://a.example:8443/v1/x";
        assert_eq!(send(&services, url).unwrap(), "one");
        assert_eq!(send(&services, url).unwrap(), "{\"two\":2}");
        assert_eq!(send(&services, url).unwrap(), "{\"two\":2}");
        assert!(matches!(send(&services, "https://a.example/v1/x"), Err(Refusal::Unavailable(_))));
        let rights = played.granted(&manifest("collector"));
        assert_eq!(rights.http[0].host, "a.example:8443");
        assert_eq!(rights.secrets[0].hosts, ["a.example:8443"]);
        assert!(rights.check_grant().is_ok());
    }

    #[test]
    fn what_is_not_written_down_is_not_there() {
        let services = played(
            r#"{"assets": {"a": {"x": 1}, "b": {"kind": "secret"}}, "related": {"a/runs": ["b", "c"]}}"#,
        )
        .services();
        assert_eq!(services.asset_kind(&caller(), "a"), Ok("workload".to_owned()));
        assert_eq!(services.asset_kind(&caller(), "b"), Ok("secret".to_owned()));
        assert_eq!(services.describe(&caller(), "c"), Err(Refusal::NotFound));
        let related = services.related(&caller(), "a", "runs", 9).unwrap();
        assert_eq!(related.iter().map(|one| one.kind.as_str()).collect::<Vec<_>>(), ["secret", "workload"]);
        assert!(matches!(services.advisories(&caller(), "pkg:npm/a@1"), Err(Refusal::Unavailable(_))));
        assert_eq!(services.state_get(&caller(), "a"), Ok(None));
    }
}
