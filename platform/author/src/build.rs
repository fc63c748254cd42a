//! From a project to its component: `build/NAME.plugin.wasm`, with the manifest inside.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use componentize::{DEBIAN_PACKAGES, TARGET, Toolchain};
use serde_json::Value;

use crate::error::{AuthorError, read, write};
use crate::project::{Language, Project, component_bytes, components};

/// Largest core module that is read. A component has to fit into 32 MiB; names of functions are dropped on the way to none.
const MODULE_BYTES_MAX: u64 = 256 * 1024 * 1024;

impl Project {
    /// Builds the component. What the compiler prints goes to standard error.
    ///
    /// # Errors
    /// [`AuthorError::ToolMissing`] says how to get what is missing; [`AuthorError::BuildFailed`].
    pub fn build(&self, output: Option<&Path>) -> Result<PathBuf, AuthorError> {
        let (name, component) = match self.language {
            Language::Rust => self.build_rust()?,
            Language::Javascript => self.build_with(&mut self.node()?, "npm ci")?,
            Language::Python => {
                self.build_with(&mut self.python()?, ".venv/bin/pip install -r requirements.txt")?
            }
        };
        let built = self.directory.join("build").join(format!("{name}.plugin.wasm"));
        let output = output.map_or(built, Path::to_owned);
        write(&output, &component)?;
        // Told apart from older than its sources by its time, even where its bytes are the same as before.
        let touched = std::fs::File::options().append(true).open(&output);
        touched
            .and_then(|file| file.set_modified(std::time::SystemTime::now()))
            .map_err(AuthorError::file("write", &output))?;
        Ok(output)
    }

    fn build_rust(&self) -> Result<(String, Vec<u8>), AuthorError> {
        let toolchain = Toolchain::present().ok_or_else(|| AuthorError::ToolMissing {
            tool: format!("a Rust compiler for {TARGET}"),
            how: format!(
                "run `rustup target add {TARGET}`, or on Debian, as root, `apt-get install --no-install-recommends {}`",
                DEBIAN_PACKAGES.join(" ")
            ),
        })?;
        let directory =
            std::fs::canonicalize(&self.directory).map_err(AuthorError::file("find", &self.directory))?;
        // Where everything is there already, no network is asked for.
        let offline = self.metadata(&toolchain, &directory, true).ok();
        let metadata = match &offline {
            Some(metadata) => metadata.clone(),
            None => self.metadata(&toolchain, &directory, false)?,
        };
        let (package, library) = cdylib(&metadata, &directory).ok_or_else(|| AuthorError::NotAProject {
            path: self.directory.clone(),
            problem: "its Cargo.toml has no library of crate-type \"cdylib\"".to_owned(),
        })?;
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| directory.join("target"), |target| directory.join(target));
        let mut cargo = toolchain.cargo(&directory);
        cargo.args(["build", "--release", "--lib", "--package", &package, "--target", TARGET]);
        cargo.args(toolchain.build_arguments()).args(offline.map(|_| "--offline"));
        cargo.env("CARGO_TARGET_DIR", &target).env("CARGO_ENCODED_RUSTFLAGS", toolchain.flags(None));
        if let Some(shared) = toolchain.shared_build_directory() {
            cargo.env("CARGO_BUILD_BUILD_DIR", shared);
        }
        run(&mut cargo)?;
        let module = target.join(TARGET).join("release").join(format!("{library}.wasm"));
        let core = read(&module, MODULE_BYTES_MAX)?;
        let component = componentize::component(&core, &self.manifest_text).map_err(|error| {
            AuthorError::BuildFailed {
                command: format!("making a component of {}", module.display()),
                problem: error.to_string(),
            }
        })?;
        Ok((package, component))
    }

    fn metadata(&self, toolchain: &Toolchain, directory: &Path, offline: bool) -> Result<Value, AuthorError> {
        let mut cargo = toolchain.cargo(directory);
        cargo.args(["metadata", "--format-version", "1"]).args(offline.then_some("--offline"));
        let failed =
            |problem: String| AuthorError::BuildFailed { command: shown(&cargo_words(offline)), problem };
        let printed = cargo.stdin(Stdio::null()).output().map_err(|error| failed(error.to_string()))?;
        if !printed.status.success() {
            let said = crate::shown::shown(String::from_utf8_lossy(&printed.stderr).trim());
            return Err(failed(said));
        }
        serde_json::from_slice(&printed.stdout).map_err(|error| failed(error.to_string()))
    }

    fn node(&self) -> Result<Command, AuthorError> {
        if !on_path("node") {
            return Err(AuthorError::ToolMissing {
                tool: "Node.js 20 or newer".to_owned(),
                how: "install it from your distribution or from nodejs.org".to_owned(),
            });
        }
        let directory =
            std::fs::canonicalize(&self.directory).map_err(AuthorError::file("find", &self.directory))?;
        let package = "node_modules/@bytecodealliance/componentize-js";
        if !directory.ancestors().any(|folder| folder.join(package).is_dir()) {
            return Err(AuthorError::ToolMissing {
                tool: "componentize-js".to_owned(),
                how: format!(
                    "run `npm ci` in {} once where a registry can be reached, or put an existing node_modules there or in a \
                     folder above",
                    self.directory.display()
                ),
            });
        }
        let mut node = Command::new("node");
        node.arg("build.mjs");
        Ok(node)
    }

    fn python(&self) -> Result<Command, AuthorError> {
        // Not resolved: a virtual environment is known by the path that its Python is called by.
        let directory =
            std::path::absolute(&self.directory).map_err(AuthorError::file("find", &self.directory))?;
        let own = directory.join(".venv/bin/python3");
        if !own.exists() && !on_path("python3") {
            return Err(AuthorError::ToolMissing {
                tool: "Python 3.11 or newer".to_owned(),
                how: "install it from your distribution or from python.org".to_owned(),
            });
        }
        if !directory.join(".venv/bin/componentize-py").exists() && !on_path("componentize-py") {
            return Err(AuthorError::ToolMissing {
                tool: "componentize-py".to_owned(),
                how: format!(
                    "run `python3 -m venv .venv && .venv/bin/pip install -r requirements.txt` in {} once where a registry can \
                     be reached, or put it on the path",
                    self.directory.display()
                ),
            });
        }
        let mut python = if own.exists() { Command::new(own) } else { Command::new("python3") };
        python.arg("build.py");
        Ok(python)
    }

    /// Runs the project's own build, which leaves one component without a manifest in `build/`.
    fn build_with(&self, command: &mut Command, install: &str) -> Result<(String, Vec<u8>), AuthorError> {
        let folder = self.directory.join("build");
        for old in components(&folder, false) {
            std::fs::remove_file(&old).map_err(AuthorError::file("remove", &old))?;
        }
        run(command.current_dir(&self.directory)).map_err(|error| match error {
            AuthorError::BuildFailed { command, problem } => AuthorError::BuildFailed {
                problem: format!("{problem}; what it printed is above; `{install}` installs what it needs"),
                command,
            },
            other => other,
        })?;
        let mut made = components(&folder, false);
        match (made.pop(), made.is_empty()) {
            (Some(path), true) => {
                let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
                Ok((name, componentize::with_manifest(component_bytes(&path)?, &self.manifest_text)))
            }
            _ => Err(AuthorError::BuildFailed {
                command: words(command),
                problem: "it has to leave exactly one component, build/NAME.wasm".to_owned(),
            }),
        }
    }
}

