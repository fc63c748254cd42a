//! What becomes of files of rules: how many load, and what is wrong with the others.
//!
//! `cargo run -p falco-rules --example load FILE...`

use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in std::env::args().skip(1) {
        let file = rules::falco::rules(&path, &std::fs::read(&path)?)?;
        let config = json!({ "pack": false, "rules": [file] }).to_string();
        let loaded = falco_rules::load(&config).map_err(|error| format!("{error:?}"))?;
        let (rules, elsewhere) = (loaded.rules.len(), loaded.elsewhere.len());
        println!("{path}: {rules} rules load, {} errors, {elsewhere} of other sources", loaded.errors.len());
        for line in loaded.errors.iter().chain(&loaded.warnings) {
            println!("  {line}");
        }
    }
    Ok(())
}
