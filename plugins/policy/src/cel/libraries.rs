//! The libraries that Kubernetes adds for values with a meaning of their own: times, addresses, URLs, versions, named formats,
//! images.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

use super::Fault;
use super::failed;
use super::formats;
use super::image::Image;
use super::network::{self, Cidr};
use super::semver::Semver;
use super::time::{Duration, Timestamp};
use super::url::Url;
use super::value::{Key, Val};

/// A value of one of the libraries.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Special {
    Timestamp(Timestamp),
    Duration(Duration),
    Ip(IpAddr),
    Cidr(Cidr),
    Url(Url),
    Semver(Semver),
    Format(&'static str),
    Image(Image),
}

impl Special {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Ip(_) => "net.IP",
            Self::Cidr(_) => "net.CIDR",
            Self::Url(_) => "kubernetes.URL",
            Self::Semver(_) => "kubernetes.Semver",
            Self::Format(_) => "kubernetes.NamedFormat",
            Self::Image(_) => "kubernetes.Image",
        }
    }

    /// As `string()` and `%s` show it; nothing for what has no text.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Timestamp(time) => Some(time.to_string()),
            Self::Duration(span) => Some(span.to_string()),
            Self::Ip(ip) => Some(ip.to_string()),
            Self::Cidr(block) => Some(block.to_string()),
            _ => None,
        }
    }

    /// How two stand, where there is an order.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Timestamp(a), Self::Timestamp(b)) => Some(a.cmp(b)),
            (Self::Duration(a), Self::Duration(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// Whether two are the same. Versions are, where only their builds differ.
    pub(crate) fn equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Semver(a), Self::Semver(b)) => a.compare(b) == Ordering::Equal,
            (a, b) => a == b,
        }
    }
}

fn of<'a>(special: Special) -> Val<'a> {
    Val::Special(Rc::new(special))
}

/// A value, or an error that says what the text is not.
fn read<'a>(value: Option<Special>, what: &str) -> Result<Val<'a>, Fault> {
    value.map_or_else(|| failed(format!("the text is not {what}")), |special| Ok(of(special)))
}

/// A sum or a difference of times; nothing where the values are none.
pub(super) fn arithmetic<'a>(add: bool, a: &Val<'a>, b: &Val<'a>) -> Option<Result<Val<'a>, Fault>> {
    use Special::{Duration as Span, Timestamp as Time};
    let (Val::Special(a), Val::Special(b)) = (a, b) else { return None };
    let made = match (&**a, &**b, add) {
        (Time(time), Span(span), true) | (Span(span), Time(time), true) => time.add(*span).map(Time),
        (Time(time), Span(span), false) => time.sub(*span).map(Time),
        (Time(a), Time(b), false) => a.since(*b).map(Span),
        (Span(a), Span(b), true) => a.0.checked_add(b.0).map(|nanos| Span(Duration(nanos))),
        (Span(a), Span(b), false) => a.0.checked_sub(b.0).map(|nanos| Span(Duration(nanos))),
        _ => return None,
    };
    Some(made.map_or_else(|| failed("the time is out of range"), |made| Ok(of(made))))
}

/// The value of a function of one of the libraries; nothing where the name or the arguments are none of one.
pub(super) fn call<'a>(name: &str, arguments: &[Val<'a>]) -> Option<Result<Val<'a>, Fault>> {
    if let Some(format) = name.strip_prefix("format.") {
        return of_format(format, arguments);
    }
    match arguments {
        [Val::Special(special), rest @ ..] => of_special(name, special, rest),
        [text, rest @ ..] => of_text(name, text.as_str(), text, rest),
        [] => None,
    }
}

fn of_format<'a>(name: &str, arguments: &[Val<'a>]) -> Option<Result<Val<'a>, Fault>> {
    let known = |wanted: &str| formats::NAMES.into_iter().find(|known| *known == wanted);
    Some(Ok(match (name, arguments) {
        ("named", [wanted]) => match known(wanted.as_str()?) {
            Some(format) => Val::some(of(Special::Format(format))),
            None => Val::Optional(None),
        },
        (name, []) => of(Special::Format(known(name)?)),
        _ => return None,
    }))
}

/// What reads a text.
fn of_text<'a>(
    name: &str,
    text: Option<&str>,
    value: &Val<'a>,
    rest: &[Val<'a>],
) -> Option<Result<Val<'a>, Fault>> {
    if let ("timestamp", Val::Int(seconds), []) = (name, value, rest) {
        return Some(read(
            Timestamp::of_seconds(*seconds).map(Special::Timestamp),
            "a time between the years 1 and 9999",
        ));
    }
    let text = text?;
    let truth = |truth: bool| Ok(Val::Bool(truth));
    let normalise = match rest {
        [] => false,
        [Val::Bool(normalise)] if matches!(name, "semver" | "isSemver") => *normalise,
        _ => return None,
    };
    Some(match name {
        "timestamp" => read(Timestamp::parse(text).map(Special::Timestamp), "a time of RFC 3339"),
        "duration" => read(Duration::parse(text).map(Special::Duration), "a duration such as 1h30m"),
        "ip" => read(network::ip(text).map(Special::Ip), "an IP address"),
        "isIP" => truth(network::ip(text).is_some()),
        "ip.isCanonical" => match network::ip(text) {
            Some(ip) => truth(ip.to_string() == text),
            None => failed("the text is not an IP address"),
        },
        "cidr" => read(Cidr::parse(text).map(Special::Cidr), "a block of addresses such as 10.0.0.0/8"),
        "isCIDR" => truth(Cidr::parse(text).is_some()),
        "url" => read(Url::parse(text).map(Special::Url), "an absolute URL"),
        "isURL" => truth(Url::parse(text).is_some()),
        "semver" => read(Semver::parse(text, normalise).map(Special::Semver), "a version of semver.org"),
        "isSemver" => truth(Semver::parse(text, normalise).is_some()),
        "image" => read(Image::parse(text).map(Special::Image), "a reference of an image"),
        "isImage" => truth(Image::parse(text).is_some()),
        "jsonpatch.escapeKey" => Ok(Val::text(text.replace('~', "~0").replace('/', "~1"))),
        _ => return None,
    })
}

