//! The few operations of the Table API that are used. Text is text in its fields: nothing in it is formatted.

use palisade_sdk::http::{Request, Response};
use palisade_sdk::{Error, Receipt};
use serde::Deserialize;
use serde_json::{Map, Value};
use ticketing::{Wanted, refused, segment, text};

use crate::settings::Settings;

/// Longest short description, in characters.
const SHORT_MAX: usize = 160;
/// Longest description, in characters.
const LONG_MAX: usize = 4_000;
/// What says that a record is ours.
pub(crate) const OURS: &str = "Palisade";

/// ServiceNow, as one user.
pub(crate) struct Api<'a> {
    pub(crate) settings: &'a Settings,
}

/// A record as it is there.
#[derive(Debug, Deserialize)]
pub(crate) struct Record {
    pub(crate) sys_id: Both,
    pub(crate) state: Both,
}

/// A value, and how people see it.
#[derive(Debug, Deserialize)]
pub(crate) struct Both {
    pub(crate) value: String,
    #[serde(default)]
    pub(crate) display_value: String,
}

#[derive(Deserialize)]
struct One {
    result: Record,
}

#[derive(Deserialize)]
struct Many {
    result: Vec<Record>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    error: Said,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    message: String,
    detail: Option<String>,
}

impl Api<'_> {
    /// Whether the table can be read; what a new record needs is told when one is made.
    pub(crate) fn test(&self) -> Result<Receipt, Error> {
        self.list("", 1, 0)?;
        let table = &self.settings.table;
        Ok(Receipt::new(format!("a record in {table}"))
            .url(format!("{}/nav_to.do?uri={table}_list.do", self.settings.url)))
    }

    /// A record by its id; nothing if people have deleted it.
    pub(crate) fn record(&self, id: &str) -> Result<Option<Record>, Error> {
        let answer = self.send(self.shown(Request::get(self.url(Some(id)))))?;
        if answer.status == 404 {
            return Ok(None);
        }
        Ok(Some(done(answer)?.json::<One>()?.result))
    }

    /// The newest record of a marker.
    pub(crate) fn find(&self, marker: &str) -> Result<Option<Record>, Error> {
        let query = format!("correlation_id={}^ORDERBYDESCsys_created_on", plain(marker));
        Ok(self.list(&query, 1, 0)?.into_iter().next())
    }

    pub(crate) fn list(&self, query: &str, limit: usize, offset: u64) -> Result<Vec<Record>, Error> {
        let request = self
            .shown(Request::get(self.url(None)))
            .query("sysparm_query", query)
            .query("sysparm_limit", &limit.to_string())
            .query("sysparm_offset", &offset.to_string());
        Ok(done(self.send(request)?)?.json::<Many>()?.result)
    }

    pub(crate) fn create(&self, wanted: &Wanted) -> Result<Receipt, Error> {
        let mut fields = self.fields(wanted);
        for (name, value) in &self.settings.fields {
            fields.insert(name.clone(), value.as_str().into());
        }
        fields.insert("correlation_id".to_owned(), plain(&wanted.marker).into());
        fields.insert("correlation_display".to_owned(), OURS.into());
        let request = self.shown(Request::post(self.url(None))).json(&fields)?;
        let made = done(self.send(request)?)?.json::<One>()?.result;
        Ok(self.receipt(&made.sys_id.value))
    }

    pub(crate) fn update(&self, record: &Record, wanted: &Wanted) -> Result<Receipt, Error> {
        let mut fields = if wanted.is_open() { self.fields(wanted) } else { Map::new() };
        if wanted.is_open() == self.settings.is_over(&record.state.value) {
            let state =
                if wanted.is_open() { &self.settings.open_state } else { &self.settings.resolved_state };
            fields.insert("state".to_owned(), state.as_str().into());
            fields.insert("work_notes".to_owned(), wanted.note().into());
            if !wanted.is_open() {
                fields.insert("close_code".to_owned(), self.settings.close_code.as_str().into());
                fields.insert("close_notes".to_owned(), wanted.note().into());
            }
        }
        if !fields.is_empty() {
            let request = self.shown(Request::patch(self.url(Some(&record.sys_id.value)))).json(&fields)?;
            done(self.send(request)?)?;
        }
        Ok(self.receipt(&record.sys_id.value))
    }

    fn fields(&self, wanted: &Wanted) -> Map<String, Value> {
        let short = text::line(&format!("[{}] {}", wanted.severity, wanted.title), SHORT_MAX);
        let long: String = text::lines(wanted).join("\n").chars().take(LONG_MAX).collect();
        let impact = self.settings.impact(&wanted.severity);
        let pairs = [
            ("short_description", short),
            ("description", long),
            ("impact", impact.impact),
            ("urgency", impact.urgency),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    }

    fn receipt(&self, id: &str) -> Receipt {
        let (base, table) = (&self.settings.url, &self.settings.table);
        Receipt::new(id).url(format!("{base}/nav_to.do?uri={table}.do%3Fsys_id%3D{}", segment(id)))
    }

    fn url(&self, id: Option<&str>) -> String {
        let base = format!("{}/api/now/table/{}", self.settings.url, self.settings.table);
        id.map_or(base.clone(), |id| format!("{base}/{}", segment(id)))
    }

    /// Values with how people see them.
    fn shown(&self, request: Request) -> Request {
        request.query("sysparm_fields", "sys_id,state").query("sysparm_display_value", "all")
    }

    fn send(&self, request: Request) -> Result<Response, Error> {
        ticketing::send(request.header("accept", "application/json"), &self.settings.secret)
    }
}

/// A marker as it stands in a query, in which `^` would begin another condition.
fn plain(marker: &str) -> String {
    marker
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, ':' | '-' | '_'))
        .collect()
}

/// The answer, if it is one of success; else what ServiceNow says is wrong, and what to do.
fn done(answer: Response) -> Result<Response, Error> {
    let said = || {
        let refusal: Refusal = answer.json().unwrap_or_default();
        format!("{} {}", refusal.error.message, refusal.error.detail.unwrap_or_default())
    };
    match answer.status {
        401 => Err(Error::Host(
            "servicenow does not know the user; check the secret and its `inject`".to_owned(),
        )),
        400 => Err(refused(
            "servicenow refuses the record",
            &said(),
            "fields that are required go into `fields`; check `table`",
        )),
        403 => Err(refused(
            "servicenow refuses the record",
            &said(),
            "give the user the right to read, create and write records of the table, and let `close-code` be one that the instance knows",
        )),
        _ => answer.ok(),
    }
}
