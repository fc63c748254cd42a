//! Judged events: what plugins and sensors found, and what joins it to others.

use host::kinds::{Detection, Event};
use model::event::{self, EventKind};
use model::{Digest, Severity};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Source of the events that detections become, for correlators that join them.
pub const DETECTIONS: &str = "palisade";
/// Joins that name what a story is about, the one that most events of it share first. A container comes and goes with its pod, and
/// an image runs in many places.
const JOINS: [&str; 4] = ["workload:", "pod:", "container:", "principal:"];

/// A judged event, with where the judgement came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    /// Its id: the hash of plugin, rule, key and events, so that the same detection always has the same one. That of an alert begins
    /// with its second, so that what is stored together is near each other.
    pub id: String,
    /// Plugin and rule; of an alert `sensor`, its source and the sensor's rule.
    pub rule: String,
    /// Digest of the plugin; nothing where a sensor judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<Digest>,
    /// One line for people.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Canonical id of the asset at risk; empty where none could be told.
    pub asset: String,
    /// What joins it to others; empty for one that stands alone.
    pub key: String,
    /// Time of the first of its events, in nanoseconds since 1970 in UTC.
    pub first: u64,
    /// Time of the last.
    pub last: u64,
    /// ATT&CK techniques, as its evidence or the sensor's rule names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub techniques: Vec<String>,
    /// Ids of the events that prove it.
    pub events: Vec<String>,
    /// What was compared with what; null for none.
    pub evidence: Value,
    /// Whom and what the first of its events is about: members of the normalised event, without its raw text.
    #[serde(skip)]
    pub subject: Value,
}

impl Judged {
    /// The detection of a plugin. `proof` are the events that it names; one without was made by a timer, or by what the plugin
    /// remembers. It has the times `first` and `last` of its evidence (nanoseconds since 1970 in UTC), so that it is the same one
    /// whenever the timer came; without these, or with ones that are yet to come, that of the watermark.
    pub(crate) fn of_plugin(
        plugin: &str,
        digest: &Digest,
        detection: Detection,
        proof: &[&Event],
        watermark: u64,
    ) -> Self {
        // The host has made sure that it is JSON.
        let evidence: Value = serde_json::from_slice(&detection.evidence).unwrap_or_default();
        // A plugin that runs rules of a language declares one rule for all of them; people know them by their own names.
        let own = evidence.get("ruleName").and_then(Value::as_str).filter(|name| is_name(name));
        let rule = format!("{plugin}/{}", own.unwrap_or(&detection.rule));
        let said = |name: &str| evidence.get(name).and_then(Value::as_u64).filter(|time| *time <= watermark);
        let time = |times: Option<u64>, name: &str| times.or_else(|| said(name)).unwrap_or(watermark);
        let last = time(proof.iter().map(|event| event.time).max(), "last");
        let first = time(proof.iter().map(|event| event.time).min(), "first").min(last);
        let events: Vec<String> = proof.iter().map(|event| event.id.clone()).collect();
        let at = if events.is_empty() { last.to_string() } else { String::new() };
        let own = [rule.as_str(), &detection.incident_key, &detection.asset, &detection.title];
        let parts = own.into_iter().chain(events.iter().map(String::as_str)).chain([at.as_str()]);
        let id = id(parts, &detection.evidence);
        let about = proof.first().and_then(|event| About::read(&event.body));
        let named = evidence.get("techniques").and_then(Value::as_array);
        let named = named.map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        let (subject, techniques) =
            about.map_or((Value::Null, Vec::new()), |about| (about.subject, about.techniques));
        Self {
            id,
            rule,
            plugin: Some(digest.clone()),
            title: detection.title,
            severity: detection.severity,
            asset: detection.asset,
            key: detection.incident_key,
            first,
            last,
            techniques: named.unwrap_or(techniques),
            events,
            evidence,
            subject,
        }
    }