/// What is asked of a value of a library.
fn of_special<'a>(name: &str, special: &Rc<Special>, rest: &[Val<'a>]) -> Option<Result<Val<'a>, Fault>> {
    if let ("string", [], Some(text)) = (name, rest, special.text()) {
        return Some(Ok(Val::text(text)));
    }
    let int = |value: i64| Some(Ok(Val::Int(value)));
    match &**special {
        Special::Timestamp(time) => match (name, rest) {
            ("timestamp", []) => Some(Ok(Val::Special(Rc::clone(special)))),
            ("int", []) => int(time.seconds()),
            (_, [] | [_]) => {
                let zone = match rest.first() {
                    None => None,
                    Some(zone) => Some(zone.as_str()?),
                };
                time.part(name, zone).map(|part| part.map(Val::Int).or_else(failed))
            }
            _ => None,
        },
        Special::Duration(span) => match (name, rest) {
            ("duration", []) => Some(Ok(Val::Special(Rc::clone(special)))),
            ("int", []) => int(span.0),
            (_, []) => span.part(name).and_then(int),
            _ => None,
        },
        Special::Ip(ip) => match (name, rest) {
            ("family", []) => int(if ip.is_ipv4() { 4 } else { 6 }),
            (_, []) => network::is(name, *ip).map(|truth| Ok(Val::Bool(truth))),
            _ => None,
        },
        Special::Cidr(block) => of_block(name, *block, rest),
        Special::Url(url) => rest.is_empty().then(|| of_url(name, url)).flatten().map(Ok),
        Special::Semver(version) => of_version(name, version, rest),
        Special::Format(format) => match (name, rest) {
            ("validate", [text]) => {
                let wrong = formats::wrong(format, text.as_str()?);
                let list = Val::list(wrong.iter().map(|why| Val::text(why.as_str())).collect());
                Some(Ok(if wrong.is_empty() { Val::Optional(None) } else { Val::some(list) }))
            }
            _ => None,
        },
        Special::Image(image) => {
            let text = match (name, rest) {
                ("containsDigest", []) => return Some(Ok(Val::Bool(!image.digest.is_empty()))),
                ("registry", []) => &image.registry,
                ("repository", []) => &image.repository,
                ("tag", []) => &image.tag,
                ("digest", []) => &image.digest,
                ("identifier", []) => image.identifier(),
                _ => return None,
            };
            Some(Ok(Val::text(text)))
        }
    }
}

fn of_block<'a>(name: &str, block: Cidr, rest: &[Val<'a>]) -> Option<Result<Val<'a>, Fault>> {
    Some(match (name, rest) {
        ("ip", []) => Ok(of(Special::Ip(block.ip))),
        ("masked", []) => Ok(of(Special::Cidr(block.masked()))),
        ("prefixLength", []) => Ok(Val::Int(i64::from(block.bits))),
        ("containsIP", [other]) => {
            let ip = match other {
                Val::Special(special) => match **special {
                    Special::Ip(ip) => Some(ip),
                    _ => return None,
                },
                other => network::ip(other.as_str()?),
            };
            ip.map_or_else(
                || failed("the text is not an IP address"),
                |ip| Ok(Val::Bool(block.contains_ip(ip))),
            )
        }
        ("containsCIDR", [other]) => {
            let other = match other {
                Val::Special(special) => match **special {
                    Special::Cidr(other) => Some(other),
                    _ => return None,
                },
                other => Cidr::parse(other.as_str()?),
            };
            other.map_or_else(
                || failed("the text is not a block of addresses"),
                |other| Ok(Val::Bool(block.contains(other))),
            )
        }
        _ => return None,
    })
}

fn of_url<'a>(name: &str, url: &Url) -> Option<Val<'a>> {
    Some(match name {
        "getScheme" => Val::text(url.scheme.as_str()),
        "getHost" => Val::text(url.host.as_str()),
        "getHostname" => Val::text(url.hostname()),
        "getPort" => Val::text(url.port()),
        "getEscapedPath" => Val::text(url.escaped_path()),
        "getQuery" => {
            let list = |values: Vec<String>| Val::list(values.into_iter().map(Val::text).collect());
            let entries =
                url.query().into_iter().map(|(name, values)| (Key::Text(name.into()), list(values)));
            Val::Map(Rc::new(entries.collect::<BTreeMap<_, _>>()))
        }
        _ => return None,
    })
}

fn of_version<'a>(name: &str, version: &Semver, rest: &[Val<'a>]) -> Option<Result<Val<'a>, Fault>> {
    let [major, minor, patch] = version.numbers;
    let int = |number: u64| {
        i64::try_from(number)
            .map_or_else(|_| failed("the number is too large"), |number| Ok(Val::Int(number)))
    };
    let other = || match rest {
        [Val::Special(other)] => match &**other {
            Special::Semver(other) => Some(version.compare(other)),
            _ => None,
        },
        _ => None,
    };
    Some(match (name, rest) {
        ("major", []) => int(major),
        ("minor", []) => int(minor),
        ("patch", []) => int(patch),
        ("isGreaterThan", [_]) => Ok(Val::Bool(other()?.is_gt())),
        ("isLessThan", [_]) => Ok(Val::Bool(other()?.is_lt())),
        ("compareTo", [_]) => Ok(Val::Int(other()? as i64)),
        _ => return None,
    })
}
