//! A JSON text read once into a list of places, so that looking at a member copies nothing.
//!
//! Every value, and every key, is a node that knows where it stands in the text and where the node behind its subtree is. A number
//! keeps the digits of its source, an object can be shown as it came.

use std::borrow::Cow;

/// Deepest nesting of a body.
const DEPTH_MAX: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Bool,
    Number,
    /// Without escapes: its text is the text of the source.
    Plain,
    Escaped,
    Array,
    Object,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    kind: Kind,
    /// Of a string: behind its opening quotation mark.
    start: u32,
    end: u32,
    /// The node behind this one and all in it.
    next: u32,
}

/// A JSON text and its nodes.
#[derive(Debug)]
pub(crate) struct Doc<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

/// A value in a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<'d> {
    doc: &'d Doc<'d>,
    at: u32,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    nodes: Vec<Node>,
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl<'a> Doc<'a> {
    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong, and at which byte.
    pub(crate) fn read(text: &'a str) -> Result<Self, String> {
        if text.len() > (u32::MAX / 2) as usize {
            return Err("it is too long".to_owned());
        }
        let mut reader = Reader { text, at: 0, nodes: Vec::with_capacity(text.len() / 12) };
        match reader.document() {
            Ok(()) => Ok(Self { text, nodes: reader.nodes }),
            Err(what) => Err(format!("{what} at byte {}", reader.at)),
        }
    }

    /// The value that the text is.
    pub(crate) fn root(&'a self) -> Json<'a> {
        Json { doc: self, at: 0 }
    }
}

impl Reader<'_> {
    fn document(&mut self) -> Result<(), &'static str> {
        let mut open: Vec<u32> = Vec::new();
        loop {
            self.blank();
            match self.peek() {
                Some(b'{') => self.enter(Kind::Object, &mut open)?,
                Some(b'[') => self.enter(Kind::Array, &mut open)?,
                Some(b'"') => self.string()?,
                Some(b't') => self.word("true", Kind::Bool)?,
                Some(b'f') => self.word("false", Kind::Bool)?,
                Some(b'n') => self.word("null", Kind::Null)?,
                Some(b'-' | b'0'..=b'9') => self.number(),
                _ => return Err("a value is expected"),
            }
            if !self.behind(&mut open)? {
                self.blank();
                return if self.at == self.text.len() {
                    Ok(())
                } else {
                    Err("something stands behind the end")
                };
            }
        }
    }

    /// Opens an object or array. An empty one is closed by [`Reader::behind`], which a mark tells that no value came yet.
    fn enter(&mut self, kind: Kind, open: &mut Vec<u32>) -> Result<(), &'static str> {
        if open.len() >= DEPTH_MAX {
            return Err("it is nested too deep");
        }
        open.push(small(self.nodes.len()));
        self.push(kind, self.at, self.at);
        self.at += 1;
        Ok(())
    }

    /// Closes what ends here and reads on to where the next value stands; says whether there is one.
    fn behind(&mut self, open: &mut Vec<u32>) -> Result<bool, &'static str> {
        while let Some(&container) = open.last() {
            let object = self.nodes.get(container as usize).is_some_and(|node| node.kind == Kind::Object);
            let entered = container as usize + 1 == self.nodes.len();
            self.blank();
            match self.peek() {
                Some(b'}') if object => self.close(container),
                Some(b']') if !object => self.close(container),
                Some(b',') if !entered => {
                    self.at += 1;
                    self.key(object)?;
                    return Ok(true);
                }
                _ if entered => {
                    self.key(object)?;
                    return Ok(true);
                }
                _ => return Err("a comma or a closing bracket is expected"),
            }
            open.pop();
        }
        Ok(false)
    }

    fn close(&mut self, container: u32) {
        self.at += 1;
        let (end, next) = (small(self.at), small(self.nodes.len()));
        if let Some(node) = self.nodes.get_mut(container as usize) {
            (node.end, node.next) = (end, next);
        }
    }

    fn key(&mut self, object: bool) -> Result<(), &'static str> {
        if !object {
            return Ok(());
        }
        self.blank();
        if self.peek() != Some(b'"') {
            return Err("a key is expected");
        }
        self.string()?;
        self.blank();
        if self.peek() != Some(b':') {
            return Err("a colon is expected");
        }
        self.at += 1;
        Ok(())
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let next = small(self.nodes.len() + 1);
        self.nodes.push(Node { kind, start: small(start), end: small(end), next });
    }

    fn rest(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Result<(), &'static str> {
        let start = self.at + 1;
        let mut kind = Kind::Plain;
        self.at = start;
        while let Some(found) = memchr::memchr2(b'"', b'\\', self.rest()) {
            self.at += found;
            if self.peek() == Some(b'"') {
                self.push(kind, start, self.at);
                self.at += 1;
                return Ok(());
            }
            kind = Kind::Escaped;
            self.at += 2;
        }
        Err("a text does not end")
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<(), &'static str> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err("a value is expected");
        }
        self.push(kind, self.at, self.at + word.len());
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
            self.at += 1;
        }
        self.push(Kind::Number, start, self.at);
    }
}

