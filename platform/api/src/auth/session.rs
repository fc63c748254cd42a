//! Cookie sessions: what a browser holds instead of a token.
//!
//! The cookie is a random id that means nothing outside this process; here it is kept only as a hash, with the hash of
//! the token behind it, so that revoking the token ends its sessions. Sessions live in memory on purpose: a restart
//! asks people to sign in again, and nothing that could be stolen from a backup exists.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use model::TenantId;
use sha2::{Digest as _, Sha256};
use store::TokenHash;

use super::Permission;
use super::token::base32;

/// Name of the cookie.
pub(crate) const COOKIE: &str = "palisade_session";
/// A session ends this long after it was made, used or not: one working day.
pub(crate) const LIFETIME: SignedDuration = SignedDuration::from_hours(12);
/// A session ends when nobody used it for this long.
const IDLE: SignedDuration = SignedDuration::from_hours(4);
/// Sessions kept at once. Only holders of a token can make one; beyond this the one that was idle longest goes.
const SESSIONS_MAX: usize = 10_000;

type Key = [u8; 32];

/// All sessions of this process.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<Key, Session>>);

/// Whose session it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The bearer of a token, which is asked for again at each request.
    Token(TokenHash),
    /// Somebody who came from the identity provider, with what they may do until they sign in again.
    Person {
        /// Whose data they see.
        tenant: TenantId,
        /// What people call them.
        name: String,
        /// What they may do.
        allowed: BTreeSet<Permission>,
    },
}

struct Session {
    holder: Holder,
    created_at: Timestamp,
    used_at: Timestamp,
}

impl Session {
    fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.created_at) >= LIFETIME || now.duration_since(self.used_at) >= IDLE
    }
}

impl Sessions {
    /// Starts a session and gives the id for the cookie.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub(crate) fn start(&self, holder: Holder, now: Timestamp) -> Result<String, getrandom::Error> {
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random)?;
        let id = base32(&random);
        let mut sessions = self.lock();
        if sessions.len() >= SESSIONS_MAX {
            make_room(&mut sessions, now);
        }
        let session = Session { holder, created_at: now, used_at: now };
        sessions.insert(key(&id), session);
        Ok(id)
    }

    /// Whose a session is that is still on, and notes that it was used.
    pub(crate) fn holder(&self, id: &str, now: Timestamp) -> Option<Holder> {
        let mut sessions = self.lock();
        let key = key(id);
        let session = sessions.get_mut(&key)?;
        if session.is_over(now) {
            sessions.remove(&key);
            return None;
        }
        session.used_at = now;
        Some(session.holder.clone())
    }

    /// Ends a session.
    pub(crate) fn end(&self, id: &str) {
        self.lock().remove(&key(id));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Session>> {
        // Nothing in here can leave the map half changed, so a panic elsewhere does not make it unusable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what is over; if nothing is, drops the session that was idle longest.
fn make_room(sessions: &mut HashMap<Key, Session>, now: Timestamp) {
    sessions.retain(|_, session| !session.is_over(now));
    if sessions.len() >= SESSIONS_MAX {
        let idlest = sessions.iter().min_by_key(|(_, session)| session.used_at).map(|(key, _)| *key);
        if let Some(key) = idlest {
            sessions.remove(&key);
        }
    }
}

fn key(id: &str) -> Key {
    Sha256::digest(id.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use store::TokenHash;

    use super::{Holder, SESSIONS_MAX, Sessions};

    fn token() -> Holder {
        Holder::Token(TokenHash::of("token"))
    }

    #[test]
    fn a_session_ends_by_age_by_idleness_and_by_request() {
        let sessions = Sessions::default();
        let start = Timestamp::UNIX_EPOCH;
        let after = |hours| start + SignedDuration::from_hours(hours);
        let id = sessions.start(token(), start).unwrap();
        for hour in [1, 4, 7, 10] {
            assert_eq!(sessions.holder(&id, after(hour)), Some(token()), "hour {hour}");
        }
        assert_eq!(sessions.holder(&id, after(12)), None);

        let idle = sessions.start(token(), start).unwrap();
        assert_eq!(sessions.holder(&idle, after(4)), None);

        let ended = sessions.start(token(), start).unwrap();
        sessions.end(&ended);
        assert_eq!(sessions.holder(&ended, start), None);
        assert_eq!(sessions.holder("", start), None);
    }

    #[test]
    fn the_number_of_sessions_is_bounded() {
        let sessions = Sessions::default();
        let start = Timestamp::UNIX_EPOCH;
        let first = sessions.start(token(), start).unwrap();
        for second in 1..=SESSIONS_MAX {
            let at = start + SignedDuration::from_secs(i64::try_from(second).unwrap());
            sessions.start(token(), at).unwrap();
        }
        assert_eq!(sessions.lock().len(), SESSIONS_MAX);
        assert_eq!(sessions.holder(&first, start), None);
    }
}
