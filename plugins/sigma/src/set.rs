//! The configuration: which rules there are, compiled.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use palisade_sdk::{Config, Error, log, metrics};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::correlation::rule::Correlation;
use crate::index::Index;
use crate::logsource::{Custom, Route};
use crate::packs;
use crate::rule::{About, Detection};
use crate::subject::{FieldId, Fields};
use crate::text::shown;
use crate::value::Matcher;

/// Most rules, correlations and filters of a configuration, packs included.
const RULES_MAX: usize = 10_000;
/// Most values of all rules.
const VALUES_MAX: usize = 1_000_000;
/// Most regular expressions of all rules: each has memory of its own.
const REGEXES_MAX: usize = 600;
/// Most rules that lead to one another: a correlation of a correlation of a rule is 2.
const DEPTH_MAX: usize = 8;
/// Lines about rules that cannot be used.
const LINES_MAX: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawConfig {
    #[serde(default)]
    rules: Vec<Value>,
    packs: Option<Vec<String>>,
    #[serde(default)]
    disabled: Vec<String>,
    #[serde(default)]
    log_sources: Vec<Custom>,
    #[serde(default)]
    rule_ids: RuleIds,
    #[serde(default)]
    lane: Lane,
}

/// Which part of the rules is evaluated. A platform that wants single events judged the moment they come, and correlations in the
/// order of time, has two instances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Lane {
    /// All of them.
    #[default]
    Everything,
    /// Rules over single events: no state is asked for.
    SingleEvents,
    /// Correlations, and the rules that they are about, which say nothing themselves.
    Correlations,
}

/// Under which rule a detection stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RuleIds {
    /// One of the two of the manifest; the Sigma rule is named in the evidence.
    #[default]
    Format,
    /// One named like the Sigma rule, where the platform takes rules from the configuration.
    Rule,
}

/// A rule over single events.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) about: About,
    pub(crate) detection: Detection,
    pub(crate) route: Route,
    /// Only correlations are told of it.
    pub(crate) silent: bool,
    pub(crate) listeners: Vec<Listener>,
    source: LogSource,
}

/// A correlation, and who listens to it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) correlation: Correlation,
    pub(crate) silent: bool,
    pub(crate) listeners: Vec<Listener>,
}

/// A correlation that is about something.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) correlation: usize,
    /// Places of it among the correlation's rules.
    pub(crate) places: Vec<usize>,
    pub(crate) wants: Wants,
}

/// Where the values are by which groups are told apart, and the value that is counted.
#[derive(Debug)]
pub(crate) enum Wants {
    /// In fields of an event.
    Fields(Vec<FieldId>, Option<FieldId>),
    /// Among the values of another correlation's group.
    Group(Vec<usize>, Option<usize>),
    /// It does not have them: nothing is counted.
    Nothing,
}

impl Listener {
    /// The values of another correlation's group.
    pub(crate) fn of_group(&self, group: &[String]) -> Option<(Vec<String>, Option<String>)> {
        let Wants::Group(places, counted) = &self.wants else { return None };
        let values: Option<Vec<String>> = places.iter().map(|place| group.get(*place).cloned()).collect();
        Some((values?, counted.and_then(|place| group.get(place).cloned())))
    }
}

/// A rule that is of no use, and why.
#[derive(Debug, Clone)]
pub(crate) struct Unusable {
    pub(crate) name: String,
    pub(crate) why: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct LogSource {
    product: String,
    category: String,
    service: String,
}

/// All rules of a configuration.
#[derive(Debug, Default)]
pub(crate) struct Set {
    pub(crate) fields: Fields,
    pub(crate) rules: Vec<Rule>,
    pub(crate) correlations: Vec<Known>,
    pub(crate) by_tag: HashMap<String, usize>,
    pub(crate) index: Index,
    pub(crate) unusable: Vec<Unusable>,
    pub(crate) rule_ids: RuleIds,
}

thread_local! {
    static LAST: RefCell<Option<(Config, Rc<Set>)>> = const { RefCell::new(None) };
}

impl Set {
    /// The rules of a configuration. Compiled once as long as the configuration stays the same and the instance lives.
    pub(crate) fn of(config: &Config) -> Result<Rc<Self>, Error> {
        LAST.with(|last| {
            if let Some((known, set)) = &*last.borrow()
                && known == config
            {
                return Ok(Rc::clone(set));
            }
            let set = Rc::new(Self::compile(config)?);
            metrics::add("rules-loaded", (set.rules.len() + set.correlations.len()) as u64);
            metrics::add("rules-unusable", set.unusable.len() as u64);
            log::info(&format!(
                "{} rules and {} correlations; {} rules name no text that an event must hold",
                set.rules.len(),
                set.correlations.len(),
                set.index.always()
            ));
            for unusable in set.unusable.iter().take(LINES_MAX) {
                log::warn(&format!("the rule {} cannot be used: {}", unusable.name, unusable.why));
            }
            *last.borrow_mut() = Some((config.clone(), Rc::clone(&set)));
            Ok(set)
        })
    }

