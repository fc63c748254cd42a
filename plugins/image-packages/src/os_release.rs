//! The distribution: `os-release`.

use palisade_sdk::OperatingSystem;

pub(crate) fn parse(text: &str) -> Option<OperatingSystem> {
    let id = text.lines().find_map(|line| line.strip_prefix("ID="))?;
    Some(OperatingSystem::new(id))
}
