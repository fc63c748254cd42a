//! Reads JSON once from front to end, strictly, and takes out what is asked for.
//!
//! Why not a typed `serde_json` reader: an event is accepted when some members have a type nobody expected (sensors write
//! numbers as text, as floats, or `null`), its own text must be known exactly, and elements of a batch must be found without
//! reading each of them twice. What this reader accepts, `serde_json` reads too: the property tests compare them.

use std::borrow::Cow;

use model::event::Text;

use super::time;
use crate::limits;

/// Where a text stopped being JSON that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    /// Offset in bytes.
    pub(super) at: usize,
    /// Why.
    pub(super) why: Why,
}

/// Why a text is not JSON that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It ends too early.
    End,
    /// Something else was expected.
    Unexpected,
    /// An escape that JSON does not have, or half of a surrogate pair.
    Escape,
    /// A control character stands in a string as itself.
    Control,
    /// A number that is none, or is too large for a reader of 64-bit floats.
    Number,
    /// Nested too deeply.
    Deep,
}

impl Why {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::End => "it ends in the middle",
            Self::Unexpected => "something else was expected",
            Self::Escape => "an escape that JSON does not have",
            Self::Control => "a control character in a string",
            Self::Number => "not a number that can be read",
            Self::Deep => "nested too deeply",
        }
    }
}

pub(super) type Step<T> = Result<T, Fault>;

