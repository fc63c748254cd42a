//! A Redmine of a few lines that takes nothing but what its REST API takes, and can be as bad a server as there is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::web::{Asked, Reply, Web};

/// The key of the user.
pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef01234567";
const OPEN: u64 = 1;
const CLOSED: u64 = 5;
/// Fields of an issue that clients may write.
const FIELDS: [&str; 8] = [
    "project_id",
    "tracker_id",
    "status_id",
    "priority_id",
    "subject",
    "description",
    "notes",
    "custom_fields",
];

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As it should.
    Well,
    /// It does what it is asked and loses every second answer; of the rest it sends some away.
    Bad,
    /// Nobody answers.
    Away,
}

/// An issue.
#[derive(Debug, Clone)]
pub(crate) struct Issue {
    pub(crate) subject: String,
    pub(crate) open: bool,
    /// How often it was reopened.
    pub(crate) reopened: u32,
}

struct World {
    mood: Mood,
    asked: u64,
    issues: BTreeMap<u64, Issue>,
    wrong: Vec<String>,
}

/// A running one.
pub(crate) struct Redmine {
    pub(crate) address: String,
    world: Arc<Mutex<World>>,
}

impl Redmine {
    pub(crate) fn start() -> Self {
        let world = World { mood: Mood::Well, asked: 0, issues: BTreeMap::new(), wrong: Vec::new() };
        let world = Arc::new(Mutex::new(world));
        let own = Arc::clone(&world);
        let web = Web::start(move |asked| own.lock().unwrap().answer(asked));
        Self { address: web.address.clone(), world }
    }

    pub(crate) fn mood(&self, mood: Mood) {
        self.world.lock().unwrap().mood = mood;
    }

    pub(crate) fn issues(&self) -> BTreeMap<u64, Issue> {
        self.world.lock().unwrap().issues.clone()
    }

    /// Requests so far.
    pub(crate) fn asked(&self) -> u64 {
        self.world.lock().unwrap().asked
    }

    /// What it was asked that its API does not have.
    pub(crate) fn wrong(&self) -> Vec<String> {
        self.world.lock().unwrap().wrong.clone()
    }
}

fn answer(status: u16, body: &Value) -> Reply {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    Reply::Answer(status, vec![("content-type", "application/json".to_owned())], body)
}

impl World {
    fn answer(&mut self, asked: &Asked) -> Reply {
        self.asked += 1;
        match self.mood {
            Mood::Well => self.done(asked),
            Mood::Away => Reply::Nothing,
            Mood::Bad => match self.asked % 7 {
                0 | 2 | 4 => {
                    self.done(asked);
                    Reply::Nothing
                }
                1 => Reply::Answer(503, vec![("retry-after", "1".to_owned())], Vec::new()),
                3 => Reply::Answer(429, vec![("retry-after", "0".to_owned())], Vec::new()),
                5 => Reply::Answer(500, Vec::new(), b"<html>oops</html>".to_vec()),
                _ => self.done(asked),
            },
        }
    }

    fn done(&mut self, asked: &Asked) -> Reply {
        if asked.header("x-redmine-api-key") != Some(KEY) {
            return answer(401, &Value::Null);
        }
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let id =
            path.strip_prefix("/issues/").and_then(|rest| rest.strip_suffix(".json")?.parse::<u64>().ok());
        match (asked.method.as_str(), path, id) {
            ("GET", "/projects/sec.json", _) => answer(200, &json!({ "project": { "identifier": "sec" } })),
            ("GET", "/projects/other.json", _) => answer(404, &Value::Null),
            ("GET", "/issue_statuses.json", _) => {
                let status = |id: u64| json!({ "id": id, "name": "a", "is_closed": id == CLOSED });
                answer(200, &json!({ "issue_statuses": [status(OPEN), status(CLOSED)] }))
            }
            ("GET", "/issues.json", _) => self.found(query),
            ("POST", "/issues.json", _) => self.write(None, &body["issue"], asked),
            ("GET", _, Some(id)) if self.issues.contains_key(&id) => {
                answer(200, &json!({ "issue": self.shown(id) }))
            }
            ("PUT", _, Some(id)) if self.issues.contains_key(&id) => {
                self.write(Some(id), &body["issue"], asked)
            }
            ("GET" | "PUT", _, Some(_)) => answer(404, &Value::Null),
            _ => {
                self.wrong.push(format!("{} {}", asked.method, asked.target));
                answer(404, &Value::Null)
            }
        }
    }

    fn shown(&self, id: u64) -> Value {
        json!({ "id": id, "status": { "id": if self.issues[&id].open { OPEN } else { CLOSED } } })
    }

    fn found(&mut self, query: &str) -> Reply {
        let mut asked: BTreeMap<&str, &str> =
            query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let subject = asked.remove("subject").and_then(|text| text.strip_prefix('~')).unwrap_or("?");
        let subject = subject.replace("%3A", ":");
        let rest: Vec<_> = asked.into_iter().collect();
        if rest != [("limit", "1"), ("project_id", "sec"), ("sort", "id"), ("status_id", "%2A")] {
            self.wrong.push(format!("GET /issues.json?{query}"));
        }
        let found = self.issues.iter().filter(|(_, issue)| issue.subject.contains(&subject)).take(1);
        let found: Vec<Value> = found.map(|(id, _)| self.shown(*id)).collect();
        answer(200, &json!({ "issues": found, "total_count": found.len(), "offset": 0, "limit": 1 }))
    }

    fn write(&mut self, id: Option<u64>, issue: &Value, asked: &Asked) -> Reply {
        let fields = issue.as_object().cloned().unwrap_or_default();
        if asked.header("content-type") != Some("application/json") || fields.is_empty() {
            self.wrong.push(format!("{} without an issue: {issue}", asked.method));
        }
        if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            self.wrong.push(format!("no field {unknown}"));
        }
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let custom = fields.get("custom_fields").and_then(Value::as_array).into_iter().flatten();
        let team = custom.filter(|field| field["id"] == 7).any(|field| field["value"] == "blue");
        if id.is_none() && (!team || text("subject").is_empty() || text("project_id") != "sec") {
            return answer(422, &json!({ "errors": ["Team cannot be blank"] }));
        }
        if text("subject").chars().count() > 255 {
            return answer(422, &json!({ "errors": ["Subject is too long (maximum is 255 characters)"] }));
        }
        let made = id.is_none();
        let id = id.unwrap_or(self.issues.len() as u64 + 1);
        let entry =
            self.issues.entry(id).or_insert(Issue { subject: String::new(), open: true, reopened: 0 });
        if fields.contains_key("subject") {
            entry.subject = text("subject");
        }
        if let Some(status) = fields.get("status_id").and_then(Value::as_u64) {
            entry.reopened += u32::from(!entry.open && status == OPEN);
            entry.open = status == OPEN;
        }
        if made { answer(201, &json!({ "issue": self.shown(id) })) } else { answer(204, &Value::Null) }
    }
}
