//! One value of a detection: what its modifiers make of it, and whether a field fits it.

use std::net::IpAddr;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use crate::pattern::{self, Glob, Part};
use crate::subject::{Field, FieldId, Subject};
use crate::text::{lower, shown};
use crate::transform;

/// Longest value, in bytes.
const VALUE_BYTES_MAX: usize = 8 << 10;
/// Longest regular expression, in bytes.
const REGEX_BYTES_MAX: usize = 2 << 10;
/// Size of a compiled regular expression, and of what it remembers while it looks, in bytes.
const REGEX_SIZE_MAX: usize = 256 << 10;

/// How a text must stand in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Whole,
    Within,
    Start,
    End,
}

/// Which side of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

/// What a field is compared with.
#[derive(Debug, Clone)]
pub(crate) enum Matcher {
    Text {
        place: Place,
        text: String,
        cased: bool,
    },
    Glob {
        glob: Glob,
        cased: bool,
    },
    /// `*`: there is something.
    Present,
    /// `null`: there is nothing.
    Absent,
    Compare(Order, f64),
    Regex {
        regex: Regex,
        folded: bool,
    },
    Network {
        address: IpAddr,
        bits: u32,
    },
    Reference {
        field: FieldId,
        place: Place,
        cased: bool,
    },
}

impl Matcher {
    /// The value of a field that fits, where it can be told.
    pub(crate) fn fits<'s>(&self, field: &'s Field<'_>, subject: &'s Subject<'_>) -> Option<&'s str> {
        if let Self::Absent = self {
            return field.leaves.is_empty().then_some("");
        }
        let leaf = field.leaves.iter().find(|leaf| match self {
            Self::Text { place, text, cased } => {
                within(*place, if *cased { &leaf.text } else { leaf.small() }, text)
            }
            Self::Glob { glob, cased } => glob.matches(if *cased { &leaf.text } else { leaf.small() }),
            Self::Present => true,
            Self::Absent => false,
            Self::Compare(order, number) => leaf.text.trim().parse::<f64>().is_ok_and(|value| match order {
                Order::Less => value < *number,
                Order::LessOrEqual => value <= *number,
                Order::More => value > *number,
                Order::MoreOrEqual => value >= *number,
            }),
            Self::Regex { regex, .. } => regex.is_match(&leaf.text),
            Self::Network { address, bits } => inside(&leaf.text, *address, *bits),
            Self::Reference { field, place, cased } => subject.field(*field).leaves.iter().any(|other| {
                if *cased {
                    within(*place, &leaf.text, &other.text)
                } else {
                    within(*place, leaf.small(), other.small())
                }
            }),
        })?;
        Some(&leaf.text)
    }
}

fn within(place: Place, text: &str, wanted: &str) -> bool {
    match place {
        Place::Whole => text == wanted,
        Place::Within => text.contains(wanted),
        Place::Start => text.starts_with(wanted),
        Place::End => text.ends_with(wanted),
    }
}

fn inside(text: &str, network: IpAddr, bits: u32) -> bool {
    let Ok(address) = text.trim().parse::<IpAddr>() else { return false };
    match (address.to_canonical(), network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            u32::from(address) & mask == u32::from(network) & mask
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            u128::from(address) & mask == u128::from(network) & mask
        }
        _ => false,
    }
}

/// What is known of a value while its modifiers are applied.
#[derive(Debug, Clone)]
enum Draft {
    Parts(Vec<Part>),
    Bytes(Vec<u8>),
}

/// The modifiers of a field, in the order in which they stand.
#[derive(Debug, Default)]
pub(crate) struct Modifiers<'m> {
    /// What changes values.
    changes: Vec<&'m str>,
    place: Option<Place>,
    cased: bool,
    regex: Option<RegexFlags>,
    network: bool,
    order: Option<Order>,
    reference: bool,
    /// `exists`
    pub(crate) exists: bool,
    /// `all`
    pub(crate) all: bool,
    /// `neq`
    pub(crate) negated: bool,
}

#[derive(Debug, Default, Clone, Copy)]
struct RegexFlags {
    ignore_case: bool,
    many_lines: bool,
    dot_is_newline: bool,
}

