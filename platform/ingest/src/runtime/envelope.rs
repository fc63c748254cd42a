//! Finds the elements of a body: in the envelope of its format, in a list, or one after another. A broken one is passed over.

use super::reader::{Fault, Reader, Why};
use super::{Flow, Format, Item, Made, Problem, ProblemCode, Source, build, repair};
use super::{
    azure, cloudtrail, eventbridge, falco, gcp, github, guardduty, kubearmor, kubernetes, ocsf, okta, otlp,
    tetragon,
};
use crate::limits;

type Sink<'s, 'a> = &'s mut dyn FnMut(Item<'a>) -> Flow;

/// Where a format keeps its elements.
struct Layout {
    /// Keys whose list holds elements, and keys on the way to one.
    envelope: &'static [&'static str],
    /// Keys that only an element has, so that nobody has to read it to its end to know that it is no envelope.
    element: &'static [&'static str],
}

fn layout(format: Format) -> Layout {
    let (envelope, element): (&[&str], &[&str]) = match format {
        Format::Falco | Format::Falcosidekick | Format::Tetragon | Format::KubeArmor | Format::Ocsf => {
            (&[], &[])
        }
        Format::KubernetesAudit => (&["items"], &["auditID", "level", "stage"]),
        Format::CloudTrail => (&["Records"], &["eventVersion", "eventID", "userIdentity"]),
        Format::EventBridge => (&["Records", "events"], &["version", "detail-type", "detail", "id"]),
        Format::GuardDuty => (
            &["Findings", "findings"],
            &["schemaVersion", "SchemaVersion", "accountId", "AccountId", "id", "Id"],
        ),
        Format::GcpAudit => (&["entries"], &["protoPayload", "insertId", "logName"]),
        Format::AzureActivity => (&["records"], &["time", "resourceId", "operationName"]),
        Format::Otlp => (&["resourceLogs"], &["resource", "scopeLogs"]),
        Format::Okta => (&["data", "events"], &["uuid", "published", "actor"]),
        Format::GitHub => (&[], &[]),
    };
    Layout { envelope, element }
}

/// Hands out everything in a text.
pub(super) fn walk<'a>(format: Format, text: &'a str, source: &Source<'a>, sink: Sink<'_, 'a>) {
    let spare = limits::REPEATED_BYTES + text.len().saturating_mul(limits::REPEATED_TIMES);
    let mut walk =
        Walk { format, layout: layout(format), source, index: 0, sent: 0, spare, stopped: false, sink };
    let mut reader = Reader::new(text);
    let mut next = 0;
    while !walk.stopped && reader.look().is_some() {
        let (from, first) = (reader.at(), walk.index);
        let Err(fault) = walk.value(&mut reader) else { continue };
        // Behind what was read already, or behind the line that is broken: others must not be taken for a part of it.
        let behind = if walk.index == first { from } else { fault.at.max(from) };
        if next <= behind {
            next = next_line(text, behind).unwrap_or(text.len());
        }
        let whole = walk.index == first && matches!(text.as_bytes().get(from), Some(b'{' | b'['));
        let end = if whole { end_of(reader.slice(from, next), from) } else { None };
        if walk.index == first {
            let value = reader.slice(from, end.unwrap_or(from));
            walk.mend(value, fault, (from, first), |walk, reader| walk.value(reader));
        } else {
            walk.cut(fault);
        }
        reader.resume(end.unwrap_or(next), 0);
    }
}

/// The next line that begins as a value does. Lines within a value that was laid out for people are indented.
fn next_line(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == b'\n')? + 1;
        if matches!(bytes.get(at), Some(b'{' | b'[')) {
            return Some(at);
        }
    }
}

struct Walk<'s, 'a> {
    format: Format,
    layout: Layout,
    source: &'s Source<'a>,
    /// The number of the next element.
    index: usize,
    /// How many of the coming elements were sent already.
    sent: usize,
    /// Bytes that repeated parts of the body may still cost.
    spare: usize,
    stopped: bool,
    sink: Sink<'s, 'a>,
}

