//! Text to a filter, and back.

use std::fmt;

use model::Severity;

use super::{BYTES_MAX, Bound, DEPTH_MAX, Filter, FilterError, Node, Order, Pattern, TERMS_MAX, Term, Test};

/// Most names of a field's path.
const NAMES_MAX: usize = 16;

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// [`FilterError`] with the character at which it goes wrong.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > BYTES_MAX {
            let at = text.floor_char_boundary(BYTES_MAX);
            let at = text.get(..at).unwrap_or_default().chars().count() + 1;
            return Err(FilterError::TooLarge { at, limit: BYTES_MAX, what: "bytes" });
        }
        let mut parser = Parser { letters: text.chars().collect(), at: 0, terms: 0 };
        let node = parser.any(0)?;
        parser.space();
        match parser.peek() {
            None => Ok(Self(node)),
            Some(')') => Err(parser.wrong("there is no parenthesis that this one closes")),
            Some(_) => Err(parser.wrong("a term, `and`, `or` or the end is expected")),
        }
    }
}

struct Parser {
    letters: Vec<char>,
    at: usize,
    terms: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn wrong(&self, what: impl Into<String>) -> FilterError {
        self.wrong_at(self.at, what)
    }

    fn wrong_at(&self, at: usize, what: impl Into<String>) -> FilterError {
        FilterError::Syntax { at: at + 1, what: what.into() }
    }

    /// Takes a word of the language, if it stands here as a word of its own.
    fn word(&mut self, word: &str) -> bool {
        self.space();
        let end = self.at + word.len();
        let Some(here) = self.letters.get(self.at..end) else { return false };
        let same = here.iter().zip(word.chars()).all(|(letter, wanted)| letter.eq_ignore_ascii_case(&wanted));
        let ends = self.letters.get(end).is_none_or(|next| next.is_whitespace() || "()\"".contains(*next));
        if same && ends {
            self.at = end;
        }
        same && ends
    }

