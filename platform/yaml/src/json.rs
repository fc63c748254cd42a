//! JSON, which is read as such: YAML's parser knows nothing of surrogate pairs.

use serde_json::Value;

use crate::budget::{Budget, Purse};
use crate::error::YamlError;
use crate::lines::{Inside, Lines, Place};
use crate::tree::escaped;
use crate::{DUPLICATES_MAX, Document};

/// Every value of a stream up to the first error.
pub(crate) fn read(text: &str, budget: &Budget) -> (Vec<Document>, Option<YamlError>) {
    let mut documents = Vec::new();
    let mut purse = Purse::new(budget);
    let mut scanner =
        Scanner { bytes: text.as_bytes(), at: 0, line: 1, purse: &mut purse, duplicates: Vec::new() };
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    for value in values {
        let value = match value {
            Ok(value) => value,
            Err(error) => {
                let line = u32::try_from(error.line()).unwrap_or(u32::MAX).max(1);
                return (documents, Some(YamlError::syntax(line, &error.to_string())));
            }
        };
        match scanner.document() {
            Ok(place) => {
                let duplicates = std::mem::take(&mut scanner.duplicates);
                if !value.is_null() {
                    documents.push(Document { value, lines: Lines(place), duplicates });
                }
            }
            Err(error) => return (documents, Some(error)),
        }
    }
    (documents, None)
}

/// Finds the lines of a value that is known to be JSON.
struct Scanner<'a, 'b> {
    bytes: &'a [u8],
    at: usize,
    line: u32,
    purse: &'a mut Purse<'b>,
    duplicates: Vec<String>,
}

impl Scanner<'_, '_> {
    fn document(&mut self) -> Result<Place, YamlError> {
        self.skip();
        self.purse.document(self.line)?;
        let mut above = Vec::new();
        self.value(&mut above)
    }

    /// `above` is the pointer's parts.
    fn value(&mut self, above: &mut Vec<String>) -> Result<Place, YamlError> {
        self.skip();
        let line = self.line;
        self.purse.depth(above.len(), line)?;
        let inside = match self.peek() {
            Some(b'{') => self.members(above)?,
            Some(b'[') => self.items(above)?,
            _ => {
                let text = self.scalar();
                self.purse.node(text, line)?;
                return Ok(Place::leaf(line));
            }
        };
        self.purse.node(0, line)?;
        Ok(Place { line, inside })
    }

    fn members(&mut self, above: &mut Vec<String>) -> Result<Inside, YamlError> {
        let mut members = std::collections::BTreeMap::new();
        self.at += 1;
        loop {
            self.skip();
            match self.peek() {
                Some(b'"') => {}
                Some(b',') => {
                    self.at += 1;
                    continue;
                }
                _ => break,
            }
            let (line, begin) = (self.line, self.at);
            let length = self.scalar();
            self.purse.node(length, line)?;
            let key = self.bytes.get(begin..self.at).unwrap_or_default();
            let key: String = serde_json::from_slice(key).unwrap_or_default();
            self.skip();
            self.at += 1;
            above.push(key);
            let place = self.value(above)?;
            let key = above.pop().unwrap_or_default();
            // As with YAML, the place of a member is that of its key.
            if members.insert(key.clone(), Place { line, ..place }).is_some() {
                self.duplicate(above, &key);
            }
        }
        self.at += 1;
        Ok(Inside::Map(members))
    }

    fn items(&mut self, above: &mut Vec<String>) -> Result<Inside, YamlError> {
        let mut items = Vec::new();
        self.at += 1;
        loop {
            self.skip();
            match self.peek() {
                None | Some(b']') => break,
                Some(b',') => self.at += 1,
                Some(_) => {
                    above.push(items.len().to_string());
                    items.push(self.value(above)?);
                    above.pop();
                }
            }
        }
        self.at += 1;
        Ok(Inside::List(items))
    }

    /// Gets over a string, number or word, and says how long it is.
    fn scalar(&mut self) -> usize {
        let begin = self.at;
        if self.peek() == Some(b'"') {
            self.at += 1;
            while let Some(byte) = self.peek().filter(|byte| *byte != b'"') {
                self.at += if byte == b'\\' { 2 } else { 1 };
            }
            self.at += 1;
        } else {
            let ends = |byte: &u8| {
                matches!(byte, b',' | b']' | b'}' | b'{' | b'[' | b'"' | b' ' | b'\t' | b'\r' | b'\n')
            };
            while self.peek().is_some_and(|byte| !ends(&byte)) {
                self.at += 1;
            }
        }
        self.at - begin
    }

    fn skip(&mut self) {
        while let Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) = self.peek() {
            self.line = self.line.saturating_add(u32::from(byte == b'\n'));
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn duplicate(&mut self, above: &[String], key: &str) {
        if self.duplicates.len() < DUPLICATES_MAX {
            let parts = above.iter().map(String::as_str).chain([key]);
            self.duplicates.push(parts.map(|part| format!("/{}", escaped(part))).collect());
        }
    }
}
