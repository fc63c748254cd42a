//! What the service made of it: which incidents hold the detections of which attack.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::Value;

use super::story::Scene;
use crate::support::Api;

/// A detection, and the attack whose event proves it; 0 is none.
pub(super) struct Detected {
    pub(super) attack: usize,
    pub(super) rule: String,
    pub(super) title: String,
    pub(super) asset: String,
    pub(super) key: String,
    first: Timestamp,
    /// Incidents with a step that it is of.
    pub(super) incidents: BTreeSet<String>,
}

/// Everything that the service tells.
pub(super) struct Verdict {
    pub(super) incidents: BTreeMap<String, Value>,
    pub(super) detections: Vec<Detected>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn time(value: &Value) -> Timestamp {
    text(value).parse().unwrap()
}

impl Verdict {
    /// Asks for everything. `attacks` says of which attack an event is.
    pub(super) fn of(api: &Api, attacks: &BTreeMap<String, usize>) -> Self {
        let rows = api.all("/api/v1/incidents");
        let detail = |row: &Value| {
            let id = text(&row["id"]);
            let detail = api.get(&format!("/api/v1/incidents/{id}"));
            (id, detail)
        };
        let incidents: BTreeMap<String, Value> = rows.iter().map(detail).collect();
        let places = places(&incidents);
        let proof = proof(api, attacks);
        let detections = api.all("/api/v1/runtime/detections?suppressed=false");
        let one = |row: &Value| {
            let (rule, asset, first) = (text(&row["rule"]), text(&row["asset"]), time(&row["first"]));
            let of = places.get(&(rule.clone(), asset.clone())).map(Vec::as_slice).unwrap_or_default();
            let is_within = |place: &&Place| place.first <= first && first <= place.last;
            let incidents = of.iter().filter(is_within).map(|place| place.incident.clone()).collect();
            let attack = proof.get(&text(&row["id"])).copied().unwrap_or_default();
            Detected {
                attack,
                rule,
                title: text(&row["title"]),
                asset,
                key: text(&row["key"]),
                first,
                incidents,
            }
        };
        Self { detections: detections.iter().map(one).collect(), incidents }
    }

    /// Detections of an attack.
    pub(super) fn of_attack(&self, attack: usize) -> impl Iterator<Item = &Detected> {
        self.detections.iter().filter(move |one| one.attack == attack)
    }

    /// The incidents that hold what is of an attack.
    fn incidents_of(&self, attack: usize) -> BTreeSet<&String> {
        self.of_attack(attack).flat_map(|one| &one.incidents).collect()
    }

    /// Rules of the steps of an attack's incidents, also of those that no event of it proves by itself.
    pub(super) fn of_incident(&self, attack: usize) -> impl Iterator<Item = &str> {
        let steps =
            self.incidents_of(attack).into_iter().filter_map(|id| self.incidents[id]["steps"].as_array());
        steps.flatten().filter_map(|step| step["rule"].as_str())
    }

    /// Whether an incident of an attack has, as evidence, findings of the image that was attacked.
    pub(super) fn knows_the_image(&self, api: &Api, attack: usize) -> bool {
        self.incidents_of(attack).into_iter().any(|id| {
            let timeline = api.get(&format!("/api/v1/incidents/{id}/timeline"));
            let steps = timeline["items"].as_array().unwrap().iter();
            let mut told = steps.flat_map(|step| step["detections"].as_array().unwrap());
            told.any(|one| {
                let images = one.pointer("/evidence/context/image-findings/images").and_then(Value::as_array);
                images.is_some_and(|all| {
                    all.iter().any(|image| image["worst"].as_array().is_some_and(|worst| !worst.is_empty()))
                })
            })
        })
    }

    /// What went wrong with an attack; nothing if it is one incident.
    pub(super) fn wrong(&self, scene: &Scene) -> Option<String> {
        let mut wrong = String::new();
        let incidents = self.incidents_of(scene.number);
        if incidents.len() != 1 {
            let _ = writeln!(wrong, "  {} incidents instead of one", incidents.len());
        }
        for one in self.of_attack(scene.number).filter(|one| one.incidents.len() != 1) {
            let _ = writeln!(wrong, "  {} incidents have {}", one.incidents.len(), one.line());
        }
        for other in self.detections.iter().filter(|one| one.attack != 0 && one.attack != scene.number) {
            if other.incidents.iter().any(|id| incidents.contains(id)) {
                let _ = writeln!(wrong, "  it has what is of attack {}: {}", other.attack, other.line());
            }
        }
        (!wrong.is_empty()).then(|| {
            let steps: String = incidents.iter().map(|id| self.steps(id)).collect();
            format!("{} {}\n{wrong}{steps}", scene.number, scene.title)
        })
    }

    /// An incident as people read it.
    pub(super) fn steps(&self, id: &str) -> String {
        let incident = &self.incidents[id];
        let row = &incident["incident"];
        let mut out = format!("  incident {id} {} {}\n", row["severity"], row["title"]);
        for step in incident["steps"].as_array().unwrap() {
            let _ = writeln!(
                out,
                "    {} {}x {} [{}] {}",
                text(&step["first"]),
                step["count"],
                text(&step["rule"]),
                text(&step["title"]),
                text(&step["asset"])
            );
        }
        out
    }

    /// Of each rule its detections, and how many of them an attack proves.
    pub(super) fn precision(&self) -> BTreeMap<(String, String), (usize, usize)> {
        let mut all: BTreeMap<(String, String), (usize, usize)> = BTreeMap::new();
        for one in &self.detections {
            // A joined or explained detection names its things in its title.
            let title = if one.rule.starts_with("palisade.sigma/") || one.rule.starts_with("palisade.falco") {
                one.title.clone()
            } else {
                String::new()
            };
            let of = all.entry((one.rule.clone(), title)).or_default();
            of.0 += usize::from(one.attack != 0);
            of.1 += 1;
        }
        all
    }
}

impl Detected {
    pub(super) fn line(&self) -> String {
        format!("{} {} [{}] {} key={}", self.first, self.rule, self.title, self.asset, self.key)
    }
}

/// A step of an incident.
struct Place {
    incident: String,
    first: Timestamp,
    last: Timestamp,
}

/// The steps of all incidents, by rule and asset.
fn places(incidents: &BTreeMap<String, Value>) -> BTreeMap<(String, String), Vec<Place>> {
    let mut all: BTreeMap<(String, String), Vec<Place>> = BTreeMap::new();
    for (id, incident) in incidents {
        for step in incident["steps"].as_array().unwrap() {
            let place =
                Place { incident: id.clone(), first: time(&step["first"]), last: time(&step["last"]) };
            all.entry((text(&step["rule"]), text(&step["asset"]))).or_default().push(place);
        }
    }
    all
}

/// Which detections the events of attacks prove.
fn proof(api: &Api, attacks: &BTreeMap<String, usize>) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for (event, attack) in attacks {
        let found = api.get(&format!("/api/v1/runtime/events/{}", event.replace('/', "%2F")));
        for detection in found["detections"].as_array().unwrap() {
            all.insert(text(detection), *attack);
        }
    }
    all
}