/// A place in a JSON text.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// An object or list was entered and nothing of it was read.
    fresh: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, fresh: false }
    }

    /// The offset of what comes next; white space before a value may still be ahead.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The text between two offsets that this reader told.
    pub(super) fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// The text from an offset on.
    pub(super) fn rest(&self, from: usize) -> &'a str {
        self.text.get(from..).unwrap_or_default()
    }

    /// How many objects and lists are open.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Goes on at another place, behind a value at the given depth.
    pub(super) fn resume(&mut self, at: usize, depth: usize) {
        (self.at, self.depth, self.fresh) = (at, depth, false);
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn fault<T>(&self, why: Why) -> Step<T> {
        Err(Fault { at: self.at, why })
    }

    /// The next byte that is not white space; nothing at the end.
    #[inline]
    pub(super) fn look(&mut self) -> Option<u8> {
        loop {
            match self.byte(self.at)? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    #[inline]
    fn next(&mut self) -> Step<u8> {
        match self.look() {
            Some(byte) => Ok(byte),
            None => self.fault(Why::End),
        }
    }

    #[inline]
    fn open(&mut self) -> Step<()> {
        if self.depth >= limits::EVENT_DEPTH {
            return self.fault(Why::Deep);
        }
        self.at += 1;
        self.depth += 1;
        self.fresh = true;
        Ok(())
    }

    #[inline]
    fn close(&mut self) {
        self.at += 1;
        self.depth = self.depth.saturating_sub(1);
        self.fresh = false;
    }

    /// Enters an object. Whatever else stands here is skipped and the answer is no.
    #[inline]
    pub(super) fn object(&mut self) -> Step<bool> {
        self.enter(b'{')
    }

    /// Enters a list. Whatever else stands here is skipped and the answer is no.
    #[inline]
    pub(super) fn list(&mut self) -> Step<bool> {
        self.enter(b'[')
    }

    #[inline]
    fn enter(&mut self, opening: u8) -> Step<bool> {
        if self.next()? == opening {
            self.open()?;
            return Ok(true);
        }
        self.skip()?;
        Ok(false)
    }

    /// The next key of the object that was entered, with the value ahead; nothing behind the last, where the object is left.
    #[inline]
    pub(super) fn key(&mut self) -> Step<Option<Text<'a>>> {
        if !self.more(b'}')? {
            return Ok(None);
        }
        if self.next()? != b'"' {
            return self.fault(Why::Unexpected);
        }
        let key = self.string()?;
        self.colon()?;
        Ok(Some(key))
    }

    /// Whether the list that was entered has another value, which is ahead; behind the last the list is left.
    #[inline]
    pub(super) fn item(&mut self) -> Step<bool> {
        self.more(b']')
    }

    #[inline]
    fn more(&mut self, closing: u8) -> Step<bool> {
        let fresh = std::mem::take(&mut self.fresh);
        match self.next()? {
            byte if byte == closing => {
                self.close();
                Ok(false)
            }
            _ if fresh => Ok(true),
            b',' => {
                self.at += 1;
                Ok(true)
            }
            _ => self.fault(Why::Unexpected),
        }
    }

    #[inline]
    fn colon(&mut self) -> Step<()> {
        if self.next()? != b':' {
            return self.fault(Why::Unexpected);
        }
        self.at += 1;
        Ok(())
    }

    /// Passes over one value, whatever it is.
    #[inline]
    pub(super) fn skip(&mut self) -> Step<()> {
        match self.next()? {
            b'"' => self.skip_string(),
            b'{' => {
                self.open()?;
                while self.more(b'}')? {
                    if self.next()? != b'"' {
                        return self.fault(Why::Unexpected);
                    }
                    self.skip_string()?;
                    self.colon()?;
                    self.skip()?;
                }
                Ok(())
            }
            b'[' => {
                self.open()?;
                while self.more(b']')? {
                    self.skip()?;
                }
                Ok(())
            }
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number().map(drop),
        }
    }

    #[inline]
    fn literal(&mut self, word: &str) -> Step<()> {
        let end = self.at + word.len();
        if self.text.as_bytes().get(self.at..end) == Some(word.as_bytes()) {
            self.at = end;
            return Ok(());
        }
        self.fault(Why::Unexpected)
    }

    fn digits(&mut self) -> Step<usize> {
        let from = self.at;
        while self.byte(self.at).is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == from { self.fault(Why::Number) } else { Ok(self.at - from) }
    }

    fn number(&mut self) -> Step<&'a str> {
        let from = self.at;
        if self.byte(self.at) == Some(b'-') {
            self.at += 1;
        } else if !self.byte(self.at).is_some_and(|byte| byte.is_ascii_digit()) {
            return self.fault(Why::Unexpected);
        }
        let first = self.at;
        let mut large = self.digits()? > 300;
        if self.byte(first) == Some(b'0') && self.at > first + 1 {
            return self.fault(Why::Number);
        }
        if self.byte(self.at) == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
            large = true;
        }
        let text = self.slice(from, self.at);
        if large && !text.parse::<f64>().is_ok_and(f64::is_finite) {
            return self.fault(Why::Number);
        }
        Ok(text)
    }

    /// The string whose opening mark is ahead.
    #[inline]
    fn string(&mut self) -> Step<Text<'a>> {
        let from = self.at + 1;
        let end = plain(self.text.as_bytes(), from);
        if self.byte(end) == Some(b'"') {
            self.at = end + 1;
            return Ok(Cow::Borrowed(self.slice(from, end)));
        }
        self.escaped(from, end).map(Cow::Owned)
    }

    #[cold]
    fn escaped(&mut self, mut from: usize, mut end: usize) -> Step<String> {
        let mut out = String::new();
        loop {
            out.push_str(self.slice(from, end));
            self.at = end;
            match self.byte(end) {
                None => return self.fault(Why::End),
                Some(b'"') => {
                    self.at = end + 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return self.fault(Why::Control),
            }
            from = self.at;
            end = plain(self.text.as_bytes(), from);
        }
    }

    #[inline]
    fn skip_string(&mut self) -> Step<()> {
        self.at += 1;
        loop {
            self.at = plain(self.text.as_bytes(), self.at);
            match self.byte(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => drop(self.escape()?),
                Some(_) => return self.fault(Why::Control),
                None => return self.fault(Why::End),
            }
        }
    }

    /// Reads one escape, two for a character beyond the basic plane.
    fn escape(&mut self) -> Step<char> {
        let (from, bytes) = (self.at, self.text.as_bytes());
        let found = escape(bytes, from);
        match found {
            Some((character, length)) => {
                self.at += length;
                Ok(character)
            }
            // Cut off within an escape, or a wrong one: the text ends soon in the first case.
            None => self.fault(if bytes.len() < from + 2 { Why::End } else { Why::Escape }),
        }
    }

    // What is asked for: each takes one value of any type, and gives nothing where it is not of the type asked for.

    /// A text that is not empty, cut at [`limits::EVENT_TEXT_BYTES`].
    #[inline]
    pub(super) fn text(&mut self) -> Step<Option<Text<'a>>> {
        if self.next()? != b'"' {
            self.skip()?;
            return Ok(None);
        }
        let text = self.string()?;
        Ok(if text.is_empty() { None } else { Some(cut(text)) })
    }

    /// A text, or a number as it is written.
    pub(super) fn word(&mut self) -> Step<Option<Text<'a>>> {
        match self.next()? {
            b'-' | b'0'..=b'9' => Ok(Some(cut(Cow::Borrowed(self.number()?)))),
            _ => self.text(),
        }
    }

    /// A whole number, however it is written: as a number, with a fraction or exponent, or as text.
    #[inline]
    pub(super) fn integer(&mut self) -> Step<Option<i64>> {
        Ok(self.word()?.and_then(|word| whole(&word)))
    }

    /// A number of 32 bits that is not one of the marks for "not known", -1 and 4294967295.
    #[inline]
    pub(super) fn small(&mut self) -> Step<Option<u32>> {
        Ok(self.integer()?.and_then(|number| u32::try_from(number).ok()).filter(|number| *number != u32::MAX))
    }

    /// A port; 0 is none.
    #[inline]
    pub(super) fn port(&mut self) -> Step<Option<u16>> {
        Ok(self.integer()?.and_then(|number| u16::try_from(number).ok()).filter(|number| *number != 0))
    }

    /// A number that may have a fraction.
    pub(super) fn decimal(&mut self) -> Step<Option<f64>> {
        Ok(self.word()?.and_then(|word| word.parse::<f64>().ok()).filter(|number| number.is_finite()))
    }

    pub(super) fn flag(&mut self) -> Step<Option<bool>> {
        let value = self.next()?;
        self.skip()?;
        Ok(match value {
            b't' => Some(true),
            b'f' => Some(false),
            _ => None,
        })
    }

    /// The texts of a list, or one text alone; at most [`limits::EVENT_LIST`].
    pub(super) fn texts(&mut self) -> Step<Vec<Text<'a>>> {
        let mut out = Vec::new();
        if self.next()? == b'"' {
            out.extend(self.text()?);
        } else if self.list()? {
            out.reserve(8);
            while self.item()? {
                match self.text()? {
                    Some(text) if out.len() < limits::EVENT_LIST => out.push(text),
                    _ => {}
                }
            }
        }
        Ok(out)
    }

    /// A time as RFC 3339 has it, in nanoseconds since 1970 in UTC.
    #[inline]
    pub(super) fn time(&mut self) -> Step<Option<u64>> {
        Ok(self.text()?.and_then(|text| time::parse(&text)))
    }
}

