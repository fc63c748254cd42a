//! House law that no compiler knows: each technology in one crate, `unsafe` in named modules, licences that we may ship, no licensed text in
//! the compliance catalogues, no machine's paths, no file that has grown into two.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// Which crate alone may name a technology. `tests`, `fuzz` and `xtask` drive the product from outside and are not asked.
const OWNERS: [(&str, &str); 27] = [
    ("async-nats", "bus"),
    ("axum", "api"),
    ("utoipa-axum", "api"),
    ("rust-embed", "api"),
    ("sqlx", "store"),
    ("wasmtime", "host"),
    ("wasmparser", "host"),
    ("ureq", "egress"),
    ("rustls", "admission, egress"),
    ("tokio-rustls", "admission"),
    ("rcgen", "admission"),
    ("kube", "cluster"),
    ("k8s-openapi", "cluster"),
    ("memmap2", "advisories"),
    ("flate2", "advisories, api, image"),
    ("zstd", "evidence, image, store"),
    ("krilla", "evidence"),
    ("skrifa", "evidence"),
    ("aho-corasick", "image"),
    ("globset", "host, image"),
    ("clap", "palisade"),
    ("aws-lc-rs", "distribution, identity"),
    ("jsonwebtoken", "identity"),
    ("rmcp", "mcp"),
    ("rustls-webpki", "distribution"),
    ("wit-component", "componentize"),
    ("saphyr-parser", "yaml"),
];

/// Modules that may use `unsafe`, each with why.
const UNSAFE_MODULES: [(&str, &str); 2] = [
    ("platform/advisories/src/index/mapping.rs", "maps the index file"),
    ("platform/host/src/compiled.rs", "loads machine code that this host wrote itself"),
];

/// Licences of dependencies that may be shipped, as SPDX terms.
const LICENSES: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Zlib",
];

const FILE_BYTES_MAX: u64 = 40_000;

/// Runs every check and reports all that is wrong at once.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut wrong = Vec::new();
    technologies(root, &mut wrong)?;
    licenses(root, &mut wrong)?;
    crate::attack_map::check(root, &mut wrong)?;
    crate::catalogues::check(root, &mut wrong)?;
    crate::codes::check(root, &mut wrong)?;
    crate::contract::check(root, &mut wrong)?;
    crate::guides::check(root, &mut wrong)?;
    let files = tracked_files(root)?;
    for file in &files {
        unsafe_code(root, file, &mut wrong)?;
        size(root, file, &mut wrong)?;
        machine_paths(root, file, &mut wrong)?;
    }
    if !wrong.is_empty() {
        bail!("the house law is broken in {} places:\n  {}", wrong.len(), wrong.join("\n  "));
    }
    println!(
        "checks: {} files, each technology in its crate, licences allowed, a page for every code, no licensed text, the published contract untouched",
        files.len()
    );
    Ok(())
}

fn metadata(root: &Path, arguments: &[&str]) -> Result<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root)
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(arguments)
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("cannot read cargo metadata")
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn technologies(root: &Path, wrong: &mut Vec<String>) -> Result<()> {
    let owners: BTreeMap<&str, &str> = OWNERS.into_iter().collect();
    let metadata = metadata(root, &["--no-deps"])?;
    for package in list(&metadata, "packages") {
        let name = text(package, "name");
        if matches!(name, "tests" | "fuzz" | "xtask") {
            continue;
        }
        let shipped = list(package, "dependencies").filter(|dependency| text(dependency, "kind") != "dev");
        for dependency in shipped.map(|dependency| text(dependency, "name")) {
            let Some(allowed) = owners.get(dependency) else { continue };
            if !allowed.split(", ").any(|owner| owner == name) {
                wrong.push(format!("{name} names {dependency}, which is the business of {allowed}"));
            }
        }
    }
    Ok(())
}

fn licenses(root: &Path, wrong: &mut Vec<String>) -> Result<()> {
    let metadata = metadata(root, &[])?;
    for package in list(&metadata, "packages") {
        let license = text(package, "license");
        if !license_allowed(license) {
            wrong.push(format!(
                "{} {} has the licence {license:?}",
                text(package, "name"),
                text(package, "version")
            ));
        }
    }
    Ok(())
}

