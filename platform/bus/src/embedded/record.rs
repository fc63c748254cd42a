//! The bytes of the log.
//!
//! A record is `length u32, crc u32, synced u64, payload`, little-endian: the length is the payload's, the CRC-32
//! (IEEE) covers `synced` and payload. `synced` is how much of the file was known to be on disk when the record was
//! written. It tells a torn tail from damage: a bad record is torn if no later record claims that it was ever synced,
//! and damage if one does.
//!
//! A payload is a kind byte and its fields; text and bytes carry their length as `u32`.

use model::TenantId;

use crate::Envelope;

/// Bytes in front of a payload.
pub(crate) const HEAD: usize = 16;

/// Largest payload: the largest body, and room for the names around it.
pub(crate) const PAYLOAD_MAX: usize = crate::BODY_BYTES_MAX + 16 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    /// A message was published.
    Message { sequence: u64, at_ms: u64, envelope: Envelope },
    /// A consumer exists and wants what was published from this sequence on.
    Consumer { name: String, filter: String, from: u64 },
    /// A consumer exists no more.
    Forgotten { name: String },
    /// A consumer is done with a message.
    Done { consumer: String, sequence: u64 },
    /// A consumer was given a message for the n-th time.
    Delivered { consumer: String, sequence: u64, attempt: u32 },
    /// A message was given up; these stand in a file of their own.
    Parked { number: u64, consumer: String, sequence: u64, attempts: u32, reason: String, envelope: Envelope },
    /// A parked message was dealt with.
    Discarded { number: u64 },
}

/// A record that was read, with its size in the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) record: Record,
    pub(crate) synced: u64,
    pub(crate) size: usize,
}

/// Appends a record.
pub(crate) fn encode(record: &Record, synced: u64, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&synced.to_le_bytes());
    let body = out.len();
    match record {
        Record::Message { sequence, at_ms, envelope } => {
            out.push(1);
            put_u64(*sequence, out);
            put_u64(*at_ms, out);
            put_envelope(envelope, out);
        }
        Record::Consumer { name, filter, from } => {
            out.push(2);
            put_bytes(name.as_bytes(), out);
            put_bytes(filter.as_bytes(), out);
            put_u64(*from, out);
        }
        Record::Forgotten { name } => {
            out.push(3);
            put_bytes(name.as_bytes(), out);
        }
        Record::Done { consumer, sequence } => {
            out.push(4);
            put_bytes(consumer.as_bytes(), out);
            put_u64(*sequence, out);
        }
        Record::Delivered { consumer, sequence, attempt } => {
            out.push(5);
            put_bytes(consumer.as_bytes(), out);
            put_u64(*sequence, out);
            out.extend_from_slice(&attempt.to_le_bytes());
        }
        Record::Parked { number, consumer, sequence, attempts, reason, envelope } => {
            out.push(6);
            put_u64(*number, out);
            put_bytes(consumer.as_bytes(), out);
            put_u64(*sequence, out);
            out.extend_from_slice(&attempts.to_le_bytes());
            put_bytes(reason.as_bytes(), out);
            put_envelope(envelope, out);
        }
        Record::Discarded { number } => {
            out.push(7);
            put_u64(*number, out);
        }
    }
    let length = u32::try_from(out.len() - body).unwrap_or(u32::MAX);
    let crc = crc32fast::hash(out.get(start + 8..).unwrap_or_default());
    if let Some(head) = out.get_mut(start..start + 8) {
        let (len_at, crc_at) = head.split_at_mut(4);
        len_at.copy_from_slice(&length.to_le_bytes());
        crc_at.copy_from_slice(&crc.to_le_bytes());
    }
}

/// Reads the record at the start of `bytes`; `None` when there is no whole and sound one.
pub(crate) fn decode(bytes: &[u8]) -> Option<Decoded> {
    let mut head = Reader(bytes);
    let length = usize::try_from(head.u32()?).ok()?;
    let crc = head.u32()?;
    if length == 0 || length > PAYLOAD_MAX {
        return None;
    }
    let covered = bytes.get(8..HEAD + length)?;
    if crc32fast::hash(covered) != crc {
        return None;
    }
    let mut fields = Reader(covered);
    let synced = fields.u64()?;
    let record = match fields.u8()? {
        1 => Record::Message { sequence: fields.u64()?, at_ms: fields.u64()?, envelope: fields.envelope()? },
        2 => Record::Consumer { name: fields.text()?, filter: fields.text()?, from: fields.u64()? },
        3 => Record::Forgotten { name: fields.text()? },
        4 => Record::Done { consumer: fields.text()?, sequence: fields.u64()? },
        5 => Record::Delivered { consumer: fields.text()?, sequence: fields.u64()?, attempt: fields.u32()? },
        6 => Record::Parked {
            number: fields.u64()?,
            consumer: fields.text()?,
            sequence: fields.u64()?,
            attempts: fields.u32()?,
            reason: fields.text()?,
            envelope: fields.envelope()?,
        },
        7 => Record::Discarded { number: fields.u64()? },
        _ => return None,
    };
    fields.0.is_empty().then_some(Decoded { record, synced, size: HEAD + length })
}

/// Every sound record from `start` on, with its offset, and where the first unsound byte is.
pub(crate) fn scan(bytes: &[u8], start: usize) -> (Vec<(usize, Decoded)>, usize) {
    let mut found = Vec::new();
    let mut at = start;
    while let Some(decoded) = bytes.get(at..).and_then(decode) {
        let size = decoded.size;
        found.push((at, decoded));
        at += size;
    }
    (found, at)
}

