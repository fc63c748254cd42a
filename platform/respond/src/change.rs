//! What an act changes, what the object has to look like before, what it looks like after, and the way back.
//!
//! Every write carries what it was decided on: the `resourceVersion` of the object that is patched, the uid of the one that is deleted. So a
//! request that is sent twice, or arrives late, is refused by the API server and cannot have its effect twice.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::key::{Key, MARK, MARKS_MAX, sha256};
use crate::object::{ObjectRef, put, shown, word};

/// The name under which this changes objects (`fieldManager`).
pub const MANAGER: &str = "palisade";

/// What is done to one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Fields become others.
    Patch(Vec<Field>),
    /// An object is made.
    Create(Value),
    /// An object is deleted.
    Delete {
        /// Seconds that a pod has to end; nothing: what the pod says.
        grace: Option<u32>,
    },
    /// A pod is evicted, as far as disruption budgets allow.
    Evict {
        /// Seconds that it has to end; nothing: what the pod says.
        grace: Option<u32>,
    },
    /// Nothing is changed: what there is to know of an object is kept.
    Collect {
        /// Lines of each container's log, the newest.
        lines: u32,
    },
    /// Nothing is changed in the cluster: somebody is told.
    Send(Value),
}

/// One field of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Names of the members on the way to it.
    pub path: Vec<String>,
    /// Its value before; nothing: it is not there.
    pub before: Option<Value>,
    /// Its value after.
    pub after: Option<Value>,
}

/// What a write was decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Precondition {
    /// The object's uid; empty for one that is to be made.
    pub uid: String,
    /// Its version; empty for one that is to be made.
    pub version: String,
}

/// A request to the API server that changes something.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A merge patch (RFC 7396) with `metadata.resourceVersion`.
    Patch {
        /// Of what.
        target: ObjectRef,
        /// The patch.
        body: Value,
    },
    /// A new object.
    Create {
        /// Which.
        target: ObjectRef,
        /// The object.
        body: Value,
    },
    /// A deletion, of the object with this uid and no other.
    Delete {
        /// Of what.
        target: ObjectRef,
        /// `DeleteOptions`.
        body: Value,
    },
    /// An eviction, of the pod with this uid and no other.
    Evict {
        /// Of what.
        target: ObjectRef,
        /// `Eviction`.
        body: Value,
    },
}

/// How an object stands to what is to be done to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stance {
    /// It can be done, under this condition.
    Ready(Precondition),
    /// It is done.
    Done(How),
    /// The object is not what it was when this was planned.
    Changed(String),
    /// There is no such object any more.
    Gone,
}

/// How something came to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The server said so.
    Applied,
    /// It was found done, with our mark: the answer had been lost.
    Found,
    /// It was so before, by somebody else. There is nothing of ours to take back.
    Already,
}

impl How {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Found => "found",
            Self::Already => "already",
        }
    }
}

impl Field {
    pub(crate) fn new(object: &Value, path: &[&str], after: Option<Value>) -> Self {
        let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        let before = at(object, &path).cloned();
        Self { path, before, after }
    }
}

/// The value at a path.
fn at<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, name| value.get(name)).filter(|value| !value.is_null())
}

/// The keys that an object remembers.
fn marks(object: &Value) -> Vec<&str> {
    let annotation = object.pointer("/metadata/annotations").and_then(|all| all.get(MARK));
    annotation.and_then(Value::as_str).unwrap_or_default().split_whitespace().collect()
}

fn is_marked(object: &Value, key: &Key) -> bool {
    marks(object).contains(&key.as_str())
        || object.pointer("/metadata/labels").and_then(|labels| labels.get(MARK)).and_then(Value::as_str)
            == Some(key.as_str())
}

/// Whether an object carries the mark of any response.
pub(crate) fn precondition(object: &Value) -> Precondition {
    Precondition {
        uid: word(object, "/metadata/uid").to_owned(),
        version: word(object, "/metadata/resourceVersion").to_owned(),
    }
}

