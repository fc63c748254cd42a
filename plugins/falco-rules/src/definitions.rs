//! Files of rules to definitions: lists, macros and rules, with what later items append, replace and switch.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use palisade_sdk::Severity;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::condition::Op;
use crate::version::Version;

/// Lists, macros and rules of a configuration, each.
const DEFINITIONS_MAX: usize = 10_000;
/// Items of one list as it is written, without those of lists in it.
const ITEMS_MAX: usize = 100_000;
/// Longest condition that pieces are appended to, in bytes.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// Exceptions of a rule, and values of an exception.
const EXCEPTIONS_MAX: usize = 1_000;
/// Newest engine whose language this is.
const ENGINE: Version = Version(0, 63, 0);
/// Plugins whose fields are known here.
const PLUGINS: [&str; 9] = [
    "k8saudit",
    "k8saudit-eks",
    "k8saudit-gke",
    "k8saudit-aks",
    "cloudtrail",
    "gcpaudit",
    "okta",
    "github",
    "json",
];

/// A file, as the platform's reader gives it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RawFile {
    #[serde(default)]
    path: String,
    #[serde(default)]
    items: Vec<RawItem>,
}

/// An item of a file, and the lines of it and of its keys.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawItem {
    #[serde(default)]
    line: u32,
    #[serde(default)]
    lines: BTreeMap<String, u32>,
    item: Value,
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: Rc<str>,
    /// 0 where it is not known.
    pub(crate) line: u32,
}

/// Something in the files that cannot be used, or not as it may be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) place: Place,
    /// `rule NAME`, `macro NAME`, `list NAME`; empty for the file.
    pub(crate) of: String,
    pub(crate) message: String,
    /// It works all the same.
    pub(crate) warning: bool,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Place { file, line } = &self.place;
        write!(f, "{}", crate::shown(file))?;
        if *line > 0 {
            write!(f, " line {line}")?;
        }
        f.write_str(": ")?;
        if !self.of.is_empty() {
            write!(f, "{}: ", crate::shown(&self.of))?;
        }
        f.write_str(&crate::shown(&self.message))
    }
}

/// A text of a file and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// A list.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(crate) items: Vec<String>,
    pub(crate) place: Place,
}

/// A rule.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) condition: Text,
    pub(crate) output: Text,
    pub(crate) priority: Priority,
    pub(crate) source: String,
    pub(crate) tags: Vec<String>,
    pub(crate) enabled: bool,
    pub(crate) exceptions: Vec<Exception>,
    /// Left out in silence where it names a field that is not known.
    pub(crate) skip_unknown: bool,
}

/// Values of fields that a rule says nothing of.
#[derive(Debug, Clone)]
pub(crate) struct Exception {
    pub(crate) name: String,
    pub(crate) place: Place,
    /// One field compared with all values at once, and not several with tuples.
    pub(crate) single: bool,
    pub(crate) fields: Vec<String>,
    pub(crate) comparisons: Vec<Op>,
    pub(crate) values: Vec<Value>,
}

/// How bad a rule's author holds a match to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    Debug,
    Informational,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

impl Priority {
    const WORDS: [(&'static str, Self); 9] = [
        ("debug", Self::Debug),
        ("informational", Self::Informational),
        ("info", Self::Informational),
        ("notice", Self::Notice),
        ("warning", Self::Warning),
        ("error", Self::Error),
        ("critical", Self::Critical),
        ("alert", Self::Alert),
        ("emergency", Self::Emergency),
    ];

    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)).map(|(_, priority)| *priority)
    }

    /// As Falco writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Debug => "Debug",
            Self::Informational => "Informational",
            Self::Notice => "Notice",
            Self::Warning => "Warning",
            Self::Error => "Error",
            Self::Critical => "Critical",
            Self::Alert => "Alert",
            Self::Emergency => "Emergency",
        }
    }

    pub(crate) fn severity(self) -> Severity {
        match self {
            Self::Debug | Self::Informational => Severity::Negligible,
            Self::Notice => Severity::Low,
            Self::Warning => Severity::Medium,
            Self::Error => Severity::High,
            Self::Critical | Self::Alert | Self::Emergency => Severity::Critical,
        }
    }
}

