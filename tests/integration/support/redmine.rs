//! A Redmine of a few lines that takes nothing but what its REST API takes, and can be as bad a server as there is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::web::{Asked, Reply, Web};

/// The key of the user.
pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef01234567";
const OPEN: u64 = 1;
/// The status in which somebody is at an issue.
pub(crate) const DOING: u64 = 2;
/// The status of what is mended.
pub(crate) const CLOSED: u64 = 5;
/// The status of what nobody will mend.
pub(crate) const REJECTED: u64 = 6;
/// Every status: its id, its name, and whether it closes an issue.
const STATUSES: [(u64, &str, bool); 4] =
    [(OPEN, "New", false), (DOING, "Doing", false), (CLOSED, "Closed", true), (REJECTED, "Rejected", true)];
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
    status: u64,
    /// The last note.
    pub(crate) note: String,
    /// When it was changed last, by a clock of its own.
    updated: u64,
    /// How often it was reopened.
    pub(crate) reopened: u32,
}

struct World {
    mood: Mood,
    asked: u64,
    clock: u64,
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
        let world =
            World { mood: Mood::Well, asked: 0, clock: 0, issues: BTreeMap::new(), wrong: Vec::new() };
        let world = Arc::new(Mutex::new(world));
        let own = Arc::clone(&world);
        let web = Web::start(move |asked| own.lock().unwrap().answer(asked));
        Self { address: web.address, world }
    }

    pub(crate) fn mood(&self, mood: Mood) {
        self.world.lock().unwrap().mood = mood;
    }

    pub(crate) fn issues(&self) -> BTreeMap<u64, Issue> {
        self.world.lock().unwrap().issues.clone()
    }

    /// Somebody moves an issue.
    pub(crate) fn move_to(&self, id: u64, status: u64) {
        self.world.lock().unwrap().moved(id, status);
    }

    /// Requests so far that were not for what has changed.
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
        let reads = asked.target.contains("updated_on=") || asked.target == "/issue_statuses.json";
        self.asked += u64::from(!reads || self.mood == Mood::Bad);
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
                let status = |(id, name, closed)| json!({ "id": id, "name": name, "is_closed": closed });
                answer(200, &json!({ "issue_statuses": STATUSES.map(status) }))
            }
            ("GET", "/issues.json", _) if query.contains("updated_on=") => self.changed(query),
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
        let issue = &self.issues[&id];
        let (status, name, _) = STATUSES.iter().find(|(status, ..)| *status == issue.status).unwrap();
        json!({ "id": id, "status": { "id": status, "name": name }, "updated_on": time(issue.updated) })
    }

    fn moved(&mut self, id: u64, status: u64) {
        self.clock += 1;
        let closed = STATUSES.iter().any(|(known, _, closed)| *known == status && *closed);
        let issue = self.issues.get_mut(&id).unwrap();
        issue.reopened += u32::from(!issue.open && !closed);
        (issue.status, issue.open, issue.updated) = (status, !closed, self.clock);
    }

    /// Issues that have changed, in the order and the pages that were asked for.
    fn changed(&mut self, query: &str) -> Reply {
        let asked: BTreeMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let wanted = ["limit", "offset", "project_id", "sort", "status_id", "subject", "updated_on"];
        let fixed = [("limit", "100"), ("sort", "updated_on%2Cid"), ("subject", "~palisade%3A")];
        if !asked.keys().copied().eq(wanted) || fixed.iter().any(|(key, value)| asked[key] != *value) {
            self.wrong.push(format!("GET /issues.json?{query}"));
            return answer(422, &json!({ "errors": ["no such filter"] }));
        }
        let since = asked["updated_on"].strip_prefix("%3E%3D").unwrap().replace("%3A", ":");
        let offset: usize = asked["offset"].parse().unwrap();
        let mut found: Vec<(u64, u64)> = self.issues.iter().map(|(id, issue)| (issue.updated, *id)).collect();
        found.retain(|(updated, _)| time(*updated) >= since);
        found.sort_unstable();
        let page: Vec<Value> = found.iter().skip(offset).take(100).map(|(_, id)| self.shown(*id)).collect();
        answer(200, &json!({ "issues": page, "total_count": found.len(), "offset": offset, "limit": 100 }))
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
        self.clock += 1;
        let fresh = Issue {
            subject: String::new(),
            open: true,
            status: OPEN,
            note: String::new(),
            updated: 0,
            reopened: 0,
        };
        let entry = self.issues.entry(id).or_insert(fresh);
        entry.updated = self.clock;
        if fields.contains_key("notes") {
            entry.note = text("notes");
        }
        if fields.contains_key("subject") {
            entry.subject = text("subject");
        }
        if let Some(status) = fields.get("status_id").and_then(Value::as_u64) {
            self.moved(id, status);
        }
        if made { answer(201, &json!({ "issue": self.shown(id) })) } else { answer(204, &Value::Null) }
    }
}

/// Seconds of the server's own clock as it writes times.
fn time(seconds: u64) -> String {
    format!("2026-01-01T{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