    fn compile(config: &Config) -> Result<Self, Error> {
        let raw: RawConfig = config.parse()?;
        for own in &raw.log_sources {
            own.check().map_err(Error::InvalidConfig)?;
        }
        let mut documents = packs::documents(raw.packs.as_deref()).map_err(Error::InvalidConfig)?;
        documents.extend(raw.rules);
        if documents.len() > RULES_MAX {
            let count = documents.len();
            return Err(Error::InvalidConfig(format!(
                "rules: {count} are there; at most {RULES_MAX} are allowed"
            )));
        }
        let mut loader = Loader {
            set: Self { rule_ids: raw.rule_ids, ..Self::default() },
            custom: &raw.log_sources,
            disabled: &raw.disabled,
            names: HashSet::new(),
            filters: Vec::new(),
            correlations: Vec::new(),
            values: 0,
            regexes: 0,
        };
        documents.iter().for_each(|document| loader.add(document));
        Ok(loader.finish(raw.lane))
    }

    /// Keeps what belongs to the lane. Places stay, as listeners name correlations by them.
    fn keep(&mut self, lane: Lane) {
        match lane {
            Lane::Everything => {}
            Lane::SingleEvents => {
                self.correlations.clear();
                self.rules.iter_mut().for_each(|rule| rule.listeners.clear());
            }
            Lane::Correlations => self.rules.iter_mut().for_each(|rule| rule.silent = true),
        }
    }
}

struct Loader<'c> {
    set: Set,
    custom: &'c [Custom],
    disabled: &'c [String],
    names: HashSet<String>,
    filters: Vec<(About, LogSource, Value)>,
    correlations: Vec<Correlation>,
    values: usize,
    regexes: usize,
}

