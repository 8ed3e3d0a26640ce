//! A PostgreSQL server of our own, started with the first database that a test asks for.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::process::{Process, free_port, give_to, is_root, new_folder, run};

/// The user as whom the server runs where the tests run as root; Debian's package makes it.
const USER: &str = "postgres";

/// Lives until the test process dies; its [`Process`] then takes the server down.
static SERVER: OnceLock<Server> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

struct Server {
    programs: PathBuf,
    port: u16,
    _process: Process,
}

/// A new empty database: its URL, `postgres://postgres@127.0.0.1:PORT/NAME`.
pub fn database() -> String {
    let server = SERVER.get_or_init(start);
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let port = server.port.to_string();
    run(Command::new(server.programs.join("createdb")).args(["-h", "127.0.0.1", "-p", &port, "-U", "postgres", &name]));
    format!("postgres://postgres@127.0.0.1:{port}/{name}")
}

/// Runs SQL against a database: rows as lines, columns separated by `|`.
pub fn query(url: &str, sql: &str) -> String {
    let server = SERVER.get_or_init(start);
    let arguments = ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql];
    let rows = run(Command::new(server.programs.join("psql")).args(arguments));
    String::from_utf8(rows).expect("UTF-8").trim_end().to_owned()
}

fn start() -> Server {
    let programs = programs();
    let folder = new_folder("postgres");
    let data = folder.join("data");
    let mut as_user = Vec::new();
    if is_root() {
        give_to(USER, &folder);
        as_user.extend(["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"].map(String::from));
    }
    let text = |path: PathBuf| path.to_str().expect("a path in UTF-8").to_owned();
    let mut initdb = as_user.clone();
    initdb.push(text(programs.join("initdb")));
    initdb.extend(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"].map(String::from));
    initdb.push(text(data.clone()));
    run(Command::new(&initdb[0]).args(&initdb[1..]).current_dir(&folder));

    let port = free_port();
    let mut server = as_user;
    server.extend([text(programs.join("postgres")), "-D".to_owned(), text(data)]);
    // Loopback only, and nothing is worth surviving a crash of the machine.
    let settings = [
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        "max_connections=300".to_owned(),
        "fsync=off".to_owned(),
        "full_page_writes=off".to_owned(),
    ];
    for setting in settings {
        server.extend(["-c".to_owned(), setting]);
    }
    let server: Vec<&str> = server.iter().map(String::as_str).collect();
    let process = Process::start(folder, "QUIT", &server);
    let ready = programs.join("pg_isready");
    process.wait_for("accept connections", || {
        let mut check = Command::new(&ready);
        check.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
        check.status().ok().filter(|status| status.success())
    });
    Server { programs, port, _process: process }
}

/// The newest server programs of this machine: Debian keeps them off the PATH.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    found.sort();
    let on_path = std::env::var_os("PATH");
    let on_path = on_path.iter().flat_map(std::env::split_paths);
    let mut folders = found.into_iter().rev().map(|(_, folder)| folder).chain(on_path);
    folders.find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file()).expect(
        "PostgreSQL's server programs are missing: install the package `postgresql`, or run `tests/run --prepare`",
    )
}
