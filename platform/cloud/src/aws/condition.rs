//! Conditions of statements, evaluated where the answer is certain, and unknown otherwise.

use crate::aws::glob::{lower, matches, matches_any_case};
use crate::aws::network::Range;
use crate::aws::truth::Truth;

/// What is known of a condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    Values(Vec<String>),
    /// A request has none.
    Absent,
    Unknown,
    /// Any public address.
    Internet,
}

impl Known {
    pub(crate) fn one(value: impl Into<String>) -> Self {
        Self::Values(vec![value.into()])
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equals,
    EqualsAnyCase,
    Like,
    Bool,
    Null,
    Address,
    Number(Order),
    /// Times, bytes, and what is not known here.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    One,
    Any,
    All,
}

/// One operator on one key.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    operator: Operator,
    negated: bool,
    if_exists: bool,
    quantifier: Quantifier,
    /// In small letters.
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
}

impl Condition {
    pub(crate) fn of(operator: &str, key: &str, values: Vec<String>) -> Self {
        let operator = operator.to_ascii_lowercase();
        let (quantifier, rest) = match operator.split_once(':') {
            Some(("foranyvalue", rest)) => (Quantifier::Any, rest),
            Some(("forallvalues", rest)) => (Quantifier::All, rest),
            _ => (Quantifier::One, operator.as_str()),
        };
        let (rest, if_exists) = rest.strip_suffix("ifexists").map_or((rest, false), |rest| (rest, true));
        let (operator, negated) = match rest {
            "stringequals" => (Operator::Equals, false),
            "stringnotequals" => (Operator::Equals, true),
            "stringequalsignorecase" => (Operator::EqualsAnyCase, false),
            "stringnotequalsignorecase" => (Operator::EqualsAnyCase, true),
            "stringlike" | "arnlike" | "arnequals" => (Operator::Like, false),
            "stringnotlike" | "arnnotlike" | "arnnotequals" => (Operator::Like, true),
            "bool" => (Operator::Bool, false),
            "null" => (Operator::Null, false),
            "ipaddress" => (Operator::Address, false),
            "notipaddress" => (Operator::Address, true),
            "numericequals" => (Operator::Number(Order::Equal), false),
            "numericnotequals" => (Operator::Number(Order::Equal), true),
            "numericlessthan" => (Operator::Number(Order::Less), false),
            "numericlessthanequals" => (Operator::Number(Order::LessOrEqual), false),
            "numericgreaterthan" => (Operator::Number(Order::More), false),
            "numericgreaterthanequals" => (Operator::Number(Order::MoreOrEqual), false),
            _ => (Operator::Other, false),
        };
        Self { operator, negated, if_exists, quantifier, key: key.to_ascii_lowercase(), values }
    }

    /// Whether it only holds for texts that its values match: not negated, and not empty where the key is absent.
    pub(crate) fn demands_text(&self) -> bool {
        let texts = matches!(self.operator, Operator::Equals | Operator::EqualsAnyCase | Operator::Like);
        texts && !self.negated && !self.if_exists && self.quantifier != Quantifier::All
    }

    pub(crate) fn holds(&self, known: &Known) -> Truth {
        if self.values.iter().any(|value| value.contains("${")) {
            return Truth::Maybe;
        }
        match (self.operator, known) {
            (Operator::Null, Known::Unknown) => Truth::Maybe,
            (Operator::Null, known) => self.is_null(*known == Known::Absent),
            (Operator::Other, _) | (_, Known::Unknown) => Truth::Maybe,
            (_, Known::Absent) => {
                Truth::from(self.if_exists || self.negated || self.quantifier == Quantifier::All)
            }
            (Operator::Address, Known::Internet) => {
                let wide = |value: &String| Range::of(value).is_some_and(|range| range.is_internet());
                Truth::from(self.values.iter().any(wide) != self.negated)
            }
            (_, Known::Internet) => Truth::Maybe,
            (_, Known::Values(values)) => self.quantified(values),
        }
    }

