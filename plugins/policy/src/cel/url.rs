//! URLs as `net/url` of Go reads them for a request: absolute, or a path that begins with a slash.

use std::collections::BTreeMap;

/// A URL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Url {
    pub(crate) scheme: String,
    pub(crate) host: String,
    path: String,
    query: String,
}

impl Url {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.bytes().any(|b| b < 0x20 || b == 0x7f) {
            return None;
        }
        let (scheme, rest) = scheme(text)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut url =
            Self { scheme: scheme.to_ascii_lowercase(), query: query.to_owned(), ..Self::default() };
        if !rest.starts_with('/') {
            // A path without a root says nothing of a host; without a scheme it is no URL at all.
            return (!scheme.is_empty()).then_some(url);
        }
        url.path = match rest.strip_prefix("//").filter(|_| !scheme.is_empty()) {
            None => rest.to_owned(),
            Some(rest) => {
                let (authority, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
                let host = match authority.rsplit_once('@') {
                    Some((user, host)) => {
                        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b);
                        user.bytes().all(plain).then_some(host)?
                    }
                    None => authority,
                };
                url.host = host_of(host)?;
                path.to_owned()
            }
        };
        decoded(&url.path, false)?;
        Some(url)
    }

    /// The host without its port and without the brackets of IPv6.
    pub(crate) fn hostname(&self) -> &str {
        let host = self.host.rsplit_once(':').map_or(self.host.as_str(), |(host, port)| {
            if port.bytes().all(|b| b.is_ascii_digit()) { host } else { &self.host }
        });
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    pub(crate) fn port(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((_, port)) if port.bytes().all(|b| b.is_ascii_digit()) => port,
            _ => "",
        }
    }

    /// The path with everything escaped that may not stand in one.
    pub(crate) fn escaped_path(&self) -> String {
        let mut made = String::new();
        for byte in self.path.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@%!'()*[]".contains(&byte) {
                made.push(char::from(byte));
            } else {
                made.push_str(&format!("%{byte:02X}"));
            }
        }
        made
    }

    /// The values of the query by their names. What cannot be read is left out, as there.
    pub(crate) fn query(&self) -> BTreeMap<String, Vec<String>> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pair in self.query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if let (Some(name), Some(value)) = (decoded(name, true), decoded(value, true)) {
                all.entry(name).or_default().push(value);
            }
        }
        all
    }
}

/// The scheme, where there is one. A text that begins with a colon is none.
fn scheme(text: &str) -> Option<(&str, &str)> {
    for (place, character) in text.char_indices() {
        match character {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if place > 0 => {}
            ':' if place > 0 => return Some((text.get(..place)?, text.get(place + 1..)?)),
            ':' => return None,
            _ => break,
        }
    }
    Some(("", text))
}

fn host_of(host: &str) -> Option<String> {
    let port = |text: &str| {
        text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
    };
    if let Some(rest) = host.strip_prefix('[') {
        let (address, after) = rest.rsplit_once(']')?;
        return (port(after) && !address.is_empty()).then(|| host.to_owned());
    }
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&b) || b >= 0x80;
    (port(host.get(name.len()..)?) && name.bytes().all(plain)).then(|| decoded(host, false)).flatten()
}

/// A text without its escapes; nothing where one of them is none.
fn decoded(text: &str, query: bool) -> Option<String> {
    let mut made = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        made.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if query => b' ',
            byte => byte,
        });
    }
    Some(String::from_utf8_lossy(&made).into_owned())
}
