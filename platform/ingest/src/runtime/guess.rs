//! Tells formats apart by the keys of the first object.

use super::Format;
use super::reader::{Reader, Step};

/// Keys that only one format has at this place, each with the format.
const TELLING: [(&str, Format); 24] = [
    ("output_fields", Format::Falco),
    ("auditID", Format::KubernetesAudit),
    ("process_exec", Format::Tetragon),
    ("process_exit", Format::Tetragon),
    ("process_kprobe", Format::Tetragon),
    ("process_tracepoint", Format::Tetragon),
    ("process_uprobe", Format::Tetragon),
    ("process_lsm", Format::Tetragon),
    ("process_loader", Format::Tetragon),
    ("process_throttle", Format::Tetragon),
    ("rate_limit_info", Format::Tetragon),
    ("NamespaceName", Format::KubeArmor),
    ("PolicyName", Format::KubeArmor),
    ("eventVersion", Format::CloudTrail),
    ("detail-type", Format::EventBridge),
    ("schemaVersion", Format::GuardDuty),
    ("SchemaVersion", Format::GuardDuty),
    ("Findings", Format::GuardDuty),
    ("protoPayload", Format::GcpAudit),
    ("operationName", Format::AzureActivity),
    ("scopeLogs", Format::Otlp),
    ("resourceLogs", Format::Otlp),
    ("class_uid", Format::Ocsf),
    ("published", Format::Okta),
];

/// Keys whose values hold the elements of some format.
const ENVELOPES: [&str; 7] = ["items", "Records", "records", "entries", "findings", "data", "events"];

pub(super) fn guess(body: &[u8]) -> Option<Format> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    // Whatever follows the first bytes that are no text is not needed to tell.
    let text = body.utf8_chunks().next()?.valid();
    let mut reader = Reader::new(text);
    let mut found = Found::default();
    // A text that breaks off has told what it could.
    let _ = found.look(&mut reader);
    found.answer()
}

#[derive(Default)]
struct Found {
    told: Option<Format>,
    uuid: bool,
    rule: bool,
    priority: bool,
    action: bool,
    stamped: bool,
}

impl Found {
    /// Looks at one object, or at the first of a list.
    fn look(&mut self, reader: &mut Reader<'_>) -> Step<()> {
        if reader.look() == Some(b'[') {
            if reader.list()? && reader.item()? {
                self.look(reader)?;
            }
            return Ok(());
        }
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            let key = key.as_ref();
            self.told = self
                .told
                .or_else(|| TELLING.iter().find(|(known, _)| *known == key).map(|(_, format)| *format));
            match key {
                "uuid" => self.uuid = true,
                "rule" => self.rule = true,
                "priority" => self.priority = true,
                "action" => self.action = true,
                "_document_id" | "@timestamp" => self.stamped = true,
                _ => {}
            }
            // Falcosidekick's id stands behind all that Falco wrote.
            if self.told.is_some_and(|format| format != Format::Falco) {
                return Ok(());
            }
            let inside = ENVELOPES.contains(&key) && matches!(reader.look(), Some(b'[' | b'{'));
            if inside {
                return self.look(reader);
            }
            reader.skip()?;
        }
        Ok(())
    }

    fn answer(&self) -> Option<Format> {
        let falco = self.told == Some(Format::Falco) || (self.told.is_none() && self.rule && self.priority);
        match self.told {
            _ if falco && self.uuid => Some(Format::Falcosidekick),
            _ if falco => Some(Format::Falco),
            None if self.action && self.stamped => Some(Format::GitHub),
            told => told,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::guess;
    use crate::runtime::Format;

    #[test]
    fn hostile_files_are_of_no_format() {
        for text in ["", "[", "[[[", "{\"action\":1}", "\u{feff}", "1", "{\"items\":[{\"items\":{}}]}"] {
            assert_eq!(guess(text.as_bytes()), None, "{text}");
        }
        assert_eq!(guess("[".repeat(100_000).as_bytes()), None);
        assert_eq!(guess(b"\xef\xbb\xbf{\"class_uid\":2004,\"x\":\"\xff\"}"), Some(Format::Ocsf));
    }
}
