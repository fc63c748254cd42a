//! Counts failed logins per asset, detects too many of them, and forgets them when none came for five minutes.

use palisade_sdk::{Batch, Config, Correlator, Detection, Error, Severity, Story, state};
use serde::Deserialize;

#[derive(Deserialize)]
struct Logins {
    #[serde(default = "five")]
    threshold: u64,
}

fn five() -> u64 {
    5
}

/// Nanoseconds, as all times of events.
const FORGET: u64 = 300 * 1_000_000_000;

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "type")]
    kind: String,
}

#[palisade_sdk::correlator]
impl Correlator for Logins {
    fn new(config: &Config) -> Result<Self, Error> {
        config.parse()
    }

    fn correlate(&self, batch: &Batch<'_>, story: &mut Story) -> Result<(), Error> {
        for timer in batch.due() {
            state::delete(&timer.key)?;
        }
        for event in batch.events() {
            let kind = match event.json() {
                Ok(Body { kind }) => kind,
                // A gap that is told of. An error of the call would hold up the events behind it.
                Err(unreadable) => {
                    story.problem(event, unreadable);
                    continue;
                }
            };
            if kind != "login-failed" {
                continue;
            }
            let key = format!("failed/{}", event.asset);
            let failed = state::get_json::<u64>(&key)?.unwrap_or(0) + 1;
            state::set_json(&key, &failed)?;
            if failed == self.threshold {
                let found = Detection::new(
                    "logins",
                    Severity::High,
                    format!("{failed} failed logins"),
                    &event.asset,
                );
                story.detect(found.proof([event]).incident(&event.asset));
            }
            story.timer(key, event.time + FORGET);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FORGET, Logins};
    use palisade_sdk::testing::Fakes;
    use palisade_sdk::{Correlation, Event, Timer};
    use serde_json::json;

    fn failed(count: u64) -> Vec<Event> {
        let body = json!({ "type": "login-failed" });
        (0..count)
            .map(|time| Event::new(format!("e{time}"), time, "test", "host:a", &body))
            .collect()
    }

    fn correlate(events: &[Event], due: &[Timer]) -> Correlation {
        palisade_sdk::correlate::<Logins>(r#"{"threshold": 3}"#, events, due, 10).unwrap()
    }

    #[test]
    fn the_count_goes_on_from_call_to_call() {
        let fakes = Fakes::new().state(1_024).install();
        assert!(correlate(&failed(2), &[]).detections.is_empty());
        let correlation = correlate(&failed(1), &[]);
        assert_eq!(correlation.detections[0].items, [0]);
        assert_eq!(correlation.timers[0].time, FORGET);
        assert_eq!(fakes.state()["failed/host:a"], b"3");
    }

    #[test]
    fn an_odd_event_is_told_of_and_the_others_count() {
        let _fakes = Fakes::new().state(1_024).install();
        let odd = Event::new("odd", 0, "test", "host:a", "text");
        let correlation = correlate(&[vec![odd], failed(3)].concat(), &[]);
        assert_eq!(correlation.problems[0].item, 0);
        assert_eq!(correlation.detections[0].items, [3]);
    }

    #[test]
    fn a_timer_forgets() {
        let fakes = Fakes::new()
            .state(1_024)
            .entry("failed/host:a", "2")
            .install();
        let timer = Timer {
            key: "failed/host:a".to_owned(),
            time: 5,
        };
        assert!(correlate(&failed(1), &[timer]).detections.is_empty());
        assert_eq!(fakes.state()["failed/host:a"], b"1");
    }
}
