//! State of plugins as the next call has to see it: what is committed, and what is not yet.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use host::services::{AdvisoryAnswer, Caller, HttpRequest, HttpResponse, RelatedAsset};
use host::{Refusal, Services, SharedBytes, StateChanges};
use model::Digest;

/// Services whose state has a layer above it. What was changed stays in memory, where the next call of a correlator asks for it again;
/// how much that is, is bounded by the state that is granted.
pub(crate) struct Layered {
    base: Arc<dyn Services>,
    layers: Mutex<HashMap<String, Layer>>,
}

#[derive(Debug, Default)]
struct Layer {
    /// Every key that was changed since the beginning, as it is now.
    now: StateChanges,
    /// Keys that nobody has taken to commit them.
    fresh: BTreeSet<String>,
    /// Removed keys that were taken last. Who takes again has committed these, so that what is below knows it too.
    removed: BTreeSet<String>,
    /// Bytes of the whole state, once they have been asked for.
    bytes: Option<u64>,
}

fn cost(key: &str, value: Option<&Vec<u8>>) -> u64 {
    value.map_or(0, |value| u64::try_from(key.len().saturating_add(value.len())).unwrap_or(u64::MAX))
}

impl Layered {
    pub(crate) fn new(base: Arc<dyn Services>) -> Self {
        Self { base, layers: Mutex::default() }
    }

    fn layers(&self) -> MutexGuard<'_, HashMap<String, Layer>> {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a call changed.
    pub(crate) fn add(&self, caller: &Caller, changes: StateChanges) {
        for (key, value) in changes {
            // What cannot be read now is weighed when somebody asks for the size of the whole.
            let before = self.state_get(caller, &key).ok().map(|before| cost(&key, before.as_ref()));
            let mut layers = self.layers();
            let layer = layers.entry(caller.plugin.clone()).or_default();
            let after = cost(&key, value.as_ref());
            layer.bytes = layer.bytes.zip(before).map(|(bytes, before)| bytes.saturating_sub(before) + after);
            layer.fresh.insert(key.clone());
            layer.now.insert(key, value);
        }
    }

    /// What has changed since this was last asked, by plugin, to be committed before it is asked again.
    pub(crate) fn take(&self) -> BTreeMap<String, StateChanges> {
        let mut all = BTreeMap::new();
        for (plugin, layer) in self.layers().iter_mut() {
            let fresh = std::mem::take(&mut layer.fresh);
            for key in std::mem::take(&mut layer.removed) {
                if !fresh.contains(&key) {
                    layer.now.remove(&key);
                }
            }
            let changes: StateChanges = fresh
                .into_iter()
                .filter_map(|key| layer.now.get(&key).cloned().map(|value| (key, value)))
                .collect();
            let removed = changes.iter().filter(|(_, value)| value.is_none());
            layer.removed = removed.map(|(key, _)| key.clone()).collect();
            if !changes.is_empty() {
                all.insert(plugin.clone(), changes);
            }
        }
        all
    }
}

impl Services for Layered {
    fn state_get(&self, caller: &Caller, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        if let Some(value) = self.layers().get(&caller.plugin).and_then(|layer| layer.now.get(key)) {
            return Ok(value.clone());
        }
        self.base.state_get(caller, key)
    }