    /// What a sensor judged itself: its alert is a detection as it is. `read` is what the body says. Nothing for events that are no
    /// alerts.
    #[must_use]
    pub fn of_alert(event: &Event, read: &event::Event<'_>) -> Option<Self> {
        if read.kind != EventKind::Alert {
            return None;
        }
        let named = read.rule.as_deref();
        let name = named.and_then(|rule| rule.id.as_deref().or(rule.name.as_deref())).unwrap_or("alert");
        let rule = format!("sensor/{}/{name}", read.source.as_str());
        let title = read.title.as_deref().or(named.and_then(|rule| rule.name.as_deref())).unwrap_or(name);
        let key = incident_key(&read.joins, &event.asset);
        let evidence = json!({
            "ruleName": named.and_then(|rule| rule.name.as_deref()),
            "tags": named.map(|rule| &rule.tags),
            "sensor": read.sensor,
            "count": read.count,
        });
        let about = About::of(read);
        Some(Self {
            id: id_at(event.time, &id([rule.as_str(), &key, &event.asset, &event.id], &[])),
            rule,
            plugin: None,
            title: title.to_owned(),
            severity: read.severity.unwrap_or(Severity::Unknown),
            asset: event.asset.clone(),
            key,
            first: event.time,
            last: event.time,
            techniques: about.techniques,
            events: vec![event.id.clone()],
            evidence,
            subject: about.subject,
        })
    }

    /// The detection as an event of its own, for correlators that join detections.
    #[must_use]
    pub fn event(&self) -> Event {
        let subject = self.subject.as_object();
        let joined = subject.is_some_and(|members| members.contains_key("joins"));
        let body = AsEvent {
            subject,
            joins: (!joined && !self.key.is_empty()).then_some([&self.key]),
            source: DETECTIONS,
            kind: "detection",
            title: &self.title,
            severity: self.severity,
            techniques: &self.techniques,
            detection: self,
        };
        Event {
            id: format!("{DETECTIONS}:{}", self.id),
            time: self.last,
            source: DETECTIONS.to_owned(),
            asset: self.asset.clone(),
            // Nothing of it can fail to be written: its names are texts.
            body: serde_json::to_vec(&body).unwrap_or_default(),
        }
    }
}

/// The body of a detection as an event. No member of a subject has a name that stands here, but `joins`.
#[derive(Serialize)]
struct AsEvent<'a> {
    #[serde(flatten)]
    subject: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    joins: Option<[&'a String; 1]>,
    source: &'static str,
    kind: &'static str,
    title: &'a str,
    severity: Severity,
    techniques: &'a [String],
    detection: &'a Judged,
}

/// Under which key an event with these joins belongs together with others: the most trusted that names what runs, else who acted, else
/// the asset.
#[must_use]
pub fn incident_key(joins: &[String], asset: &str) -> String {
    let begins = |kind: &&str| joins.iter().find(|join| join.starts_with(*kind));
    JOINS.iter().find_map(begins).map_or(asset, String::as_str).to_owned()
}

/// What the detection takes over from the event that proves it.
struct About {
    subject: Value,
    techniques: Vec<String>,
}

impl About {
    fn read(body: &[u8]) -> Option<Self> {
        if let Ok(event) = serde_json::from_slice::<event::Event<'_>>(body) {
            return Some(Self::of(&event));
        }
        // A detection as an event has members of its own, and none of them is raw.
        let Value::Object(mut members) = serde_json::from_slice(body).ok()? else { return None };
        let techniques = members.remove("techniques").and_then(|named| serde_json::from_value(named).ok());
        for own in ["source", "kind", "title", "severity", "detection"] {
            members.remove(own);
        }
        Some(Self { subject: Value::Object(members), techniques: techniques.unwrap_or_default() })
    }

    fn of(event: &event::Event<'_>) -> Self {
        let techniques = event.rule.as_deref().map(|rule| &rule.techniques);
        let techniques = techniques.into_iter().flatten().map(|technique| technique.to_string()).collect();
        let members = [
            ("joins", some(&event.joins)),
            ("cluster", some(&event.cluster)),
            ("node", some(&event.node)),
            ("container", some(&event.container)),
            ("pod", some(&event.pod)),
            ("process", some(&event.process)),
            ("file", some(&event.file)),
            ("network", some(&event.network)),
            ("actor", some(&event.actor)),
            ("api", some(&event.api)),
            ("cloud", some(&event.cloud)),
        ];
        let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Self { subject: Value::Object(members.collect()), techniques }
    }
}

/// Whether this can be the name of a rule in the place of that in the manifest.
fn is_name(text: &str) -> bool {
    (1..=200).contains(&text.len()) && !text.chars().any(|c| c.is_control() || c == '*')
}

/// A member's value, where there is one.
fn some(member: &impl Serialize) -> Option<Value> {
    serde_json::to_value(member).ok().filter(|value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        _ => true,
    })
}

fn id<'a>(parts: impl IntoIterator<Item = &'a str>, evidence: &[u8]) -> String {
    let mut hash = blake3::Hasher::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hash.update(evidence);
    hash.finalize().to_hex().chars().take(32).collect()
}