/// Whether an SPDX expression can be met with allowed licences: some alternative of `OR` whose every part of `AND` is
/// allowed. Parentheses are read as the grouping that crates use them for: alternatives inside a conjunction.
fn license_allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    if let Some((inside, rest)) = expression.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        let rest = rest.trim();
        return match rest.strip_prefix("AND ") {
            Some(rest) => license_allowed(inside) && license_allowed(rest),
            None => license_allowed(inside) || rest.strip_prefix("OR ").is_some_and(license_allowed),
        };
    }
    if let Some((before, group)) = expression.split_once(" AND (") {
        return license_allowed(before) && license_allowed(&format!("({group}"));
    }
    let alternative = |terms: &str| terms.split(" AND ").all(|term| LICENSES.contains(&term.trim()));
    expression.split(" OR ").any(alternative)
}

fn tracked_files(root: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .context("cannot run git")?;
    let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let files = names.map(|name| PathBuf::from(String::from_utf8_lossy(name).into_owned()));
    Ok(files.filter(|file| root.join(file).is_file()).collect())
}

fn has_extension(file: &Path, extensions: &[&str]) -> bool {
    file.extension().and_then(|found| found.to_str()).is_some_and(|found| extensions.contains(&found))
}

fn unsafe_code(root: &Path, file: &Path, wrong: &mut Vec<String>) -> Result<()> {
    let guest = file.starts_with("plugins") || file.starts_with("tests/guests");
    let named = UNSAFE_MODULES.iter().any(|(module, _)| Path::new(module) == file);
    if guest || named || !has_extension(file, &["rs"]) || file.ends_with("xtask/src/check.rs") {
        return Ok(());
    }
    let source = std::fs::read_to_string(root.join(file))?;
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    if code
        .into_iter()
        .any(|line| line.contains("unsafe {") || line.contains("unsafe fn") || line.contains("unsafe impl"))
    {
        wrong.push(format!("{}: unsafe code outside the named modules", file.display()));
    }
    Ok(())
}

fn size(root: &Path, file: &Path, wrong: &mut Vec<String>) -> Result<()> {
    let bytes = std::fs::metadata(root.join(file))?.len();
    if has_extension(file, &["rs", "ts", "tsx", "css", "py", "mjs"]) && bytes > FILE_BYTES_MAX {
        wrong.push(format!(
            "{}: {bytes} bytes; a file is one idea, and {FILE_BYTES_MAX} is the end",
            file.display()
        ));
    }
    Ok(())
}

/// Homes and checkouts of the machines we work on must not get into the tree.
fn machine_paths(root: &Path, file: &Path, wrong: &mut Vec<String>) -> Result<()> {
    if !has_extension(file, &["rs", "ts", "tsx", "toml", "json", "md", "mjs", "sh", "yml", "yaml"]) {
        return Ok(());
    }
    let source = String::from_utf8_lossy(&std::fs::read(root.join(file))?).into_owned();
    let folders = ["work", "farm"].map(|name| format!("/{name}/"));
    let found = source.lines().position(|line| {
        folders.iter().any(|folder| {
            line.match_indices(folder.as_str()).any(|(at, _)| {
                line.get(..at).is_some_and(|before| {
                    !before.ends_with(|c: char| c.is_ascii_alphanumeric() || "._-*}".contains(c))
                })
            })
        })
    });
    if let Some(line) = found {
        wrong.push(format!("{}:{}: a path of one machine", file.display(), line + 1));
    }
    if file.ends_with("package-lock.json") && source.contains("\"resolved\": \"http") {
        wrong.push(format!("{}: names where packages were fetched", file.display()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::license_allowed;

    #[test]
    fn an_expression_is_allowed_when_one_way_to_meet_it_is() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "ISC AND (Apache-2.0 OR ISC)",
            "Apache-2.0 WITH LLVM-exception",
            "(Apache-2.0 OR MIT) AND BSD-3-Clause",
        ] {
            assert!(license_allowed(good), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND AGPL-3.0", "LGPL-2.1"] {
            assert!(!license_allowed(bad), "{bad}");
        }
    }
}
