//! Publishes and consumes on an embedded bus until it is killed, and says on standard output what was confirmed:
//! `published <id>` and `acknowledged <id>`. The kill test starts this and kills it.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use bus::{Bus, ConsumerOptions, EmbeddedOptions, Envelope};
use model::TenantId;

fn say(what: &str, id: &str) {
    let mut out = std::io::stdout().lock();
    // A reader that is gone means that the test is over.
    if writeln!(out, "{what} {id}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

#[tokio::main]
async fn main() -> Result<(), bus::BusError> {
    let mut arguments = std::env::args().skip(1);
    let (Some(dir), Some(round)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: publish_and_consume DIRECTORY ROUND");
        std::process::exit(2);
    };
    let options = EmbeddedOptions {
        segment_bytes: 16 << 10,
        dedupe_window: Duration::from_millis(50),
        ..EmbeddedOptions::default()
    };
    let bus = Bus::embedded_with(&PathBuf::from(dir), options).await?;
    let options = ConsumerOptions::new("worker", "scan.*");
    let options = ConsumerOptions { max_deliver: 1000, in_flight_max: 1_000_000, ..options };
    let consumer = bus.consumer(options).await?;
    for publisher in 0..8 {
        let (bus, round) = (bus.clone(), round.clone());
        tokio::spawn(async move {
            for number in 0u64.. {
                let id = format!("{round}-{publisher}-{number}");
                let envelope = Envelope {
                    id: id.clone(),
                    subject: "scan.requested".into(),
                    tenant: TenantId::default_tenant(),
                    body: vec![b'x'; usize::try_from(number % 700).unwrap_or_default()],
                };
                if bus.publish(&envelope).await.is_ok() {
                    say("published", &id);
                }
            }
        });
    }
    // Half as many are acknowledged as published, so that there is always something left over.
    loop {
        let delivery = consumer.next().await?;
        let id = delivery.envelope().id.clone();
        if id.ends_with(['0', '2', '4', '6', '8']) {
            delivery.ack().await?;
            say("acknowledged", &id);
        }
    }
}