/// An id of the same length that begins with the second, as 8 hexadecimal digits. An index of random keys is written all over with
/// every batch; this one only at its end.
fn id_at(time: u64, id: &str) -> String {
    let second = (time / 1_000_000_000) & u64::from(u32::MAX);
    format!("{second:08x}{}", id.get(8..).unwrap_or(id))
}

#[cfg(test)]
mod tests {
    use host::kinds::{Detection, Event};
    use model::{Digest, Severity};
    use serde_json::{Value, json};

    use super::Judged;

    fn event(body: &Value) -> Event {
        Event {
            id: "falco:1".into(),
            time: 7,
            source: "falco".into(),
            asset: "k8s:a".into(),
            body: body.to_string().into_bytes(),
        }
    }

    #[test]
    fn an_alert_is_a_detection_and_a_detection_is_an_event() {
        let alert = event(&json!({
            "source": "falco", "kind": "alert", "title": "Terminal shell in container", "severity": "medium",
            "rule": { "id": "shell", "name": "shell", "tags": ["x"], "techniques": ["T1059"] },
            "pod": { "namespace": "shop", "name": "web-1" },
            "joins": ["container:0123456789ab", "pod:u", "workload:shop/Deployment/web@c"],
            "raw": { "rule": "shell" },
        }));
        let judged = of_alert(&alert).unwrap();
        assert_eq!(judged.rule, "sensor/falco/shell");
        assert_eq!(judged.key, "workload:shop/Deployment/web@c", "what runs, before what comes and goes");
        assert_eq!((judged.first, judged.severity), (7, Severity::Medium));
        assert_eq!(judged.techniques, ["T1059"]);
        let body: Value = serde_json::from_slice(&judged.event().body).unwrap();
        assert_eq!(body["pod"]["name"], "web-1");
        assert_eq!(body["detection"]["id"], json!(judged.id));
        assert_eq!(body["techniques"], json!(["T1059"]));
        assert!(body.get("raw").is_none());
        assert_eq!(of_alert(&alert).unwrap().id, judged.id);
        assert!(judged.id.len() == 32 && judged.id.starts_with("00000000"), "{}", judged.id);
        let later = Event { time: 0x6543_2100 * 1_000_000_000 + 5, ..alert };
        assert!(of_alert(&later).unwrap().id.starts_with("65432100"));
    }

    fn of_alert(event: &Event) -> Option<Judged> {
        Judged::of_alert(event, &serde_json::from_slice(&event.body).ok()?)
    }

    fn of_timer(evidence: &str, watermark: u64) -> Judged {
        let detection = Detection {
            items: Vec::new(),
            rule: "r".to_owned(),
            title: "t".to_owned(),
            severity: Severity::Low,
            asset: String::new(),
            incident_key: "k".to_owned(),
            evidence: evidence.as_bytes().to_vec(),
        };
        Judged::of_plugin("a.b", &Digest::from_sha256([0; 32]), detection, &[], watermark)
    }

    #[test]
    fn what_a_timer_made_is_the_same_whenever_the_timer_came() {
        let told = r#"{"first": 5, "last": 7}"#;
        let (early, late) = (of_timer(told, 7), of_timer(told, 1_000));
        assert_eq!((early.first, early.last, &early.id), (5, 7, &late.id));
        assert_eq!(early, late);
        // What says nothing, or lies in the future, is of the watermark.
        for evidence in ["{}", "null", r#"{"first": "5", "last": -1}"#, r#"{"first": 5000, "last": 9000}"#] {
            assert_eq!((of_timer(evidence, 10).first, of_timer(evidence, 10).last), (10, 10), "{evidence}");
        }
        assert_eq!(of_timer(r#"{"first": 9, "last": 7}"#, 10).first, 7);
    }

    #[test]
    fn a_rule_of_a_language_is_known_by_its_own_name() {
        assert_eq!(of_timer(r#"{"ruleName": "crypto-miner"}"#, 7).rule, "a.b/crypto-miner");
        for evidence in
            [r#"{"ruleName": ""}"#, r#"{"ruleName": "a\nb"}"#, r#"{"ruleName": "*"}"#, r#"{"ruleName": 1}"#]
        {
            assert_eq!(of_timer(evidence, 7).rule, "a.b/r", "{evidence}");
        }
    }

    #[test]
    fn what_no_sensor_judged_is_no_detection() {
        let call = event(&json!({ "source": "kubernetes-audit", "kind": "api.call", "raw": {} }));
        assert_eq!(of_alert(&call), None);
        assert_eq!(of_alert(&event(&json!([1]))), None);
    }
}
