//! An HTTP receiver that verifies signatures with the specification's own Python library.

use std::path::Path;

use serde::Deserialize;

use super::process::{Process, json_lines, new_folder, python, script};

/// A request that came in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Request {
    /// The path, which decided the answer.
    pub path: String,
    /// `webhook-id`.
    pub id: Option<String>,
    /// Whether the signature and its time were good.
    pub verified: bool,
    /// The status it was answered with.
    pub status: u16,
    /// The body as text.
    pub body: String,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
}

/// A receiver that answers by path:
///
/// | path | answer |
/// |---|---|
/// | `/ok` | 200 |
/// | `/500`, `/410`, any other status | that status |
/// | `/429` | 429 with `Retry-After: 1` |
/// | `/redirect` | 302 to `/ok` |
/// | `/slow` | 200 after two seconds |
/// | `/flaky` | 500 to the first two requests of each `webhook-id`, then 200 |
///
/// Below each of them any further path is the same, so that endpoints can be told apart.
pub struct Receiver {
    port: u16,
    process: Process,
}

impl Receiver {
    /// Starts it with the secret (`whsec_…`) that signatures must be made with.
    pub fn start(secret: &str) -> Receiver {
        let folder = new_folder("webhook");
        let text = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
        let command = [text(&python()), text(&script("webhook_receiver.py")), text(&folder), secret.to_owned()];
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let process = Process::start(folder, "KILL", &command);
        let port = process.wait_for_chosen_port();
        process.wait_for_port(port);
        Receiver { port, process }
    }

    /// The URL of a path, which starts with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What came in so far, in the order of answering.
    pub fn requests(&self) -> Vec<Request> {
        json_lines(&self.process.folder().join("requests.jsonl"))
    }
}