/// A text without what is beyond the bound, and with a mark where it was cut.
#[inline]
pub(super) fn cut(text: Text<'_>) -> Text<'_> {
    if text.len() <= limits::EVENT_TEXT_BYTES {
        return text;
    }
    let end = text.floor_char_boundary(limits::EVENT_TEXT_BYTES);
    Cow::Owned([text.get(..end).unwrap_or_default(), limits::CUT_MARK].concat())
}

/// The whole number that a text says, also as `1.252488e+06`.
pub(super) fn whole(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(number);
    }
    let number = text.parse::<f64>().ok()?;
    // Beyond 2^53 a float is not the number that was meant.
    let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
    exact.then_some(number as i64)
}

/// The character of the escape at an offset, and the length of the escape in bytes.
pub(super) fn escape(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let simple = match bytes.get(at + 1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(bytes, at),
        _ => return None,
    };
    Some((simple, 2))
}

fn unicode(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let high = hex(bytes.get(at + 2..at + 6)?)?;
    if !(0xd800..0xe000).contains(&high) {
        return Some((char::from_u32(high)?, 6));
    }
    if high >= 0xdc00 || bytes.get(at + 6..at + 8)? != b"\\u" {
        return None;
    }
    let low = hex(bytes.get(at + 8..at + 12)?)?;
    if !(0xdc00..0xe000).contains(&low) {
        return None;
    }
    Some((char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))?, 12))
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, digit| Some(sum * 16 + char::from(*digit).to_digit(16)?))
}