    fn any(&mut self, depth: usize) -> Result<Node, FilterError> {
        let mut nodes = vec![self.all(depth)?];
        while self.word("or") {
            nodes.push(self.all(depth)?);
        }
        Ok(single(nodes, Node::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Node, FilterError> {
        let mut nodes = vec![self.not(depth)?];
        loop {
            if self.word("and") {
                nodes.push(self.not(depth)?);
                continue;
            }
            let start = self.at;
            if self.word("or") {
                self.at = start;
                break;
            }
            self.space();
            if matches!(self.peek(), None | Some(')')) {
                break;
            }
            nodes.push(self.not(depth)?);
        }
        Ok(single(nodes, Node::All))
    }

    fn not(&mut self, depth: usize) -> Result<Node, FilterError> {
        self.space();
        if depth >= DEPTH_MAX {
            return Err(FilterError::TooLarge { at: self.at + 1, limit: DEPTH_MAX, what: "levels" });
        }
        if self.word("not") {
            return Ok(Node::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.peek() != Some('(') {
            return self.term().map(Node::Term);
        }
        let open = self.at;
        self.at += 1;
        let inside = self.any(depth + 1)?;
        self.space();
        if self.peek() != Some(')') {
            return Err(self.wrong_at(open, "this parenthesis is never closed"));
        }
        self.at += 1;
        Ok(inside)
    }

    fn term(&mut self) -> Result<Term, FilterError> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(FilterError::TooLarge { at: self.at + 1, limit: TERMS_MAX, what: "terms" });
        }
        self.space();
        let start = self.at;
        if self.word("and") || self.word("or") {
            return Err(self.wrong_at(start, "a term is expected here"));
        }
        let field = self.field()?;
        let at = start + 1;
        let rest: String = self.letters.iter().skip(self.at).take(2).collect();
        let operators = ["!=", "<=", ">=", "<", ">", "=", ":"];
        let Some(operator) = operators.into_iter().find(|operator| rest.starts_with(operator)) else {
            return Err(self.wrong("one of `:` `=` `!=` `<` `<=` `>` `>=` is expected behind a field"));
        };
        self.at += operator.len();
        let test = match operator {
            ":" if self.peek() == Some('(') => Test::Is(self.list()?),
            ":" => Test::Is(vec![self.pattern()?]),
            "=" => Test::Is(vec![Pattern::Exact(self.value()?.0)]),
            "!=" => Test::IsNot(Pattern::Exact(self.value()?.0)),
            "<" => self.compare(Order::Less)?,
            "<=" => self.compare(Order::LessOrEqual)?,
            ">" => self.compare(Order::More)?,
            _ => self.compare(Order::MoreOrEqual)?,
        };
        Ok(Term { field, test, at })
    }

    fn field(&mut self) -> Result<Vec<String>, FilterError> {
        let start = self.at;
        let mut names = vec![String::new()];
        while let Some(letter) = self.peek() {
            match letter {
                '.' => names.push(String::new()),
                letter if letter.is_ascii_alphanumeric() || letter == '_' || letter == '-' => {
                    if let Some(name) = names.last_mut() {
                        name.push(letter);
                    }
                }
                _ => break,
            }
            self.at += 1;
        }
        if self.at == start {
            return Err(self.wrong("a field is expected"));
        }
        if names.iter().any(String::is_empty) {
            return Err(self.wrong_at(start, "a name of the field is empty"));
        }
        if names.len() > NAMES_MAX {
            return Err(FilterError::TooLarge { at: start + 1, limit: NAMES_MAX, what: "names in a field" });
        }
        Ok(names)
    }

    fn list(&mut self) -> Result<Vec<Pattern>, FilterError> {
        let open = self.at;
        self.at += 1;
        let mut patterns = Vec::new();
        loop {
            self.space();
            self.terms += 1;
            if self.terms > TERMS_MAX {
                return Err(FilterError::TooLarge { at: self.at + 1, limit: TERMS_MAX, what: "terms" });
            }
            patterns.push(self.pattern()?);
            self.space();
            match self.peek() {
                Some(',') => self.at += 1,
                Some(')') => break,
                None => return Err(self.wrong_at(open, "this parenthesis is never closed")),
                Some(_) => return Err(self.wrong("a comma or `)` is expected")),
            }
        }
        self.at += 1;
        Ok(patterns)
    }

    fn pattern(&mut self) -> Result<Pattern, FilterError> {
        let (text, quoted) = self.value()?;
        Ok(if !quoted && text.contains('*') { Pattern::Wild(text) } else { Pattern::Exact(text) })
    }

    fn compare(&mut self, order: Order) -> Result<Test, FilterError> {
        let start = self.at;
        let (text, _) = self.value()?;
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        let bound = number.map(Bound::Number).or_else(|| {
            let severity = Severity::from_word(&text.to_ascii_lowercase());
            severity.filter(|severity| *severity != Severity::Unknown).map(Bound::Severity)
        });
        match bound {
            Some(bound) => Ok(Test::Compare(order, bound)),
            None => Err(self.wrong_at(start, "a comparison needs a number or a severity behind it")),
        }
    }

    /// A value, and whether it was quoted.
    fn value(&mut self) -> Result<(String, bool), FilterError> {
        if self.peek() == Some('"') {
            return self.quoted().map(|text| (text, true));
        }
        let mut text = String::new();
        while let Some(letter) = self.peek().filter(|c| !c.is_whitespace() && !"\"(),".contains(*c)) {
            text.push(letter);
            self.at += 1;
        }
        if text.is_empty() {
            return Err(self.wrong("a value is expected, without space before it"));
        }
        Ok((text, false))
    }

    fn quoted(&mut self) -> Result<String, FilterError> {
        let open = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let letter = self.peek().ok_or_else(|| self.wrong_at(open, "this quote is never closed"))?;
            self.at += 1;
            match letter {
                '"' => return Ok(text),
                '\\' => match self.peek() {
                    Some(escaped @ ('"' | '\\')) => {
                        text.push(escaped);
                        self.at += 1;
                    }
                    _ => return Err(self.wrong_at(self.at - 1, "only \\\" and \\\\ may be escaped")),
                },
                letter => text.push(letter),
            }
        }
    }
}

fn single(mut nodes: Vec<Node>, many: impl Fn(Vec<Node>) -> Node) -> Node {
    if nodes.len() == 1 { nodes.remove(0) } else { many(nodes) }
}

/// As it may be read again.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(nodes) => joined(f, nodes, " and "),
            Self::Any(nodes) => joined(f, nodes, " or "),
            Self::Not(node) => {
                f.write_str("not ")?;
                inner(f, node)
            }
            Self::Term(term) => write!(f, "{term}"),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, nodes: &[Node], word: &str) -> fmt::Result {
    for (place, node) in nodes.iter().enumerate() {
        if place > 0 {
            f.write_str(word)?;
        }
        inner(f, node)?;
    }
    Ok(())
}

fn inner(f: &mut fmt::Formatter<'_>, node: &Node) -> fmt::Result {
    match node {
        Node::All(_) | Node::Any(_) => write!(f, "({node})"),
        Node::Not(_) | Node::Term(_) => write!(f, "{node}"),
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field.join("."))?;
        match &self.test {
            Test::Is(patterns) => match patterns.as_slice() {
                [one] => write!(f, ":{one}"),
                many => {
                    let many: Vec<String> = many.iter().map(ToString::to_string).collect();
                    write!(f, ":({})", many.join(", "))
                }
            },
            Test::IsNot(pattern) => write!(f, "!={pattern}"),
            Test::Compare(order, bound) => {
                f.write_str(match order {
                    Order::Less => "<",
                    Order::LessOrEqual => "<=",
                    Order::More => ">",
                    Order::MoreOrEqual => ">=",
                })?;
                match bound {
                    Bound::Number(number) => write!(f, "{number}"),
                    Bound::Severity(severity) => f.write_str(severity.as_str()),
                }
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wild(text) => f.write_str(text),
            Self::Exact(text) => write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        }
    }
}
