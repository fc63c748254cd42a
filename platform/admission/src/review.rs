//! `AdmissionReview` of `admission.k8s.io/v1`: what is read of a request, and how an answer is put together.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::judge::{Judgement, Mode, Said};

/// Largest body that is read, in bytes. The API server takes requests of up to 3 MiB, and sends the old object too.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What the API server cuts a warning to, in characters.
const WARNING_CHARS_MAX: usize = 256;
/// Warnings told. The API server drops all beyond 4,096 characters.
const WARNINGS_MAX: usize = 16;
/// Longest message of a refusal, in bytes.
const MESSAGE_BYTES_MAX: usize = 4_096;
/// Longest value of an annotation in the audit log, in bytes.
const ANNOTATION_BYTES_MAX: usize = 2_048;

/// A request to decide about.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Id that the answer has to repeat.
    pub uid: String,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: String,
    /// API group of the kind; empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace; empty for objects of the cluster itself.
    pub namespace: String,
    /// Name; empty where the API server will choose one.
    pub name: String,
    /// The `request` member as it came, as JSON.
    pub body: Vec<u8>,
    /// The same, read.
    pub value: Value,
}

impl Request {
    /// Reads the body of a webhook call.
    ///
    /// # Errors
    /// What is wrong with it, for the API server's log.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let mut review: Value =
            serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
        let word = |value: &Value, pointer: &str| {
            value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let (version, kind) = (word(&review, "/apiVersion"), word(&review, "/kind"));
        if version != "admission.k8s.io/v1" || kind != "AdmissionReview" {
            return Err(
                "the body is no AdmissionReview of admission.k8s.io/v1; name v1 in admissionReviewVersions"
                    .to_owned(),
            );
        }
        let value = review.get_mut("request").map(Value::take).filter(Value::is_object);
        let value = value.ok_or("the AdmissionReview has no request")?;
        let uid = word(&value, "/uid");
        if uid.is_empty() {
            return Err("the request has no uid".to_owned());
        }
        Ok(Self {
            uid,
            operation: word(&value, "/operation"),
            group: word(&value, "/kind/group"),
            kind: word(&value, "/kind/kind"),
            namespace: word(&value, "/namespace"),
            name: word(&value, "/name"),
            body: value.to_string().into_bytes(),
            value,
        })
    }

    /// Whether it is about this namespace, or about something in it.
    #[must_use]
    pub fn is_within(&self, namespace: &str) -> bool {
        let itself = self.kind == "Namespace" && self.group.is_empty() && self.name == namespace;
        !namespace.is_empty() && (self.namespace == namespace || itself)
    }
}

/// What holds for all requests.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Namespaces in which nothing is ever refused or changed: the webhook's own first of all.
    pub exempt: Vec<String>,
    /// Refuse nothing and change nothing; say in the audit log of the cluster what would have been.
    pub dry_run: bool,
}

impl Settings {
    /// Whether a request passes unseen.
    #[must_use]
    pub fn exempts(&self, request: &Request) -> bool {
        self.exempt.iter().any(|namespace| request.is_within(namespace))
    }
}

/// The `AdmissionReview` that answers a request.
#[must_use]
pub fn answer(mode: Mode, request: &Request, judgement: &Judgement, settings: &Settings) -> Value {
    let closed = judgement.failures.iter().filter(|failure| failure.closed);
    let unasked = closed.map(|failure| Said {
        policy: failure.policy.clone(),
        message: format!("it could not be asked, and then it refuses: {}", failure.reason),
    });
    let against: Vec<Said> = judgement.violations.iter().cloned().chain(unasked).collect();
    let refused = mode == Mode::Validate && !settings.dry_run && !against.is_empty();
    let mut response = Map::new();
    response.insert("uid".to_owned(), json!(request.uid));
    response.insert("allowed".to_owned(), json!(!refused));
    if refused {
        let message = cut(&format!("refused by Palisade: {}", said(&against)), MESSAGE_BYTES_MAX);
        response
            .insert("status".to_owned(), json!({ "code": 403, "reason": "Forbidden", "message": message }));
    }
    let warnings = warnings(judgement);
    if !warnings.is_empty() && !refused {
        response.insert("warnings".to_owned(), json!(warnings));
    }
    if mode == Mode::Mutate && !judgement.patch.is_empty() && !settings.dry_run {
        let patch = Value::Array(judgement.patch.clone()).to_string();
        response.insert("patchType".to_owned(), json!("JSONPatch"));
        response.insert("patch".to_owned(), json!(STANDARD.encode(patch)));
    }
    let annotations = annotations(judgement, &against, settings);
    if !annotations.is_empty() {
        response.insert("auditAnnotations".to_owned(), Value::Object(annotations));
    }
    json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response })
}