/// The offset of the first byte from `at` on that ends a run of plain characters in a string: `"`, `\` or a control character.
///
/// Eight bytes at a time: in a word, `(x - 0x01…) & !x & 0x80…` has the top bit of the first zero byte set, and never one before it.
#[inline]
fn plain(bytes: &[u8], mut at: usize) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x8080_8080_8080_8080;
    const QUOTE: u64 = LOW * b'"' as u64;
    const BACKSLASH: u64 = LOW * b'\\' as u64;
    const SPACE: u64 = LOW * b' ' as u64;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let (quote, backslash) = (word ^ QUOTE, word ^ BACKSLASH);
        let found = (quote.wrapping_sub(LOW) & !quote
            | backslash.wrapping_sub(LOW) & !backslash
            | word.wrapping_sub(SPACE) & !word)
            & TOP;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| *byte >= b' ' && *byte != b'"' && *byte != b'\\') {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Reader, Why, whole};

    fn reads(text: &str) -> Result<(), Why> {
        let mut reader = Reader::new(text);
        reader.skip().map_err(|fault| fault.why)?;
        if reader.look().is_some() { Err(Why::Unexpected) } else { Ok(()) }
    }

    #[test]
    fn values_of_other_types_are_nothing_and_are_passed_over() {
        let text =
            r#" {"a":[1,{"b":2}],"\u0063":"\ud83d\ude00","d":null,"e":"1.5e3","f":4294967295,"g":""} "#;
        let mut reader = Reader::new(text);
        assert!(reader.object().unwrap());
        let mut seen = Vec::new();
        while let Some(key) = reader.key().unwrap() {
            seen.push((key.to_string(), reader.word().unwrap().map(String::from)));
        }
        let words = [
            ("a", None),
            ("c", Some("😀")),
            ("d", None),
            ("e", Some("1.5e3")),
            ("f", Some("4294967295")),
            ("g", None),
        ];
        assert_eq!(seen, words.map(|(key, value)| (key.to_owned(), value.map(str::to_owned))));
        assert_eq!(reader.depth(), 0);
        assert_eq!(
            ["1.252488e+06", "7", "-1", "1.5", "x", "1e30"].map(whole),
            [Some(1_252_488), Some(7), Some(-1), None, None, None]
        );
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_reason() {
        let cases = [
            ("", Why::End),
            ("{\"a\":1", Why::End),
            ("[1,]", Why::Unexpected),
            ("{\"a\":1,}", Why::Unexpected),
            ("[,1]", Why::Unexpected),
            ("[1 2]", Why::Unexpected),
            ("\"\\x41\"", Why::Escape),
            ("\"\\ud800\"", Why::Escape),
            ("\"\\udc00\\ud800\"", Why::Escape),
            ("\"a\nb\"", Why::Control),
            ("01", Why::Number),
            ("-", Why::Number),
            ("1e999", Why::Number),
            ("1.", Why::Number),
            ("tru", Why::Unexpected),
            ("1 1", Why::Unexpected),
        ];
        for (text, why) in cases {
            assert_eq!(reads(text), Err(why), "{text}");
        }
        assert_eq!(reads(&"[".repeat(1_000_000)), Err(Why::Deep));
        assert_eq!(reads(&"1".repeat(400)), Err(Why::Number));
    }

    proptest! {
        #[test]
        fn it_accepts_what_serde_json_accepts(text in r#"[\[\]{}:,0-9eE.+\- "\\u\n\u{0}aä]{0,24}"#) {
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            prop_assert_eq!(reads(&text).is_ok(), theirs.is_ok(), "{} {:?}", text, reads(&text));
        }

        #[test]
        fn strings_are_read_as_serde_json_reads_them(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let mut reader = Reader::new(&json);
            prop_assert_eq!(reader.string().unwrap(), text);
            prop_assert_eq!(reader.at(), json.len());
        }
    }
}
