//! The filter language over findings: terms to conditions.
//!
//! | field | what it is | operators |
//! |---|---|---|
//! | `severity` | its word | all |
//! | `state`, `status`, `class` | a word of theirs | `:` `=` `!=` |
//! | `kev`, `fixable`, `suppressed` | `true` or `false` | `:` `=` `!=` |
//! | `rule`, `package`, `subject`, `asset`, `name`, `assignee`, `tag` | a text, with `*` for any characters behind `:`; `name` is the asset's | `:` `=` `!=` |
//! | `text` | what occurs in the rule, the title or the package name, in any case | `:` `=` `!=` |
//! | `risk` | 0 to 100 | `<` `<=` `>` `>=` |
//! | `age` | whole days since it was first seen | `<` `<=` `>` `>=` |

use filter::{Bound, Filter, FilterError, Node, Order, Pattern, Term, Test};
use jiff::{SignedDuration, Timestamp};
use model::{FindingClass, FindingState, Severity, TenantId, Triage};
use serde::{Deserialize, Serialize};

use crate::clean;
use crate::counts::rank;
use crate::dialect::Dialect;
use crate::prepare::class_name;
use crate::sql::Sql;

/// The fields that there are, for whoever names another one.
const FIELDS: &str = "severity, state, status, class, kev, fixable, suppressed, rule, package, subject, asset, name, assignee, tag, found_by, text, risk, age";
const CLASSES: [FindingClass; 5] = [
    FindingClass::Vulnerability,
    FindingClass::Misconfiguration,
    FindingClass::Secret,
    FindingClass::Malware,
    FindingClass::License,
];

/// A filter whose every term is about something that findings have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingQuery {
    filter: Filter,
    /// What `age` counts from.
    now: Timestamp,
}

impl Eq for FindingQuery {}

impl FindingQuery {
    /// Reads a filter.
    ///
    /// # Errors
    /// [`FilterError`] with the character at which it goes wrong, also for a field that findings do not have, or a word that a field cannot
    /// have.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, FilterError> {
        let filter = Filter::parse(text)?;
        check(filter.root())?;
        Ok(Self { filter, now })
    }

    /// Appends it as a condition in parentheses.
    pub(crate) fn push(&self, statement: &mut Sql, dialect: Dialect, tenant: &TenantId) {
        Writer { statement, dialect, tenant, now: self.now }.node(self.filter.root());
    }
}

