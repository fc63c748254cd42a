//! The grammar of conditions: text to a tree, with the place of every part.
//!
//! Falco's filter grammar: `or` binds weakest, then `and`, then `not`; a check is a field, perhaps inside transformers, an operator
//! and a value, a list or another field; a word without a dot is the name of a macro.

/// Longest condition, in bytes.
const CONDITION_BYTES_MAX: usize = 64 << 10;
/// Deepest nesting, as in Falco.
const DEPTH_MAX: usize = 100;

/// A condition, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// The name of a macro, and where it stands.
    Macro(String, usize),
    Check(Box<Test>),
}

/// A comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Test {
    pub(crate) left: Operand,
    pub(crate) op: Op,
    pub(crate) modifier: Option<Modifier>,
    pub(crate) right: Right,
    /// Where it stands, in bytes.
    pub(crate) at: usize,
}

/// A field inside transformers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operand {
    /// The outermost first.
    pub(crate) transformers: Vec<Transformer>,
    pub(crate) field: String,
    pub(crate) argument: Option<String>,
    pub(crate) at: usize,
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Right {
    Nothing,
    Value(Item),
    List(Vec<Item>),
    Field(Operand),
}

/// A value as it is written. One without quotation marks may be the name of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) bytes: Vec<u8>,
    pub(crate) quoted: bool,
}

/// A comparison's operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Op {
    Exists,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    Intersects,
    Pmatch,
    StartsWith,
    EndsWith,
    Contains,
    IContains,
    BContains,
    BStartsWith,
    Glob,
    IGlob,
    Regex,
}

/// How many values of a list have to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Modifier {
    One,
    Any,
    All,
}

/// What is done to a value before it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Transformer {
    ToLower,
    ToUpper,
    B64,
    Basename,
    Len,
}

/// What is wrong with a condition, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    /// In bytes; nothing for the whole.
    pub(crate) at: Option<usize>,
}

impl Wrong {
    pub(crate) fn at(at: usize, message: impl Into<String>) -> Self {
        Self { message: message.into(), at: Some(at) }
    }

    pub(crate) fn whole(message: impl Into<String>) -> Self {
        Self { message: message.into(), at: None }
    }

    /// With the line and column of its place in the text, both from 1.
    pub(crate) fn shown(&self, text: &str) -> String {
        let Some(before) = self.at.and_then(|at| text.get(..text.floor_char_boundary(at))) else {
            return self.message.clone();
        };
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("line {line}, column {column}: {}", self.message)
    }
}

const OPERATORS: [(&str, Op); 20] = [
    ("exists", Op::Exists),
    ("<=", Op::Le),
    ("<", Op::Lt),
    (">=", Op::Ge),
    (">", Op::Gt),
    ("==", Op::Eq),
    ("=", Op::Eq),
    ("!=", Op::Ne),
    ("glob", Op::Glob),
    ("iglob", Op::IGlob),
    ("contains", Op::Contains),
    ("icontains", Op::IContains),
    ("bcontains", Op::BContains),
    ("startswith", Op::StartsWith),
    ("bstartswith", Op::BStartsWith),
    ("endswith", Op::EndsWith),
    ("regex", Op::Regex),
    ("intersects", Op::Intersects),
    ("in", Op::In),
    ("pmatch", Op::Pmatch),
];

const TRANSFORMERS: [(&str, Transformer); 5] = [
    ("tolower", Transformer::ToLower),
    ("toupper", Transformer::ToUpper),
    ("b64", Transformer::B64),
    ("basename", Transformer::Basename),
    ("len", Transformer::Len),
];

const MODIFIERS: [(&str, Modifier); 3] =
    [("oneof", Modifier::One), ("anyof", Modifier::Any), ("allof", Modifier::All)];