    fn is_null(&self, absent: bool) -> Truth {
        let wanted = |value: &String| value.eq_ignore_ascii_case(if absent { "true" } else { "false" });
        Truth::from(self.values.iter().any(wanted))
    }

    fn quantified(&self, values: &[String]) -> Truth {
        let holds = |value: &String| {
            let truths = self.values.iter().map(|wanted| self.compare(wanted, value));
            let one = truths.fold(Truth::No, Truth::or);
            if self.negated { one.not() } else { one }
        };
        match self.quantifier {
            Quantifier::All => values.iter().map(holds).fold(Truth::Yes, Truth::and),
            Quantifier::Any | Quantifier::One => values.iter().map(holds).fold(Truth::No, Truth::or),
        }
    }

    fn compare(&self, wanted: &str, value: &str) -> Truth {
        match self.operator {
            Operator::Equals => Truth::from(wanted == value),
            Operator::EqualsAnyCase => Truth::from(lower(wanted) == lower(value)),
            // Names of services are of no case.
            Operator::Like if self.key == "iam:passedtoservice" => {
                Truth::from(matches_any_case(wanted, value))
            }
            Operator::Like => Truth::from(matches(wanted, value)),
            Operator::Bool => Truth::from(wanted.eq_ignore_ascii_case(value)),
            Operator::Number(order) => match (wanted.parse::<f64>(), value.parse::<f64>()) {
                (Ok(wanted), Ok(value)) => Truth::from(order.holds(value, wanted)),
                _ => Truth::Maybe,
            },
            Operator::Null | Operator::Address | Operator::Other => Truth::Maybe,
        }
    }
}

impl Order {
    fn holds(self, value: f64, wanted: f64) -> bool {
        match self {
            Self::Equal => (value - wanted).abs() < f64::EPSILON,
            Self::Less => value < wanted,
            Self::LessOrEqual => value <= wanted,
            Self::More => value > wanted,
            Self::MoreOrEqual => value >= wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, Known};
    use crate::aws::truth::Truth;

    fn holds(operator: &str, values: &[&str], known: &Known) -> Truth {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Condition::of(operator, "aws:PrincipalTag/team", values).holds(known)
    }

    #[test]
    fn operators_are_those_of_iam() {
        let red = Known::one("red");
        for (operator, values, known, expected) in [
            ("StringEquals", &["red", "blue"][..], &red, Truth::Yes),
            ("StringEquals", &["r*"], &red, Truth::No),
            ("StringLike", &["r*"], &red, Truth::Yes),
            ("StringNotEquals", &["red"], &red, Truth::No),
            ("StringEqualsIgnoreCase", &["RED"], &red, Truth::Yes),
            ("StringEquals", &["red"], &Known::Absent, Truth::No),
            ("StringNotEquals", &["red"], &Known::Absent, Truth::Yes),
            ("StringEqualsIfExists", &["red"], &Known::Absent, Truth::Yes),
            ("ForAllValues:StringEquals", &["red"], &Known::Absent, Truth::Yes),
            ("ForAnyValue:StringEquals", &["red"], &Known::Absent, Truth::No),
            ("Null", &["true"], &Known::Absent, Truth::Yes),
            ("Null", &["true"], &red, Truth::No),
            ("StringEquals", &["red"], &Known::Unknown, Truth::Maybe),
            ("DateLessThan", &["2030-01-01T00:00:00Z"], &red, Truth::Maybe),
            ("Nonsense", &["red"], &red, Truth::Maybe),
            ("StringEquals", &["${aws:username}"], &red, Truth::Maybe),
            ("NumericLessThan", &["3"], &Known::one("2"), Truth::Yes),
            ("IpAddress", &["10.0.0.0/8"], &Known::Internet, Truth::No),
            ("IpAddress", &["0.0.0.0/0"], &Known::Internet, Truth::Yes),
            ("NotIpAddress", &["198.51.100.0/24"], &Known::Internet, Truth::Yes),
        ] {
            assert_eq!(holds(operator, values, known), expected, "{operator} {values:?} {known:?}");
        }
    }
}