impl Change {
    /// Whether the API server is asked to change something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        !matches!(self, Self::Collect { .. } | Self::Send(_))
    }

    /// Whether there is a way back.
    #[must_use]
    pub fn is_reversible(&self) -> bool {
        matches!(self, Self::Patch(_) | Self::Create(_))
    }

    /// How an object stands to this. `tried` says whether we may have asked for it before.
    pub(crate) fn stance(
        &self,
        target: &ObjectRef,
        key: &Key,
        object: Option<&Value>,
        tried: bool,
    ) -> Stance {
        let object = object.filter(|object| target.is(object));
        match (self, object) {
            (Self::Patch(_), None) => Stance::Gone,
            (Self::Patch(fields), Some(object)) => patch_stance(fields, key, object),
            (Self::Create(_), None) => {
                Stance::Ready(Precondition { uid: String::new(), version: String::new() })
            }
            (Self::Create(_), Some(object)) if is_marked(object, key) => Stance::Done(How::Found),
            (Self::Create(_), Some(_)) => {
                Stance::Changed(format!("there is a {target} that this response did not make"))
            }
            (Self::Delete { .. } | Self::Evict { .. }, object) => match object {
                Some(object) if word(object, "/metadata/deletionTimestamp").is_empty() => {
                    Stance::Ready(precondition(object))
                }
                _ => Stance::Done(if tried { How::Found } else { How::Already }),
            },
            (Self::Collect { .. } | Self::Send(_), _) => {
                Stance::Ready(Precondition { uid: String::new(), version: String::new() })
            }
        }
    }

    /// The request; nothing where nothing is changed.
    pub(crate) fn write(&self, target: &ObjectRef, key: &Key, object: Option<&Value>) -> Option<Write> {
        let target = target.clone();
        match self {
            Self::Patch(fields) => {
                let object = object?;
                let mut keys: Vec<&str> =
                    marks(object).into_iter().filter(|one| *one != key.as_str()).collect();
                keys.push(key.as_str());
                let kept = keys.get(keys.len().saturating_sub(MARKS_MAX)..).unwrap_or_default().join(" ");
                let forward = fields.iter().map(|field| (field.path.as_slice(), field.after.as_ref()));
                Some(Write::Patch { target, body: patch(object, forward, Some(kept)) })
            }
            Self::Create(body) => {
                let mut body = body.clone();
                set(
                    &mut body,
                    &["metadata".to_owned(), "labels".to_owned(), MARK.to_owned()],
                    key.as_str().into(),
                );
                Some(Write::Create { target, body })
            }
            Self::Delete { grace } => {
                let mut body = json!({ "kind": "DeleteOptions", "apiVersion": "v1" });
                with_conditions(&mut body, &target, *grace);
                put(&mut body, "propagationPolicy", "Background".into());
                Some(Write::Delete { target, body })
            }
            Self::Evict { grace } => {
                let mut options = json!({});
                with_conditions(&mut options, &target, *grace);
                let body = json!({
                    "apiVersion": "policy/v1", "kind": "Eviction", "deleteOptions": options,
                    "metadata": { "name": target.name, "namespace": target.namespace },
                });
                Some(Write::Evict { target, body })
            }
            Self::Collect { .. } | Self::Send(_) => None,
        }
    }

    /// Whether an object that was read back shows the effect; otherwise why not.
    pub(crate) fn verify(
        &self,
        target: &ObjectRef,
        key: &Key,
        object: Option<&Value>,
    ) -> Result<String, String> {
        let object = object.filter(|object| target.is(object));
        match (self, object) {
            (Self::Patch(_) | Self::Create(_), None) => Err(format!("{target} is gone")),
            (Self::Patch(fields), Some(object)) => {
                let missing = fields.iter().find(|field| at(object, &field.path) != field.after.as_ref());
                match missing {
                    Some(field) => {
                        Err(format!("{} of {target} is not what it was made", field.path.join(".")))
                    }
                    None => Ok(format!("{target} is as it was made")),
                }
            }
            (Self::Create(_), Some(object)) if is_marked(object, key) => Ok(format!("{target} is there")),
            (Self::Create(_), Some(_)) => Err(format!("{target} is not the one that was made")),
            (Self::Delete { .. } | Self::Evict { .. }, None) => Ok(format!("{target} is gone")),
            (Self::Delete { .. } | Self::Evict { .. }, Some(object)) => {
                match word(object, "/metadata/deletionTimestamp") {
                    "" => Err(format!("{target} is still there")),
                    _ => Ok(format!("{target} is ending")),
                }
            }
            (Self::Collect { .. } | Self::Send(_), _) => Ok("kept with the run".to_owned()),
        }
    }
}

fn patch_stance(fields: &[Field], key: &Key, object: &Value) -> Stance {
    if is_marked(object, key) {
        return Stance::Done(How::Found);
    }
    if fields.iter().all(|field| at(object, &field.path) == field.after.as_ref()) {
        return Stance::Done(How::Already);
    }
    match fields.iter().find(|field| at(object, &field.path) != field.before.as_ref()) {
        Some(field) => Stance::Changed(format!(
            "{} was changed since the plan was made{}",
            field.path.join("."),
            by(object)
        )),
        None => Stance::Ready(precondition(object)),
    }
}

fn with_conditions(options: &mut Value, target: &ObjectRef, grace: Option<u32>) {
    if let Some(uid) = &target.uid {
        options["preconditions"] = json!({ "uid": uid });
    }
    if let Some(grace) = grace {
        options["gracePeriodSeconds"] = grace.into();
    }
}

