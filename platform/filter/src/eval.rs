//! Whether a value fits.

use model::Severity;
use serde_json::Value;

use super::{Bound, Filter, FilterError, Node, Order, Pattern, STEPS_MAX, Term, Test};

impl Filter {
    /// Whether a value fits.
    ///
    /// # Errors
    /// [`FilterError::TooCostly`] when it takes more than [`STEPS_MAX`] steps to tell.
    pub fn matches(&self, value: &Value) -> Result<bool, FilterError> {
        Question { left: STEPS_MAX }.node(&self.0, value)
    }
}

struct Question {
    left: usize,
}

impl Question {
    fn step(&mut self, steps: usize) -> Result<(), FilterError> {
        self.left = self.left.checked_sub(steps).ok_or(FilterError::TooCostly)?;
        Ok(())
    }

    fn node(&mut self, node: &Node, value: &Value) -> Result<bool, FilterError> {
        self.step(1)?;
        match node {
            Node::All(nodes) => {
                for node in nodes {
                    if !self.node(node, value)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Node::Any(nodes) => {
                for node in nodes {
                    if self.node(node, value)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Node::Not(node) => Ok(!self.node(node, value)?),
            Node::Term(Term { field, test: Test::IsNot(pattern), .. }) => {
                Ok(!self.any(value, field, &mut |question, value| question.fits(pattern, value))?)
            }
            Node::Term(Term { field, test: Test::Is(patterns), .. }) => {
                self.any(value, field, &mut |question, value| {
                    for pattern in patterns {
                        if question.fits(pattern, value)? {
                            return Ok(true);
                        }
                    }
                    Ok(false)
                })
            }
            Node::Term(Term { field, test: Test::Compare(order, bound), .. }) => {
                self.any(value, field, &mut |_, value| Ok(compares(value, *order, *bound)))
            }
        }
    }

    /// Whether any value at the end of the path does.
    fn any(
        &mut self,
        value: &Value,
        path: &[String],
        does: &mut dyn FnMut(&mut Self, &Value) -> Result<bool, FilterError>,
    ) -> Result<bool, FilterError> {
        self.step(1)?;
        match (value, path.split_first()) {
            (Value::Array(items), _) => {
                for item in items {
                    if self.any(item, path, does)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (Value::Object(members), Some((name, rest))) => match members.get(name) {
                Some(member) => self.any(member, rest, does),
                None => Ok(false),
            },
            (_, Some(_)) | (Value::Null, None) => Ok(false),
            (value, None) => does(self, value),
        }
    }

    fn fits(&mut self, pattern: &Pattern, value: &Value) -> Result<bool, FilterError> {
        if *pattern == Pattern::Wild("*".to_owned()) {
            return Ok(true);
        }
        let written = match value {
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            _ => return Ok(false),
        };
        self.step(1 + written.len() / 64)?;
        match pattern {
            Pattern::Exact(text) => Ok(*text == written),
            Pattern::Wild(wild) => self.wild(wild.as_bytes(), written.as_bytes()),
        }
    }

    /// Goes back to the last asterisk only, which is enough, and counts how often.
    fn wild(&mut self, pattern: &[u8], text: &[u8]) -> Result<bool, FilterError> {
        let (mut p, mut t) = (0, 0);
        let mut back: Option<(usize, usize)> = None;
        while t < text.len() {
            self.step(1)?;
            match pattern.get(p) {
                Some(b'*') => {
                    back = Some((p + 1, t));
                    p += 1;
                }
                Some(letter) if text.get(t) == Some(letter) => (p, t) = (p + 1, t + 1),
                _ => match back {
                    Some((after, from)) => {
                        (p, t) = (after, from + 1);
                        back = Some((after, from + 1));
                    }
                    None => return Ok(false),
                },
            }
        }
        Ok(pattern.iter().skip(p).all(|letter| *letter == b'*'))
    }
}

fn compares(value: &Value, order: Order, bound: Bound) -> bool {
    let ordering = match bound {
        Bound::Number(number) => value.as_f64().and_then(|value| value.partial_cmp(&number)),
        // What nobody judged is neither more nor less severe than anything.
        Bound::Severity(severity) => value
            .as_str()
            .and_then(|word| Severity::from_word(&word.to_ascii_lowercase()))
            .filter(|value| *value != Severity::Unknown)
            .map(|value| value.cmp(&severity)),
    };
    ordering.is_some_and(|ordering| match order {
        Order::Less => ordering.is_lt(),
        Order::LessOrEqual => ordering.is_le(),
        Order::More => ordering.is_gt(),
        Order::MoreOrEqual => ordering.is_ge(),
    })
}