impl Op {
    /// As rules write it.
    pub(crate) fn word(self) -> &'static str {
        OPERATORS.iter().rev().find(|(_, op)| *op == self).map_or("", |(word, _)| word)
    }

    pub(crate) fn of(word: &str) -> Option<Self> {
        OPERATORS.iter().find(|(known, _)| *known == word).map(|(_, op)| *op)
    }

    /// Compares with a list.
    pub(crate) fn takes_list(self) -> bool {
        matches!(self, Self::In | Self::Intersects | Self::Pmatch)
    }

    /// Compares with a number.
    pub(crate) fn takes_number(self) -> bool {
        matches!(self, Self::Lt | Self::Le | Self::Gt | Self::Ge)
    }
}

/// Reads a condition.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn parse(text: &str) -> Result<Expr, Wrong> {
    if text.len() > CONDITION_BYTES_MAX {
        return Err(Wrong::whole(format!(
            "the condition has {} bytes; at most {CONDITION_BYTES_MAX} are allowed",
            text.len()
        )));
    }
    let mut parser = Parser { text, at: 0, depth: 0 };
    let expr = parser.or()?;
    parser.blank();
    if parser.at < text.len() {
        return Err(parser.wrong("`and`, `or` or the end is expected"));
    }
    Ok(expr)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn wrong(&self, message: &str) -> Wrong {
        let found: String = self.rest().chars().take(20).collect();
        match found.as_str() {
            "" => Wrong::at(self.at, format!("{message}; the condition ends here")),
            found => Wrong::at(self.at, format!("{message}; found {found:?}")),
        }
    }

    fn blank(&mut self) -> bool {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{8}']);
        self.at += rest.len() - trimmed.len();
        trimmed.len() < rest.len()
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Eats a word that no letter, digit, dot or underscore follows.
    fn eat_word(&mut self, word: &str) -> bool {
        let behind = self.rest().strip_prefix(word).map(|behind| behind.chars().next());
        let ends =
            |next: Option<char>| !next.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        match behind {
            Some(next) if ends(next) => self.eat(word),
            _ => false,
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Wrong>) -> Result<T, Wrong> {
        if self.depth >= DEPTH_MAX {
            return Err(Wrong::at(self.at, format!("it is nested more than {DEPTH_MAX} deep")));
        }
        self.depth += 1;
        let made = inner(self);
        self.depth -= 1;
        made
    }

    fn or(&mut self) -> Result<Expr, Wrong> {
        let first = self.and()?;
        let mut children = vec![first];
        while self.joint("or") {
            children.push(self.and()?);
        }
        Ok(one_or(children, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr, Wrong> {
        let first = self.not()?;
        let mut children = vec![first];
        while self.joint("and") {
            children.push(self.not()?);
        }
        Ok(one_or(children, Expr::And))
    }

    fn joint(&mut self, word: &str) -> bool {
        self.blank();
        self.eat_word(word)
    }

    fn not(&mut self) -> Result<Expr, Wrong> {
        let mut negated = false;
        loop {
            self.blank();
            let before = self.at;
            if self.eat_word("not") && (self.rest().starts_with('(') || self.blank()) {
                negated = !negated;
            } else {
                self.at = before;
                break;
            }
        }
        let expr = self.check()?;
        Ok(if negated { Expr::Not(Box::new(expr)) } else { expr })
    }

    fn check(&mut self) -> Result<Expr, Wrong> {
        self.blank();
        if self.eat("(") {
            let expr = self.deeper(Self::or)?;
            self.blank();
            if !self.eat(")") {
                return Err(self.wrong("`)` is expected"));
            }
            return Ok(expr);
        }
        let at = self.at;
        if let Some(left) = self.operand()? {
            return self.comparison(left, at).map(|test| Expr::Check(Box::new(test)));
        }
        let name = self.identifier();
        if name.is_empty() || matches!(name, "and" | "or" | "not") {
            self.at = at;
            return Err(self.wrong("a field, a macro, `not` or `(` is expected"));
        }
        Ok(Expr::Macro(name.to_owned(), at))
    }

    fn identifier(&mut self) -> &'a str {
        let rest = self.rest();
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return "";
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// A field, or transformers around one; nothing where neither stands here.
    fn operand(&mut self) -> Result<Option<Operand>, Wrong> {
        let at = self.at;
        let known = |(word, transformer): &(&str, Transformer)| {
            self.rest()
                .strip_prefix(word)
                .is_some_and(|behind| behind.starts_with('('))
                .then_some((word.len(), *transformer))
        };
        if let Some((length, transformer)) = TRANSFORMERS.iter().find_map(known) {
            self.at += length + 1;
            self.blank();
            let inner = self.deeper(Self::operand)?;
            let mut operand = inner.ok_or_else(|| self.wrong("a field or a transformer is expected"))?;
            self.blank();
            if !self.eat(")") {
                return Err(self.wrong("`)` is expected behind a transformer's field"));
            }
            operand.transformers.insert(0, transformer);
            return Ok(Some(operand));
        }
        let mut end = at;
        while !self.identifier().is_empty() {
            end = self.at;
            if !self.eat(".") {
                break;
            }
        }
        self.at = end;
        let field = self.text.get(at..end).unwrap_or_default();
        if !field.contains('.') {
            self.at = at;
            return Ok(None);
        }
        let argument = self.argument()?;
        Ok(Some(Operand { transformers: Vec::new(), field: field.to_owned(), argument, at }))
    }

    fn argument(&mut self) -> Result<Option<String>, Wrong> {
        if !self.eat("[") {
            return Ok(None);
        }
        let text = if self.rest().starts_with(['"', '\'']) {
            let item = self.value()?;
            String::from_utf8(item.bytes).map_err(|_| self.wrong("a field's argument must be UTF-8"))?
        } else {
            let rest = self.rest();
            let odd = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | '"' | '\'');
            let end = rest.find(odd).unwrap_or(rest.len());
            self.at += end;
            rest.get(..end).unwrap_or_default().to_owned()
        };
        if text.is_empty() {
            return Err(self.wrong("a field's argument is expected"));
        }
        if !self.eat("]") {
            return Err(self.wrong("`]` is expected behind a field's argument"));
        }
        Ok(Some(text))
    }

    fn comparison(&mut self, left: Operand, at: usize) -> Result<Test, Wrong> {
        self.blank();
        let op = self.operator()?;
        if op == Op::Exists {
            return Ok(Test { left, op, modifier: None, right: Right::Nothing, at });
        }
        self.blank();
        let modifier =
            MODIFIERS.iter().find(|(word, _)| self.eat_modifier(word)).map(|(_, modifier)| *modifier);
        self.blank();
        let right = if modifier.is_some() {
            if op.takes_list() || op.takes_number() {
                return Err(self.wrong(&format!("`{}` takes no modifier", op.word())));
            }
            self.list()?
        } else if let Some(field) = self.right_field()? {
            Right::Field(field)
        } else if op.takes_list() {
            self.list()?
        } else {
            Right::Value(self.value()?)
        };
        Ok(Test { left, op, modifier, right, at })
    }

    /// A modifier is one only before a list: `= anyof` compares with that word.
    fn eat_modifier(&mut self, word: &str) -> bool {
        let before = self.at;
        if self.eat_word(word) {
            self.blank();
            if self.rest().starts_with('(') {
                return true;
            }
        }
        self.at = before;
        false
    }

    fn operator(&mut self) -> Result<Op, Wrong> {
        for (word, op) in OPERATORS {
            let letters = word.starts_with(|c: char| c.is_ascii_alphabetic());
            if if letters { self.eat_word(word) } else { self.eat(word) } {
                return Ok(op);
            }
        }
        let known: Vec<&str> = OPERATORS.iter().map(|(word, _)| *word).collect();
        Err(self.wrong(&format!("an operator is expected, one of {}", known.join(" "))))
    }

    /// `val(field)`, or transformers around a field.
    fn right_field(&mut self) -> Result<Option<Operand>, Wrong> {
        if self.rest().starts_with("val(") {
            self.at += 4;
            self.blank();
            let operand = self.operand()?.filter(|operand| operand.transformers.is_empty());
            let operand = operand.ok_or_else(|| self.wrong("a field is expected in `val()`"))?;
            self.blank();
            if !self.eat(")") {
                return Err(self.wrong("`)` is expected behind a field in `val()`"));
            }
            return Ok(Some(operand));
        }
        let transformer = |(word, _): &(&str, Transformer)| {
            self.rest().strip_prefix(word).is_some_and(|behind| behind.starts_with('('))
        };
        if TRANSFORMERS.iter().any(transformer) { self.operand() } else { Ok(None) }
    }

    fn list(&mut self) -> Result<Right, Wrong> {
        if !self.eat("(") {
            let at = self.at;
            let name = self.identifier();
            if name.is_empty() {
                self.at = at;
                return Err(self.wrong("a list in parentheses, or the name of one, is expected"));
            }
            return Ok(Right::List(vec![Item { bytes: name.as_bytes().to_vec(), quoted: false }]));
        }
        let mut items = Vec::new();
        self.blank();
        if self.eat(")") {
            return Ok(Right::List(items));
        }
        loop {
            self.blank();
            items.push(self.value()?);
            self.blank();
            if self.eat(")") {
                return Ok(Right::List(items));
            }
            if !self.eat(",") {
                return Err(self.wrong("`,` or `)` is expected in a list"));
            }
        }
    }

    fn value(&mut self) -> Result<Item, Wrong> {
        let rest = self.rest();
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let length = quoted_length(rest, quote).ok_or_else(|| self.wrong("a text does not end"))?;
            let inner = rest.get(1..length - 1).unwrap_or_default();
            let bytes = unescape(inner, quote).map_err(|why| Wrong::at(self.at, why))?;
            self.at += length;
            return Ok(Item { bytes, quoted: true });
        }
        let odd = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '\'' | '=' | ',');
        let end = rest.find(odd).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.wrong("a value is expected"));
        }
        self.at += end;
        Ok(Item { bytes: rest.get(..end).unwrap_or_default().as_bytes().to_vec(), quoted: false })
    }
}

