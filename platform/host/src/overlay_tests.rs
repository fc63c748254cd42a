use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use model::{Digest, TenantId};
use proptest::prelude::*;

use super::Overlay;
use crate::services::{Caller, Refusal, Services};

struct Kept(BTreeMap<String, Vec<u8>>);

impl Services for Kept {
    fn state_get(&self, _: &Caller, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.0.get(key).cloned())
    }
    fn state_keys(
        &self,
        _: &Caller,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Refusal> {
        let keys = self.0.keys().filter(|key| key.starts_with(prefix));
        Ok(keys.filter(|key| after.is_none_or(|after| key.as_str() > after)).take(limit).cloned().collect())
    }
    fn state_bytes(&self, _: &Caller) -> Result<u64, Refusal> {
        Ok(bytes(&self.0))
    }
}

fn bytes(map: &BTreeMap<String, Vec<u8>>) -> u64 {
    map.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
}

fn caller() -> Caller {
    Caller {
        tenant: TenantId::default_tenant(),
        plugin: "a.b".to_owned(),
        digest: Digest::from_sha256([0; 32]),
        deadline: Instant::now() + Duration::from_secs(60),
    }
}

proptest! {
    /// A call sees what a map would show, never holds more than granted, and its changes lead to the same map.
    #[test]
    fn a_call_sees_its_own_writes(
        kept in proptest::collection::btree_map("[a-c]{1,2}", proptest::collection::vec(any::<u8>(), 0..6), 0..6),
        steps in proptest::collection::vec(("[a-c]{1,2}", proptest::option::of(proptest::collection::vec(any::<u8>(), 0..12))), 0..20),
        (prefix, after, limit) in ("[a-c]{0,1}", proptest::option::of("[a-c]{1,2}"), 0usize..6),
        room in 0u64..20,
    ) {
        let services = Kept(kept.clone());
        let (mut model, mut overlay) = (kept.clone(), Overlay::default());
        let bytes_max = bytes(&kept) + room;
        for (key, value) in steps {
            let mut next = model.clone();
            match &value {
                Some(value) => next.insert(key.clone(), value.clone()),
                None => next.remove(&key),
            };
            let answer = overlay.set(&services, &caller(), &key, value.as_ref(), bytes_max);
            if bytes(&next) <= bytes_max || bytes(&next) <= bytes(&model) {
                prop_assert_eq!(answer, Ok(()));
                model = next;
            } else {
                prop_assert!(matches!(answer, Err(Refusal::Limit(_))));
            }
            prop_assert_eq!(overlay.get(&services, &caller(), &key).unwrap(), model.get(&key).cloned());
            let expected: Vec<String> = model
                .keys()
                .filter(|key| key.starts_with(&prefix) && after.as_ref().is_none_or(|after| *key > after))
                .take(limit)
                .cloned()
                .collect();
            prop_assert_eq!(overlay.keys(&services, &caller(), &prefix, after.as_deref(), limit).unwrap(), expected);
        }
        let mut result = kept;
        for (key, value) in overlay.into_changes() {
            match value {
                Some(value) => result.insert(key, value),
                None => result.remove(&key),
            };
        }
        prop_assert_eq!(result, model);
    }
}

#[test]
fn keys_that_no_store_takes_are_refused() {
    for key in [String::new(), "x".repeat(513), "a\0b".to_owned()] {
        let answer = Overlay::default().set(&Kept(BTreeMap::new()), &caller(), &key, None, 100);
        assert!(matches!(answer, Err(Refusal::Invalid(_))), "{key:?}");
    }
}
