//! A well-behaved plugin of kind `correlator`: counts failed logins per asset in its state, detects too many, forgets them
//! when a timer says so, and joins the incidents of assets that turn out to belong together.

use palisade_sdk::{Batch, Config, Correlator, Detection, Error, Severity, Story, state};
use serde::Deserialize;

struct Logins {
    settings: Settings,
}

#[derive(Deserialize)]
struct Settings {
    #[serde(default = "three")]
    threshold: u64,
}

fn three() -> u64 {
    3
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Body {
    LoginFailed,
    RunsOn {
        host: String,
    },
    #[serde(other)]
    Other,
}

/// Failed logins are forgotten after five minutes without another one.
const FORGET: u64 = 300 * 1_000_000_000;

#[palisade_sdk::correlator]
impl Correlator for Logins {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { settings: config.parse()? })
    }

    fn correlate(&self, batch: &Batch<'_>, story: &mut Story) -> Result<(), Error> {
        for timer in batch.due() {
            state::delete(&timer.key)?;
        }
        for event in batch.events() {
            let body = match event.json() {
                Ok(body) => body,
                // An error of the call would hold up the events behind it for ever.
                Err(unreadable) => {
                    story.problem(event, unreadable);
                    continue;
                }
            };
            match body {
                Body::LoginFailed => {
                    let key = format!("failed/{}", event.asset);
                    let failed = state::get_json::<u64>(&key)?.unwrap_or(0) + 1;
                    state::set_json(&key, &failed)?;
                    if failed == self.settings.threshold {
                        let evidence =
                            serde_json::json!({ "failed": failed, "threshold": self.settings.threshold });
                        let title = format!("{failed} failed logins");
                        let found = Detection::new("logins", Severity::High, title, &event.asset);
                        story.detect(found.proof([event]).incident(&event.asset).evidence(&evidence));
                    }
                    story.timer(key, event.time.saturating_add(FORGET));
                }
                Body::RunsOn { host } => story.link(host, &event.asset),
                Body::Other => {}
            }
        }
        Ok(())
    }
}