impl<'m> Modifiers<'m> {
    /// Reads the words behind a field's name.
    pub(crate) fn read(words: &[&'m str]) -> Result<Self, String> {
        let mut read = Self::default();
        for word in words {
            match *word {
                "contains" => read.place = Some(Place::Within),
                "startswith" => read.place = Some(Place::Start),
                "endswith" => read.place = Some(Place::End),
                "all" => read.all = true,
                "cased" => read.cased = true,
                "exists" => read.exists = true,
                "neq" => read.negated = true,
                "re" => read.regex = Some(RegexFlags::default()),
                "cidr" => read.network = true,
                "fieldref" => read.reference = true,
                "lt" => read.order = Some(Order::Less),
                "lte" => read.order = Some(Order::LessOrEqual),
                "gt" => read.order = Some(Order::More),
                "gte" => read.order = Some(Order::MoreOrEqual),
                "i" | "m" | "s" if read.regex.is_some() => {
                    if let Some(flags) = &mut read.regex {
                        flags.ignore_case |= *word == "i";
                        flags.many_lines |= *word == "m";
                        flags.dot_is_newline |= *word == "s";
                    }
                }
                "wide" | "utf16le" | "utf16be" | "utf16" | "base64" | "base64offset" | "windash" => {
                    read.changes.push(word);
                }
                "expand" => {
                    return Err("the modifier expand needs placeholders, which are not known here".to_owned());
                }
                other => return Err(format!("the modifier {:?} is not known", shown(other))),
            }
        }
        let kinds = [read.regex.is_some(), read.network, read.order.is_some(), read.exists]
            .into_iter()
            .filter(|kind| *kind)
            .count();
        if kinds > 1 || (kinds == 1 && (read.place.is_some() || !read.changes.is_empty() || read.reference)) {
            return Err("modifiers stand together that exclude one another".to_owned());
        }
        Ok(read)
    }

    /// What a value means.
    pub(crate) fn compile(
        &self,
        value: &Value,
        intern: &mut dyn FnMut(&str) -> FieldId,
    ) -> Result<Vec<Matcher>, String> {
        let text = match value {
            Value::String(text) => text.clone(),
            // As the text of an event's number is written: 4.0 is 4.
            Value::Number(number) => match number.as_f64() {
                Some(value) if number.is_f64() => value.to_string(),
                _ => number.to_string(),
            },
            Value::Bool(bool) => bool.to_string(),
            Value::Null => return self.absent(),
            Value::Array(_) | Value::Object(_) => {
                return Err("a value is neither text nor number, truth or null".to_owned());
            }
        };
        if text.len() > VALUE_BYTES_MAX {
            return Err(format!("a value has {} bytes; at most {VALUE_BYTES_MAX} are allowed", text.len()));
        }
        let cased = self.cased;
        if self.reference {
            let place = self.place.unwrap_or(Place::Whole);
            return Ok(vec![Matcher::Reference { field: intern(&text), place, cased }]);
        }
        if let Some(flags) = self.regex {
            return Ok(vec![Matcher::Regex { regex: regex(&text, flags)?, folded: flags.ignore_case }]);
        }
        if self.network {
            return network(&text).map(|matcher| vec![matcher]);
        }
        if let Some(order) = self.order {
            let number = text.trim().parse().map_err(|_| format!("{:?} is not a number", shown(&text)))?;
            return Ok(vec![Matcher::Compare(order, number)]);
        }
        let mut drafts = vec![Draft::Parts(pattern::parse(&text))];
        for change in &self.changes {
            let mut changed = Vec::new();
            for draft in drafts {
                changed.extend(apply(change, draft)?);
            }
            drafts = changed;
        }
        drafts
            .into_iter()
            .map(|draft| match draft {
                Draft::Parts(parts) => Ok(matcher(self.placed(parts), cased)),
                Draft::Bytes(_) => Err("text in UTF-16 needs base64 or base64offset behind it".to_owned()),
            })
            .collect()
    }

    fn absent(&self) -> Result<Vec<Matcher>, String> {
        let bare = self.changes.is_empty() && self.place.is_none() && self.regex.is_none();
        if bare && !self.network && self.order.is_none() && !self.reference {
            Ok(vec![Matcher::Absent])
        } else {
            Err("null does not go with a modifier".to_owned())
        }
    }

    /// The parts with the stars that a place means.
    fn placed(&self, mut parts: Vec<Part>) -> Vec<Part> {
        let place = self.place.unwrap_or(Place::Whole);
        if matches!(place, Place::Within | Place::End) && parts.first() != Some(&Part::Any) {
            parts.insert(0, Part::Any);
        }
        if matches!(place, Place::Within | Place::Start) && parts.last() != Some(&Part::Any) {
            parts.push(Part::Any);
        }
        parts
    }
}

/// What is compared, for a value's parts.
pub(crate) fn matcher(parts: Vec<Part>, cased: bool) -> Matcher {
    let sized = |text: &str| if cased { text.to_owned() } else { lower(text).into_owned() };
    let (place, text) = match parts.as_slice() {
        [] => (Place::Whole, String::new()),
        [Part::Any] => return Matcher::Present,
        [Part::Text(text)] => (Place::Whole, sized(text)),
        [Part::Any, Part::Text(text), Part::Any] => (Place::Within, sized(text)),
        [Part::Text(text), Part::Any] => (Place::Start, sized(text)),
        [Part::Any, Part::Text(text)] => (Place::End, sized(text)),
        _ => {
            let sized: Vec<Part> = parts
                .iter()
                .map(|part| if let Part::Text(text) = part { Part::Text(sized(text)) } else { part.clone() })
                .collect();
            return Matcher::Glob { glob: Glob::new(&sized), cased };
        }
    };
    Matcher::Text { place, text, cased }
}

fn apply(change: &str, draft: Draft) -> Result<Vec<Draft>, String> {
    let literal = match &draft {
        Draft::Parts(parts) => pattern::literal(parts),
        Draft::Bytes(_) => None,
    };
    let bytes = || -> Result<Vec<u8>, String> {
        match (&draft, literal) {
            (Draft::Bytes(bytes), _) => Ok(bytes.clone()),
            (_, Some(text)) => Ok(text.as_bytes().to_vec()),
            _ => Err(format!("the modifier {change} does not go with wildcards")),
        }
    };
    let encoded =
        |texts: Vec<String>| texts.into_iter().map(|text| Draft::Parts(vec![Part::Text(text)])).collect();
    match change {
        "base64" => Ok(encoded(vec![transform::base64(&bytes()?)])),
        "base64offset" => Ok(encoded(transform::base64_offsets(&bytes()?))),
        "windash" => {
            let Draft::Parts(parts) = draft else {
                return Err("windash stands behind an encoding".to_owned());
            };
            Ok(dashed(parts).into_iter().map(Draft::Parts).collect())
        }
        _ => {
            let Some(text) = literal else {
                return Err(format!("the modifier {change} does not go with wildcards or after an encoding"));
            };
            let mut encoded = if change == "utf16" { vec![0xff, 0xfe] } else { Vec::new() };
            encoded.extend(transform::utf16(text, change == "utf16be"));
            Ok(vec![Draft::Bytes(encoded)])
        }
    }
}

/// Every text of a value with its dashes in all their forms; what has wildcards is varied text by text.
fn dashed(parts: Vec<Part>) -> Vec<Vec<Part>> {
    let mut variants: Vec<Vec<Part>> = vec![Vec::new()];
    for part in parts {
        let forms = match &part {
            Part::Text(text) if variants.len() <= 5 => {
                transform::dashes(text).into_iter().map(Part::Text).collect()
            }
            _ => vec![part],
        };
        variants = variants
            .iter()
            .flat_map(|variant| {
                forms.iter().map(move |form| [variant.as_slice(), std::slice::from_ref(form)].concat())
            })
            .collect();
    }
    variants
}

fn regex(text: &str, flags: RegexFlags) -> Result<Regex, String> {
    if text.len() > REGEX_BYTES_MAX {
        return Err(format!(
            "a regular expression has {} bytes; at most {REGEX_BYTES_MAX} are allowed",
            text.len()
        ));
    }
    RegexBuilder::new(text)
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.many_lines)
        .dot_matches_new_line(flags.dot_is_newline)
        .size_limit(REGEX_SIZE_MAX)
        .dfa_size_limit(REGEX_SIZE_MAX)
        .nest_limit(50)
        .build()
        .map_err(|error| {
            format!(
                "the regular expression {:?} cannot be used: {}",
                shown(text),
                last_line(&error.to_string())
            )
        })
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

fn network(text: &str) -> Result<Matcher, String> {
    let wrong = || format!("{:?} is not a network", shown(text));
    let (address, bits) = match text.trim().split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| wrong())?)),
        None => (text.trim(), None),
    };
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(most);
    if bits > most { Err(wrong()) } else { Ok(Matcher::Network { address, bits }) }
}