/// All that files define, as it stands after the last item.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    pub(crate) lists: BTreeMap<String, List>,
    pub(crate) macros: BTreeMap<String, Text>,
    /// In the order in which their names came first.
    pub(crate) rules: Vec<Rule>,
    by_name: BTreeMap<String, usize>,
    /// Names of rules that are of no source of this plugin.
    pub(crate) elsewhere: BTreeSet<String>,
    pub(crate) problems: Vec<Problem>,
}

/// What an item does with what is there under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    New,
    Append,
    Replace,
}

/// An item that is being read.
struct Item<'a> {
    map: &'a Map<String, Value>,
    place: Place,
    lines: &'a BTreeMap<String, u32>,
    /// Ways of single keys, from `override`.
    ways: BTreeMap<String, Way>,
    append: bool,
}

impl Definitions {
    /// Takes the items of a file, after those of earlier ones.
    pub(crate) fn take(&mut self, file: &RawFile) {
        let name: Rc<str> = file.path.as_str().into();
        for raw in &file.items {
            let place = Place { file: Rc::clone(&name), line: raw.line };
            let map = match &raw.item {
                Value::Object(map) => map,
                Value::Null => continue,
                _ => {
                    self.problem(&place, "", "an item of a file of rules must be a mapping");
                    continue;
                }
            };
            let (kind, of) = match ["rule", "macro", "list"].into_iter().find(|kind| map.contains_key(*kind))
            {
                Some(kind) => (kind, format!("{kind} {}", map.get(kind).and_then(text).unwrap_or_default())),
                None => ("", String::new()),
            };
            let taken = Item::of(map, place.clone(), &raw.lines).and_then(|item| match kind {
                "rule" => self.rule(&item),
                "macro" => self.r#macro(&item),
                "list" => self.list(&item),
                _ => self.requirement(&item).map(drop),
            });
            if let Err(message) = taken {
                self.problem(&place, &of, message);
                if kind.is_empty() && map.contains_key("required_engine_version") {
                    // What follows is in a language of later engines.
                    return;
                }
            }
        }
    }

    pub(crate) fn problem(&mut self, place: &Place, of: &str, message: impl Into<String>) {
        let (place, of) = (place.clone(), of.to_owned());
        self.problems.push(Problem { place, of, message: message.into(), warning: false });
    }

    fn warn(&mut self, place: &Place, of: &str, message: impl Into<String>) {
        let (place, of) = (place.clone(), of.to_owned());
        self.problems.push(Problem { place, of, message: message.into(), warning: true });
    }

    fn requirement(&mut self, item: &Item<'_>) -> Result<(), String> {
        if let Some(wanted) = item.map.get("required_engine_version") {
            let version = wanted.as_u64().map_or_else(
                || text(wanted).as_deref().and_then(Version::of),
                |minor| Some(Version(0, minor, 0)),
            );
            let version = version.ok_or("required_engine_version is no version")?;
            if version > ENGINE {
                return Err(format!(
                    "the file needs engine {version}; the language of engine {ENGINE} is known here, so the rest of the file is left out"
                ));
            }
        } else if let Some(Value::Array(plugins)) = item.map.get("required_plugin_versions") {
            for plugin in plugins {
                let alternatives = plugin.get("alternatives").and_then(Value::as_array);
                let names = || std::iter::once(plugin).chain(alternatives.into_iter().flatten());
                let name = |one: &Value| one.get("name").and_then(text).unwrap_or_default();
                if !names().any(|one| PLUGINS.contains(&name(one).as_str())) {
                    let message =
                        format!("the fields of Falco's plugin {:?} are not known here", name(plugin));
                    self.warn(&item.place, "", message);
                }
            }
        } else {
            let keys: Vec<&str> = item.map.keys().map(String::as_str).take(5).collect();
            self.warn(
                &item.place,
                "",
                format!("an item of an unknown kind is left out ({})", keys.join(", ")),
            );
        }
        Ok(())
    }