impl Item {
    /// An item of a list in a file: in quotation marks of its own it may hold escapes.
    ///
    /// # Errors
    /// What is wrong with its escapes.
    pub(crate) fn of_text(text: &str) -> Result<Self, String> {
        let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
        match quote {
            Some(quote) if quoted_length(text, quote) == Some(text.len()) => {
                let inner = text.get(1..text.len() - 1).unwrap_or_default();
                Ok(Self { bytes: unescape(inner, quote)?, quoted: true })
            }
            _ => Ok(Self { bytes: text.as_bytes().to_vec(), quoted: false }),
        }
    }
}

fn one_or(mut children: Vec<Expr>, many: fn(Vec<Expr>) -> Expr) -> Expr {
    match (children.pop(), children.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            children.push(last);
            many(children)
        }
        (None, _) => many(children),
    }
}

/// Length of a quoted text with its quotation marks.
fn quoted_length(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The bytes of a quoted text. `\xHH` is a byte; NUL is refused, because no text field can hold it.
fn unescape(text: &str, quote: char) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let mut characters = behind.chars();
        match characters.next() {
            Some('b') => bytes.push(8),
            Some('f') => bytes.push(12),
            Some('n') => bytes.push(b'\n'),
            Some('r') => bytes.push(b'\r'),
            Some('t') => bytes.push(b'\t'),
            Some(' ' | '\\') => bytes.push(b'\\'),
            Some('/') => bytes.push(b'/'),
            Some(same) if same == quote => bytes.extend(same.to_string().bytes()),
            Some('x') => {
                let digits = behind.get(1..3).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                match byte {
                    Some(0) => return Err("a text cannot hold NUL".to_owned()),
                    Some(byte) => bytes.push(byte),
                    None => return Err("two hexadecimal digits are expected behind \\x".to_owned()),
                }
                rest = behind.get(3..).unwrap_or_default();
                continue;
            }
            Some(other) => return Err(format!("the escape \\{} is not known", other.escape_debug())),
            None => return Err("a text ends in a backslash".to_owned()),
        }
        rest = characters.as_str();
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests;
