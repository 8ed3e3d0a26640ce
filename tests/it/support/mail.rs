//! What Python's `email` package, under its strict policy, makes of a message.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::process::{python, run, script};

/// A parsed message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Mail {
    /// Every header of the message itself in its order, decoded.
    pub headers: Vec<(String, String)>,
    /// The leaves of its tree of parts.
    pub parts: Vec<Part>,
    /// Where the links of its HTML parts lead, in their order.
    pub links: Vec<String>,
    /// What the parser complains about, in the message, its headers and its parts.
    pub defects: Vec<String>,
}

/// One part without parts of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Part {
    /// For example `text/html`.
    pub content_type: String,
    /// Decoded text; empty for anything but text.
    pub text: String,
}

impl Mail {
    /// The values of a header, whatever its case.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The text of the first part of a type; empty where there is none.
    pub fn text(&self, content_type: &str) -> &str {
        self.parts.iter().find(|part| part.content_type == content_type).map_or("", |part| &part.text)
    }
}

/// Parses messages, in their order.
pub fn parse<M: AsRef<[u8]>>(messages: &[M]) -> Vec<Mail> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (index, message) in messages.iter().enumerate() {
        fs::write(folder.path().join(format!("{index:09}.eml")), message).expect("our own folder");
    }
    parse_folder(folder.path())
}

/// Parses the `.eml` files of a folder, in the order of their names.
pub fn parse_folder(folder: &Path) -> Vec<Mail> {
    let output = run(Command::new(python()).arg(script("parse_mail.py")).arg(folder));
    serde_json::from_slice(&output).expect("JSON as described here")
}
