//! The platform's side as the tests play it: state in memory, replies by URL, assets by id, everything that arrived on record.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use host::services::{AdvisoryAnswer, Caller, HttpRequest, HttpResponse, RelatedAsset};
use host::{CallContext, Grant, Outcome, Plugin, Refusal, Rights, SecretRule, Services, SharedBytes};
use model::{Digest, TenantId};

/// State by tenant and plugin.
type States = BTreeMap<(String, String), BTreeMap<String, Vec<u8>>>;

#[derive(Default)]
pub(crate) struct Played {
    pub(crate) states: Mutex<States>,
    /// Replies by method and URL.
    pub(crate) replies: BTreeMap<(&'static str, &'static str), (u16, &'static str)>,
    /// Kinds and descriptions by asset.
    pub(crate) assets: BTreeMap<&'static str, (&'static str, &'static str)>,
    pub(crate) sent: Mutex<Vec<HttpRequest>>,
}

fn owner(caller: &Caller) -> (String, String) {
    (caller.tenant.to_string(), caller.plugin.clone())
}

impl Played {
    /// Keeps what a call changed, as the platform does together with its answer.
    pub(crate) fn keep(&self, tenant: &TenantId, plugin: &Plugin, outcome: &Outcome) {
        let mut states = self.states.lock().unwrap();
        let state = states.entry((tenant.to_string(), plugin.manifest().id.clone())).or_default();
        for (key, value) in &outcome.state {
            match value {
                Some(value) => state.insert(key.clone(), value.clone()),
                None => state.remove(key),
            };
        }
    }
}

impl Services for Played {
    fn state_get(&self, caller: &Caller, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let states = self.states.lock().unwrap();
        Ok(states.get(&owner(caller)).and_then(|state| state.get(key).cloned()))
    }

    fn state_keys(
        &self,
        caller: &Caller,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Refusal> {
        let states = self.states.lock().unwrap();
        let keys = states.get(&owner(caller)).into_iter().flat_map(BTreeMap::keys);
        let wanted =
            keys.filter(|key| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after));
        Ok(wanted.take(limit).cloned().collect())
    }

    fn state_bytes(&self, caller: &Caller) -> Result<u64, Refusal> {
        let states = self.states.lock().unwrap();
        let pairs = states.get(&owner(caller)).into_iter().flatten();
        Ok(pairs.map(|(key, value)| (key.len() + value.len()) as u64).sum())
    }

    fn http(&self, _: &Caller, request: &HttpRequest, _: usize) -> Result<HttpResponse, Refusal> {
        self.sent.lock().unwrap().push(request.clone());
        let reply = self
            .replies
            .iter()
            .find(|((method, url), _)| *method == request.method && *url == request.url)
            .map(|(_, reply)| *reply);
        let (status, body) = reply.ok_or_else(|| Refusal::Unavailable("nobody answers".to_owned()))?;
        let headers = match status {
            302 => vec![("location".to_owned(), "https://evil.example/taken".to_owned())],
            _ => Vec::new(),
        };
        Ok(HttpResponse { status, headers, body: body.as_bytes().to_vec() })
    }

    fn advisories(&self, _: &Caller, _: &str) -> Result<Vec<AdvisoryAnswer>, Refusal> {
        Ok(Vec::new())
    }

    fn asset_kind(&self, _: &Caller, asset: &str) -> Result<String, Refusal> {
        self.assets.get(asset).map(|(kind, _)| (*kind).to_owned()).ok_or(Refusal::NotFound)
    }

    fn describe(&self, _: &Caller, asset: &str) -> Result<Vec<u8>, Refusal> {
        self.assets.get(asset).map(|(_, body)| body.as_bytes().to_vec()).ok_or(Refusal::NotFound)
    }

    fn related(&self, _: &Caller, _: &str, _: &str, _: usize) -> Result<Vec<RelatedAsset>, Refusal> {
        let all = self.assets.iter();
        Ok(all
            .map(|(id, (kind, _))| RelatedAsset { id: (*id).to_owned(), kind: (*kind).to_owned() })
            .collect())
    }

    fn blob(&self, _: &Caller, _: &str, _: &Digest) -> Result<SharedBytes, Refusal> {
        Ok(Arc::new(b"other bytes".to_vec()))
    }
}

/// Everything that the plugin asks for, with its secrets for the first of its hosts.
pub(crate) fn granted(plugin: &Plugin) -> Rights {
    let mut rights = plugin.asked().clone();
    let host = rights.http.first().map(|rule| rule.host.clone()).unwrap_or_default();
    for SecretRule { hosts, .. } in &mut rights.secrets {
        hosts.push(host.clone());
    }
    rights.check_grant().unwrap();
    rights
}

/// A context in which everything asked for is granted.
pub(crate) fn context(plugin: &Plugin, config: &str, played: &Arc<Played>) -> CallContext {
    let tenant = TenantId::default_tenant();
    let grant = Grant { tenant: tenant.clone(), digest: plugin.digest().clone(), rights: granted(plugin) };
    CallContext {
        grant: Some(Arc::new(grant)),
        services: Arc::clone(played) as Arc<dyn Services>,
        ..CallContext::new(tenant, Arc::from(config))
    }
}
