//! One rule: what it is called, and what an event must be like.

use std::collections::HashSet;

use aho_corasick::AhoCorasick;
use palisade_sdk::Severity;
use serde_json::{Map, Value};

use crate::condition::{self, Expr};
use crate::logsource::View;
use crate::subject::{FieldId, Fields, Subject};
use crate::text::{plain, shown};
use crate::value::{Matcher, Modifiers, Place, matcher};

/// Most values of one rule.
const VALUES_MAX: usize = 10_000;
/// Most parts of a rule's condition once names are replaced by what they stand for.
const PARTS_MAX: usize = 20_000;
/// Most regular expressions of one rule.
const REGEXES_MAX: usize = 50;
/// So many texts of one item and more are looked for all at once.
const AT_ONCE: usize = 8;

/// What people know a rule by, and how bad it is when it fits.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// `name`, else `id`, else the title.
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) severity: Severity,
    pub(crate) techniques: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) references: Vec<String>,
    /// The file that it is from.
    pub(crate) source: String,
}

impl About {
    /// Reads what rules and correlations have in common.
    pub(crate) fn read(document: &Map<String, Value>, source: &str) -> Result<Self, String> {
        let text = |key: &str| document.get(key).and_then(Value::as_str).map(str::trim).unwrap_or_default();
        let title = plain(text("title"), 300);
        let name = [text("name"), text("id"), &title].into_iter().find(|name| !name.is_empty());
        let Some(name) = name.map(|name| plain(name, 200)) else {
            return Err("it has neither name, id nor title".to_owned());
        };
        let tags = texts(document.get("tags"));
        let technique = |tag: &String| {
            let id = tag.to_ascii_lowercase().strip_prefix("attack.t").map(str::to_owned)?;
            let known = id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            (known && id.len() >= 4).then(|| format!("T{id}"))
        };
        Ok(Self {
            title: if title.is_empty() { name.clone() } else { title },
            name,
            id: plain(text("id"), 100),
            severity: match text("level") {
                "informational" => Severity::Negligible,
                "low" => Severity::Low,
                "high" => Severity::High,
                "critical" => Severity::Critical,
                // The specification leaves open what a rule without a level is.
                _ => Severity::Medium,
            },
            techniques: tags.iter().filter_map(technique).collect(),
            tags,
            references: texts(document.get("references")),
            source: plain(source, 300),
        })
    }

    /// Whether a correlation, a filter or the configuration means this rule.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.name == word || (!self.id.is_empty() && self.id == word)
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(|text| plain(text, 300)).take(30).collect()
}

/// A field and what it is compared with.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) field: FieldId,
    /// The field's name; empty for keywords.
    pub(crate) label: String,
    pub(crate) matchers: Vec<Matcher>,
    /// Every matcher has to fit, and not just one.
    pub(crate) all: bool,
    pub(crate) negated: bool,
    /// The field has to be there, or must not be.
    pub(crate) exists: Option<bool>,
    /// Many texts, looked for at once; the matchers that are left follow after these.
    quick: Option<Quick>,
}

/// Texts that a field may be, and texts that it may hold.
#[derive(Debug)]
struct Quick {
    whole: HashSet<String>,
    within: Option<AhoCorasick>,
    slow: Vec<usize>,
}

impl Item {
    pub(crate) fn holds(&self, subject: &Subject<'_>) -> bool {
        self.compare(subject).is_some() != self.negated
    }

    /// The value that fits; before it is negated.
    pub(crate) fn compare<'s>(&self, subject: &'s Subject<'_>) -> Option<&'s str> {
        let field = subject.field(self.field);
        if let Some(wanted) = self.exists {
            return (wanted != field.leaves.is_empty()).then_some("");
        }
        if let Some(quick) = &self.quick {
            let known = field.leaves.iter().find(|leaf| {
                quick.whole.contains(leaf.small())
                    || quick.within.as_ref().is_some_and(|within| within.is_match(leaf.small()))
            });
            let slow = || {
                let left = quick.slow.iter().filter_map(|place| self.matchers.get(*place));
                left.filter_map(|matcher| matcher.fits(field, subject)).next()
            };
            return known.map(|leaf| &*leaf.text).or_else(slow);
        }
        let mut fitting = self.matchers.iter().map(|matcher| matcher.fits(field, subject));
        if self.all { fitting.try_fold("", |_, fits| fits) } else { fitting.flatten().next() }
    }