    fn list(&mut self, item: &Item<'_>) -> Result<(), String> {
        let name = item.name("list")?;
        let written = item.map.get("items").ok_or("a list needs `items`")?;
        if written.as_array().is_some_and(|items| items.iter().any(Value::is_boolean)) {
            let message = "an item is true or false; YAML holds yes, no, on, off, y and n to be that too: texts need quotation marks";
            self.warn(&item.place, &format!("list {name}"), message);
        }
        let items = texts(written, "items")?;
        let way = item.way("items");
        if way == Way::New || way == Way::Replace {
            if way == Way::Replace && !self.lists.contains_key(&name) {
                return Err("there is no list of this name to replace the items of".to_owned());
            }
            if self.lists.len() >= DEFINITIONS_MAX {
                return Err(format!("there are more than {DEFINITIONS_MAX} lists"));
            }
            limit(items.len())?;
            self.lists.insert(name, List { items, place: item.place.clone() });
            return Ok(());
        }
        let list = self.lists.get_mut(&name).ok_or("there is no list of this name to append to")?;
        limit(list.items.len() + items.len())?;
        list.items.extend(items);
        Ok(())
    }

    fn r#macro(&mut self, item: &Item<'_>) -> Result<(), String> {
        let name = item.name("macro")?;
        let condition = item.text("condition")?.ok_or("a macro needs a `condition`")?;
        match item.way("condition") {
            Way::Append => {
                let known =
                    self.macros.get_mut(&name).ok_or("there is no macro of this name to append to")?;
                append(&mut known.text, &condition.text)
            }
            Way::Replace if !self.macros.contains_key(&name) => {
                Err("there is no macro of this name to replace the condition of".to_owned())
            }
            _ if self.macros.len() >= DEFINITIONS_MAX => {
                Err(format!("there are more than {DEFINITIONS_MAX} macros"))
            }
            _ => {
                self.macros.insert(name, condition);
                Ok(())
            }
        }
    }

    fn rule(&mut self, item: &Item<'_>) -> Result<(), String> {
        let name = item.name("rule")?;
        let known = self.by_name.get(&name).copied();
        let of = format!("rule {name}");
        let odd: Vec<&str> =
            item.map.keys().map(String::as_str).filter(|key| !RULE_KEYS.contains(key)).take(5).collect();
        if !odd.is_empty() {
            self.warn(
                &item.place,
                &of,
                format!("keys that are not known are passed over: {}", odd.join(", ")),
            );
        }
        if let Some(at) = known.filter(|_| item.changes()) {
            return self.rules.get_mut(at).map_or(Ok(()), |rule| change(rule, item));
        }
        if item.changes() {
            if self.elsewhere.contains(&name) {
                return Ok(());
            }
            return Err("there is no rule of this name to change".to_owned());
        }
        let source = item.text("source")?.map_or_else(|| "syscall".to_owned(), |source| source.text);
        if crate::source::Source::of_rule(&source).is_none() {
            self.elsewhere.insert(name);
            return Ok(());
        }
        let rule = new_rule(name.clone(), source, item)?;
        if let Some(known) = known.and_then(|at| self.rules.get_mut(at)) {
            *known = rule;
            return Ok(());
        }
        if self.rules.len() >= DEFINITIONS_MAX {
            return Err(format!("there are more than {DEFINITIONS_MAX} rules"));
        }
        self.by_name.insert(name, self.rules.len());
        self.rules.push(rule);
        Ok(())
    }
}

const RULE_KEYS: [&str; 15] = [
    "rule",
    "desc",
    "condition",
    "output",
    "priority",
    "source",
    "tags",
    "enabled",
    "exceptions",
    "append",
    "override",
    "skip-if-unknown-filter",
    "warn_evttypes",
    "capture",
    "capture_duration",
];

fn new_rule(name: String, source: String, item: &Item<'_>) -> Result<Rule, String> {
    let needed = |key: &str| item.text(key)?.ok_or(format!("a rule needs `{key}`"));
    let _ = needed("desc")?;
    Ok(Rule {
        name,
        place: item.place.clone(),
        condition: needed("condition")?,
        output: needed("output")?,
        priority: priority(&needed("priority")?.text)?,
        source,
        tags: item.map.get("tags").map_or(Ok(Vec::new()), |tags| texts(tags, "tags"))?,
        enabled: item.flag("enabled")?.unwrap_or(true),
        exceptions: exceptions(item)?,
        skip_unknown: item.flag("skip-if-unknown-filter")?.unwrap_or(false),
    })
}