impl<'d> Json<'d> {
    fn node(self) -> Option<&'d Node> {
        self.doc.nodes.get(self.at as usize)
    }

    fn kind(self) -> Kind {
        self.node().map_or(Kind::Null, |node| node.kind)
    }

    /// What stands in the source; of a string what is between its quotation marks.
    fn slice(self) -> &'d str {
        let place = |node: &Node| self.doc.text.get(node.start as usize..node.end as usize);
        self.node().and_then(place).unwrap_or_default()
    }

    pub(crate) fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    pub(crate) fn is_object(self) -> bool {
        self.kind() == Kind::Object
    }

    /// The member of an object. `null` is none: sources write it where they do not know.
    pub(crate) fn get(self, key: &str) -> Option<Json<'d>> {
        self.members()
            .find(
                |(name, _)| if name.kind() == Kind::Plain { name.slice() == key } else { name.text() == key },
            )
            .map(|(_, value)| value)
            .filter(|value| !value.is_null())
    }

    /// What a path of members leads to.
    pub(crate) fn at(self, path: &[&str]) -> Option<Json<'d>> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    /// What a part of a JSON Pointer leads to: a member, or a place in an array.
    pub(crate) fn step(self, part: &str) -> Option<Json<'d>> {
        match self.kind() {
            Kind::Object => self.get(part),
            Kind::Array => {
                let place: usize = part.parse().ok()?;
                self.items().nth(place).filter(|value| !value.is_null())
            }
            _ => None,
        }
    }

    /// The elements of an array; nothing of anything else.
    pub(crate) fn items(self) -> impl Iterator<Item = Json<'d>> {
        let (mut at, end) = self.inside(Kind::Array);
        std::iter::from_fn(move || {
            let item = Json { doc: self.doc, at };
            at = item.node().filter(|_| at < end)?.next;
            Some(item)
        })
    }

    /// The keys and values of an object; nothing of anything else.
    pub(crate) fn members(self) -> impl Iterator<Item = (Json<'d>, Json<'d>)> {
        let (mut at, end) = self.inside(Kind::Object);
        std::iter::from_fn(move || {
            let key = Json { doc: self.doc, at };
            let value = Json { doc: self.doc, at: key.node().filter(|_| at < end)?.next };
            at = value.node()?.next;
            Some((key, value))
        })
    }

    fn inside(self, kind: Kind) -> (u32, u32) {
        match self.node() {
            Some(node) if node.kind == kind => (self.at + 1, node.next),
            _ => (0, 0),
        }
    }

    /// The content of a string.
    pub(crate) fn string(self) -> Option<Cow<'d, str>> {
        matches!(self.kind(), Kind::Plain | Kind::Escaped).then(|| self.text())
    }

    /// The content of a string; what stands in the source of all others.
    pub(crate) fn text(self) -> Cow<'d, str> {
        match self.kind() {
            Kind::Escaped => Cow::Owned(unescape(self.slice())),
            _ => Cow::Borrowed(self.slice()),
        }
    }
}

