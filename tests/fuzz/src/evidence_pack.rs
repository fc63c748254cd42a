//! Evidence packs, records and exceptions of strangers.

use distribution::PublicKey;
use evidence::{Exception, Exceptions, Record, Start, genesis, pack, verify_chain};

use crate::must::must;

/// Nobody has the private half of this key any more, so what it signed is what there is.
const KEY: &str = include_str!("../corpus/evidence-pack/public-key");
const SIGNED: &[u8] = include_bytes!("../corpus/evidence-pack/pack.tar");

pub(crate) fn run(data: &[u8]) {
    let key = must(PublicKey::from_pem(KEY), "the key");
    if pack::verify(data, &[key]).is_ok() {
        assert!(data == SIGNED, "a pack verifies that nobody signed");
    }
    for (place, line) in data.split(|byte| *byte == b'\n').enumerate() {
        if let Ok(record) = Record::from_bytes(line, place as u64) {
            assert_eq!(must(record.to_bytes(), "a record of our own"), line);
        }
    }
    if let Ok(records) = verify_chain(data, Start::default(), &genesis()) {
        assert_eq!((records, data.len()), (0, 0), "no record has the hash that stands before the first");
    }
    if let Ok(all) = serde_json::from_slice::<Vec<Exception>>(data)
        && let Ok(exceptions) = Exceptions::new(all)
    {
        for exception in exceptions.all() {
            assert!(exception.approver.as_ref().is_some_and(|approver| *approver != exception.owner));
            assert!(exception.expires_at.is_some_and(|end| exception.approved_at < end));
        }
    }
}