impl Loader<'_> {
    /// Takes a document, or notes why it is of no use.
    fn add(&mut self, document: &Value) {
        let (source, document) = match document.get("document") {
            Some(inner) => (document.get("source").and_then(Value::as_str).unwrap_or_default(), inner),
            None => ("", document),
        };
        let Some(members) = document.as_object() else {
            self.set.unusable.push(Unusable { name: shown(source), why: "it is not a map".to_owned() });
            return;
        };
        let name =
            ["name", "id", "title"].iter().find_map(|key| members.get(*key)?.as_str()).unwrap_or(source);
        let place = if source.is_empty() { String::new() } else { format!(" ({})", shown(source)) };
        let name = format!("{:?}{place}", shown(name));
        if let Err(why) = self.take(members, source) {
            self.set.unusable.push(Unusable { name, why });
        }
    }

    fn take(&mut self, document: &Map<String, Value>, source: &str) -> Result<(), String> {
        let about = About::read(document, source)?;
        if self.disabled.iter().any(|word| about.is(word)) {
            return Ok(());
        }
        if document.contains_key("action") {
            return Err("collections of rules (action) are not part of Sigma 2".to_owned());
        }
        for word in [&about.name, &about.id] {
            if self.names.contains(word) {
                return Err(format!("there is another rule of the name or id {:?}", shown(word)));
            }
        }
        if document.contains_key("correlation") {
            let correlation = Correlation::read(document, about)?;
            self.name(&correlation.about);
            self.correlations.push(correlation);
            return Ok(());
        }
        let log_source = LogSource::read(document);
        if let Some(filter) = document.get("filter") {
            self.filters.push((about, log_source, filter.clone()));
            return Ok(());
        }
        let Some(detection) = document.get("detection") else {
            return Err("it has neither detection, correlation nor filter".to_owned());
        };
        let LogSource { product, category, service } = &log_source;
        let Some(route) = Route::of(product, category, service, self.custom) else {
            let told = [("product", product), ("category", category), ("service", service)];
            let told: Vec<String> = told
                .iter()
                .filter(|(_, word)| !word.is_empty())
                .map(|(key, word)| format!("{key} {:?}", shown(word)))
                .collect();
            return Err(format!("no source of events is known for its log source ({})", told.join(", ")));
        };
        let detection = Detection::read(detection, route.view, &mut self.set.fields)?;
        self.room(&detection)?;
        self.name(&about);
        let (silent, listeners) = (false, Vec::new());
        self.set.rules.push(Rule { about, detection, route, silent, listeners, source: log_source });
        Ok(())
    }

    fn name(&mut self, about: &About) {
        self.names.extend([&about.name, &about.id].into_iter().filter(|word| !word.is_empty()).cloned());
    }

    fn room(&mut self, detection: &Detection) -> Result<(), String> {
        let matchers = || detection.items.iter().flat_map(|item| &item.matchers);
        let regexes = matchers().filter(|matcher| matches!(matcher, Matcher::Regex { .. })).count();
        let values = matchers().count();
        if self.regexes + regexes > REGEXES_MAX {
            return Err(format!("all rules together have more than {REGEXES_MAX} regular expressions"));
        }
        if self.values + values > VALUES_MAX {
            return Err(format!("all rules together have more than {VALUES_MAX} values"));
        }
        self.regexes += regexes;
        self.values += values;
        Ok(())
    }

    fn finish(mut self, lane: Lane) -> Set {
        for (about, log_source, filter) in std::mem::take(&mut self.filters) {
            if let Err(why) = self.filter(&about, &log_source, &filter) {
                self.set.unusable.push(Unusable { name: format!("{:?}", shown(&about.name)), why });
            }
        }
        self.order();
        self.listen();
        let Self { mut set, .. } = self;
        set.keep(lane);
        let evaluated =
            set.rules.iter().enumerate().filter(|(_, rule)| !rule.silent || !rule.listeners.is_empty());
        set.index = Index::new(evaluated.map(|(place, rule)| (place, rule.route, &rule.detection)));
        set
    }

    /// Narrows the rules that a filter is about (<https://sigmahq.io/sigma-specification/specification/sigma-filters-specification.html>).
    fn filter(&mut self, about: &About, log_source: &LogSource, filter: &Value) -> Result<(), String> {
        let names = match filter.get("rules") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(name)) if name != "any" => vec![name.as_str()],
            _ => Vec::new(),
        };
        let mut narrowed = 0usize;
        let Set { rules, fields, .. } = &mut self.set;
        for rule in rules {
            let meant = names.is_empty() || names.iter().any(|name| rule.about.is(name));
            if meant && log_source.covers(&rule.source) {
                rule.detection.narrow(Detection::read(filter, rule.route.view, fields)?);
                narrowed += 1;
            }
        }
        match narrowed {
            0 => Err(format!("the filter {:?} is about no rule that is there", shown(&about.name))),
            _ => Ok(()),
        }
    }

    /// Takes correlations in the order in which they depend on one another; leaves out those that never can.
    fn order(&mut self) {
        let mut waiting = std::mem::take(&mut self.correlations);
        let mut depths: HashMap<String, usize> = HashMap::new();
        for rule in &self.set.rules {
            depths.extend([&rule.about.name, &rule.about.id].map(|word| (word.clone(), 0)));
        }
        loop {
            let before = waiting.len();
            let (ready, rest): (Vec<_>, Vec<_>) = waiting
                .into_iter()
                .partition(|correlation| correlation.rules.iter().all(|rule| depths.contains_key(rule)));
            for correlation in ready {
                let depth = correlation.rules.iter().filter_map(|rule| depths.get(rule)).max();
                let depth = depth.map_or(1, |depth| depth + 1);
                if depth > DEPTH_MAX {
                    self.refuse(
                        &correlation,
                        format!("it is {depth} correlations deep; {DEPTH_MAX} are allowed"),
                    );
                    continue;
                }
                let About { name, id, .. } = &correlation.about;
                depths.extend(
                    [name, id].into_iter().filter(|word| !word.is_empty()).map(|word| (word.clone(), depth)),
                );
                self.set.by_tag.insert(correlation.tag.clone(), self.set.correlations.len());
                self.set.correlations.push(Known { correlation, silent: false, listeners: Vec::new() });
            }
            waiting = rest;
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
        }
        for correlation in waiting {
            let missing = correlation.rules.iter().find(|rule| !depths.contains_key(*rule));
            let missing = shown(missing.map(String::as_str).unwrap_or_default());
            let why = if self.names.contains(&missing) {
                format!("the rule {missing:?} depends on it in a circle, or cannot be used")
            } else {
                format!("the rule {missing:?} is not there")
            };
            self.refuse(&correlation, why);
        }
    }

    fn refuse(&mut self, correlation: &Correlation, why: String) {
        let name = format!("{:?}", shown(&correlation.about.name));
        self.set.unusable.push(Unusable { name, why });
    }

    /// Tells rules who listens to them, and whether anybody else is to hear of them.
    fn listen(&mut self) {
        let Set { rules, correlations, fields, unusable, .. } = &mut self.set;
        let mut heard: HashMap<&str, bool> = HashMap::new();
        for known in correlations.iter() {
            for rule in &known.correlation.rules {
                *heard.entry(rule).or_default() |= known.correlation.generate;
            }
        }
        let silent = |about: &About| {
            let loud: Vec<bool> = [&about.name, &about.id]
                .iter()
                .filter_map(|word| heard.get(word.as_str()).copied())
                .collect();
            !loud.is_empty() && !loud.contains(&true)
        };
        let rule_silences: Vec<bool> = rules.iter().map(|rule| silent(&rule.about)).collect();
        let silences: Vec<bool> = correlations.iter().map(|known| silent(&known.correlation.about)).collect();
        for (rule, silent) in rules.iter_mut().zip(rule_silences) {
            rule.silent = silent;
            for (place, known) in correlations.iter().enumerate() {
                let correlation = &known.correlation;
                let places = places(correlation, &rule.about);
                if places.is_empty() {
                    continue;
                }
                let mut field =
                    |name: &str| fields.intern(rule.route.view, correlation.field(name, &rule.about));
                let group = correlation.group_by.iter().map(|name| field(name)).collect();
                let counted = correlation.counted.as_deref().map(&mut field);
                rule.listeners.push(Listener {
                    correlation: place,
                    places,
                    wants: Wants::Fields(group, counted),
                });
            }
        }
        let mut of_correlations: Vec<Vec<Listener>> = Vec::new();
        for inner in correlations.iter() {
            let inner = &inner.correlation;
            let mut listeners = Vec::new();
            for (place, outer) in correlations.iter().enumerate() {
                let outer = &outer.correlation;
                let places = places(outer, &inner.about);
                if places.is_empty() {
                    continue;
                }
                let at = |name: &str| {
                    let field = outer.field(name, &inner.about);
                    inner.group_by.iter().position(|known| known == field)
                };
                let group: Option<Vec<usize>> = outer.group_by.iter().map(|name| at(name)).collect();
                let counted = outer.counted.as_deref().map(at);
                let wants = match (group, counted) {
                    (Some(group), None) => Wants::Group(group, None),
                    (Some(group), Some(Some(counted))) => Wants::Group(group, Some(counted)),
                    _ => Wants::Nothing,
                };
                listeners.push(Listener { correlation: place, places, wants });
            }
            of_correlations.push(listeners);
        }
        for ((known, listeners), silent) in correlations.iter_mut().zip(of_correlations).zip(silences) {
            known.listeners = listeners;
            known.silent = silent;
        }
        for inner in correlations.iter() {
            for listener in inner.listeners.iter().filter(|listener| matches!(listener.wants, Wants::Nothing))
            {
                if let Some(outer) = correlations.get(listener.correlation) {
                    let why = format!(
                        "it groups or counts by a field that the correlation {:?} does not group by",
                        shown(&inner.correlation.about.name)
                    );
                    let name = format!("{:?}", shown(&outer.correlation.about.name));
                    unusable.push(Unusable { name, why });
                }
            }
        }
    }
}

fn places(correlation: &Correlation, about: &About) -> Vec<usize> {
    let means = |(place, word): (usize, &String)| about.is(word).then_some(place);
    correlation.rules.iter().enumerate().filter_map(means).collect()
}

impl LogSource {
    fn read(document: &Map<String, Value>) -> Self {
        let said = document.get("logsource");
        let text = |key: &str| {
            let text = said.and_then(|said| said.get(key)).and_then(Value::as_str);
            text.unwrap_or_default().trim().to_ascii_lowercase()
        };
        Self { product: text("product"), category: text("category"), service: text("service") }
    }

    /// Whether rules of another log source are among those that this one means.
    fn covers(&self, other: &Self) -> bool {
        let part = |own: &str, other: &str| own.is_empty() || own == other;
        part(&self.product, &other.product)
            && part(&self.category, &other.category)
            && part(&self.service, &other.service)
    }
}
