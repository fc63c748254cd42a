//! Compiling in a process of its own: a module that makes the compiler take all memory or all time costs that process and
//! nothing else.
//!
//! The child gets the component through standard input, bounds itself before it looks at it, and leaves the machine code in the
//! cache, sealed like every entry; only its exit code and an error come back. The parent trusts nothing but the seal.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use wasmtime::component::Component;

use crate::cache::{Cache, EntryName};
use crate::error::{LoadError, shown};
use crate::inspect::COMPONENT_BYTES_MAX;

/// Bytes of a child's error that are read.
const ERROR_BYTES_MAX: u64 = 16 * 1024;
/// Largest file that a child writes: the machine code of the largest component.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How often the parent looks whether the child has ended.
const LOOK: Duration = Duration::from_millis(2);

/// Which program compiles, and within what bounds.
#[derive(Debug, Clone)]
pub struct Compiler {
    /// The program: it calls [`compile_as_child`].
    pub program: PathBuf,
    /// What makes it do so.
    pub arguments: Vec<OsString>,
    /// Address space of the child, in MiB. A Python guest of 18 MB needs about 1,000.
    pub memory_mib: u64,
    /// Time on the clock; processor time is bounded by twice as much on each processor.
    pub deadline: Duration,
}

impl Compiler {
    /// With the usual bounds: 4 GiB and two minutes.
    #[must_use]
    pub fn new(program: PathBuf, arguments: Vec<OsString>) -> Self {
        Self { program, arguments, memory_mib: 4_096, deadline: Duration::from_secs(120) }
    }
}

/// What a child was told besides the component, and what it says when it fails.
#[derive(Serialize, Deserialize)]
struct Failure {
    reason: String,
}

/// Compiles a component into the cache. Fails with what the compiler says, or with the bound that stopped it.
pub(crate) fn compile(compiler: &Compiler, cache: &Path, component: &[u8]) -> Result<(), LoadError> {
    let failed = |reason: String| LoadError::CompilerFailed { reason };
    let mut child = Command::new(&compiler.program)
        .args(&compiler.arguments)
        .arg(cache)
        .arg(compiler.memory_mib.to_string())
        .arg(compiler.deadline.as_secs().to_string())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(format!("{}: {error}", compiler.program.display())))?;
    let input = child.stdin.take();
    let (given, ended) = std::thread::scope(|scope| {
        // A child that dies early closes the pipe, and one that is killed too; its exit says why.
        let giving = scope.spawn(move || input.map(|mut input| input.write_all(component)));
        let ended = wait(&mut child, compiler.deadline);
        (giving.join().ok().flatten(), ended)
    });
    let mut said = Vec::new();
    if let Some(output) = child.stdout.take() {
        let _ = output.take(ERROR_BYTES_MAX).read_to_end(&mut said);
    }
    let status = match ended {
        Ok(Some(status)) => status,
        Ok(None) => {
            let what = format!("more than {} seconds to compile", compiler.deadline.as_secs());
            return Err(LoadError::NeedsTooMuch { what });
        }
        Err(error) => return Err(failed(error.to_string())),
    };
    if status.success() {
        return match given {
            Some(Ok(())) => Ok(()),
            _ => Err(failed("it did not read the component".to_owned())),
        };
    }
    match serde_json::from_slice::<Failure>(&said) {
        Ok(failure) => Err(LoadError::Compile { reason: shown(&failure.reason) }),
        Err(_) => Err(LoadError::NeedsTooMuch {
            what: format!(
                "more than {} MiB of memory to compile, or crashes the compiler ({status})",
                compiler.memory_mib
            ),
        }),
    }
}

/// Waits until the child ends, or ends it; nothing when the time was up.
fn wait(child: &mut Child, deadline: Duration) -> std::io::Result<Option<std::process::ExitStatus>> {
    let until = Instant::now() + deadline;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= until {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
}

/// What the child does: its arguments are the cache directory, MiB of memory and seconds. Reads a component from standard
/// input and writes an error as JSON to standard output.
#[must_use]
pub fn compile_as_child(arguments: &[OsString]) -> ExitCode {
    match compile_bounded(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let text = serde_json::to_string(&Failure { reason }).unwrap_or_default();
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::from(2)
        }
    }
}

fn compile_bounded(arguments: &[OsString]) -> Result<(), String> {
    let [cache, memory, seconds] = arguments else {
        return Err("expected a cache directory, MiB of memory and seconds".to_owned());
    };
    let figure = |text: &OsString| text.to_str().and_then(|text| text.parse::<u64>().ok());
    let (Some(memory), Some(seconds)) = (figure(memory), figure(seconds)) else {
        return Err("memory and time are not numbers".to_owned());
    };
    bound(memory, seconds).map_err(|error| format!("cannot bound itself: {error}"))?;
    let cache = Cache::open(Path::new(cache)).map_err(|error| error.to_string())?;
    let mut component = Vec::new();
    let most = u64::try_from(COMPONENT_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    std::io::stdin().take(most).read_to_end(&mut component).map_err(|error| error.to_string())?;
    if component.len() > COMPONENT_BYTES_MAX {
        return Err("the component is too large".to_owned());
    }
    let engine = crate::host::compiling_engine().map_err(|error| error.to_string())?;
    let compiled = Component::from_binary(&engine, &component).map_err(|e| e.root_cause().to_string())?;
    let code = compiled.serialize().map_err(|e| e.root_cause().to_string())?;
    let name = EntryName::new(&crate::inspect::digest(&component), &engine);
    cache.put(name, &code).map_err(|error| format!("cannot write the machine code: {error}"))
}

/// Bounds this process, for good.
fn bound(memory_mib: u64, seconds: u64) -> rustix::io::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let cpu = seconds.saturating_mul(2).saturating_mul(cores);
    for (resource, most) in [
        (Resource::As, memory_mib.saturating_mul(1024 * 1024)),
        (Resource::Cpu, cpu),
        (Resource::Fsize, FILE_BYTES_MAX),
        (Resource::Core, 0),
    ] {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}