fn cargo_words(offline: bool) -> String {
    format!("cargo metadata{}", if offline { " --offline" } else { "" })
}

/// Names of the package in this folder and of its cdylib.
fn cdylib(metadata: &Value, directory: &Path) -> Option<(String, String)> {
    let own = directory.join("Cargo.toml");
    let packages = metadata.get("packages")?.as_array()?;
    let package = packages.iter().find(|package| {
        package.get("manifest_path").and_then(Value::as_str).is_some_and(|path| Path::new(path) == own)
    })?;
    let library = package.get("targets")?.as_array()?.iter().find(|target| {
        let kinds = target.get("crate_types").and_then(Value::as_array);
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
    })?;
    let name = |value: &Value| Some(value.get("name")?.as_str()?.to_owned());
    Some((name(package)?, name(library)?.replace('-', "_")))
}

/// Runs a command to its end. Standard output is for what palisade itself says, so the command's goes to standard error.
fn run(command: &mut Command) -> Result<(), AuthorError> {
    let failed = |words: String, problem: String| AuthorError::BuildFailed { command: words, problem };
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::from(std::io::stderr()))
        .status()
        .map_err(|error| failed(words(command), error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(words(command), status.to_string())) }
}

fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    shown(&words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
}

fn shown(words: &str) -> String {
    crate::shown::shown(words)
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

#[cfg(test)]
mod tests {
    use super::cdylib;
    use crate::project::Project;
    use std::path::Path;

    #[test]
    fn the_library_is_found_by_the_folder_and_not_by_the_order() {
        let package = |path: &str, name: &str, kind: &str| {
            serde_json::json!({ "name": name, "manifest_path": path,
                "targets": [{ "name": name, "crate_types": [kind] }] })
        };
        let metadata = serde_json::json!({ "packages": [
            package("/p/sdk/Cargo.toml", "palisade-sdk", "lib"),
            package("/p/Cargo.toml", "my-plugin", "cdylib"),
        ] });
        let found = cdylib(&metadata, Path::new("/p"));
        assert_eq!(found, Some(("my-plugin".to_owned(), "my_plugin".to_owned())));
        assert_eq!(cdylib(&metadata, Path::new("/p/sdk")), None);
    }

    #[test]
    fn a_build_that_leaves_no_component_failed() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = "id = \"a.b\"\nversion = \"1.0.0\"\npublisher = \"p\"\nlicense = \"MIT\"\ndescription = \"d\"\n\
                        [kinds.posture]\n";
        std::fs::write(folder.path().join("plugin.toml"), manifest).unwrap();
        std::fs::write(folder.path().join("build.py"), "").unwrap();
        let project = Project::open(folder.path()).unwrap();
        let builds = |script: &str| {
            let mut shell = std::process::Command::new("sh");
            project.build_with(shell.args(["-c", script]), "it")
        };
        assert!(builds("exit 3").unwrap_err().to_string().contains("exit status: 3"));
        assert!(builds("true").unwrap_err().to_string().contains("exactly one component"));
        let (name, component) = builds(
            "mkdir build && printf old > build/old.wasm && printf bytes > build/it.wasm && rm build/old.wasm",
        )
        .unwrap();
        assert_eq!(name, "it");
        assert!(component.starts_with(b"bytes\x00"));
    }
}
