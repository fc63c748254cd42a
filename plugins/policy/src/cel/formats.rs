//! The named formats of Kubernetes' library `format`: what is wrong with a text that should have one.

use super::time::Timestamp;
use super::url::Url;

/// The formats by their names.
pub(crate) const NAMES: [&str; 13] = [
    "dns1123Label",
    "dns1123Subdomain",
    "dns1035Label",
    "qualifiedName",
    "dns1123LabelPrefix",
    "dns1123SubdomainPrefix",
    "dns1035LabelPrefix",
    "labelValue",
    "uri",
    "uuid",
    "byte",
    "date",
    "datetime",
];

/// What is wrong with a text; empty where nothing is.
pub(crate) fn wrong(format: &str, text: &str) -> Vec<String> {
    // A prefix may end with a dash, because something follows it: the API server looks at it without its last two characters.
    let prefix = |text: &str| {
        let mut characters = text.chars();
        match characters.next_back() {
            Some('-') if characters.next_back().is_some() => format!("{}a", characters.as_str()),
            _ => text.to_owned(),
        }
    };
    match format {
        "dns1123Label" => label(text, false),
        "dns1123LabelPrefix" => label(&prefix(text), false),
        "dns1035Label" => label(text, true),
        "dns1035LabelPrefix" => label(&prefix(text), true),
        "dns1123Subdomain" => subdomain(text),
        "dns1123SubdomainPrefix" => subdomain(&prefix(text)),
        "qualifiedName" => qualified(text),
        "labelValue" if text.is_empty() => Vec::new(),
        "labelValue" => named(text, "a label's value"),
        "uri" => unless(Url::parse(text).is_some(), "it is not an absolute URI and not an absolute path"),
        "uuid" => unless(is_uuid(text), "it is not a UUID"),
        "byte" => unless(is_base64(text), "it is not base64"),
        "date" => unless(Timestamp::parse(&format!("{text}T00:00:00Z")).is_some(), "it is not a date"),
        _ => unless(
            Timestamp::parse(&text.replace('t', "T").replace('z', "Z")).is_some(),
            "it is not a date and time",
        ),
    }
}

fn unless(right: bool, why: &str) -> Vec<String> {
    if right { Vec::new() } else { vec![why.to_owned()] }
}

fn label(text: &str, letter_first: bool) -> Vec<String> {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let first = text.bytes().next();
    let starts = first.is_some_and(|b| b.is_ascii_lowercase() || !letter_first && b.is_ascii_digit());
    let shape = starts && text.bytes().all(inner) && !text.ends_with('-');
    let mut all = unless(text.len() <= 63, "it has more than 63 characters");
    let why = match letter_first {
        true => {
            "it must be lower case letters, digits and '-', begin with a letter and end with a letter or a digit"
        }
        false => "it must be lower case letters, digits and '-', and begin and end with a letter or a digit",
    };
    all.extend(unless(shape, why));
    all
}

fn subdomain(text: &str) -> Vec<String> {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    let mut all = unless(text.len() <= 253, "it has more than 253 characters");
    let why = "it must be lower case letters, digits, '-' and '.', and each part must begin and end with a letter or a digit";
    all.extend(unless(text.split('.').all(part), why));
    all
}

fn qualified(text: &str) -> Vec<String> {
    match text.split_once('/') {
        None => named(text, "a name"),
        Some((_, rest)) if rest.contains('/') => vec!["it has more than one '/'".to_owned()],
        Some((prefix, name)) => {
            let mut all = subdomain(prefix);
            all.extend(named(name, "a name"));
            all
        }
    }
}

fn named(text: &str, what: &str) -> Vec<String> {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let shape = text.bytes().all(inner) && end(text.chars().next()) && end(text.chars().next_back());
    let mut all = unless(text.len() <= 63, "it has more than 63 characters");
    all.extend(unless(
        shape,
        &format!(
            "{what} must be letters, digits, '-', '_' and '.', and begin and end with a letter or a digit"
        ),
    ));
    all
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let grouped = lengths == [8, 4, 4, 4, 12] || lengths == [32];
    grouped && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    let plain = body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'));
    !text.is_empty() && text.len().is_multiple_of(4) && padding <= 2 && plain
}