/// What an escaped text means. Half a surrogate pair becomes U+FFFD.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut characters = behind.chars();
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some('b') => plain.push('\u{8}'),
            Some('f') => plain.push('\u{c}'),
            Some('u') => {
                let (character, used) = code_point(behind);
                plain.push(character);
                rest = behind.get(used..).unwrap_or_default();
                continue;
            }
            Some(other) => plain.push(other),
            None => {}
        }
        rest = characters.as_str();
    }
    plain.push_str(rest);
    plain
}

/// The character of `uXXXX`, or of two of them, and how many bytes they take.
fn code_point(text: &str) -> (char, usize) {
    let unit = |at: usize| text.get(at..at + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let Some(first) = unit(1) else { return (char::REPLACEMENT_CHARACTER, 1) };
    if (0xd800..0xdc00).contains(&first)
        && text.get(5..7) == Some("\\u")
        && let Some(second) = unit(7).filter(|second| (0xdc00..0xe000).contains(second))
    {
        let point = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER), 11);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 5)
}

#[cfg(test)]
mod tests {
    use super::{DEPTH_MAX, Doc};
    use proptest::prelude::*;

    fn at(text: &str, path: &[&str]) -> Option<String> {
        let doc = Doc::read(text).unwrap();
        path.iter()
            .try_fold(doc.root(), |value, part| value.step(part))
            .map(|value| value.text().into_owned())
    }

    #[test]
    fn members_and_elements_are_found() {
        let text = r#" {"a":{"b":[1,2.50,{"c":"d"}],"e":{}},"f":[],"g":null,"h":true,"a/b":"x"} "#;
        assert_eq!(at(text, &["a", "b", "1"]).unwrap(), "2.50");
        assert_eq!(at(text, &["a", "b", "2", "c"]).unwrap(), "d");
        assert_eq!(at(text, &["a", "e"]).unwrap(), "{}");
        assert_eq!(at(text, &["f"]).unwrap(), "[]");
        assert_eq!(at(text, &["h"]).unwrap(), "true");
        assert_eq!(at(text, &["a/b"]).unwrap(), "x");
        assert_eq!(at(text, &["g"]), None);
        assert_eq!(at(text, &["a", "b", "3"]), None);
        assert_eq!(at(text, &["a", "b", "c"]), None);
    }

    #[test]
    fn escapes_mean_what_they_mean() {
        let text = r#"{"\u0061":"\"\\\/\n\u00e9\ud83d\ude00\ud83d!\u"}"#;
        assert_eq!(at(text, &["a"]).unwrap(), "\"\\/\né😀\u{fffd}!\u{fffd}");
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in
            ["", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "[1 2]", "nul", "\"a", "{} {}", "[}", "{1:2}", "\"\\"]
        {
            assert!(Doc::read(text).is_err(), "{text}");
        }
        let deep = "[".repeat(DEPTH_MAX + 1);
        assert!(Doc::read(&deep).unwrap_err().contains("too deep"));
    }

    proptest! {
        #[test]
        fn it_reads_what_serde_reads(text in "[\\[\\]{}:,\" \\\\a-c0-2tn]{0,40}") {
            if let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) {
                let doc = Doc::read(&text).unwrap();
                let shown: serde_json::Value = match doc.root().string() {
                    Some(string) => string.into_owned().into(),
                    None => serde_json::from_str(&doc.root().text()).unwrap(),
                };
                prop_assert_eq!(shown, value);
            } else if let Ok(doc) = Doc::read(&text) {
                let _ = doc.root().members().count();
            }
        }
    }
}