impl<'a> Walk<'_, 'a> {
    fn send(&mut self, item: Item<'a>) {
        if (self.sink)(item) == Flow::Stop {
            self.stopped = true;
        }
    }

    fn problem(&mut self, problem: Problem) {
        self.send(Item::Problem(problem));
    }

    /// Tells that a batch ends before its end.
    fn cut(&mut self, fault: Fault) {
        let detail = format!("{}; what follows cannot be told apart", fault.why.as_str());
        self.problem(Problem::new(self.index, ProblemCode::BatchCut, detail));
        self.index += 1;
    }

    /// A value of the outermost level: an envelope, a list, or an element.
    fn value(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        match reader.look() {
            Some(b'[') => self.elements(reader),
            Some(b'{') if !self.layout.envelope.is_empty() => {
                let (from, depth) = (reader.at(), reader.depth());
                let inside = self.find_list(reader)?;
                if !inside {
                    reader.resume(from, depth);
                    return self.element(reader);
                }
                self.elements(reader)?;
                // Further lists of the same envelope, and what else it says.
                self.rest(reader, depth)
            }
            _ => self.element(reader),
        }
    }

    /// Goes to the envelope's list, and stays in front of it; no where the object is none.
    fn find_list(&self, reader: &mut Reader<'a>) -> Result<bool, Fault> {
        if !reader.object()? {
            return Ok(false);
        }
        while let Some(key) = reader.key()? {
            let key: &str = &key;
            if self.layout.envelope.contains(&key) {
                match reader.look() {
                    Some(b'[') => return Ok(true),
                    Some(b'{') if reader.depth() < 2 => return self.find_list(reader),
                    // `"Records": null` is an envelope of nothing, as the AWS tools write it.
                    Some(b'n') => return Ok(true),
                    _ => reader.skip()?,
                }
            } else if self.layout.element.contains(&key) {
                return Ok(false);
            } else {
                reader.skip()?;
            }
        }
        // Without any element's key and without a list: an empty object, or something else altogether.
        Ok(false)
    }

    /// What follows the first list in an envelope.
    fn rest(&mut self, reader: &mut Reader<'a>, depth: usize) -> Result<(), Fault> {
        while reader.depth() > depth && !self.stopped {
            while let Some(key) = reader.key()? {
                let key: &str = &key;
                if self.layout.envelope.contains(&key) && reader.look() == Some(b'[') {
                    self.elements(reader)?;
                } else {
                    reader.skip()?;
                }
                if self.stopped {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn elements(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        if !reader.list()? {
            return Ok(());
        }
        let depth = reader.depth();
        while reader.item()? {
            let _ = reader.look();
            let (from, first) = (reader.at(), self.index);
            if let Err(fault) = self.element(reader) {
                let Some(end) = end_of(reader.rest(from), from) else {
                    self.cut(fault);
                    self.stopped = true;
                    return Ok(());
                };
                self.mend(reader.slice(from, end), fault, (from, first), |walk, reader| walk.element(reader));
                reader.resume(end, depth);
            }
            if self.stopped {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads one element and hands out what it is.
    fn element(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        if self.format == Format::Otlp {
            let first = self.index;
            let mut spare = self.spare;
            let done = otlp::records(reader, &mut spare, &mut |made| {
                self.made(made, "");
                if self.stopped { Flow::Stop } else { Flow::On }
            });
            self.spare = spare;
            if self.stopped {
                return Ok(());
            }
            done?;
            // A group of no records counts too, or else numbers would not tell which is broken.
            self.index = self.index.max(first + 1);
            return Ok(());
        }
        let _ = reader.look();
        let from = reader.at();
        let made = match self.format {
            Format::Falco | Format::Falcosidekick => falco::read(reader),
            Format::KubernetesAudit => kubernetes::read(reader),
            Format::Tetragon => tetragon::read(reader),
            Format::KubeArmor => kubearmor::read(reader),
            Format::CloudTrail => cloudtrail::read(reader),
            Format::EventBridge => eventbridge::read(reader),
            Format::GuardDuty => guardduty::read(reader),
            Format::GcpAudit => gcp::read(reader),
            Format::AzureActivity => azure::read(reader),
            Format::Ocsf | Format::Otlp => ocsf::read(reader),
            Format::Okta => okta::read(reader),
            Format::GitHub => github::read(reader),
        }?;
        let raw = reader.slice(from, reader.at());
        self.made(made, raw);
        Ok(())
    }

    fn made(&mut self, made: Made<'a>, raw: &'a str) {
        self.index += 1;
        if self.sent > 0 {
            self.sent -= 1;
            return;
        }
        let index = self.index - 1;
        let item = if raw.len() > limits::EVENT_BYTES {
            let detail = format!("{} bytes; at most {} are read", raw.len(), limits::EVENT_BYTES);
            Item::Problem(Problem::new(index, ProblemCode::TooLarge, detail))
        } else {
            build::finish(made, raw, self.source, index)
        };
        self.send(item);
    }

    /// A broken element once more, with its strings repaired where that is what was wrong. `from` is its offset, `first` the
    /// number of the first event in it.
    fn mend(
        &mut self,
        element: &str,
        fault: Fault,
        (from, first): (usize, usize),
        read: for<'r, 't> fn(&mut Walk<'r, 't>, &mut Reader<'t>) -> Result<(), Fault>,
    ) {
        let repairable =
            matches!(fault.why, Why::Escape | Why::Control) && element.len() <= limits::EVENT_BYTES;
        let Some(mended) = repairable.then(|| repair::strings(element)).flatten() else {
            let problem = Problem::of(self.index, fault, from);
            self.index += 1;
            return self.problem(problem);
        };
        let source = Source { cluster: self.source.cluster.clone(), observed_at: self.source.observed_at };
        let sink = &mut *self.sink;
        let mut inner = |item: Item<'_>| sink(item.into_static());
        let mut again = Walk {
            format: self.format,
            layout: layout(self.format),
            source: &source,
            index: first,
            sent: self.index - first,
            spare: self.spare,
            stopped: false,
            sink: &mut inner,
        };
        let done = read(&mut again, &mut Reader::new(&mended));
        if let Err(fault) = done {
            let problem = Problem::of(again.index, fault, 0);
            again.index += 1;
            again.problem(problem);
        }
        (self.index, self.stopped) = (again.index, again.stopped);
    }
}

/// Where the element ends that begins a text, by its brackets and strings alone, as an offset of the whole; nothing where they
/// do not match.
fn end_of(text: &str, from: usize) -> Option<usize> {
    let (mut open, mut inside, mut escaped) = (0usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            _ if inside => {}
            b'{' | b'[' => open += 1,
            b'}' | b']' if open > 0 => {
                open -= 1;
                if open == 0 {
                    return Some(from + at + 1);
                }
            }
            // An element that is neither object nor list ends where the next begins.
            b',' | b']' if open == 0 => return Some(from + at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{end_of, next_line};

    #[test]
    fn broken_elements_end_where_their_brackets_do() {
        assert_eq!(end_of(r#"{"a":"}\"",x:[}]} ,2]"#, 10), Some(10 + 16));
        assert_eq!(end_of("tru, {}]", 0), Some(3));
        assert_eq!(end_of("{\"a\": \"b", 0), None);
        assert_eq!(next_line("{\"a\n {\n}\n{\"b\"", 0), Some(9));
        assert_eq!(next_line("{\"a\n  \"b\"", 0), None);
    }
}
