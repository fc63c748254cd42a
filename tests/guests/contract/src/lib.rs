//! The contract as the hostile guests see it: everything that can be imported, with nothing between the guest and the
//! boundary, and the export of each kind in one line.

/// What `wit-bindgen` makes of the contract: all imports and all data once, and each kind's export apart.
pub mod bindings;

mod exports;

pub use bindings::admission::exports::palisade::plugin::admission::Guest as AdmissionGuest;
pub use bindings::collector::exports::palisade::plugin::collector::{Guest as CollectorGuest, Missing, Page};
pub use bindings::compliance::exports::palisade::plugin::compliance::Guest as ComplianceGuest;
pub use bindings::correlator::exports::palisade::plugin::correlator::{
    Correlation, Guest as CorrelatorGuest,
};
pub use bindings::image_analyzer::exports::palisade::plugin::image_analyzer::{
    Analysis, Body, Guest as AnalyzerGuest, InputFile,
};
pub use bindings::notifier::exports::palisade::plugin::notifier::{Guest as NotifierGuest, Notice, Receipt};
pub use bindings::palisade::host;
pub use bindings::palisade::types::common::{Confidence, Error, Finding, Problem, Severity};
pub use bindings::palisade::types::controls::{ControlResult, ControlStatus, Observation};
pub use bindings::palisade::types::decisions::{Decision, Violation};
pub use bindings::palisade::types::events::{Detection, Event, IncidentLink, Timer};
pub use bindings::palisade::types::packages::{OperatingSystem, Ownership, Package, PackageType};
pub use bindings::palisade::types::resources::{AssetResource, CheckResult, CheckStatus};
pub use bindings::posture::exports::palisade::plugin::posture::{Assessment, Guest as PostureGuest};

/// An answer without records.
pub fn nothing() -> Analysis {
    Analysis {
        systems: Vec::new(),
        packages: Vec::new(),
        ownerships: Vec::new(),
        findings: Vec::new(),
        problems: Vec::new(),
    }
}

/// An answer to a batch of events of which nothing became.
pub fn no_story() -> Correlation {
    Correlation { detections: Vec::new(), links: Vec::new(), timers: Vec::new(), problems: Vec::new() }
}

/// A failed check of the first resource, by the manifest's rule.
pub fn failed(message: &str) -> CheckResult {
    CheckResult {
        item: 0,
        rule: "rule".to_owned(),
        status: CheckStatus::Fail,
        severity: Severity::Low,
        message: message.to_owned(),
        location: String::new(),
        evidence: Vec::new(),
    }
}

/// A detection that the first event proves, by the manifest's rule.
pub fn detected(title: &str) -> Detection {
    Detection {
        items: vec![0],
        rule: "rule".to_owned(),
        title: title.to_owned(),
        severity: Severity::Low,
        asset: "asset".to_owned(),
        incident_key: String::new(),
        evidence: Vec::new(),
    }
}

/// A request without headers, body and secret.
pub fn request(method: &str, url: &str) -> host::http::Request {
    host::http::Request {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        secret: None,
    }
}

/// What became of an attempt, for the test that looks at it: `attempt: ok` or `attempt: denied`, `limit`, `invalid`,
/// `not-found`, `unavailable`.
pub fn outcome<T>(attempt: &str, answer: &Result<T, host::errors::HostError>) -> String {
    use host::errors::HostError;
    let word = match answer {
        Ok(_) => "ok",
        Err(HostError::Denied(_)) => "denied",
        Err(HostError::Limit(_)) => "limit",
        Err(HostError::Invalid(_)) => "invalid",
        Err(HostError::NotFound) => "not-found",
        Err(HostError::Unavailable(_)) => "unavailable",
    };
    format!("{attempt}: {word}")
}

/// A last page that tells of attempts, each a part that could not be fetched.
pub fn told(attempts: Vec<String>) -> Page {
    let missing = |attempt: String| Missing { subject: attempt, message: "an attempt".to_owned() };
    Page { resources: Vec::new(), missing: attempts.into_iter().map(missing).collect(), next: None }
}

/// A refused host call as the plugin's own error.
pub fn refused(error: host::errors::HostError) -> Error {
    Error::Host(format!("{error:?}"))
}
