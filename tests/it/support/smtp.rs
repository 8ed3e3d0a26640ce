//! SMTP receivers: Postfix's `smtp-sink` for speed and whole-server faults, and one in Python that answers
//! address by address.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use serde::Deserialize;

use super::process::{Process, free_port, give_to, is_root, json_lines, new_folder, python, run, script};

/// A message that a receiver took.
#[derive(Debug, Clone)]
pub struct Received {
    /// The text of `Message-ID`, with its angle brackets.
    pub message_id: Option<String>,
    /// The envelope's sender, without angle brackets.
    pub sender: String,
    /// The envelope's recipients, without angle brackets.
    pub recipients: Vec<String>,
    /// The message as it came; from `smtp-sink` with LF line ends.
    pub raw: Vec<u8>,
}

impl Received {
    fn new(sender: String, recipients: Vec<String>, raw: Vec<u8>) -> Received {
        let header = String::from_utf8_lossy(&raw).replace("\r\n", "\n");
        let header = header.split("\n\n").next().unwrap_or_default().replace("\n ", " ").replace("\n\t", " ");
        let ids = header.lines().filter_map(|line| line.split_once(':'));
        let mut ids = ids.filter(|(name, _)| name.eq_ignore_ascii_case("message-id"));
        Received { message_id: ids.next().map(|(_, id)| id.trim().to_owned()), sender, recipients, raw }
    }
}

/// A running `smtp-sink`.
pub struct Sink {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    process: Process,
}

impl Sink {
    /// Starts it with options of its own, for example `["-f", "RCPT"]` to refuse every recipient.
    pub fn start(options: &[&str]) -> Sink {
        let folder = new_folder("smtp-sink");
        let dumps = dumps_in(&folder);
        fs::create_dir(&dumps).expect("a folder for the messages");
        let program = ["/usr/sbin/smtp-sink", "/usr/bin/smtp-sink"].into_iter().find(|path| Path::new(path).exists());
        let program =
            program.expect("`smtp-sink` is missing: install the package `postfix`, or run `tests/run --prepare`");
        let port = free_port();
        // One file per message: the template's prefix and a hexadecimal number.
        let template = dumps.join("message.");
        let address = format!("127.0.0.1:{port}");
        let mut command = vec![program];
        if is_root() {
            fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("our own folder");
            give_to("postfix", &dumps);
            command.extend(["-u", "postfix"]);
        }
        command.extend(options);
        command.extend(["-d", template.to_str().expect("a path in UTF-8"), &address, "1024"]);
        let process = Process::start(folder, "KILL", &command);
        process.wait_for_port(port);
        Sink { port, process }
    }

    /// Its URL, for a client without TLS.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}?tls=none", self.port)
    }

    /// How many messages it took so far or is just taking: a rough figure, cheap to ask at any time.
    pub fn progress(&self) -> usize {
        fs::read_dir(dumps_in(self.process.folder())).map_or(0, Iterator::count)
    }

    /// What it took so far. To be asked when no conversation is under way: it begins a file with the message,
    /// and removes it again if the message does not end.
    pub fn messages(&self) -> Vec<Received> {
        let mut files: Vec<PathBuf> = fs::read_dir(dumps_in(self.process.folder()))
            .expect("the folder of the messages")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort();
        files.iter().filter_map(|file| parse_dump(&fs::read(file).ok()?)).collect()
    }
}

fn dumps_in(folder: &Path) -> PathBuf {
    folder.join("messages")
}

/// A server that lets clients connect and never says a word.
pub struct Stalled {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    clients: mpsc::Receiver<()>,
}

impl Stalled {
    /// Starts it; it ends with the test process.
    pub fn start() -> Stalled {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (seen, clients) = mpsc::channel();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for client in listener.incoming() {
                held.push(client);
                if seen.send(()).is_err() {
                    return;
                }
            }
        });
        Stalled { port, clients }
    }

    /// Waits for a client that came since the last call.
    pub fn wait_for_client(&self) {
        while self.clients.try_recv().is_ok() {}
        self.clients.recv_timeout(Duration::from_secs(30)).expect("somebody connects");
    }
}