/// Whether a bad record at `bad` was durable once: a later sound record says that more than that was synced.
pub(crate) fn was_durable(bytes: &[u8], bad: usize) -> bool {
    let bad_offset = u64::try_from(bad).unwrap_or(u64::MAX);
    (bad + 1..bytes.len()).any(|at| {
        // The claim is checked before the record, because it is false for nearly every offset and costs nothing.
        let claim =
            bytes.get(at + 8..at + HEAD).and_then(|claim| claim.try_into().ok()).map(u64::from_le_bytes);
        claim.is_some_and(|synced| synced > bad_offset && synced <= u64::try_from(at).unwrap_or(u64::MAX))
            && bytes.get(at..).and_then(decode).is_some()
    })
}

fn put_u64(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn put_envelope(envelope: &Envelope, out: &mut Vec<u8>) {
    put_bytes(envelope.id.as_bytes(), out);
    put_bytes(envelope.subject.as_bytes(), out);
    put_bytes(envelope.tenant.as_str().as_bytes(), out);
    put_bytes(&envelope.body, out);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.take(length)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    fn envelope(&mut self) -> Option<Envelope> {
        Some(Envelope {
            id: self.text()?,
            subject: self.text()?,
            tenant: TenantId::parse(&self.text()?).ok()?,
            body: self.bytes()?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use model::TenantId;
    use proptest::prelude::*;

    use super::{Record, decode, encode, scan, was_durable};
    use crate::Envelope;

    fn envelope() -> impl Strategy<Value = Envelope> {
        (
            "[!-~]{1,40}",
            "[a-z]{1,8}(\\.[a-z]{1,8}){0,2}",
            "[a-z][a-z0-9-]{0,20}",
            proptest::collection::vec(any::<u8>(), 0..200),
        )
            .prop_map(|(id, subject, tenant, body)| Envelope {
                id,
                subject,
                tenant: TenantId::parse(&tenant).unwrap(),
                body,
            })
    }

    fn record() -> impl Strategy<Value = Record> {
        let name = "[a-z_-]{1,12}";
        prop_oneof![
            (any::<u64>(), any::<u64>(), envelope())
                .prop_map(|(sequence, at_ms, envelope)| Record::Message { sequence, at_ms, envelope }),
            (name, name, any::<u64>()).prop_map(|(name, filter, from)| Record::Consumer {
                name,
                filter,
                from
            }),
            name.prop_map(|name| Record::Forgotten { name }),
            (name, any::<u64>()).prop_map(|(consumer, sequence)| Record::Done { consumer, sequence }),
            (name, any::<u64>(), any::<u32>()).prop_map(|(consumer, sequence, attempt)| Record::Delivered {
                consumer,
                sequence,
                attempt
            }),
            (any::<u64>(), name, any::<u64>(), any::<u32>(), "\\PC{0,30}", envelope()).prop_map(
                |(number, consumer, sequence, attempts, reason, envelope)| Record::Parked {
                    number,
                    consumer,
                    sequence,
                    attempts,
                    reason,
                    envelope
                }
            ),
            any::<u64>().prop_map(|number| Record::Discarded { number }),
        ]
    }

    /// A file as a writer makes it: batches, each synced before the next is written.
    fn file(batches: &[Vec<Record>]) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for batch in batches {
            let synced = u64::try_from(bytes.len()).unwrap();
            for record in batch {
                encode(record, synced, &mut bytes);
                ends.push(bytes.len());
            }
        }
        (bytes, ends)
    }

    fn batches() -> impl Strategy<Value = Vec<Vec<Record>>> {
        proptest::collection::vec(proptest::collection::vec(record(), 1..4), 1..5)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(batches in batches()) {
            let (bytes, _) = file(&batches);
            let (found, end) = scan(&bytes, 0);
            prop_assert_eq!(end, bytes.len());
            let records: Vec<Record> = found.into_iter().map(|(_, decoded)| decoded.record).collect();
            prop_assert_eq!(records, batches.concat());
        }

        #[test]
        fn a_cut_leaves_the_whole_records_before_it(batches in batches(), cut in any::<prop::sample::Index>()) {
            let (bytes, ends) = file(&batches);
            let cut = cut.index(bytes.len());
            let (found, end) = scan(&bytes[..cut], 0);
            prop_assert_eq!(found.len(), ends.iter().filter(|end| **end <= cut).count());
            prop_assert!(!was_durable(&bytes[..cut], end), "a cut is never damage");
        }

        #[test]
        fn a_flipped_bit_never_yields_another_record(
            batches in batches(), at in any::<prop::sample::Index>(), bit in 0u8..8,
        ) {
            let (mut bytes, ends) = file(&batches);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let (found, end) = scan(&bytes, 0);
            let hit = ends.iter().position(|end| at < *end).unwrap();
            prop_assert_eq!(found.len(), hit);
            let kept: Vec<Record> = found.into_iter().map(|(_, decoded)| decoded.record).collect();
            prop_assert_eq!(&kept[..], &batches.concat()[..hit]);
            // Damage is told from a torn tail exactly when a later batch was written on top of it.
            let last_batch = batches.last().unwrap().len();
            prop_assert_eq!(was_durable(&bytes, end), hit < ends.len() - last_batch);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
            let _ = was_durable(&bytes, 0);
        }
    }
}
