//! People who sign in through an identity provider: who may, as what, and where each sign-in that is under way has got to.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use identity::{Pending, Person, Provider};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::token::base32;
use super::{Permission, Role};

/// Name of the cookie that binds a sign-in to the browser that began it.
pub(crate) const SIGN_IN_COOKIE: &str = "palisade_sign_in";
/// How long somebody may take at the provider: to find the second factor, too.
pub(crate) const PATIENCE: SignedDuration = SignedDuration::from_mins(15);
/// Sign-ins under way at once. Anybody can begin one; beyond this the oldest goes.
const PENDING_MAX: usize = 10_000;

/// How people sign in.
pub struct SignInWith {
    /// What the button says, such as `Company sign-in`.
    pub label: String,
    /// The provider.
    pub provider: Arc<Provider>,
    /// Groups there, and the role that each gives here.
    pub roles: Vec<(String, Role)>,
    /// The role of everybody whom the provider knows; `None` where a group is needed.
    pub everybody: Option<Role>,
}

impl fmt::Debug for SignInWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInWith").field("label", &self.label).finish_non_exhaustive()
    }
}

impl SignInWith {
    /// Roles of a person; none for somebody who may not in.
    pub(crate) fn roles(&self, person: &Person) -> Vec<Role> {
        let named =
            self.roles.iter().filter(|(group, _)| person.groups.contains(group)).map(|(_, role)| *role);
        let mut roles: Vec<Role> = named.chain(self.everybody).collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }
}

/// What roles allow together.
pub(crate) fn permissions(roles: &[Role]) -> BTreeSet<Permission> {
    roles.iter().flat_map(|role| role.permissions()).collect()
}

/// A sign-in that has begun.
pub(crate) struct Begun {
    pending: Pending,
    /// Where the person wanted to go.
    pub(crate) return_to: String,
    at: Timestamp,
}

/// Sign-ins under way in this process, by the hash of the cookie of their browser.
#[derive(Default)]
pub(crate) struct SignIns(Mutex<HashMap<[u8; 32], Begun>>);

impl SignIns {
    /// Keeps a sign-in, and gives the value of the cookie for its browser.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub(crate) fn begin(
        &self,
        pending: Pending,
        return_to: String,
        at: Timestamp,
    ) -> Result<String, getrandom::Error> {
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random)?;
        let id = base32(&random);
        let mut all = self.lock();
        if all.len() >= PENDING_MAX {
            all.retain(|_, begun| at.duration_since(begun.at) < PATIENCE);
        }
        if all.len() >= PENDING_MAX {
            let oldest = all.iter().min_by_key(|(_, begun)| begun.at).map(|(key, _)| *key);
            oldest.map(|key| all.remove(&key));
        }
        all.insert(key(&id), Begun { pending, return_to, at });
        Ok(id)
    }

    /// Takes a sign-in out: it can be finished once, by the browser that began it, with the state that went out with it.
    pub(crate) fn take(&self, id: &str, state: &str, now: Timestamp) -> Option<(Pending, String)> {
        let begun = self.lock().remove(&key(id))?;
        let same = Sha256::digest(state.as_bytes()) == Sha256::digest(begun.pending.state.as_bytes());
        (same && now.duration_since(begun.at) < PATIENCE).then_some((begun.pending, begun.return_to))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Begun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(id: &str) -> [u8; 32] {
    Sha256::digest(id.as_bytes()).into()
}

/// A place of this page: nothing that a browser could take for another server.
pub(crate) fn local(path: &str) -> &str {
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let local = path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/api/");
    if plain && local { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn nobody_is_sent_elsewhere_after_signing_in() {
        for path in ["/findings?q=x", "/", "/images/sha256:1"] {
            assert_eq!(local(path), path);
        }
        for path in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "",
            "/api/v1/session",
            "/a\r\nb",
            "/\t/x",
        ] {
            assert_eq!(local(path), "/");
        }
    }
}
