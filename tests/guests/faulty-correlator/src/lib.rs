//! Judges events until one of them says that it should not: `fault-trap` ends the call in a trap, `fault-loop` never.

use palisade_sdk::{Batch, Config, Correlator, Error, Story, state};

struct Faulty;

fn says(body: &[u8], word: &str) -> bool {
    body.windows(word.len()).any(|part| part == word.as_bytes())
}

#[palisade_sdk::correlator]
impl Correlator for Faulty {
    fn new(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }

    fn correlate(&self, batch: &Batch<'_>, _story: &mut Story) -> Result<(), Error> {
        for event in batch.events() {
            let seen: u64 = state::get_json("seen")?.unwrap_or(0);
            state::set_json("seen", &(seen + 1))?;
            assert!(!says(&event.body, "fault-trap"), "asked to fail");
            let mut turn = seen;
            while says(&event.body, "fault-loop") {
                turn = std::hint::black_box(turn.wrapping_add(1));
            }
        }
        Ok(())
    }
}
