//! The REST API of a server under test.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

/// A client with a token.
#[derive(Clone)]
pub(crate) struct Api {
    agent: ureq::Agent,
    base: String,
    token: String,
}

/// A status and a body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Api {
    pub(crate) fn new(base: &str, token: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build();
        Self { agent: config.into(), base: base.to_owned(), token: token.to_owned() }
    }

    /// The same server, asked by somebody else.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The token that it holds.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// `GET`, with whatever status.
    pub(crate) fn try_get(&self, path: &str) -> Result<Answer, ureq::Error> {
        let request = self.agent.get(format!("{}{path}", self.base)).header("authorization", self.bearer());
        answer(request.call()?)
    }

    /// `POST` of JSON, with whatever status.
    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.try_post(path, body).unwrap()
    }

    /// The same of a server that may not be there.
    pub(crate) fn try_post(&self, path: &str, body: &Value) -> Result<Answer, ureq::Error> {
        let request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("authorization", self.bearer())
            .header("content-type", "application/json");
        answer(request.send(body.to_string())?)
    }

    /// `POST` of bytes, with whatever status.
    #[track_caller]
    pub(crate) fn post_bytes(&self, path: &str, body: &[u8]) -> Answer {
        let request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("authorization", self.bearer())
            .header("content-type", "application/octet-stream");
        answer(request.send(body).unwrap()).unwrap()
    }

    /// `PUT` of JSON.
    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        let request = self
            .agent
            .put(format!("{}{path}", self.base))
            .header("authorization", self.bearer())
            .header("content-type", "application/json");
        answer(request.send(body.to_string()).unwrap()).unwrap()
    }

    /// `PATCH` of JSON that must succeed.
    #[track_caller]
    pub(crate) fn patch(&self, path: &str, body: &Value) -> Value {
        let request = self
            .agent
            .patch(format!("{}{path}", self.base))
            .header("authorization", self.bearer())
            .header("content-type", "application/json");
        let answer = answer(request.send(body.to_string()).unwrap()).unwrap();
        assert_eq!(answer.status, 200, "PATCH {path}: {}", answer.body);
        answer.body
    }

    /// `GET` that must succeed.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        let answer = self.try_get(path).unwrap();
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.body);
        answer.body
    }

    /// A file that must be there.
    #[track_caller]
    pub(crate) fn download(&self, path: &str) -> String {
        let request = self.agent.get(format!("{}{path}", self.base)).header("authorization", self.bearer());
        let mut answer = request.call().unwrap();
        assert_eq!(answer.status(), 200, "GET {path}");
        answer.body_mut().read_to_string().unwrap()
    }

    /// Every row of a list, page after page.
    pub(crate) fn all(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = self.get(&format!("{path}{mark}limit=200{cursor}"));
            rows.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }

    /// Submits a scan under an idempotency key; an error when the server is not there.
    pub(crate) fn submit(&self, kind: &str, reference: &str, key: &str) -> Result<Answer, ureq::Error> {
        let request = self
            .agent
            .post(format!("{}/api/v1/scans", self.base))
            .header("authorization", self.bearer())
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        answer(request.send(json!({ "kind": kind, "reference": reference }).to_string())?)
    }

    /// Submits a scan and waits for its end.
    #[track_caller]
    pub(crate) fn scan(&self, kind: &str, reference: &str) -> Value {
        static SUBMITTED: AtomicU64 = AtomicU64::new(0);
        let key = format!("test-{}", SUBMITTED.fetch_add(1, Ordering::Relaxed));
        let submitted = self.submit(kind, reference, &key).unwrap();
        assert_eq!(submitted.status, 202, "{}", submitted.body);
        let id = submitted.body["id"].as_str().unwrap();
        self.follow(id)
    }

    /// Reads a scan's event stream to its end, which is the scan's end.
    #[track_caller]
    pub(crate) fn follow(&self, id: &str) -> Value {
        let url = format!("{}/api/v1/scans/{id}/events", self.base);
        let request = self.agent.get(url).header("authorization", self.bearer());
        let mut response =
            request.config().timeout_global(Some(Duration::from_secs(60))).build().call().unwrap();
        let stream = response
            .body_mut()
            .read_to_string()
            .unwrap_or_else(|error| panic!("{error}: {}", self.get(&format!("/api/v1/scans/{id}"))));
        let last = stream.lines().filter_map(|line| line.strip_prefix("data:")).next_back();
        serde_json::from_str(last.unwrap_or_else(|| panic!("no event in {stream:?}"))).unwrap()
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let status = response.status().as_u16();
    let text = response.body_mut().read_to_string()?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Answer { status, body })
}