    fn state_keys(
        &self,
        caller: &Caller,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Refusal> {
        let layers = self.layers();
        let Some(layer) = layers.get(&caller.plugin) else {
            drop(layers);
            return self.base.state_keys(caller, prefix, after, limit);
        };
        let from = after.filter(|after| *after > prefix).unwrap_or(prefix).to_owned();
        let within: Vec<(&String, bool)> = layer
            .now
            .range(from..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(key, _)| after.is_none_or(|after| key.as_str() > after))
            .map(|(key, value)| (key, value.is_some()))
            .collect();
        let removed = within.iter().filter(|(_, there)| !there).count();
        let below = self.base.state_keys(caller, prefix, after, limit.saturating_add(removed))?;
        let mut all: BTreeSet<String> =
            below.into_iter().filter(|key| !layer.now.contains_key(key)).collect();
        all.extend(within.into_iter().filter(|(_, there)| *there).map(|(key, _)| key.clone()));
        Ok(all.into_iter().take(limit).collect())
    }

    fn state_bytes(&self, caller: &Caller) -> Result<u64, Refusal> {
        if let Some(bytes) = self.layers().get(&caller.plugin).and_then(|layer| layer.bytes) {
            return Ok(bytes);
        }
        let mut bytes = self.base.state_bytes(caller)?;
        let changed: Vec<(String, Option<Vec<u8>>)> = self
            .layers()
            .get(&caller.plugin)
            .map(|layer| layer.now.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
            .unwrap_or_default();
        for (key, value) in changed {
            let before = cost(&key, self.base.state_get(caller, &key)?.as_ref());
            bytes = bytes.saturating_sub(before).saturating_add(cost(&key, value.as_ref()));
        }
        self.layers().entry(caller.plugin.clone()).or_default().bytes = Some(bytes);
        Ok(bytes)
    }

    fn http(
        &self,
        caller: &Caller,
        request: &HttpRequest,
        body_bytes_max: usize,
    ) -> Result<HttpResponse, Refusal> {
        self.base.http(caller, request, body_bytes_max)
    }

    fn advisories(&self, caller: &Caller, purl: &str) -> Result<Vec<AdvisoryAnswer>, Refusal> {
        self.base.advisories(caller, purl)
    }

    fn asset_kind(&self, caller: &Caller, asset: &str) -> Result<String, Refusal> {
        self.base.asset_kind(caller, asset)
    }

    fn describe(&self, caller: &Caller, asset: &str) -> Result<Vec<u8>, Refusal> {
        self.base.describe(caller, asset)
    }

    fn related(
        &self,
        caller: &Caller,
        asset: &str,
        edge: &str,
        limit: usize,
    ) -> Result<Vec<RelatedAsset>, Refusal> {
        self.base.related(caller, asset, edge, limit)
    }

    fn blob(&self, caller: &Caller, repository: &str, digest: &Digest) -> Result<SharedBytes, Refusal> {
        self.base.blob(caller, repository, digest)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    use host::services::Caller;
    use host::{Refusal, Services};
    use model::{Digest, TenantId};
    use proptest::prelude::*;

    use super::Layered;

    /// State that is committed, of one plugin.
    #[derive(Default)]
    struct Committed(Mutex<BTreeMap<String, Vec<u8>>>);

    impl Services for Committed {
        fn state_get(&self, _: &Caller, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
            Ok(self.0.lock().unwrap().get(key).cloned())
        }

        fn state_keys(
            &self,
            _: &Caller,
            prefix: &str,
            after: Option<&str>,
            limit: usize,
        ) -> Result<Vec<String>, Refusal> {
            let map = self.0.lock().unwrap();
            let wanted =
                |key: &&String| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after);
            Ok(map.keys().filter(wanted).take(limit).cloned().collect())
        }

        fn state_bytes(&self, _: &Caller) -> Result<u64, Refusal> {
            Ok(self.0.lock().unwrap().iter().map(|(key, value)| (key.len() + value.len()) as u64).sum())
        }
    }

    #[derive(Debug, Clone)]
    enum Deed {
        Change(String, Option<Vec<u8>>),
        Weigh,
        /// Commits what there is; without it, what was taken stays uncommitted for a while.
        Commit,
    }

    fn deed() -> impl Strategy<Value = Deed> {
        let key = "[ab][0-4]";
        prop_oneof![
            6 => (key, prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..5)))
                .prop_map(|(key, value)| Deed::Change(key, value)),
            1 => Just(Deed::Weigh),
            1 => Just(Deed::Commit),
        ]
    }

    proptest! {
        #[test]
        fn a_layer_is_what_the_state_would_be_were_everything_committed(
            below in prop::collection::btree_map("[ab][0-4]", prop::collection::vec(any::<u8>(), 0..5), 0..6),
            deeds in prop::collection::vec(deed(), 0..40),
            limit in 1_usize..6,
        ) {
            let committed = Arc::new(Committed(Mutex::new(below.clone())));
            let layered = Layered::new(Arc::clone(&committed) as Arc<dyn Services>);
            let (whole, caller) = (Committed(Mutex::new(below)), Caller {
                tenant: TenantId::default_tenant(),
                plugin: "p".into(),
                digest: Digest::from_sha256([7; 32]),
                deadline: Instant::now(),
            });
            for deed in deeds {
                match deed {
                    Deed::Change(key, value) => {
                        layered.add(&caller, [(key.clone(), value.clone())].into());
                        let mut map = whole.0.lock().unwrap();
                        match value {
                            Some(value) => drop(map.insert(key, value)),
                            None => drop(map.remove(&key)),
                        }
                    }
                    Deed::Weigh => drop(layered.state_bytes(&caller).unwrap()),
                    Deed::Commit => {
                        let mut map = committed.0.lock().unwrap();
                        for (key, value) in layered.take().remove("p").unwrap_or_default() {
                            match value {
                                Some(value) => drop(map.insert(key, value)),
                                None => drop(map.remove(&key)),
                            }
                        }
                        prop_assert_eq!(&*map, &*whole.0.lock().unwrap());
                    }
                }
                prop_assert_eq!(layered.state_bytes(&caller).ok(), whole.state_bytes(&caller).ok());
                for (prefix, after) in [("", None), ("a", None), ("b", Some("b1"))] {
                    prop_assert_eq!(
                        layered.state_keys(&caller, prefix, after, limit).ok(),
                        whole.state_keys(&caller, prefix, after, limit).ok()
                    );
                }
                prop_assert_eq!(layered.state_get(&caller, "a1").ok(), whole.state_get(&caller, "a1").ok());
            }
        }
    }
}
