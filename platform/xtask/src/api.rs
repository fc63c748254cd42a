//! `cargo xtask api`: the API against its own document. What it asks is told in `tests/api/README.md`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::build::npm_install;
use crate::server::Server;
use crate::toolchain::run;
use crate::{prepare, test};

/// Made-up inputs for each operation, and phase, of a usual run and of a full one: about 3,000 and 20,000 requests.
const EXAMPLES: (&str, &str) = ("10", "150");

/// Lints the document, compiles what is generated from it, and holds a server to it. The binary must have been built.
pub(crate) fn run_all(root: &Path, full: bool) -> Result<()> {
    let folder = root.join("tests/api");
    let work = root.join("target/api-test");
    if work.exists() {
        std::fs::remove_dir_all(&work).with_context(|| format!("cannot clear {}", work.display()))?;
    }
    std::fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
    npm_install(&folder)?;
    let python = prepare::python_tools(root, &folder.join("requirements.txt"), "api")?;
    lint(&folder)?;
    typescript(&folder, &work)?;
    python_client(&folder, &work, &python)?;
    requests(root, &folder, &work, &python, if full { EXAMPLES.1 } else { EXAMPLES.0 })
}

fn tool(folder: &Path, name: &str) -> Command {
    let mut command = Command::new(folder.join("node_modules/.bin").join(name));
    command.current_dir(folder).env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    command
}

const DOCUMENT: &str = "../../platform/openapi.json";

fn lint(folder: &Path) -> Result<()> {
    let spectral = ["lint", "--ruleset", "spectral.yaml", "--fail-severity", "hint", DOCUMENT];
    run(tool(folder, "spectral").args(spectral))?;
    // It fails for errors alone, and says nothing where it counts none of either.
    let output = tool(folder, "redocly")
        .args(["lint", "--config", "redocly.yaml", "--format", "json", DOCUMENT])
        .output()
        .context("cannot run redocly")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let report: Value = serde_json::from_str(&text).with_context(|| format!("redocly said {text:?}"))?;
    let total = |kind| report.pointer(kind).and_then(Value::as_u64);
    anyhow::ensure!(
        total("/totals/errors") == Some(0) && total("/totals/warnings") == Some(0),
        "redocly finds fault with platform/openapi.json: {text}"
    );
    Ok(())
}

fn typescript(folder: &Path, work: &Path) -> Result<()> {
    let mut generate = tool(folder, "openapi-ts");
    generate.args(["-i", DOCUMENT, "-c", "@hey-api/client-fetch", "--no-log-file", "-o"]);
    run(generate.arg(work.join("typescript")))?;
    run(tool(folder, "tsc").args(["-p", "."]))
}

fn python_client(folder: &Path, work: &Path, python: &Path) -> Result<()> {
    let main = "import sys; from openapi_python_client.cli import app; sys.exit(app())";
    let client = work.join("python/palisade_client");
    let mut generate = Command::new(python);
    generate.current_dir(folder).args([
        "-c",
        main,
        "generate",
        "--meta",
        "none",
        "--config",
        "python-client.yaml",
    ]);
    generate.args(["--fail-on-warning", "--overwrite", "--path", DOCUMENT, "--output-path"]).arg(&client);
    run(&mut generate)?;
    // Every module is imported: a name that is wrong shows then, not when it is compiled.
    let import = "import importlib, pkgutil, palisade_client as c\n\
                  names = [m.name for m in pkgutil.walk_packages(c.__path__, 'palisade_client.')]\n\
                  assert len(names) > 100, names\n\
                  for name in names: importlib.import_module(name)\n\
                  print(f'the Python client has {len(names)} modules')";
    run(Command::new(python).current_dir(work.join("python")).args(["-c", import]))
}

fn requests(root: &Path, folder: &Path, work: &Path, python: &Path, examples: &str) -> Result<()> {
    let binary = test::tested_binary(root);
    let data = work.join("data");
    let mut import = Command::new(&binary);
    import.arg("--data-dir").arg(&data).args(["import", "--source", "trivy"]);
    run(import.arg(folder.join("report.json")))?;
    let server = Server::start(&binary, &data, "127.0.0.1:0", &[])?;
    let scan = |kind, fixture| -> Result<String> {
        let path = root.join("tests/fixtures").join(fixture).display().to_string();
        let scan = server.scan(kind, &path, Duration::from_secs(120))?;
        let asset = scan.get("asset").and_then(Value::as_str);
        Ok(asset.with_context(|| format!("the scan of the {kind} has no asset: {scan}"))?.to_owned())
    };
    scan("directory", "rootfs")?;
    let cluster = scan("cluster", "cluster")?;
    let account = scan("account", "account/acme.json")?;
    let made = server.api.post("/api/v1/runtime/sources", &json!({ "name": "falco", "format": "falco" }))?;
    let source = made.get("token").and_then(Value::as_str).context("the source has no token")?;
    let main = "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())";
    let mut checks = Command::new(python);
    // Its memory of failures would be the folder's it is started in.
    checks
        .current_dir(work)
        .env("SOURCE_TOKEN", source)
        .env("PALISADE_TOKEN", &server.token)
        .env("CLUSTER", cluster)
        .env("ACCOUNT", account)
        .args(["-c", main]);
    checks.arg("--config-file").arg(folder.join("schemathesis.toml")).arg("run");
    checks.arg(format!("{}/api/v1/openapi.json", server.url.trim_end_matches('/')));
    checks.args(["--checks", "all", "--max-examples", examples, "--seed", "1", "--continue-on-failure"]);
    run(checks.args(["--request-timeout", "30", "--suppress-health-check", "all"]))
}