    fn quicken(&mut self) {
        if self.all || self.matchers.len() < AT_ONCE {
            return;
        }
        let mut whole = HashSet::new();
        let mut within = Vec::new();
        let mut slow = Vec::new();
        for (place, matcher) in self.matchers.iter().enumerate() {
            match matcher {
                Matcher::Text { place: Place::Whole, text, cased: false } => {
                    whole.insert(text.clone());
                }
                Matcher::Text { place: Place::Within, text, cased: false } => within.push(text.as_str()),
                _ => slow.push(place),
            }
        }
        let within = if within.is_empty() { Ok(None) } else { AhoCorasick::new(within).map(Some) };
        // What cannot be built is looked for one by one.
        self.quick = within.ok().map(|within| Quick { whole, within, slow });
    }
}

/// What an event must be like.
#[derive(Debug)]
pub(crate) struct Detection {
    pub(crate) items: Vec<Item>,
    pub(crate) condition: Expr<usize>,
}

impl Detection {
    pub(crate) fn holds(&self, subject: &Subject<'_>) -> bool {
        self.condition.holds(&mut |item| self.items.get(*item).is_some_and(|item| item.holds(subject)))
    }

    /// Reads the `detection` of a rule, or the `filter` of a filter.
    pub(crate) fn read(detection: &Value, view: View, fields: &mut Fields) -> Result<Self, String> {
        let Some(members) = detection.as_object() else {
            return Err("it has no detection".to_owned());
        };
        let mut reader = Reader { view, fields, items: Vec::new(), values: 0, regexes: 0 };
        let mut named: Vec<(&str, Expr<usize>)> = Vec::new();
        for (name, value) in members {
            // `rules` is what a filter is about; `timeframe` is from before correlations.
            if !matches!(name.as_str(), "condition" | "timeframe" | "rules") {
                let expr = reader.search(value).map_err(|why| format!("{:?}: {why}", shown(name)))?;
                named.push((name, expr));
            }
        }
        let conditions: Vec<&str> = match members.get("condition") {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).take(50).collect(),
            _ => Vec::new(),
        };
        if conditions.is_empty() {
            return Err("it has no condition".to_owned());
        }
        let names: Vec<&str> = named.iter().map(|(name, _)| *name).collect();
        let mut parts = 0usize;
        let mut expand = |word: &str| {
            let found = named.iter().find(|(name, _)| *name == word);
            let Some((_, expr)) = found else {
                return Err(format!("the condition speaks of {:?}, which is not there", shown(word)));
            };
            parts += size(expr);
            if parts > PARTS_MAX {
                Err(format!("the condition has more than {PARTS_MAX} parts"))
            } else {
                Ok(expr.clone())
            }
        };
        let read: Result<Vec<Expr<usize>>, String> =
            conditions.iter().map(|text| condition::parse(text, &names, &mut expand)).collect();
        Ok(Self { condition: Expr::Any(read?), items: reader.items })
    }

    /// Adds what has to hold too.
    pub(crate) fn narrow(&mut self, other: Self) {
        let first = self.items.len();
        self.items.extend(other.items);
        let before = std::mem::replace(&mut self.condition, Expr::All(Vec::new()));
        self.condition = Expr::All(vec![before, moved(other.condition, first)]);
    }
}

fn moved(expr: Expr<usize>, by: usize) -> Expr<usize> {
    let all = |parts: Vec<Expr<usize>>| parts.into_iter().map(|part| moved(part, by)).collect();
    match expr {
        Expr::All(parts) => Expr::All(all(parts)),
        Expr::Any(parts) => Expr::Any(all(parts)),
        Expr::Not(part) => Expr::Not(Box::new(moved(*part, by))),
        Expr::Is(item) => Expr::Is(item + by),
    }
}

fn size(expr: &Expr<usize>) -> usize {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => 1 + parts.iter().map(size).sum::<usize>(),
        Expr::Not(part) => 1 + size(part),
        Expr::Is(_) => 1,
    }
}

struct Reader<'f> {
    view: View,
    fields: &'f mut Fields,
    items: Vec<Item>,
    values: usize,
    regexes: usize,
}

