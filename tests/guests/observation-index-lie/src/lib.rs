//! Proves a control by observations that it was not given.

use contract::{ControlResult, ControlStatus, Error, Observation};

contract::compliance!(assess);

fn assess(observations: Vec<Observation>) -> Result<Vec<ControlResult>, Error> {
    let end = u32::try_from(observations.len()).unwrap_or(u32::MAX);
    Ok(vec![ControlResult {
        control: "example:1".to_owned(),
        status: ControlStatus::Met,
        items: vec![end, u32::MAX],
        rationale: "seen elsewhere".to_owned(),
    }])
}
