//! Questions about assets. An answer that does not come is unknown, and never "none".

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use palisade_sdk::{HostError, assets, metrics};
use serde_json::Value;

/// What is known, or why nothing is.
pub(crate) type Known<T> = Result<T, String>;

/// An asset, and how others are joined to it.
type Joined = (String, &'static str);

/// Questions of one call; the same one is asked once.
#[derive(Debug, Default)]
pub(crate) struct Assets {
    described: RefCell<HashMap<String, Rc<Known<Value>>>>,
    joined: RefCell<HashMap<Joined, Rc<Known<Vec<String>>>>>,
}

impl Assets {
    /// Attributes of an asset.
    pub(crate) fn describe(&self, id: &str) -> Rc<Known<Value>> {
        if let Some(known) = self.described.borrow().get(id) {
            return Rc::clone(known);
        }
        metrics::add("questions-asked", 1);
        let answer = assets::describe(id)
            .map_err(why)
            .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|_| "the answer is no JSON".to_owned()));
        let answer = Rc::new(answer);
        self.described.borrow_mut().insert(id.to_owned(), Rc::clone(&answer));
        answer
    }

    /// The workload from whose template a pod comes; a pod or workload that nobody made is its own.
    pub(crate) fn workload_of(&self, id: &str) -> Known<String> {
        let found = self.joined(id, "workload", 1);
        match &*found {
            Ok(ids) => ids.first().cloned().ok_or_else(|| "no workload made it".to_owned()),
            Err(why) => Err(why.clone()),
        }
    }

    /// Workloads that run as a service account, or as a cloud identity; at most `most`.
    pub(crate) fn workloads_as(&self, id: &str, most: usize) -> Rc<Known<Vec<String>>> {
        self.joined(id, "workloads", most)
    }

    fn joined(&self, id: &str, edge: &'static str, most: usize) -> Rc<Known<Vec<String>>> {
        let place = (id.to_owned(), edge);
        if let Some(known) = self.joined.borrow().get(&place) {
            return Rc::clone(known);
        }
        metrics::add("questions-asked", 1);
        let answer = Rc::new(assets::related(id, edge, u32::try_from(most).unwrap_or(u32::MAX)).map_err(why));
        self.joined.borrow_mut().insert(place, Rc::clone(&answer));
        answer
    }
}

fn why(error: HostError) -> String {
    match error {
        HostError::NotFound => "it is not among what was collected".to_owned(),
        other => other.to_string(),
    }
}