fn said(all: &[Said]) -> String {
    let lines: Vec<String> = all.iter().map(|one| format!("{}: {}", one.policy, one.message)).collect();
    lines.join("; ")
}

fn warnings(judgement: &Judgement) -> Vec<String> {
    let open = judgement.failures.iter().filter(|failure| !failure.closed);
    let open = open.map(|failure| format!("{} could not be asked: {}", failure.policy, failure.reason));
    let told = judgement.warnings.iter().map(|one| format!("{}: {}", one.policy, one.message));
    let short = |text: String| text.chars().filter(|c| !c.is_control()).take(WARNING_CHARS_MAX).collect();
    told.chain(open).map(short).take(WARNINGS_MAX).collect()
}

/// What an operator finds in the audit log of the cluster.
fn annotations(judgement: &Judgement, against: &[Said], settings: &Settings) -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |key: &str, text: String| {
        if !text.is_empty() {
            all.insert(key.to_owned(), json!(cut(&text, ANNOTATION_BYTES_MAX)));
        }
    };
    let would: Vec<Said> = match settings.dry_run {
        true => against.iter().chain(&judgement.dry_run).cloned().collect(),
        false => judgement.dry_run.clone(),
    };
    add("dry-run", said(&would));
    let open = judgement.failures.iter().filter(|failure| !failure.closed);
    let open: Vec<String> = open.map(|failure| format!("{}: {}", failure.policy, failure.reason)).collect();
    add("not-asked", open.join("; "));
    all
}