impl Reader<'_> {
    /// What a name of the detection stands for.
    fn search(&mut self, value: &Value) -> Result<Expr<usize>, String> {
        match value {
            Value::Object(members) => self.map(members),
            Value::Array(items) if items.is_empty() => Err("it is an empty list".to_owned()),
            Value::Array(items) if items.iter().all(|item| !item.is_object()) => self.keywords(items, false),
            Value::Array(items) => {
                let parts = items.iter().map(|item| match item {
                    Value::Object(members) => self.map(members),
                    other => self.keywords(std::slice::from_ref(other), false),
                });
                Ok(Expr::Any(parts.collect::<Result<_, _>>()?))
            }
            scalar => self.keywords(std::slice::from_ref(scalar), false),
        }
    }

    fn map(&mut self, members: &Map<String, Value>) -> Result<Expr<usize>, String> {
        if members.is_empty() {
            return Err("it is empty".to_owned());
        }
        let parts = members
            .iter()
            .map(|(key, value)| self.field(key, value).map_err(|why| format!("{:?}: {why}", shown(key))));
        Ok(Expr::All(parts.collect::<Result<_, _>>()?))
    }

    fn field(&mut self, key: &str, value: &Value) -> Result<Expr<usize>, String> {
        let mut words = key.split('|');
        let name = words.next().unwrap_or_default();
        let words: Vec<&str> = words.collect();
        let one = std::slice::from_ref(value);
        let values = value.as_array().map_or(one, Vec::as_slice);
        if name.is_empty() {
            let known = words.iter().all(|word| matches!(*word, "all" | "contains"));
            return if known {
                self.keywords(values, words.contains(&"all"))
            } else {
                Err("keywords know the modifier all alone".to_owned())
            };
        }
        let modifiers = Modifiers::read(&words)?;
        let mut item = self.item(name);
        item.all = modifiers.all;
        item.negated = modifiers.negated;
        if modifiers.exists {
            let wanted = value.as_bool().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
            item.exists = Some(wanted.ok_or("exists is true or false")?);
            return self.done(item);
        }
        if values.is_empty() {
            return Err("it has no values".to_owned());
        }
        for value in values {
            let (view, fields) = (self.view, &mut *self.fields);
            let compiled = modifiers.compile(value, &mut |name| fields.intern(view, name))?;
            self.count(&compiled)?;
            // What one value becomes is always one or the other of it.
            if modifiers.all && compiled.len() > 1 {
                return self.each(name, &modifiers, values);
            }
            item.matchers.extend(compiled);
        }
        self.done(item)
    }

    /// Every value has to fit, each in one of its forms.
    fn each(
        &mut self,
        name: &str,
        modifiers: &Modifiers<'_>,
        values: &[Value],
    ) -> Result<Expr<usize>, String> {
        let mut parts = Vec::new();
        for value in values {
            let mut item = self.item(name);
            let (view, fields) = (self.view, &mut *self.fields);
            item.matchers = modifiers.compile(value, &mut |name| fields.intern(view, name))?;
            self.count(&item.matchers)?;
            parts.push(self.done(item)?);
        }
        let every = Expr::All(parts);
        Ok(if modifiers.negated { Expr::Not(Box::new(every)) } else { every })
    }

    fn keywords(&mut self, values: &[Value], all: bool) -> Result<Expr<usize>, String> {
        let mut item = self.item("");
        item.all = all;
        for value in values {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return Err("a keyword is neither text nor number".to_owned()),
            };
            let compiled = matcher(crate::pattern::parse(&format!("*{text}*")), false);
            self.count(std::slice::from_ref(&compiled))?;
            item.matchers.push(compiled);
        }
        self.done(item)
    }

    fn item(&mut self, name: &str) -> Item {
        Item {
            field: self.fields.intern(self.view, name),
            label: plain(name, 200),
            matchers: Vec::new(),
            all: false,
            negated: false,
            exists: None,
            quick: None,
        }
    }

    fn count(&mut self, compiled: &[Matcher]) -> Result<(), String> {
        self.values += compiled.len();
        self.regexes += compiled.iter().filter(|matcher| matches!(matcher, Matcher::Regex { .. })).count();
        if self.values > VALUES_MAX {
            return Err(format!("it has more than {VALUES_MAX} values"));
        }
        if self.regexes > REGEXES_MAX {
            return Err(format!("it has more than {REGEXES_MAX} regular expressions"));
        }
        Ok(())
    }

    fn done(&mut self, mut item: Item) -> Result<Expr<usize>, String> {
        item.quicken();
        self.items.push(item);
        Ok(Expr::Is(self.items.len() - 1))
    }
}
