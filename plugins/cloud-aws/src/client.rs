//! Requests to AWS, unsigned: the platform signs them with the named secret for the scope in `palisade-aws-scope`.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use palisade_sdk::http::Request;
use palisade_sdk::{HostError, metrics};
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, Partition, endpoint};
use crate::failure::{Failure, of_answer, of_host};
use crate::settings::Settings;
use crate::shapes::{Form, Model, Protocol, model};
use crate::{json, xml};

/// Requests of one call of the plugin; the manifest's limit is a little higher.
const REQUESTS_MAX: u32 = 100;
/// Bytes of answers after which a call of the plugin ends; the manifest's limit is higher, so that one large answer fits still.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Ask<'a> {
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) region: &'a str,
    parameters: Vec<(String, String)>,
    path: Vec<(&'static str, &'a str)>,
    body: Value,
}

/// An operation in a region, without parameters.
pub(crate) fn ask<'a>(service: &'static str, operation: &'static str, region: &'a str) -> Ask<'a> {
    Ask { service, operation, region, parameters: Vec::new(), path: Vec::new(), body: json!({}) }
}

impl<'a> Ask<'a> {
    /// A parameter, as the service's protocol writes it: of the form, of the query or of the JSON body (there as text).
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parameters.push((name.to_owned(), value.into()));
        self
    }

    /// A part of the path.
    pub(crate) fn at(mut self, name: &'static str, value: &'a str) -> Self {
        self.path.push((name, value));
        self
    }

    /// The body of a service that speaks JSON.
    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = body;
        self
    }

    /// The token of a page.
    pub(crate) fn page(mut self, name: &str, token: Option<&str>) -> Self {
        if let Some(token) = token {
            self.parameters.push((name.to_owned(), token.to_owned()));
        }
        self
    }
}

/// Sends, for one call of the plugin.
#[derive(Debug)]
pub(crate) struct Client<'a> {
    settings: &'a Settings,
    pub(crate) partition: Partition,
    pub(crate) account: String,
    models: RefCell<BTreeMap<&'static str, Rc<Model>>>,
    refused: RefCell<BTreeSet<String>>,
    sent: Cell<u32>,
    bytes: Cell<usize>,
}

impl<'a> Client<'a> {
    pub(crate) fn new(settings: &'a Settings, partition: Partition, account: &str) -> Self {
        Self {
            settings,
            partition,
            account: account.to_owned(),
            models: RefCell::default(),
            refused: RefCell::default(),
            sent: Cell::new(0),
            bytes: Cell::new(0),
        }
    }

    /// Whether this call of the plugin has done its share.
    pub(crate) fn is_spent(&self) -> bool {
        self.sent.get() >= REQUESTS_MAX || self.bytes.get() >= BYTES_MAX
    }

    /// Asks and reads the answer.
    pub(crate) fn call(&self, ask: &Ask<'_>) -> Result<Value, Failure> {
        if self.is_spent() {
            return Err(Failure::Spent);
        }
        let model = self.model(ask.service)?;
        let unknown = || Failure::Lasting(format!("{} is not an operation of the plugin", ask.operation));
        let form = model.operations.get(ask.operation).ok_or_else(unknown)?;
        let endpoint =
            endpoint(self.partition, &model, ask.region, &self.account, self.settings.endpoint.as_deref());
        // A host that is not granted is asked once in a call: a plugin that goes on asking is stopped.
        if self.refused.borrow().contains(&endpoint.origin) {
            return Err(Failure::Lasting(format!("not granted: {}", endpoint.origin)));
        }
        self.sent.set(self.sent.get() + 1);
        metrics::add("requests", 1);
        let request = self.request(ask, &model, form, &endpoint);
        let answer = request.secret(self.settings.secret.clone()).send().map_err(|error| {
            if matches!(error, HostError::Denied(_)) {
                self.refused.borrow_mut().insert(endpoint.origin.clone());
            }
            self.of_host(error)
        })?;
        self.bytes.set(self.bytes.get().saturating_add(answer.body.len()));
        if !(200..=299).contains(&answer.status) {
            return Err(of_answer(&answer));
        }
        let read = match (model.protocol, form.payload.as_deref()) {
            (Protocol::RestXml, Some("Policy")) => String::from_utf8(answer.body)
                .map(|text| json!({ "Policy": text }))
                .map_err(|_| "the answer is not text".to_owned()),
            (Protocol::RestXml | Protocol::Query | Protocol::Ec2, _) => {
                xml::read(&model, ask.operation, form, &answer.body)
            }
            _ => json::read(&model, form, &answer.body),
        };
        read.map_err(Failure::Passing)
    }

    /// Too large for what is left of this call is not too large for the next.
    fn of_host(&self, error: HostError) -> Failure {
        match of_host(error) {
            Failure::Lasting(why) if why.contains("egress-mib") && self.sent.get() > 1 => {
                self.bytes.set(BYTES_MAX);
                Failure::Spent
            }
            failure => failure,
        }
    }

    fn model(&self, service: &'static str) -> Result<Rc<Model>, Failure> {
        if let Some(known) = self.models.borrow().get(service) {
            return Ok(Rc::clone(known));
        }
        let read = model(service).ok_or_else(|| Failure::Lasting(format!("{service} is not a service")))?;
        let read = Rc::new(read);
        self.models.borrow_mut().insert(service, Rc::clone(&read));
        Ok(read)
    }

    fn request(&self, ask: &Ask<'_>, model: &Model, form: &Form, endpoint: &Endpoint) -> Request {
        let scope = format!("{}/{}", endpoint.region, model.signing);
        let (method, path) = (&form.http.0, &form.http.1);
        let request = match model.protocol {
            Protocol::Query | Protocol::Ec2 => {
                let mut text = format!("Action={}&Version={}", ask.operation, model.version);
                for (name, value) in &ask.parameters {
                    text.push_str(&format!("&{}={}", encoded(name), encoded(value)));
                }
                Request::post(format!("{}/", endpoint.origin))
                    .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
                    .body(text)
            }
            Protocol::Json => Request::post(format!("{}/", endpoint.origin))
                .header("content-type", format!("application/x-amz-json-{}", model.json))
                .header("x-amz-target", format!("{}.{}", model.target, ask.operation))
                .body(with_parameters(ask).to_string()),
            Protocol::RestJson | Protocol::RestXml => {
                let mut path = path.clone();
                for (name, value) in &ask.path {
                    path = path.replace(&format!("{{{name}}}"), &encoded(value));
                }
                let mut request = Request::new(method, format!("{}{path}", endpoint.origin));
                if method == "GET" {
                    for (name, value) in &ask.parameters {
                        request = request.query(name, value);
                    }
                } else {
                    request = request
                        .header("content-type", "application/json")
                        .body(with_parameters(ask).to_string());
                }
                if ask.service == "s3control" {
                    request = request.header("x-amz-account-id", self.account.clone());
                }
                request
            }
        };
        request.header("palisade-aws-scope", scope)
    }
}

/// The body with the parameters, which are texts, in it.
fn with_parameters(ask: &Ask<'_>) -> Value {
    let mut body = ask.body.clone();
    if let Value::Object(fields) = &mut body {
        for (name, value) in &ask.parameters {
            fields.insert(name.clone(), Value::String(value.clone()));
        }
    }
    body
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