fn cut(text: &str, bytes: usize) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match text.len() <= bytes {
        true => text,
        false => format!("{}…", text.get(..text.floor_char_boundary(bytes - 4)).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::judge::Failure;

    fn request(namespace: &str) -> Request {
        let review = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "u-1", "operation": "CREATE", "kind": { "group": "", "version": "v1", "kind": "Pod" },
            "namespace": namespace, "name": "p", "object": { "kind": "Pod" },
        } });
        Request::read(review.to_string().as_bytes()).unwrap()
    }

    fn one(policy: &str) -> Said {
        Said { policy: policy.to_owned(), message: "why".to_owned() }
    }

    fn failure(closed: bool) -> Failure {
        Failure { policy: "f".to_owned(), reason: "it took too long".to_owned(), closed }
    }

    #[test]
    fn what_refuses_is_told_and_what_only_warns_passes() {
        let judgement = Judgement { violations: vec![one("a"), one("b")], ..Judgement::default() };
        let refused = answer(Mode::Validate, &request("n"), &judgement, &Settings::default());
        assert_eq!(refused["response"]["allowed"], false);
        assert_eq!(refused["response"]["uid"], "u-1");
        assert_eq!(refused["response"]["status"]["message"], "refused by Palisade: a: why; b: why");
        let judgement = Judgement { warnings: vec![one("w")], ..Judgement::default() };
        let passed = answer(Mode::Validate, &request("n"), &judgement, &Settings::default());
        assert_eq!(passed["response"]["allowed"], true);
        assert_eq!(passed["response"]["warnings"], json!(["w: why"]));
    }

    #[test]
    fn a_policy_that_could_not_be_asked_refuses_if_it_fails_closed() {
        for (closed, allowed) in [(true, false), (false, true)] {
            let judgement = Judgement { failures: vec![failure(closed)], ..Judgement::default() };
            let told = answer(Mode::Validate, &request("n"), &judgement, &Settings::default());
            assert_eq!(told["response"]["allowed"], allowed);
            assert_eq!(told["response"]["auditAnnotations"].is_object(), !closed);
        }
    }

    #[test]
    fn in_dry_run_nothing_is_refused_or_changed_and_the_audit_log_says_what_would_be() {
        let settings = Settings { dry_run: true, ..Settings::default() };
        let judgement = Judgement {
            violations: vec![one("a")],
            patch: vec![json!({ "op": "remove", "path": "/x" })],
            ..Judgement::default()
        };
        let told = answer(Mode::Validate, &request("n"), &judgement, &settings);
        assert_eq!(told["response"]["allowed"], true);
        assert_eq!(told["response"]["auditAnnotations"]["dry-run"], "a: why");
        let told = answer(Mode::Mutate, &request("n"), &judgement, &settings);
        assert!(told["response"].get("patch").is_none());
        // One policy in dry run beside one that is enforced.
        let judgement = Judgement { dry_run: vec![one("d")], ..Judgement::default() };
        let told = answer(Mode::Validate, &request("n"), &judgement, &Settings::default());
        assert_eq!(
            (&told["response"]["allowed"], &told["response"]["auditAnnotations"]["dry-run"]),
            (&json!(true), &json!("d: why"))
        );
    }

    #[test]
    fn a_patch_is_for_mutation_only() {
        let operation = json!({ "op": "add", "path": "/metadata/labels", "value": { "a": "b" } });
        let judgement = Judgement { patch: vec![operation.clone()], ..Judgement::default() };
        let told = answer(Mode::Mutate, &request("n"), &judgement, &Settings::default());
        let patch = STANDARD.decode(told["response"]["patch"].as_str().unwrap()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&patch).unwrap(), json!([operation]));
        let told = answer(Mode::Validate, &request("n"), &judgement, &Settings::default());
        assert!(told["response"].get("patch").is_none());
    }

    #[test]
    fn the_namespace_itself_is_within_it() {
        let settings = Settings { exempt: vec!["palisade".to_owned(), String::new()], ..Settings::default() };
        assert!(settings.exempts(&request("palisade")));
        assert!(!settings.exempts(&request("shop")));
        let mut namespace = request("");
        namespace.kind = "Namespace".to_owned();
        namespace.name = "palisade".to_owned();
        assert!(settings.exempts(&namespace));
        namespace.name = "shop".to_owned();
        assert!(!settings.exempts(&namespace));
    }

    #[test]
    fn what_is_no_review_is_told_so() {
        for (body, why) in [
            ("", "not JSON"),
            ("[]", "no AdmissionReview"),
            (r#"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}"#, "name v1"),
            (r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#, "no request"),
            (r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}"#, "no uid"),
        ] {
            let error = Request::read(body.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_words_make_an_answer_within_the_bounds_of_the_api_server(
            words in proptest::collection::vec(".{0,400}", 0..40),
        ) {
            let said: Vec<Said> = words.iter().map(|word| Said { policy: word.clone(), message: word.clone() }).collect();
            let judgement = Judgement { violations: said.clone(), dry_run: said.clone(), warnings: said, ..Judgement::default() };
            let told = answer(Mode::Validate, &request("n"), &judgement, &Settings { dry_run: true, ..Settings::default() });
            for warning in told["response"]["warnings"].as_array().into_iter().flatten() {
                prop_assert!(warning.as_str().unwrap().chars().count() <= WARNING_CHARS_MAX);
            }
            let told = answer(Mode::Validate, &request("n"), &judgement, &Settings::default());
            prop_assert_eq!(&told["response"]["allowed"], words.is_empty());
            let message = told["response"]["status"]["message"].as_str().unwrap_or_default();
            prop_assert!(message.len() <= MESSAGE_BYTES_MAX);
        }

        #[test]
        fn any_bytes_are_answered(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Request::read(&body);
        }
    }
}
