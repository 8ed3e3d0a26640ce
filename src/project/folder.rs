//! The project's folder: which files there are, and their way through load, spec and compile.

use std::io::Read as _;
use std::path::Path;

use super::compile::project::{self, Shared};
use super::compile::workflow;
use super::load::{self, MAX_BYTES};
use super::model::{Project, Workflow};
use super::problems::{Place, Problems};
use super::reader::{Read, Reader};
use super::spec::project::ProjectSpec;
use super::spec::workflow::WorkflowSpec;

/// The file that the workflows share.
const PROJECT_FILE: &str = "winback.yaml";
/// The folder of the workflow files.
const WORKFLOWS: &str = "workflows";

/// Reads `root/winback.yaml` and `root/workflows/*.yaml`.
///
/// The project is there only when nothing at all is wrong; otherwise the problems are, all of them, in
/// the order of files and positions. `env` answers for the environment.
pub fn load(root: &Path, env: &dyn Fn(&str) -> Option<String>) -> (Option<Project>, Problems) {
    let mut problems = Problems::default();
    let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    let spec: Option<ProjectSpec> = read_file(&root, PROJECT_FILE, &mut problems)
        .and_then(|text| read_spec(PROJECT_FILE, &text, env, &mut problems));
    // Without a project that can be read, workflows are still checked for all else.
    let unknown = Shared { timezone: chrono_tz::Tz::UTC, channels: None };
    let shared = spec.as_ref().map_or(unknown, Shared::of);
    let project = spec.and_then(|spec| project::compile(spec, &root, env, &mut problems));
    let mut workflows = Vec::new();
    for file in workflow_files(&root, &mut problems) {
        let text = read_file(&root, &file, &mut problems);
        workflows.extend(text.and_then(|text| workflow_of(&file, &text, &shared, &mut problems)));
    }
    problems.sort();
    let project = project.filter(|_| problems.is_empty()).map(|project| Project { workflows, ..project });
    (project, problems)
}

/// Reads one workflow file from its text: an older version that enrollments still follow.
pub fn compile_workflow(yaml: &str, file: &str, project: &Project) -> (Option<Workflow>, Problems) {
    let mut problems = Problems::default();
    problems.texts.insert(file.into(), yaml.to_owned());
    let channels = Some(project.channels.keys().cloned().collect());
    let shared = Shared { timezone: project.timezone, channels };
    let workflow = workflow_of(file, yaml, &shared, &mut problems);
    problems.sort();
    (workflow.filter(|_| problems.is_empty()), problems)
}

fn workflow_of(file: &str, text: &str, shared: &Shared, problems: &mut Problems) -> Option<Workflow> {
    // No field of a workflow is filled in from the environment.
    let spec: WorkflowSpec = read_spec(file, text, &|_| None, problems)?;
    workflow::compile(spec, file, text, shared, problems)
}

fn read_spec<T: Read>(
    file: &str,
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) -> Option<T> {
    match load::parse(text) {
        Ok(node) => T::read(&node, file, &mut Reader { file: file.into(), text, env, problems }),
        Err(error) => {
            problems.push(Place { file: file.into(), span: error.span }, error.message, error.hint);
            None
        }
    }
}

/// The workflow files, by name.
fn workflow_files(root: &Path, problems: &mut Problems) -> Vec<String> {
    let folder = match std::fs::read_dir(root.join(WORKFLOWS)) {
        Ok(folder) => folder,
        // A project without workflows has its segments.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            problems.push(Place::file(WORKFLOWS), format!("the folder cannot be read: {error}"), None);
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for entry in folder {
        let name = match entry {
            Ok(entry) => entry.file_name().to_string_lossy().into_owned(),
            Err(error) => {
                problems.push(Place::file(WORKFLOWS), format!("the folder cannot be read: {error}"), None);
                continue;
            }
        };
        let file = format!("{WORKFLOWS}/{name}");
        if name.starts_with('.') {
            // An editor's or the system's, not the team's.
            continue;
        }
        if name.ends_with(".yml") {
            let hint = "rename it, or it would never run".to_owned();
            problems.push(Place::file(&file), "workflow files end in `.yaml`", Some(hint));
        } else if name.ends_with(".yaml") {
            files.push(file);
        }
    }
    files.sort();
    files
}

/// Reads a text file of bounded size and keeps its text for excerpts.
fn read_file(root: &Path, file: &str, problems: &mut Problems) -> Option<String> {
    match read_text(&root.join(file)) {
        Ok(text) => {
            problems.texts.insert(file.into(), text.clone());
            Some(text)
        }
        Err((message, hint)) => {
            problems.push(Place::file(file), message, hint);
            None
        }
    }
}

fn read_text(path: &Path) -> Result<String, (String, Option<String>)> {
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            ("there is no such file".to_owned(), Some("`winback init DIR` makes a project".to_owned()))
        }
        _ => (format!("the file cannot be read: {error}"), None),
    };
    // Asked before opening: a pipe would make us wait.
    let kind = std::fs::metadata(path).map_err(unreadable)?;
    if !kind.is_file() {
        let what = if kind.is_dir() { "a folder" } else { "something else" };
        return Err((format!("this is to be a file, and is {what}"), None));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    // One byte more than allowed is read, so that too long a file is seen to be.
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > MAX_BYTES {
        return Err((format!("the file is longer than {} KiB", MAX_BYTES / 1024), None));
    }
    String::from_utf8(bytes).map_err(|_| ("this is no text in UTF-8".to_owned(), None))
}
