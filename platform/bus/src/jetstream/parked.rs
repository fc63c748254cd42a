//! The stream of messages that were given up.

use async_nats::HeaderMap;
use async_nats::jetstream::{
    message::PublishMessage,
    stream::{DeleteMessageErrorKind, RawMessageErrorKind},
};
use model::TenantId;

use super::{ID, JetStream, TENANT};
use crate::{BusError, Envelope, Parked};

const SUBJECT: &str = "Palisade-Subject";
const CONSUMER: &str = "Palisade-Consumer";
const ATTEMPTS: &str = "Palisade-Attempts";
const REASON: &str = "Palisade-Reason";

impl JetStream {
    /// Copies a message; the id of the copy makes repeating harmless within the server's window, and a copy more is
    /// better than none after it.
    pub(super) async fn copy_to_parked(
        &self,
        consumer: &str,
        sequence: u64,
        attempts: u32,
        reason: &str,
        envelope: &Envelope,
    ) -> Result<(), BusError> {
        let message = PublishMessage::build()
            .message_id(format!("{consumer}:{sequence}"))
            .header(ID, envelope.id.as_str())
            .header(TENANT, envelope.tenant.as_str())
            .header(SUBJECT, envelope.subject.as_str())
            .header(CONSUMER, consumer)
            .header(ATTEMPTS, attempts.to_string())
            .header(REASON, reason)
            .payload(envelope.body.clone().into());
        let subject = format!("palisade-parked.{}.{consumer}", self.options.installation);
        self.store(subject, message, self.options.parked_bytes_max).await
    }

    pub(crate) async fn parked(&self, limit: usize) -> Result<Vec<Parked>, BusError> {
        let stream = self.context.get_stream_no_info(self.parked_stream.as_str()).await;
        let stream = stream.map_err(BusError::nats("read the stream"))?;
        let all = format!("palisade-parked.{}.>", self.options.installation);
        let (mut found, mut next) = (Vec::new(), 1);
        while found.len() < limit {
            match stream.raw_message_builder().sequence(next).next_by_subject(&all).send().await {
                Ok(message) => {
                    next = message.sequence + 1;
                    let parked = read(message.sequence, &message.headers, &message.payload);
                    found.extend(parked);
                }
                Err(error) => match error.kind() {
                    RawMessageErrorKind::NoMessageFound => break,
                    _ => return Err(BusError::nats("read a parked message")(error)),
                },
            }
        }
        Ok(found)
    }

    pub(crate) async fn discard_parked(&self, number: u64) -> Result<(), BusError> {
        let stream = self.context.get_stream_no_info(self.parked_stream.as_str()).await;
        let stream = stream.map_err(BusError::nats("read the stream"))?;
        match stream.delete_message(number).await {
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                // The server has one code for every failed deletion; the text tells this one.
                DeleteMessageErrorKind::JetStream(reply)
                    if reply.to_string().contains("no message found") =>
                {
                    Ok(())
                }
                _ => Err(BusError::nats("delete a parked message")(error)),
            },
        }
    }
}

/// A parked message of ours; anything else on the stream is not listed.
fn read(number: u64, headers: &HeaderMap, payload: &[u8]) -> Option<Parked> {
    let header = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
    Some(Parked {
        number,
        consumer: header(CONSUMER)?,
        envelope: Envelope {
            id: header(ID)?,
            subject: header(SUBJECT)?,
            tenant: TenantId::parse(&header(TENANT)?).ok()?,
            body: payload.to_vec(),
        },
        attempts: header(ATTEMPTS)?.parse().ok()?,
        reason: header(REASON)?,
    })
}
