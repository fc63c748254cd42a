//! How much a stream may cost.

use crate::error::YamlError;

/// Limits of one stream. What aliases copy counts like what is written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of the stream.
    pub bytes: usize,
    /// Documents.
    pub documents: usize,
    /// Keys and values of all documents.
    pub nodes: usize,
    /// Bytes of all keys and scalars.
    pub text: usize,
    /// Levels of mappings and lists within each other. Who reads a value again with `serde_json` gets no deeper than 127.
    pub depth: usize,
}

impl Default for Budget {
    /// 16 MiB, 10,000 documents, a million nodes, 32 MiB of text, 120 levels.
    fn default() -> Self {
        Self { bytes: 16 << 20, documents: 10_000, nodes: 1_000_000, text: 32 << 20, depth: 120 }
    }
}

/// What is left of a budget.
#[derive(Debug)]
pub(crate) struct Purse<'a> {
    budget: &'a Budget,
    documents: usize,
    nodes: usize,
    text: usize,
}

/// What a value costs.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weight {
    pub(crate) nodes: usize,
    pub(crate) text: usize,
}

impl<'a> Purse<'a> {
    pub(crate) fn new(budget: &'a Budget) -> Self {
        Self { budget, documents: budget.documents, nodes: budget.nodes, text: budget.text }
    }

    pub(crate) fn document(&mut self, line: u32) -> Result<(), YamlError> {
        let left = self.documents.checked_sub(1);
        self.documents =
            left.ok_or(YamlError::Budget { what: "documents", limit: self.budget.documents, line })?;
        Ok(())
    }

    pub(crate) fn spend(&mut self, weight: Weight, line: u32) -> Result<(), YamlError> {
        let left = self.nodes.checked_sub(weight.nodes);
        self.nodes =
            left.ok_or(YamlError::Budget { what: "keys and values", limit: self.budget.nodes, line })?;
        let left = self.text.checked_sub(weight.text);
        self.text = left.ok_or(YamlError::Budget { what: "bytes of text", limit: self.budget.text, line })?;
        Ok(())
    }

    /// One node with a text of this length.
    pub(crate) fn node(&mut self, text: usize, line: u32) -> Result<(), YamlError> {
        self.spend(Weight { nodes: 1, text }, line)
    }

    pub(crate) fn depth(&self, depth: usize, line: u32) -> Result<(), YamlError> {
        if depth > self.budget.depth {
            return Err(YamlError::Budget { what: "levels", limit: self.budget.depth, line });
        }
        Ok(())
    }
}
