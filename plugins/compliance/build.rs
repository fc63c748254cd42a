//! Compiles the catalogues in: one compact JSON text for each framework, so that a call reads only the one it is about, and
//! a table of them. A catalogue that breaks its format breaks the build.

#[path = "build/catalogue.rs"]
mod catalogue;
#[path = "build/order.rs"]
mod order;

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use catalogue::{Control, Framework};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("catalogues");
    let output = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=build");
    let frameworks = catalogue::read_all(&folder)?;
    let mut table = String::from("static FRAMEWORKS: &[(&str, &[u8])] = &[\n");
    for framework in &frameworks {
        let id = &framework.id;
        fs::write(output.join(format!("{id}.json")), serde_json::to_vec(&compact(framework))?)?;
        writeln!(table, "    ({id:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{id}.json\"))),")?;
    }
    table.push_str("];\n");
    fs::write(output.join("frameworks.rs"), table)?;
    Ok(())
}

/// What the guest reads of a framework (`src/catalogue.rs`): lists in place of keys, and nothing that no judgement needs.
fn compact(framework: &Framework) -> impl serde::Serialize {
    let controls: Vec<_> = framework.controls.iter().map(compact_control).collect();
    (framework.id.clone(), controls)
}

fn compact_control(control: &Control) -> impl serde::Serialize + use<> {
    let rules: Vec<_> = control.rules.iter().map(|map| (map.rule.clone(), map.why.clone())).collect();
    (control.id.clone(), control.title.clone(), control.assessment, rules)
}
