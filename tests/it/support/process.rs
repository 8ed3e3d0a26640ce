//! Processes that cannot outlive the test: each runs under a shell that waits on a pipe from us.
//!
//! When the pipe closes, because the value was dropped or this process died in whatever way, the shell
//! kills its child and removes its folder. It sits in a process group of its own, so that an interrupt at
//! the terminal ends the tests first and the shell then does its work.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

/// How long a process may take to answer, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Arguments: folder to remove, file of the output, signal that ends the child, the child's command.
const WATCHDOG: &str = r#"
folder=$1 log=$2 signal=$3
shift 3
"$@" >"$log" 2>&1 </dev/null &
child=$!
echo "$child"
exec >/dev/null 2>&1
read -r _
kill -s "$signal" "$child"
wait "$child"
rm -rf "$folder"
"#;

/// A running process and its folder; both are gone when this is dropped.
pub struct Process {
    name: String,
    watchdog: Child,
    leash: Option<ChildStdin>,
    pid: u32,
    folder: PathBuf,
}

impl Process {
    /// Starts `command` with its output in `folder`, which it owns from now on.
    pub fn start(folder: PathBuf, signal: &str, command: &[&str]) -> Process {
        let log = log_in(&folder);
        let mut watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .args([folder.as_os_str(), log.as_os_str()])
            .arg(signal)
            .args(command)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh starts");
        let leash = watchdog.stdin.take();
        let mut line = String::new();
        let output = watchdog.stdout.take().expect("its output is a pipe");
        BufReader::new(output).read_line(&mut line).expect("the watchdog writes a line");
        let pid = line.trim().parse().expect("the line is the child's id");
        Process { name: command.join(" "), watchdog, leash, pid, folder }
    }

    /// The process's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits for `done` to give something; panics with the process's output when that takes too long or
    /// the process has ended.
    pub fn wait_for<T>(&self, what: &str, done: impl Fn() -> Option<T>) -> T {
        let begin = Instant::now();
        loop {
            if let Some(result) = done() {
                return result;
            }
            let ended = self.has_ended();
            if ended || begin.elapsed() > PATIENCE {
                let why = if ended { "it ended" } else { "it took too long" };
                let log = fs::read_to_string(log_in(&self.folder)).unwrap_or_default();
                panic!("`{}` did not {what}: {why}. Its output:\n{log}", self.name);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until somebody listens on the port.
    pub fn wait_for_port(&self, port: u16) {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        self.wait_for("listen", || TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok());
    }

    /// Waits until the process has written the port it chose into the file `port` of its folder.
    pub fn wait_for_chosen_port(&self) -> u16 {
        let file = self.folder.join("port");
        self.wait_for("choose a port", || fs::read_to_string(&file).ok()?.trim().parse().ok())
    }

    /// Whether the child is gone, or dead and not yet collected by the watchdog.
    fn has_ended(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        // The state stands behind the name, which is in parentheses and may contain anything.
        status.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.leash.take());
        let begin = Instant::now();
        while let Ok(None) = self.watchdog.try_wait() {
            if begin.elapsed() > PATIENCE {
                eprintln!("`{}` did not end", self.name);
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A new folder for a process. It is not removed by itself: [`Process::start`] takes it over.
pub fn new_folder(name: &str) -> PathBuf {
    let folder = tempfile::Builder::new().prefix(&format!("winback-{name}-")).tempdir().expect("a temporary folder");
    folder.keep()
}

/// A port of 127.0.0.1 that was free a moment ago: for programs that cannot choose one themselves.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Whether the tests run as root, whom PostgreSQL and Postfix refuse.
pub fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id starts");
    output.stdout.trim_ascii() == b"0"
}

/// Gives a folder to a user of the system.
pub fn give_to(user: &str, folder: &Path) {
    run(Command::new("chown").arg("-R").arg(format!("{user}:")).arg(folder));
}

/// Sends a signal (`INT`, `TERM`) to a process of the test's own.
pub fn signal(child: &Child, name: &str) {
    run(Command::new("kill").args(["-s", name, &child.id().to_string()]));
}

/// Waits for a process of the test's own: its exit code and how long it took. Panics when it does not end.
pub fn wait(child: &mut Child) -> (Option<i32>, Duration) {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("its state") {
            return (status.code(), begin.elapsed());
        }
        if begin.elapsed() > PATIENCE {
            child.kill().expect("ours to kill");
            panic!("the process does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs a command to its end and panics with what it said if it fails.
pub fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {}\n{said}", output.status);
    output.stdout
}

/// The objects that a receiver has written so far, one per line; a line it is still writing does not count.
pub fn json_lines<T: DeserializeOwned>(file: &Path) -> Vec<T> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let complete = text.rsplit_once('\n').map_or("", |(complete, _)| complete);
    complete.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// The Python that has the packages of `tests/requirements.txt`.
pub fn python() -> PathBuf {
    let made_by_run = || {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("winback-tests/venv/bin/python"))
    };
    let python = std::env::var_os("WINBACK_TEST_PYTHON").map(PathBuf::from).or_else(made_by_run);
    let python = python.filter(|python| python.exists());
    python.expect("the Python environment of the tests is missing: run `tests/run --prepare` once")
}

/// A Python program of this folder.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support").join(name)
}

fn log_in(folder: &Path) -> PathBuf {
    folder.join("output.log")
}