/// Reads a dump: the sink's own headers, of which the last is a `Received` of three lines, then the message.
fn parse_dump(dump: &[u8]) -> Option<Received> {
    let mut sender = String::new();
    let mut recipients = Vec::new();
    let mut rest = dump;
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        match line.split_once(": ") {
            Some(("X-Mail-Args", arguments)) => sender = path_of(arguments),
            Some(("X-Rcpt-Args", arguments)) => recipients.push(path_of(arguments)),
            Some(("Received", _)) => break,
            _ => {}
        }
    }
    while rest.first().is_some_and(|byte| *byte == b'\t' || *byte == b' ') {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        rest = &rest[end + 1..];
    }
    // The sink writes an empty line after the message.
    let message = rest.strip_suffix(b"\n")?;
    Some(Received::new(sender, recipients, message.to_vec()))
}

/// The address in `<a@example.com> BODY=8BITMIME`.
fn path_of(arguments: &str) -> String {
    let path = arguments.split_once('>').map_or(arguments, |(path, _)| path);
    path.trim_start_matches('<').to_owned()
}

/// How the scripted receiver is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Plain text, nobody needs to log in.
    Plain,
    /// STARTTLS with [`Scripted::certificate`], then AUTH as `winback` with the password `secret`.
    StartTls,
}

/// A receiver that answers by the first letters of the recipient's local part:
///
/// | local part | answer |
/// |---|---|
/// | `no550` | 550 5.1.1 at RCPT |
/// | `policy550` | 550 5.7.1 at RCPT |
/// | `later450` | 450 4.2.1 at RCPT, always |
/// | `once450` | 450 4.2.1 at RCPT, the first time |
/// | `full552` | 552 5.2.2 at RCPT |
/// | `dot451` | 451 4.3.0 to the final dot |
/// | `dot554` | 554 5.6.0 to the final dot |
/// | `slow` | takes the message and answers after two seconds |
/// | `drop` | takes the message and closes without an answer |
/// | anything else | takes the message |
pub struct Scripted {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    process: Process,
}

impl Scripted {
    /// Starts it.
    pub fn start(security: Security) -> Scripted {
        let folder = new_folder("smtp");
        let text = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
        let mut command = vec![text(&python()), text(&script("smtp_server.py")), text(&folder)];
        if security == Security::StartTls {
            make_certificate(&folder);
            command.push("starttls".to_owned());
        }
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let process = Process::start(folder, "KILL", &command);
        let port = process.wait_for_chosen_port();
        process.wait_for_port(port);
        Scripted { port, process }
    }

    /// The self-signed certificate (PEM) of `localhost` and 127.0.0.1, for the client's trust store.
    pub fn certificate(&self) -> PathBuf {
        self.process.folder().join("certificate.pem")
    }

    /// What it took so far, in that order; messages of `drop` addresses are among them.
    pub fn messages(&self) -> Vec<Received> {
        #[derive(Deserialize)]
        struct Line {
            sender: String,
            recipients: Vec<String>,
            /// One character per byte.
            raw: String,
        }
        let lines: Vec<Line> = json_lines(&self.process.folder().join("accepted.jsonl"));
        let bytes = |raw: String| raw.chars().map(|byte| u8::try_from(byte).expect("a byte")).collect();
        lines.into_iter().map(|line| Received::new(line.sender, line.recipients, bytes(line.raw))).collect()
    }
}

/// A certificate that is no authority: TLS clients refuse an authority's own as a server's.
fn make_certificate(folder: &Path) {
    let settings = "[req]\nprompt=no\ndistinguished_name=name\nx509_extensions=extensions\n\
                    [name]\nCN=localhost\n\
                    [extensions]\nbasicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n";
    fs::write(folder.join("openssl.cnf"), settings).expect("our own folder");
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
                     -config openssl.cnf -keyout key.pem -out certificate.pem";
    run(Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder));
}
