//! Sigma rules and Sigma correlations over run-time events, as a plugin of kind `correlator`.
//!
//! The platform reads the files and hands over JSON (crate `platform/rules`). A rule that cannot be used costs only itself, and is told of.
//! README.md says which part of Sigma this is, which events a log source means, and what is bounded how.

mod condition;
mod correlation;
mod detect;
mod index;
mod json;
mod literals;
mod logsource;
mod need;
mod packs;
mod pattern;
mod rule;
mod set;
mod subject;
mod text;
mod transform;
mod value;

use std::rc::Rc;

use palisade_sdk::{Batch, Config, Correlator, Error, Event, Story, log, metrics};

use crate::correlation::run::{Occurrence, Run};
use crate::json::Json;
use crate::logsource::{Head, source_bit};
use crate::set::{Listener, Set, Wants};
use crate::subject::Subject;

/// The manifest that is built into the component.
pub const MANIFEST: &str = include_str!("../plugin.toml");

/// An event whose body has this `kind` is answered with one problem for each rule that cannot be used.
pub const RULES: &str = "palisade/v1/Rules";

/// Most detections of one call; the platform refuses an answer with more records than its limit.
const DETECTIONS_MAX: usize = 50_000;
/// Most values of a field that tell groups apart.
const GROUP_VALUES_MAX: usize = 8;

/// The plugin.
#[derive(Debug)]
pub struct Sigma {
    set: Rc<Set>,
}

/// What one call tells, within its bounds.
struct Told<'s> {
    story: &'s mut Story,
    detections: usize,
    dropped: usize,
}

impl Told<'_> {
    fn detect(&mut self, detection: palisade_sdk::Detection) {
        if self.detections < DETECTIONS_MAX {
            self.detections += 1;
            self.story.detect(detection);
        } else {
            self.dropped += 1;
        }
    }
}

#[palisade_sdk::correlator]
impl Correlator for Sigma {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { set: Set::of(config)? })
    }

    fn correlate(&self, batch: &Batch<'_>, story: &mut Story) -> Result<(), Error> {
        let mut run = Run::new(&self.set, batch.due());
        let mut told = Told { story, detections: 0, dropped: 0 };
        let mut candidates = Vec::new();
        let mut evaluated = 0u64;
        let mut last = None;
        for event in batch.events() {
            run.advance(event.time)?;
            self.tell(&mut run, &mut told, |detection| detection);
            last = Some(event);
            let source = source_bit(&event.source);
            if !self.set.index.wants(source) {
                self.asked(&event, &mut |why| told.story.problem(event, why));
                continue;
            }
            let body = match Json::read(&event.body) {
                Ok(body) => body,
                Err(why) => {
                    told.story.problem(event, why);
                    continue;
                }
            };
            evaluated += 1;
            let subject = Subject::new(&self.set.fields, &body);
            let head = Head::of(&event.source, &body);
            self.set.index.candidates(self.set.rules.len(), &head, &subject, &mut candidates);
            let mut incident: Option<String> = None;
            for place in &candidates {
                let Some(rule) = self.set.rules.get(*place) else { continue };
                if !rule.detection.holds(&subject) {
                    continue;
                }
                let incident = incident.get_or_insert_with(|| detect::incident(subject.body(), &event.asset));
                if !rule.silent {
                    let made = detect::of_rule(rule, &subject, &event.asset, incident, self.set.rule_ids);
                    told.detect(made.proof([event]));
                }
                let occurrence =
                    Occurrence { time: event.time, id: &event.id, asset: &event.asset, incident, now: true };
                run.count(&rule.listeners, &occurrence, &|listener| values(listener, &subject))?;
            }
            self.tell(&mut run, &mut told, |detection| detection.proof([event]));
        }
        run.advance(batch.watermark())?;
        self.tell(&mut run, &mut told, |detection| detection);
        let mut lost = run.finish(told.story)?;
        if told.dropped > 0 {
            lost.push(format!(
                "{} detections were left out: a call tells at most {DETECTIONS_MAX}; some rule fits nearly everything",
                told.dropped
            ));
        }
        metrics::add("events-evaluated", evaluated);
        for why in lost {
            log::warn(&why);
            if let Some(event) = last {
                story.problem(event, why);
            }
        }
        Ok(())
    }
}

impl Sigma {
    /// Hands on what correlations found.
    fn tell(
        &self,
        run: &mut Run<'_>,
        told: &mut Told<'_>,
        proven: impl Fn(palisade_sdk::Detection) -> palisade_sdk::Detection,
    ) {
        for hit in run.hits.drain(..) {
            let Some(known) = self.set.correlations.get(hit.correlation) else { continue };
            if !known.silent {
                let made = detect::of_correlation(known, &hit, self.set.rule_ids);
                told.detect(if hit.now { proven(made) } else { made });
            }
        }
    }

    /// Answers the question which rules cannot be used.
    fn asked(&self, event: &Event, problem: &mut dyn FnMut(String)) {
        if event.source != "palisade" {
            return;
        }
        let body = Json::read(&event.body).ok();
        if body.as_ref().and_then(|body| body.get("kind")).and_then(Json::text) == Some(RULES) {
            for unusable in &self.set.unusable {
                problem(format!("the rule {} cannot be used: {}", unusable.name, unusable.why));
            }
        }
    }
}

/// What tells the group of an event, and the value that is counted. An event that lacks one of them belongs to no group.
fn values(listener: &Listener, subject: &Subject<'_>) -> Option<(Vec<String>, Option<String>)> {
    let Wants::Fields(group, counted) = &listener.wants else { return None };
    let value = |field: &subject::FieldId| {
        let leaves = &subject.field(*field).leaves;
        let texts: Vec<&str> = leaves.iter().take(GROUP_VALUES_MAX).map(|leaf| &*leaf.text).collect();
        (!texts.is_empty()).then(|| texts.join(","))
    };
    let values: Option<Vec<String>> = group.iter().map(value).collect();
    let counted = match counted {
        Some(field) => Some(value(field)?),
        None => None,
    };
    Some((values?, counted))
}
