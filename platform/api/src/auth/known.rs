//! Sources whose token was looked up a moment ago: a sensor sends many times a second, and the store need not be asked each time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use store::TokenHash;

use super::source::Sender;

/// How long an answer of the store is used. So long may a source still send that another process has closed.
const KEPT: Duration = Duration::from_secs(5);
/// Most answers that are kept.
const KEPT_MAX: usize = 1024;

/// Answers of the store about tokens that it knows. That it does not know one is never kept.
#[derive(Debug, Default)]
pub(crate) struct KnownSources(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    answers: HashMap<TokenHash, (Instant, Sender)>,
    changes: u64,
}

/// Where changes stood when the store was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked(u64);

/// A source is being changed. When this goes, however the change ended, nothing that was known before is known any more.
#[derive(Debug)]
pub(crate) struct Changing<'a>(&'a KnownSources);

impl KnownSources {
    /// The answer of a moment ago; without one, what to hand to [`Self::keep`] with the answer of the store.
    pub(super) fn find(&self, token: &TokenHash, now: Instant) -> Result<Sender, Asked> {
        let known = self.lock();
        let fresh = known.answers.get(token).filter(|(at, _)| now.saturating_duration_since(*at) < KEPT);
        fresh.map(|(_, sender)| sender.clone()).ok_or(Asked(known.changes))
    }

    /// Keeps an answer, unless a source was changed since the store was asked: it may be from before that.
    pub(super) fn keep(&self, token: TokenHash, sender: Sender, asked: Asked, now: Instant) {
        let mut known = self.lock();
        if known.changes != asked.0 {
            return;
        }
        if known.answers.len() >= KEPT_MAX && !known.answers.contains_key(&token) {
            known.answers.retain(|_, (at, _)| now.saturating_duration_since(*at) < KEPT);
            if known.answers.len() >= KEPT_MAX {
                return;
            }
        }
        known.answers.insert(token, (now, sender));
    }

    /// To be held while a source is changed.
    pub(crate) fn changing(&self) -> Changing<'_> {
        Changing(self)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        let mut known = self.0.lock();
        known.answers.clear();
        known.changes = known.changes.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use jiff::Timestamp;
    use model::TenantId;
    use store::{EventSource, TokenHash};

    use super::{KEPT, KEPT_MAX, KnownSources};
    use crate::auth::Sender;

    fn sender(name: &str) -> Sender {
        let source = EventSource {
            name: name.to_owned(),
            format: "falco".to_owned(),
            cluster: None,
            created_at: Timestamp::UNIX_EPOCH,
            created_by: "ann".to_owned(),
            rotated_at: None,
            disabled: false,
            last_at: None,
            events: 0,
            repeated: 0,
            problems: 0,
            late: 0,
            drops: 0,
            last_problem: None,
        };
        Sender { tenant: TenantId::default_tenant(), source }
    }

    /// Asks about a token, and has the store answer if nothing is known. Whether it was known.
    fn ask(known: &KnownSources, token: &str, now: Instant) -> bool {
        let hash = TokenHash::of(token);
        match known.find(&hash, now) {
            Ok(found) => {
                assert_eq!(found.source.name, token);
                true
            }
            Err(asked) => {
                known.keep(hash, sender(token), asked, now);
                false
            }
        }
    }

    #[test]
    fn an_answer_is_used_for_its_time_and_no_longer() {
        let (known, start) = (KnownSources::default(), Instant::now());
        assert!(!ask(&known, "a", start));
        assert!(ask(&known, "a", start + KEPT.checked_sub(Duration::from_millis(1)).unwrap()));
        assert!(!ask(&known, "b", start));
        assert!(!ask(&known, "a", start + KEPT));
        assert!(ask(&known, "a", start + KEPT));
    }

    #[test]
    fn a_change_ends_what_was_known_and_what_was_asked_before_it() {
        let (known, now) = (KnownSources::default(), Instant::now());
        ask(&known, "a", now);
        let asked = known.find(&TokenHash::of("b"), now).unwrap_err();
        drop(known.changing());
        known.keep(TokenHash::of("b"), sender("b"), asked, now);
        assert!(!ask(&known, "a", now) && !ask(&known, "b", now));
        assert!(ask(&known, "a", now) && ask(&known, "b", now));
    }

    #[test]
    fn more_tokens_than_there_is_room_for_are_asked_for_each_time() {
        let (known, now) = (KnownSources::default(), Instant::now());
        for token in 0..2 * KEPT_MAX {
            ask(&known, &token.to_string(), now);
        }
        assert_eq!(known.lock().answers.len(), KEPT_MAX);
        assert!(ask(&known, "0", now) && !ask(&known, &KEPT_MAX.to_string(), now));
        assert!(!ask(&known, "new", now + KEPT) && ask(&known, "new", now + KEPT));
    }
}
