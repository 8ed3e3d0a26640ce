//! The folder as a whole: what is sound compiles, and what is wrong is said where it stands.

mod bad;
mod hostile;
mod sample;

use std::path::Path;

use super::model::Project;
use super::problems::{Problem, Problems};

/// A `winback.yaml` with everything that the language has.
const PROJECT: &str = include_str!("tests/winback.yaml");
/// A workflow of it.
const WORKFLOW: &str = include_str!("tests/lapsed-buyers.yaml");

fn env(name: &str) -> Option<String> {
    let value = match name {
        "SMTP_URL" => "smtp://u:p@mail.example:587",
        "SMS_SECRET" => "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "WINBACK_SECRET" => "a secret",
        _ => return None,
    };
    Some(value.to_owned())
}

/// Writes files and loads them.
fn load(files: &[(&str, &[u8])]) -> (Option<Project>, Problems) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }
    super::load(folder.path(), &env)
}

fn load_both(project: &str, workflow: &str) -> (Option<Project>, Problems) {
    load(&[("winback.yaml", project.as_bytes()), ("workflows/lapsed-buyers.yaml", workflow.as_bytes())])
}

/// The text under a problem's caret.
fn under<'p>(problem: &Problem, problems: &'p Problems) -> &'p str {
    problems.texts.get(&problem.place.file).map_or("", |text| &text[problem.place.span.clone()])
}
