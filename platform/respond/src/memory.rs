//! A book and a post in memory: for plans that are only looked at, and for tests. What is in them is gone with them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use model::TenantId;

use crate::entry::{Entry, RunId};
use crate::error::BookError;
use crate::ledger::Head;
use crate::seams::{Action, Book, CallError, Commit, Deliver, Kept, Message, Quota, Receipt};

/// A book in memory.
#[derive(Debug, Default)]
pub struct MemoryBook(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    journals: BTreeMap<(TenantId, RunId), Vec<(Timestamp, Entry)>>,
    ledgers: BTreeMap<TenantId, (Head, Vec<Vec<u8>>)>,
    actions: Vec<(TenantId, Timestamp, Action)>,
    evidence: Vec<Kept>,
    stopped: BTreeMap<(TenantId, String), String>,
}

impl State {
    fn used(&self, tenant: &TenantId, quota: &Quota) -> u64 {
        let counts = |(of, at, action): &&(TenantId, Timestamp, Action)| {
            of == tenant
                && *at > quota.since
                && quota.playbook.as_ref().is_none_or(|playbook| *playbook == action.playbook)
                && quota.class.is_none_or(|class| class == action.class)
        };
        self.actions.iter().filter(counts).count() as u64
    }
}

impl MemoryBook {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ledger of a tenant, and the hash of its end.
    #[must_use]
    pub fn ledger(&self, tenant: &TenantId) -> (Vec<Vec<u8>>, String) {
        let state = self.state();
        let (head, records) = state.ledgers.get(tenant).cloned().unwrap_or_default();
        (records, head.hash)
    }

    /// What was kept as evidence, in order.
    #[must_use]
    pub fn evidence(&self) -> Vec<Kept> {
        self.state().evidence.clone()
    }

    /// Turns the kill switch on or off; without a playbook's name, that of the tenant.
    pub fn stop(&self, tenant: &TenantId, playbook: &str, why: Option<&str>) {
        let key = (tenant.clone(), playbook.to_owned());
        let mut state = self.state();
        match why {
            Some(why) => state.stopped.insert(key, why.to_owned()),
            None => state.stopped.remove(&key),
        };
    }
}

impl Book for MemoryBook {
    async fn journal(
        &self,
        tenant: &TenantId,
        run: &RunId,
    ) -> Result<Option<Vec<(Timestamp, Entry)>>, BookError> {
        Ok(self.state().journals.get(&(tenant.clone(), run.clone())).cloned())
    }

    async fn commit(&self, commit: Commit) -> Result<(), BookError> {
        let mut state = self.state();
        let key = (commit.tenant.clone(), commit.run.clone());
        if state.journals.get(&key).map_or(0, Vec::len) as u64 != commit.sequence {
            return Err(BookError::Fenced);
        }
        if let Some(quota) = commit.quotas.iter().find(|quota| state.used(&commit.tenant, quota) >= quota.max)
        {
            return Err(quota.error());
        }
        let (mut head, mut records) = state.ledgers.get(&commit.tenant).cloned().unwrap_or_default();
        for fact in commit.facts {
            let record = head.append(commit.tenant.as_str(), commit.at, fact);
            records.push(record.map_err(|error| BookError::Unavailable(error.to_string()))?);
        }
        state.ledgers.insert(commit.tenant.clone(), (head, records));
        state.actions.extend(commit.action.map(|action| (commit.tenant, commit.at, action)));
        state.evidence.extend(commit.evidence);
        let entries = commit.entries.into_iter().map(|entry| (commit.at, entry));
        state.journals.entry(key).or_default().extend(entries);
        Ok(())
    }

    async fn stopped(&self, tenant: &TenantId, playbook: &str) -> Result<Option<String>, BookError> {
        let state = self.state();
        let of = |playbook: &str| state.stopped.get(&(tenant.clone(), playbook.to_owned())).cloned();
        Ok(of("").or_else(|| of(playbook)))
    }

    async fn used(&self, tenant: &TenantId, quota: &Quota) -> Result<u64, BookError> {
        Ok(self.state().used(tenant, quota))
    }
}

/// Takes every message, and remembers it.
#[derive(Debug, Default)]
pub struct MemoryPost(Mutex<Vec<Message>>);

impl MemoryPost {
    /// Messages as they came, in order.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Deliver for MemoryPost {
    async fn check(&self, _: &Message) -> Result<(), CallError> {
        Ok(())
    }

    async fn deliver(&self, message: &Message) -> Result<Receipt, CallError> {
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = messages.iter().any(|other| other.key == message.key);
        messages.push(message.clone());
        Ok(Receipt { known, said: "kept in memory".to_owned() })
    }
}