/// What an item with `append`, with `override`, or with `enabled` alone makes of a rule.
fn change(rule: &mut Rule, item: &Item<'_>) -> Result<(), String> {
    if let Some(enabled) = item.flag("enabled")? {
        rule.enabled = enabled;
    }
    if let Some(condition) = item.text("condition")? {
        match item.way("condition") {
            Way::Append => append(&mut rule.condition.text, &condition.text)?,
            _ => rule.condition = condition,
        }
    }
    if let Some(output) = item.text("output")? {
        match item.way("output") {
            Way::Append => append(&mut rule.output.text, &output.text)?,
            _ => rule.output = output,
        }
    }
    if let Some(word) = item.text("priority")? {
        rule.priority = priority(&word.text)?;
    }
    if let Some(tags) = item.map.get("tags") {
        let tags = texts(tags, "tags")?;
        match item.way("tags") {
            Way::Append => rule.tags.extend(tags.into_iter().take(100)),
            _ => rule.tags = tags,
        }
    }
    if let Some(skip) = item.flag("skip-if-unknown-filter")? {
        rule.skip_unknown = skip;
    }
    let more = exceptions(item)?;
    if item.way("exceptions") == Way::Append {
        for exception in more {
            match rule.exceptions.iter_mut().find(|known| known.name == exception.name) {
                Some(known) => known.values.extend(exception.values),
                None if exception.fields.is_empty() => {
                    return Err(format!("the exception {:?} needs `fields`", exception.name));
                }
                None => rule.exceptions.push(exception),
            }
        }
    } else if item.map.contains_key("exceptions") {
        rule.exceptions = more;
    }
    if rule.exceptions.len() > EXCEPTIONS_MAX {
        return Err(format!("it has more than {EXCEPTIONS_MAX} exceptions"));
    }
    Ok(())
}

fn priority(word: &str) -> Result<Priority, String> {
    Priority::of(word.trim()).ok_or_else(|| format!("the priority {word:?} is not known"))
}

fn exceptions(item: &Item<'_>) -> Result<Vec<Exception>, String> {
    let Some(found) = item.map.get("exceptions") else { return Ok(Vec::new()) };
    let found = found.as_array().ok_or("`exceptions` must be a list")?;
    if found.len() > EXCEPTIONS_MAX {
        return Err(format!("it has more than {EXCEPTIONS_MAX} exceptions"));
    }
    let appends = item.way("exceptions") == Way::Append;
    found.iter().map(|raw| exception(raw, item, appends)).collect()
}

fn exception(raw: &Value, item: &Item<'_>, appends: bool) -> Result<Exception, String> {
    let name = raw
        .get("name")
        .and_then(text)
        .filter(|name| !name.is_empty())
        .ok_or("an exception needs a `name`")?;
    let wrong = |what: &str| format!("the exception {name:?}: {what}");
    let values = match raw.get("values") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(values)) if values.len() <= ITEMS_MAX => values.clone(),
        Some(Value::Array(_)) => return Err(wrong(&format!("it has more than {ITEMS_MAX} values"))),
        Some(_) => return Err(wrong("`values` must be a list")),
    };
    let (single, fields) = match raw.get("fields") {
        None if appends => (false, Vec::new()),
        None => return Err(wrong("it needs `fields`")),
        Some(fields @ Value::Array(_)) => (false, texts(fields, "fields").map_err(|why| wrong(&why))?),
        Some(field) => {
            (true, vec![text(field).ok_or_else(|| wrong("`fields` must be a field or a list of them"))?])
        }
    };
    let words = match raw.get("comps") {
        None => vec![if single { "in" } else { "=" }.to_owned(); fields.len()],
        Some(words @ Value::Array(_)) => texts(words, "comps").map_err(|why| wrong(&why))?,
        Some(word) => vec![text(word).ok_or_else(|| wrong("`comps` must be an operator or a list of them"))?],
    };
    if words.len() != fields.len() {
        return Err(wrong("there must be as many `comps` as `fields`"));
    }
    let of = |word: &String| {
        Op::of(word)
            .filter(|op| *op != Op::Exists)
            .ok_or_else(|| wrong(&format!("{word:?} is no operator for exceptions")))
    };
    let comparisons = words.iter().map(of).collect::<Result<Vec<Op>, String>>()?;
    if single && !comparisons.iter().all(|op| op.takes_list()) {
        return Err(wrong("one field is compared with all values by `in`, `pmatch` or `intersects`"));
    }
    Ok(Exception { name, place: item.place.clone(), single, fields, comparisons, values })
}

