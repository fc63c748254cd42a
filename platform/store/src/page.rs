//! Pages by key. A cursor says after which row to go on, so that a page costs the same wherever it is in the list and
//! rows that come or go meanwhile are neither shown twice nor skipped.

use serde_json::Value;

use crate::{Result, StoreError};

/// Rows on a page whose request names no limit.
pub const PAGE_LIMIT_DEFAULT: u32 = 50;

/// Most rows on a page: what a table shows without scrolling for minutes, and a few megabytes of findings at worst.
pub const PAGE_LIMIT_MAX: u32 = 500;

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageRequest {
    /// [`Page::next`] of the page before; none for the first.
    pub cursor: Option<String>,
    /// Rows wanted; 0 means [`PAGE_LIMIT_DEFAULT`], more than [`PAGE_LIMIT_MAX`] means that.
    pub limit: u32,
}

impl PageRequest {
    pub(crate) fn limit(&self) -> usize {
        let limit = if self.limit == 0 { PAGE_LIMIT_DEFAULT } else { self.limit.min(PAGE_LIMIT_MAX) };
        limit as usize
    }

    /// One row more than wanted is read, to know whether there is another page.
    pub(crate) fn rows_to_read(&self) -> i64 {
        i64::try_from(self.limit()).unwrap_or(i64::from(PAGE_LIMIT_MAX)).saturating_add(1)
    }

    /// Where to go on in the list of this name.
    ///
    /// # Errors
    /// [`StoreError::CursorInvalid`] if the cursor is not one of that list.
    pub(crate) fn after(&self, list: &str) -> Result<Option<Position>> {
        self.cursor.as_deref().map(|cursor| decode(list, cursor).ok_or(StoreError::CursorInvalid)).transpose()
    }
}

/// Some rows of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Cursor of the next page; none on the last.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Makes the page out of the rows read and the position of a row in its list.
    pub(crate) fn new(
        mut items: Vec<T>,
        request: &PageRequest,
        list: &str,
        position: impl Fn(&T) -> Position,
    ) -> Self {
        let more = items.len() > request.limit();
        items.truncate(request.limit());
        let next = if more { items.last().map(|item| encode(list, &position(item))) } else { None };
        Self { items, next }
    }

    /// The same page with each row turned into something else.
    #[must_use]
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next: self.next }
    }
}

/// A place between two rows: the sort key of the row before it, and the tiebreak that makes it the only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) key: Key,
    pub(crate) tiebreak: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    Int(i64),
    Text(String),
}

impl Position {
    pub(crate) fn int(key: i64, tiebreak: impl Into<String>) -> Self {
        Self { key: Key::Int(key), tiebreak: tiebreak.into() }
    }

    pub(crate) fn text(key: impl Into<String>, tiebreak: impl Into<String>) -> Self {
        Self { key: Key::Text(key.into()), tiebreak: tiebreak.into() }
    }

    /// The key of a list that sorts by number.
    ///
    /// # Errors
    /// [`StoreError::CursorInvalid`].
    pub(crate) fn int_key(&self) -> Result<i64> {
        match self.key {
            Key::Int(key) => Ok(key),
            Key::Text(_) => Err(StoreError::CursorInvalid),
        }
    }

    /// The key of a list that sorts by text.
    ///
    /// # Errors
    /// [`StoreError::CursorInvalid`].
    pub(crate) fn text_key(&self) -> Result<&str> {
        match &self.key {
            Key::Text(key) => Ok(key),
            Key::Int(_) => Err(StoreError::CursorInvalid),
        }
    }
}

/// Form of the cursor. A change of what any list sorts by needs another number, so that old cursors are refused, not
/// misread.
const VERSION: &str = "1";

/// No cursor of ours is longer: two keys, in hexadecimal, with room for escapes.
const CURSOR_MAX: usize = 16 * 1024;

/// Hexadecimal digits of the check sum. It is no secret and no protection: a cursor holds nothing that the reader of the
/// list may not see, and it only ever becomes a bound value. It turns a cut or edited cursor into a clear error.
const CHECK_DIGITS: usize = 8;

fn check(body: &str) -> String {
    blake3::hash(body.as_bytes()).to_hex().chars().take(CHECK_DIGITS).collect()
}

fn encode(list: &str, position: &Position) -> String {
    use std::fmt::Write as _;
    let key = match &position.key {
        Key::Int(key) => Value::from(*key),
        Key::Text(key) => Value::from(key.as_str()),
    };
    let body =
        Value::from(vec![VERSION.into(), list.into(), key, position.tiebreak.as_str().into()]).to_string();
    let mut cursor = check(&body);
    for byte in body.bytes() {
        let _ = write!(cursor, "{byte:02x}");
    }
    cursor
}

fn decode(list: &str, cursor: &str) -> Option<Position> {
    if cursor.len() > CURSOR_MAX || !cursor.is_ascii() {
        return None;
    }
    let (sum, digits) = cursor.split_at_checked(CHECK_DIGITS)?;
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(hex_byte).collect();
    let body = String::from_utf8(bytes?).ok()?;
    if check(&body) != sum {
        return None;
    }
    let (version, of_list, key, tiebreak): (String, String, Value, String) =
        serde_json::from_str(&body).ok()?;
    if version != VERSION || of_list != list {
        return None;
    }
    let key = match key {
        Value::String(text) => Key::Text(text),
        number => Key::Int(number.as_i64()?),
    };
    Some(Position { key, tiebreak })
}

fn hex_byte(pair: &[u8]) -> Option<u8> {
    let &[high, low] = pair else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Key, Position, decode, encode};

    fn position() -> impl Strategy<Value = Position> {
        let key = prop_oneof![any::<i64>().prop_map(Key::Int), any::<String>().prop_map(Key::Text)];
        (key, any::<String>()).prop_map(|(key, tiebreak)| Position { key, tiebreak })
    }

    proptest! {
        #[test]
        fn cursors_read_back_in_their_own_list_only(position in position()) {
            let cursor = encode("findings", &position);
            prop_assert_eq!(decode("assets", &cursor), None);
            prop_assert_eq!(decode("findings", &cursor), Some(position));
        }

        #[test]
        fn an_edited_cursor_is_refused(position in position(), at in any::<prop::sample::Index>(), with in "[0-9a-f]") {
            let cursor = encode("l", &position);
            let mut letters: Vec<char> = cursor.chars().collect();
            let at = at.index(letters.len());
            letters[at] = with.chars().next().unwrap();
            let edited: String = letters.into_iter().collect();
            prop_assert!(edited == cursor || decode("l", &edited).is_none());
            prop_assert!(decode("l", &cursor[..cursor.len() - 1]).is_none());
        }

        #[test]
        fn any_text_is_answered(text in any::<String>()) {
            prop_assert_eq!(decode("l", &text), None);
        }
    }
}
