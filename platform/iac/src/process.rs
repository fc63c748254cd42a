//! Runs `helm`, with nothing of ours around it and with an end.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Bytes of what a program complains that are kept.
const COMPLAINT_BYTES_MAX: usize = 8 * 1024;

/// Address space of the program in KiB, and seconds of processor time.
const MEMORY_KIB: u32 = 4 << 20;
const CPU_SECONDS: u32 = 60;

/// What a program may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) time: Duration,
    pub(crate) bytes: usize,
}

/// Runs a program in a folder that is its home, and gives what it printed.
///
/// # Errors
/// A sentence that says why there is nothing.
pub(crate) fn run(
    program: &Path,
    arguments: &[String],
    home: &Path,
    bounds: Bounds,
) -> Result<Vec<u8>, String> {
    let mut child = command(program, home)
        .args(arguments)
        .spawn()
        .map_err(|error| format!("{} cannot be run: {error}", program.display()))?;
    let (sender, receiver) = channel();
    let printed = child.stdout.take().map(|stream| drain(stream, false, bounds.bytes, sender.clone()));
    let complained =
        child.stderr.take().map(|stream| drain(stream, true, COMPLAINT_BYTES_MAX, sender.clone()));
    drop(sender);
    let result = collect(&mut child, &receiver, bounds);
    for thread in [printed, complained].into_iter().flatten() {
        // The pipes are closed, as the process has ended.
        let _ = thread.join();
    }
    result
}

/// The program, below a shell that bounds it where there is one.
fn command(program: &Path, home: &Path) -> Command {
    let mut command = if cfg!(unix) {
        let mut command = Command::new("/bin/sh");
        let limits =
            format!("ulimit -v {MEMORY_KIB}; ulimit -t {CPU_SECONDS}; ulimit -c 0; exec \"$0\" \"$@\"");
        command.arg("-c").arg(limits).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.env_clear().current_dir(home).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for variable in
        ["HOME", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HELM_PLUGINS", "TMPDIR"]
    {
        command.env(variable, home);
    }
    // There is no cluster to ask.
    command.env("KUBECONFIG", home.join("no-cluster")).env("HELM_NO_PLUGINS", "1");
    command
}

/// A piece of one of the two streams, or that it holds more than is allowed.
enum Piece {
    Printed(Vec<u8>),
    Complained(Vec<u8>),
    TooMuch,
}

fn drain(
    mut stream: impl Read + Send + 'static,
    complaint: bool,
    most: usize,
    sender: Sender<Piece>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let (mut buffer, mut taken) = (vec![0; 64 * 1024], 0_usize);
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            taken = taken.saturating_add(count);
            let piece = buffer.get(..count).unwrap_or_default().to_vec();
            let sent = match complaint {
                // More complaints are read, so that nobody waits, and dropped.
                true if taken > most => continue,
                true => sender.send(Piece::Complained(piece)),
                false if taken > most => sender.send(Piece::TooMuch),
                false => sender.send(Piece::Printed(piece)),
            };
            if sent.is_err() {
                return;
            }
        }
    })
}

fn collect(child: &mut Child, receiver: &Receiver<Piece>, bounds: Bounds) -> Result<Vec<u8>, String> {
    let begin = Instant::now();
    let (mut printed, mut complained) = (Vec::new(), Vec::new());
    let ended = loop {
        match receiver.recv_timeout(bounds.time.saturating_sub(begin.elapsed())) {
            Ok(Piece::Printed(piece)) => printed.extend(piece),
            Ok(Piece::Complained(piece)) => complained.extend(piece),
            Ok(Piece::TooMuch) => break Err(format!("it printed more than {} bytes", bounds.bytes)),
            Err(RecvTimeoutError::Timeout) => {
                break Err(format!("it took more than {} s", bounds.time.as_secs()));
            }
            Err(RecvTimeoutError::Disconnected) => break Ok(()),
        }
    };
    if ended.is_err() {
        // It may have ended by itself.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| format!("nobody knows how it ended: {error}"))?;
    ended?;
    if status.success() {
        return Ok(printed);
    }
    let said = String::from_utf8_lossy(&complained);
    let said = said.trim().strip_prefix("Error: ").unwrap_or(said.trim()).to_owned();
    Err(if said.is_empty() { format!("it ended with {status}") } else { said })
}
