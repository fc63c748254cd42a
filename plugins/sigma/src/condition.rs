//! Conditions: `selection and not 1 of filter_*`.

use crate::text::shown;

/// Deepest nesting of a condition.
const DEEP: usize = 50;
/// Most words of a condition.
const WORDS: usize = 2_000;

/// A condition over something: identifiers while it is read, then items of detections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expr<T> {
    All(Vec<Expr<T>>),
    Any(Vec<Expr<T>>),
    Not(Box<Expr<T>>),
    Is(T),
}

impl<T> Expr<T> {
    pub(crate) fn holds(&self, is: &mut impl FnMut(&T) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(is)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(is)),
            Self::Not(part) => !part.holds(is),
            Self::Is(leaf) => is(leaf),
        }
    }
}

/// Reads a condition. `expand` gives what an identifier stands for; `names` are the identifiers that there are.
pub(crate) fn parse<T>(
    text: &str,
    names: &[&str],
    expand: &mut dyn FnMut(&str) -> Result<Expr<T>, String>,
) -> Result<Expr<T>, String> {
    let words = words(text)?;
    let mut reader = Reader { words: &words, names, expand, depth: 0 };
    let expr = reader.any()?;
    match reader.words.first() {
        None => Ok(expr),
        Some(&"|") => {
            Err("the condition has an aggregation, which Sigma no longer has; write a correlation".to_owned())
        }
        Some(word) => Err(format!("the condition has {:?} where it should end", shown(word))),
    }
}

fn words(text: &str) -> Result<Vec<&str>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if matches!(first, '(' | ')' | '|') {
            1
        } else {
            let end = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '|');
            rest.find(end).unwrap_or(rest.len())
        };
        let (word, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        words.push(word);
        if words.len() > WORDS {
            return Err(format!("the condition has more than {WORDS} words"));
        }
        rest = after.trim_start();
    }
    Ok(words)
}

struct Reader<'w, 'e, T> {
    words: &'w [&'w str],
    names: &'e [&'e str],
    expand: &'e mut dyn FnMut(&str) -> Result<Expr<T>, String>,
    depth: usize,
}

impl<T> Reader<'_, '_, T> {
    fn next_is(&mut self, wanted: &str) -> bool {
        match self.words.split_first() {
            Some((word, rest)) if word.eq_ignore_ascii_case(wanted) => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self) -> Result<Expr<T>, String> {
        let mut parts = vec![self.all()?];
        while self.next_is("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Expr::Any))
    }

    fn all(&mut self) -> Result<Expr<T>, String> {
        let mut parts = vec![self.not()?];
        while self.next_is("and") {
            parts.push(self.not()?);
        }
        Ok(one_or(parts, Expr::All))
    }

    fn not(&mut self) -> Result<Expr<T>, String> {
        self.depth += 1;
        if self.depth > DEEP {
            return Err(format!("the condition is nested deeper than {DEEP}"));
        }
        let expr = if self.next_is("not") {
            Expr::Not(Box::new(self.not()?))
        } else if self.next_is("(") {
            let inner = self.any()?;
            if !self.next_is(")") {
                return Err("the condition has a bracket that is not closed".to_owned());
            }
            inner
        } else {
            self.name()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn name(&mut self) -> Result<Expr<T>, String> {
        let Some((word, rest)) = self.words.split_first() else {
            return Err("the condition ends too early".to_owned());
        };
        self.words = rest;
        let of = rest.first().is_some_and(|next| next.eq_ignore_ascii_case("of"));
        if !of {
            if matches!(word.to_ascii_lowercase().as_str(), ")" | "(" | "|" | "and" | "or" | "of") {
                return Err(format!("the condition has {word:?} where a name should be"));
            }
            return (self.expand)(word);
        }
        let every = match word.to_ascii_lowercase().as_str() {
            "all" => true,
            "1" | "any" => false,
            other => {
                return Err(format!(
                    "the condition says {:?} of something; 1, any and all are known",
                    shown(other)
                ));
            }
        };
        let Some(pattern) = rest.get(1) else { return Err("the condition ends after \"of\"".to_owned()) };
        self.words = rest.get(2..).unwrap_or_default();
        let parts: Vec<Expr<T>> = self
            .names
            .iter()
            .filter(|name| fits(pattern, name))
            .map(|name| (self.expand)(name))
            .collect::<Result<_, _>>()?;
        if parts.is_empty() {
            return Err(format!("the condition speaks of {:?}, and nothing is named so", shown(pattern)));
        }
        Ok(one_or(parts, if every { Expr::All } else { Expr::Any }))
    }
}

/// Names that begin with `_` are not among `them`.
fn fits(pattern: &str, name: &str) -> bool {
    if pattern.eq_ignore_ascii_case("them") {
        return !name.starts_with('_');
    }
    let parts = crate::pattern::parse(pattern);
    crate::pattern::Glob::new(&parts).matches(name)
}

fn one_or<T>(mut parts: Vec<Expr<T>>, many: impl FnOnce(Vec<Expr<T>>) -> Expr<T>) -> Expr<T> {
    match (parts.len(), parts.pop()) {
        (1, Some(one)) => one,
        (_, last) => {
            parts.extend(last);
            many(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Expr, parse};

    fn value(text: &str, holding: &[&str]) -> Result<bool, String> {
        let names = ["a", "b1", "b2", "_c"];
        let expr = parse(text, &names, &mut |name| {
            if names.contains(&name) { Ok(Expr::Is(name.to_owned())) } else { Err(format!("no {name}")) }
        })?;
        Ok(expr.holds(&mut |name| holding.contains(&name.as_str())))
    }

    #[test]
    fn precedence_and_quantifiers() {
        for (text, holding, expected) in [
            ("a", ["a"].as_slice(), true),
            ("not a", &[], true),
            ("a and b1 or b2", &["b2"], true),
            ("a and (b1 or b2)", &["b2"], false),
            ("not a and b1", &["b1"], true),
            ("not (a and b1)", &["b1"], true),
            ("1 of b*", &["b2"], true),
            ("all of b*", &["b2"], false),
            ("ALL OF b* AND NOT a", &["b1", "b2"], true),
            ("any of them", &["_c"], false),
            ("1 of _c", &["_c"], true),
            ("all of them", &["a", "b1", "b2"], true),
            ("not 1 of b*", &["a"], true),
        ] {
            assert_eq!(value(text, holding), Ok(expected), "{text}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for (text, why) in [
            ("", "too early"),
            ("a and", "too early"),
            ("(a", "not closed"),
            ("a b1", "should end"),
            ("a | count() > 5", "correlation"),
            ("2 of b*", "1, any and all"),
            ("1 of x*", "nothing is named"),
            ("1 of", "after"),
            ("missing", "no missing"),
            ("and", "where a name"),
            (")", "where a name"),
        ] {
            let error = value(text, &[]).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(
            value(&format!("{}a{}", "(".repeat(300), ")".repeat(300)), &[]).unwrap_err().contains("deeper")
        );
        assert!(value(&"not ".repeat(400), &[]).unwrap_err().contains("deeper"));
        assert!(value(&"a or ".repeat(5_000), &[]).unwrap_err().contains("words"));
    }
}
