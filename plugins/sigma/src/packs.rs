//! The packs that are built in.

use serde_json::Value;

use crate::text::shown;

/// Every pack with the documents of its file, as `build.rs` read them.
const PACKS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/packs.rs"));

/// The documents of the chosen packs; of all where none are chosen.
pub(crate) fn documents(chosen: Option<&[String]>) -> Result<Vec<Value>, String> {
    if let Some(missing) =
        chosen.into_iter().flatten().find(|name| !PACKS.iter().any(|(pack, _)| pack == name))
    {
        let known: Vec<&str> = PACKS.iter().map(|(pack, _)| *pack).collect();
        return Err(format!("packs: {:?} is none; there are {}", shown(missing), known.join(", ")));
    }
    let mut all = Vec::new();
    for (pack, text) in PACKS {
        if chosen.is_none_or(|chosen| chosen.iter().any(|name| name == pack)) {
            let documents: Vec<Value> = serde_json::from_str(text)
                .map_err(|error| format!("packs: {pack} is not readable: {error}"))?;
            all.extend(documents);
        }
    }
    Ok(all)
}
