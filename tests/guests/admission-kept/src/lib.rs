//! A plugin of kind `admission` that remembers in its own memory: answers with how often it was called there, and does on request what
//! a session must survive.

use std::sync::atomic::{AtomicU32, Ordering};

use palisade_sdk::{Admission, AdmissionRequest, Config, Decision, Error, clock};
use serde_json::Value;

static CALLS: AtomicU32 = AtomicU32::new(0);

struct Kept;

#[palisade_sdk::admission]
impl Admission for Kept {
    fn new(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }

    fn review(&self, request: &AdmissionRequest<'_>) -> Result<Decision, Error> {
        let request: Value = request.json()?;
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        match request["do"].as_str() {
            Some("trap") => panic!("on request"),
            Some("loop") => loop {
                CALLS.fetch_add(0, Ordering::Relaxed);
            },
            Some("decline") => return Err(Error::Other("on request".to_owned())),
            Some("grow") => std::mem::forget(vec![1_u8; 10 << 20]),
            _ => {}
        }
        let now = clock::now();
        Ok(Decision::allow().violation("count", format!("{calls} at {now}")))
    }
}