impl<'a> Item<'a> {
    fn of(
        map: &'a Map<String, Value>,
        place: Place,
        lines: &'a BTreeMap<String, u32>,
    ) -> Result<Self, String> {
        let mut item = Self { map, place, lines, ways: BTreeMap::new(), append: false };
        item.append = item.flag("append")?.unwrap_or(false);
        let Some(ways) = map.get("override") else { return Ok(item) };
        if item.append {
            return Err("`append` and `override` cannot stand together".to_owned());
        }
        for (key, way) in ways.as_object().ok_or("`override` must be a mapping")? {
            let way = match text(way).as_deref() {
                Some("append") => Way::Append,
                Some("replace") => Way::Replace,
                _ => return Err(format!("`override` of {key:?} must be `append` or `replace`")),
            };
            if !map.contains_key(key) {
                return Err(format!("`override` names {key:?}, which the item does not have"));
            }
            item.ways.insert(key.clone(), way);
        }
        Ok(item)
    }

    fn name(&self, kind: &str) -> Result<String, String> {
        let name = self.map.get(kind).and_then(text).filter(|name| !name.trim().is_empty());
        name.filter(|name| name.len() <= 500)
            .ok_or_else(|| format!("a {kind} needs a name of at most 500 bytes"))
    }

    fn text(&self, key: &str) -> Result<Option<Text>, String> {
        let Some(value) = self.map.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
        let text = text(value).ok_or_else(|| format!("`{key}` must be a text"))?;
        if text.len() > TEXT_BYTES_MAX {
            return Err(format!("`{key}` has {} bytes; at most {TEXT_BYTES_MAX} are allowed", text.len()));
        }
        let line = self.lines.get(key).copied().unwrap_or(self.place.line);
        Ok(Some(Text { text, place: Place { file: Rc::clone(&self.place.file), line } }))
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, String> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => match text(other).as_deref() {
                Some("true") => Ok(Some(true)),
                Some("false") => Ok(Some(false)),
                _ => Err(format!("`{key}` must be true or false")),
            },
        }
    }

    fn way(&self, key: &str) -> Way {
        match self.ways.get(key) {
            Some(way) => *way,
            None if self.append => Way::Append,
            None => Way::New,
        }
    }

    /// Changes a rule that is there, and makes none.
    fn changes(&self) -> bool {
        let switches = self.map.contains_key("enabled") && !self.map.contains_key("condition");
        self.append || !self.ways.is_empty() || switches
    }
}

fn append(text: &mut String, more: &str) -> Result<(), String> {
    if text.len() + more.len() >= TEXT_BYTES_MAX {
        return Err(format!("with what is appended it has more than {TEXT_BYTES_MAX} bytes"));
    }
    text.push(' ');
    text.push_str(more);
    Ok(())
}

fn limit(items: usize) -> Result<(), String> {
    if items > ITEMS_MAX {
        return Err(format!("it has {items} items; at most {ITEMS_MAX} are allowed"));
    }
    Ok(())
}

/// A scalar as a text, as Falco reads all of them.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn texts(value: &Value, key: &str) -> Result<Vec<String>, String> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => {
            let one = |value: &Value| text(value).ok_or_else(|| format!("`{key}` must hold texts only"));
            values.iter().map(one).collect()
        }
        _ => Err(format!("`{key}` must be a list")),
    }
}