/// What a field is in the table.
enum Column {
    Severity,
    /// One of some words.
    Word(&'static str, fn(&str) -> bool),
    Flag(&'static str),
    /// A text; nothing is an empty one.
    Text(&'static str),
    /// The name of the asset.
    Name,
    /// A list of texts.
    Among(&'static str),
    Search,
    Age,
    Risk,
}

fn column(term: &Term) -> Option<Column> {
    let [field] = term.field.as_slice() else { return None };
    Some(match field.as_str() {
        "severity" => Column::Severity,
        "state" => Column::Word("state", |word| FindingState::from_name(word).is_some()),
        "status" => Column::Word("status", |word| Triage::from_name(word).is_some()),
        "class" => Column::Word("class", |word| CLASSES.iter().any(|class| class_name(*class) == word)),
        "kev" => Column::Flag("kev"),
        "fixable" => Column::Flag("fixable"),
        "suppressed" => Column::Flag("suppressed"),
        "rule" => Column::Text("rule"),
        "package" => Column::Text("package_name"),
        "subject" => Column::Text("subject"),
        "asset" => Column::Text("asset"),
        "assignee" => Column::Text("COALESCE(assignee, '')"),
        "name" => Column::Name,
        "tag" => Column::Among("tags"),
        "found_by" => Column::Among("found_by"),
        "text" => Column::Search,
        "age" => Column::Age,
        "risk" => Column::Risk,
        _ => return None,
    })
}

/// Whether every term can be asked.
fn check(node: &Node) -> Result<(), FilterError> {
    match node {
        Node::All(nodes) | Node::Any(nodes) => nodes.iter().try_for_each(check),
        Node::Not(node) => check(node),
        Node::Term(term) => {
            let wrong = |what: String| Err(FilterError::Syntax { at: term.at, what });
            let Some(column) = column(term) else {
                return wrong(format!(
                    "findings have no field {:?}; they have {FIELDS}",
                    term.field.join(".")
                ));
            };
            match fits(&column, &term.test) {
                Ok(()) => Ok(()),
                Err(why) => wrong(why),
            }
        }
    }
}

fn fits(column: &Column, test: &Test) -> Result<(), String> {
    let patterns = match test {
        Test::Is(patterns) => patterns.as_slice(),
        Test::IsNot(pattern) => std::slice::from_ref(pattern),
        Test::Compare(_, bound) => {
            return match (column, bound) {
                (Column::Severity, Bound::Severity(_)) | (Column::Age | Column::Risk, Bound::Number(_)) => {
                    Ok(())
                }
                (Column::Severity, Bound::Number(_)) => {
                    Err("a severity is compared with a severity".to_owned())
                }
                (Column::Age, Bound::Severity(_)) => {
                    Err("an age is compared with a number of days".to_owned())
                }
                (Column::Risk, Bound::Severity(_)) => Err("a risk is compared with a number".to_owned()),
                _ => Err("only severity, risk and age can be compared".to_owned()),
            };
        }
    };
    let is_word = |pattern: &Pattern| -> Result<bool, String> {
        let (Pattern::Exact(word) | Pattern::Wild(word)) = pattern;
        Ok(match column {
            Column::Severity => Severity::from_word(&word.to_ascii_lowercase()).is_some(),
            Column::Word(_, known) => known(word),
            Column::Flag(_) => word == "true" || word == "false",
            Column::Age => return Err("an age is compared: age>30".to_owned()),
            Column::Risk => return Err("a risk is compared: risk>=70".to_owned()),
            Column::Text(_) | Column::Name | Column::Among(_) | Column::Search => true,
        })
    };
    for pattern in patterns {
        if !is_word(pattern)? {
            let (Pattern::Exact(word) | Pattern::Wild(word)) = pattern;
            return Err(format!("{:?} is no value of this field", word.chars().take(64).collect::<String>()));
        }
    }
    Ok(())
}

struct Writer<'a> {
    statement: &'a mut Sql,
    dialect: Dialect,
    tenant: &'a TenantId,
    now: Timestamp,
}

impl Writer<'_> {
    fn node(&mut self, node: &Node) {
        match node {
            Node::All(nodes) => self.joined(nodes, " AND "),
            Node::Any(nodes) => self.joined(nodes, " OR "),
            Node::Not(node) => {
                self.statement.push("(NOT ");
                self.node(node);
                self.statement.push(")");
            }
            Node::Term(term) => self.term(term),
        }
    }

    fn joined(&mut self, nodes: &[Node], word: &'static str) {
        self.statement.push("(");
        for (place, node) in nodes.iter().enumerate() {
            if place > 0 {
                self.statement.push(word);
            }
            self.node(node);
        }
        self.statement.push(")");
    }

    fn term(&mut self, term: &Term) {
        // Every term has been looked at when the filter was read.
        let Some(column) = column(term) else {
            self.statement.push("(1 = 0)");
            return;
        };
        match &term.test {
            Test::Is(patterns) => {
                self.statement.push("(1 = 0");
                for pattern in patterns {
                    self.statement.push(" OR ");
                    self.equal(&column, pattern);
                }
                self.statement.push(")");
            }
            Test::IsNot(pattern) => {
                self.statement.push("(NOT ");
                self.equal(&column, pattern);
                self.statement.push(")");
            }
            Test::Compare(order, bound) => self.compare(&column, *order, *bound),
        }
    }

    fn equal(&mut self, column: &Column, pattern: &Pattern) {
        let (Pattern::Exact(text) | Pattern::Wild(text)) = pattern;
        match column {
            Column::Severity => {
                let severity = Severity::from_word(&text.to_ascii_lowercase()).unwrap_or(Severity::Unknown);
                self.statement.push("severity = ").bind(rank(severity));
            }
            Column::Flag(name) => {
                self.statement.push(if text == "true" { "" } else { "NOT " }).push(name);
            }
            Column::Word(name, _) => {
                self.statement.push(name).push(" = ").bind(text.as_str());
            }
            Column::Text(name) => self.like(name, pattern),
            Column::Name => {
                self.statement
                    .push("asset IN (SELECT id FROM asset WHERE tenant = ")
                    .bind(self.tenant)
                    .push(" AND ");
                self.like("name", pattern);
                self.statement.push(")");
            }
            Column::Among(list) => self.among(list, pattern),
            Column::Search => {
                let pattern = clean::literal_pattern(&clean::text(text).to_lowercase());
                self.statement.push("search LIKE ").bind(pattern).push(" ESCAPE '\\'");
            }
            Column::Age | Column::Risk => {
                self.statement.push("1 = 0");
            }
        }
    }

    /// Case counts: of SQLite's two words that is `GLOB`, in which `?` and `[` have a meaning too.
    fn like(&mut self, name: &'static str, pattern: &Pattern) {
        match pattern {
            Pattern::Exact(text) => {
                self.statement.push(name).push(" = ").bind(clean::key(text));
            }
            // There is a value.
            Pattern::Wild(text) if text.chars().all(|letter| letter == '*') => {
                self.statement.push(name).push(" <> ''");
            }
            Pattern::Wild(text) => {
                let text = clean::text(text);
                match self.dialect {
                    Dialect::Sqlite => {
                        let escaped = text.replace('[', "[[]").replace('?', "[?]");
                        self.statement.push(name).push(" GLOB ").bind(escaped);
                    }
                    Dialect::Postgres => {
                        let literal = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
                        let pattern = literal.replace('*', "%");
                        self.statement.push(name).push(" LIKE ").bind(pattern).push(" ESCAPE '\\'");
                    }
                }
            }
        }
    }

    /// Any text of the list fits.
    fn among(&mut self, list: &'static str, pattern: &Pattern) {
        self.statement.push(match self.dialect {
            Dialect::Sqlite => "EXISTS (SELECT 1 FROM json_each(finding.",
            Dialect::Postgres => "EXISTS (SELECT 1 FROM jsonb_array_elements_text(finding.",
        });
        self.statement.push(list).push(match self.dialect {
            Dialect::Sqlite => ") AS one WHERE ",
            Dialect::Postgres => ") AS one(value) WHERE ",
        });
        self.like("one.value", pattern);
        self.statement.push(")");
    }

    fn compare(&mut self, column: &Column, order: Order, bound: Bound) {
        let sign = match order {
            Order::Less => " < ",
            Order::LessOrEqual => " <= ",
            Order::More => " > ",
            Order::MoreOrEqual => " >= ",
        };
        match bound {
            Bound::Severity(severity) => {
                self.statement.push("severity").push(sign).bind(rank(severity));
            }
            Bound::Number(points) if matches!(column, Column::Risk) => self.risk(order, points),
            Bound::Number(days) => self.age(order, days),
        }
    }

    /// Risks are whole numbers: of a bound between two of them the next one counts.
    fn risk(&mut self, order: Order, points: f64) {
        let (sign, whole) = match order {
            Order::MoreOrEqual => (" >= ", points.ceil()),
            Order::More => (" > ", points.floor()),
            Order::Less => (" < ", points.ceil()),
            Order::LessOrEqual => (" <= ", points.floor()),
        };
        #[expect(clippy::cast_possible_truncation, reason = "clamped to a few hundred first")]
        let whole = whole.clamp(-1.0, 101.0) as i64;
        self.statement.push("risk").push(sign).bind(whole);
    }

    /// An age of so many days or more is to be first seen before a time; the opposite is the opposite.
    fn age(&mut self, order: Order, days: f64) {
        let (sign, whole) = match order {
            Order::MoreOrEqual => (" <= ", days.ceil()),
            Order::More => (" <= ", days.floor() + 1.0),
            Order::Less => (" > ", days.ceil()),
            Order::LessOrEqual => (" > ", days.floor() + 1.0),
        };
        #[expect(clippy::cast_possible_truncation, reason = "clamped to a few thousand years first")]
        let whole = whole.clamp(-1_000_000.0, 1_000_000.0) as i64;
        let time = self.now.checked_sub(SignedDuration::from_hours(whole.saturating_mul(24)));
        let earliest = if whole > 0 { Timestamp::UNIX_EPOCH } else { Timestamp::MAX };
        self.statement.push("first_seen_at").push(sign).bind(time.unwrap_or(earliest));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::FindingQuery;

    fn wrong(text: &str) -> String {
        FindingQuery::parse(text, Timestamp::UNIX_EPOCH).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_asked_is_said_with_its_place() {
        assert!(
            wrong("kev:true and colour:red")
                .contains("at character 14 of the filter: findings have no field \"colour\"")
        );
        assert!(wrong("severity:terrible").contains("\"terrible\" is no value of this field"));
        assert!(wrong("state:gone").contains("at character 1 "));
        assert!(wrong("kev:yes").contains("\"yes\" is no value"));
        assert!(wrong("severity>5").contains("a severity is compared with a severity"));
        assert!(wrong("package>5").contains("only severity, risk and age can be compared"));
        assert!(wrong("risk:5").contains("a risk is compared"));
        assert!(wrong("risk>high").contains("a risk is compared with a number"));
        assert!(wrong("age:5").contains("an age is compared"));
        assert!(wrong("age>high").contains("a number of days"));
        assert!(wrong("(kev:true").contains("this parenthesis is never closed"));
        assert!(
            FindingQuery::parse(
                "not (severity>=high or tag:\"a b\") name:*/app* age>30 risk>=70",
                Timestamp::UNIX_EPOCH
            )
            .is_ok()
        );
    }
}