/// A merge patch of these fields, of this version of the object and no other, with its marks.
fn patch<'a>(
    object: &Value,
    fields: impl Iterator<Item = (&'a [String], Option<&'a Value>)>,
    marks: Option<String>,
) -> Value {
    let mut body = json!({});
    let version = word(object, "/metadata/resourceVersion");
    set(&mut body, &["metadata".to_owned(), "resourceVersion".to_owned()], version.into());
    let mark = ["metadata".to_owned(), "annotations".to_owned(), MARK.to_owned()];
    set(&mut body, &mark, marks.map_or(Value::Null, Value::from));
    for (path, value) in fields {
        set(&mut body, path, value.cloned().unwrap_or_default());
    }
    body
}

fn set(body: &mut Value, path: &[String], value: Value) {
    let Some((name, rest)) = path.split_first() else {
        *body = value;
        return;
    };
    if !body.is_object() {
        *body = Value::Object(Map::new());
    }
    if let Some(members) = body.as_object_mut() {
        set(members.entry(name.clone()).or_insert(Value::Null), rest, value);
    }
}

/// How an object stands to taking a change back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Back {
    /// This takes it back; what of it is left, because somebody changed it since.
    Ready(Write, Vec<String>),
    /// It is as it was before.
    Done,
    /// Nothing of it may be taken back.
    Left(String),
}

impl Change {
    /// The way back. `made` is the hash of what was made, `tried` says whether we may have taken it back before.
    pub(crate) fn back(
        &self,
        target: &ObjectRef,
        key: &Key,
        object: Option<&Value>,
        made: Option<&str>,
        tried: bool,
    ) -> Back {
        let object = object.filter(|object| target.is(object));
        match (self, object) {
            (Self::Patch(_), None) => Back::Left(format!("{target} is gone")),
            (Self::Patch(_), Some(object)) if !is_marked(object, key) => match tried {
                true => Back::Done,
                false => {
                    Back::Left(format!("somebody took the mark of this response off {target}{}", by(object)))
                }
            },
            (Self::Patch(fields), Some(object)) => patch_back(fields, target, key, object),
            (Self::Create(_), None) => Back::Done,
            (Self::Create(_), Some(object)) if !is_marked(object, key) => {
                Back::Left(format!("{target} is not the one that this response made"))
            }
            (Self::Create(_), Some(object)) if made.is_some_and(|made| made != content(object)) => {
                Back::Left(format!("{target} was changed since it was made{}", by(object)))
            }
            (Self::Create(_), Some(object)) => {
                let found = ObjectRef::of(target.kind, object);
                let mut body = json!({ "kind": "DeleteOptions", "apiVersion": "v1" });
                with_conditions(&mut body, &found, None);
                // Between reading and deleting nobody may change it either.
                let version = word(object, "/metadata/resourceVersion");
                set(&mut body, &["preconditions".to_owned(), "resourceVersion".to_owned()], version.into());
                Back::Ready(Write::Delete { target: found, body }, Vec::new())
            }
            _ => Back::Left("this cannot be taken back".to_owned()),
        }
    }
}

fn patch_back(fields: &[Field], target: &ObjectRef, key: &Key, object: &Value) -> Back {
    let (mut back, mut left) = (Vec::new(), Vec::new());
    for field in fields {
        let now = at(object, &field.path);
        if now == field.after.as_ref() {
            back.push((field.path.as_slice(), field.before.as_ref()));
        } else if now != field.before.as_ref() {
            left.push(format!("{} of {target} was changed since{}", field.path.join("."), by(object)));
        }
    }
    let rest: Vec<&str> = marks(object).into_iter().filter(|one| *one != key.as_str()).collect();
    let rest = Some(rest.join(" ")).filter(|rest| !rest.is_empty());
    Back::Ready(Write::Patch { target: target.clone(), body: patch(object, back.into_iter(), rest) }, left)
}

/// Hash of what an object is to be: all of it but its metadata and status.
pub(crate) fn content(object: &Value) -> String {
    let mut content = object.clone();
    if let Some(members) = content.as_object_mut() {
        for name in ["metadata", "status", "kind", "apiVersion"] {
            members.remove(name);
        }
    }
    sha256(content.to_string().as_bytes())
}

/// Who else changed an object last, as far as it says so.
fn by(object: &Value) -> String {
    let managers = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let others = managers
        .into_iter()
        .flatten()
        .filter(|one| word(one, "/manager") != MANAGER && word(one, "/subresource").is_empty());
    let last = others.max_by_key(|one| word(one, "/time").to_owned());
    last.map(|one| word(one, "/manager"))
        .filter(|name| !name.is_empty())
        .map_or_else(String::new, |name| format!(", last by {}", shown(name)))
}
