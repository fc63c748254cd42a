//! What travels: an envelope, and the rules for its parts that hold in every backend.

use model::TenantId;

use crate::BusError;

/// Largest body, in bytes. NATS refuses messages above one mebibyte, headers included, unless it is told otherwise;
/// whatever is larger belongs in the store, with its key on the bus.
pub const BODY_BYTES_MAX: usize = 1_000_000;

/// Longest message id, subject or consumer name, in bytes.
pub const NAME_BYTES_MAX: usize = 200;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Message id, the key of deduplication within its tenant: 1 to 200 visible ASCII characters.
    pub id: String,
    /// What happened or is asked for, such as `scan.requested`: words of `a-z 0-9 - _`, joined by dots.
    pub subject: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// The content, at most [`BODY_BYTES_MAX`] bytes; its form is the business of publisher and consumer.
    pub body: Vec<u8>,
}

impl Envelope {
    /// Checks every part, so that no backend has to escape anything.
    pub(crate) fn check(&self) -> Result<(), BusError> {
        let id_ok = !self.id.is_empty()
            && self.id.len() <= NAME_BYTES_MAX
            && self.id.bytes().all(|byte| byte.is_ascii_graphic());
        if !id_ok {
            return Err(BusError::Name { what: "message id", name: shorten(&self.id) });
        }
        if self.subject.len() > NAME_BYTES_MAX || !self.subject.split('.').all(is_word) {
            return Err(BusError::Name { what: "subject", name: shorten(&self.subject) });
        }
        if self.body.len() > BODY_BYTES_MAX {
            return Err(BusError::TooLarge {
                id: self.id.clone(),
                bytes: self.body.len(),
                limit: BODY_BYTES_MAX,
            });
        }
        Ok(())
    }

    /// The key of deduplication: two tenants may use the same id.
    pub(crate) fn key(&self) -> String {
        format!("{}:{}", self.tenant, self.id)
    }
}

/// Which subjects a consumer wants: a subject in which a word may be `*`, standing for any one word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter(String);

impl Filter {
    pub(crate) fn parse(text: &str) -> Result<Self, BusError> {
        let words_ok = text.split('.').all(|word| word == "*" || is_word(word));
        if text.len() > NAME_BYTES_MAX || !words_ok {
            return Err(BusError::Name { what: "subject filter", name: shorten(text) });
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn selects(&self, subject: &str) -> bool {
        let mut words = subject.split('.');
        let all = self.0.split('.').all(|want| words.next().is_some_and(|word| want == "*" || want == word));
        all && words.next().is_none()
    }
}

pub(crate) fn check_consumer_name(name: &str) -> Result<(), BusError> {
    if name.len() <= 64 && is_word(name) {
        Ok(())
    } else {
        Err(BusError::Name { what: "consumer name", name: shorten(name) })
    }
}

fn is_word(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
}

fn shorten(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::Filter;

    #[test]
    fn a_star_stands_for_one_word() {
        let selects = |filter: &str, subject: &str| Filter::parse(filter).unwrap().selects(subject);
        assert!(selects("scan.*", "scan.requested"));
        assert!(selects("scan.requested", "scan.requested"));
        assert!(selects("*.findings", "changed.findings"));
        for (filter, subject) in [
            ("scan.*", "scan"),
            ("scan.*", "scan.a.b"),
            ("scan", "scan.a"),
            ("*", "a.b"),
            ("scan.a", "scan.b"),
        ] {
            assert!(!selects(filter, subject), "{filter} {subject}");
        }
        for bad in ["", "scan..a", "Scan", "scan.>", "scan a", "*x", &"a".repeat(201)] {
            assert_eq!(Filter::parse(bad).unwrap_err().code(), "bus-name-invalid", "{bad}");
        }
    }
}
