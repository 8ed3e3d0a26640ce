//! Reading the message folders of a project, once.

use std::fs;
use std::path::Path;

use super::check;
use super::engine::{Engine, Format, Origin};
use super::error::TemplateProblem;
use super::resolve::{Level, Message, Templates, is_locale, normal};
use super::{mjml, text};
use crate::project::problems::did_you_mean;

/// Where messages live in a project.
const FOLDER: &str = "workflows/templates";
/// Largest template file, in octets.
const MAX_FILE: u64 = 512 << 10;
/// The files that make up a message.
const FILES: [&str; 5] = ["subject.txt", "body.html", "body.mjml", "body.txt", "body.json"];

impl Templates {
    /// Reads and compiles every message folder below `workflows/templates` of the project at `root`.
    /// What is wrong is listed; what is not can be used.
    pub fn load(root: &Path) -> (Templates, Vec<TemplateProblem>) {
        let mut loader = Loader {
            templates: Templates {
                messages: Default::default(),
                html: Engine::new(Format::Html),
                text: Engine::new(Format::Text),
                json: Engine::new(Format::Json),
            },
            problems: Vec::new(),
        };
        for name in loader.folders(&root.join(FOLDER), FOLDER) {
            loader.message(root, &name);
        }
        let Loader { templates, mut problems } = loader;
        problems.extend(check::code(&templates));
        problems.sort_by(|a, b| (&a.file, a.line, &a.message).cmp(&(&b.file, b.line, &b.message)));
        problems.dedup();
        (templates, problems)
    }
}

struct Loader {
    templates: Templates,
    problems: Vec<TemplateProblem>,
}

impl Loader {
    fn problem(&mut self, file: &str, line: usize, message: impl Into<String>, hint: Option<String>) {
        self.problems.push(TemplateProblem { file: file.to_owned(), line, message: message.into(), hint });
    }

    /// The names of the folders in a folder, in order; none where it is not there.
    fn folders(&mut self, dir: &Path, shown: &str) -> Vec<String> {
        self.entries(dir, shown).into_iter().filter(|(_, is_dir)| *is_dir).map(|(name, _)| name).collect()
    }

    /// Names in a folder and whether each is a folder itself; links and hidden files are passed over.
    fn entries(&mut self, dir: &Path, shown: &str) -> Vec<(String, bool)> {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                self.problem(shown, 1, format!("cannot be read: {}", error.kind()), None);
                return Vec::new();
            }
        };
        let mut names: Vec<(String, bool)> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| {
                let kind = entry.file_type().ok().filter(|kind| kind.is_dir() || kind.is_file())?;
                Some((entry.file_name().into_string().ok()?, kind.is_dir()))
            })
            .filter(|(name, _)| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    }

    fn message(&mut self, root: &Path, name: &str) {
        let folder = format!("{FOLDER}/{name}");
        let mut message = Message::default();
        let base = self.level(root, &folder);
        message.levels.insert(String::new(), base);
        for locale in self.folders(&root.join(&folder), &folder) {
            let inner = format!("{folder}/{locale}");
            if is_locale(&locale) {
                let level = self.level(root, &inner);
                message.levels.insert(normal(&locale), level);
            } else {
                let hint = Some("folders in a message are languages, such as zh-CN".to_owned());
                self.problem(&inner, 1, format!("`{locale}` is no language tag"), hint);
            }
        }
        self.templates.messages.insert(name.to_owned(), message);
    }

    /// The files of one folder, compiled.
    fn level(&mut self, root: &Path, folder: &str) -> Level {
        let names = self.entries(&root.join(folder), folder);
        for (name, _) in names.iter().filter(|(name, is_dir)| !is_dir && !FILES.contains(&name.as_str())) {
            if let Some(hint) = did_you_mean(name, FILES) {
                self.problem(&format!("{folder}/{name}"), 1, format!("`{name}` is no part of a message"), Some(hint));
            }
        }
        let mut level = Level::default();
        for part in FILES.into_iter().filter(|part| names.iter().any(|(name, is_dir)| name == part && !is_dir)) {
            let file = format!("{folder}/{part}");
            let Some(source) = self.read(root, &file) else { continue };
            self.part(&mut level, part, &file, source);
        }
        level
    }

    fn read(&mut self, root: &Path, file: &str) -> Option<String> {
        let path = root.join(file);
        let read = fs::symlink_metadata(&path).and_then(|meta| {
            if meta.len() > MAX_FILE {
                return Err(std::io::ErrorKind::FileTooLarge.into());
            }
            fs::read_to_string(&path)
        });
        let text = read.map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => self.problem(file, 1, "is not UTF-8", None),
            std::io::ErrorKind::FileTooLarge => self.problem(file, 1, "is larger than 512 KiB", None),
            kind => self.problem(file, 1, format!("cannot be read: {kind}"), None),
        });
        // The mark that some editors put first is no part of a subject.
        text.ok().map(|text| text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
    }

    fn part(&mut self, level: &mut Level, part: &str, file: &str, source: String) {
        let origin = Origin { file: file.to_owned(), text: None };
        match part {
            "subject.txt" => level.subject = self.add(Format::Text, file, source, origin),
            "body.txt" => level.text = self.add(Format::Text, file, text::link_addresses(&source), origin),
            "body.json" => level.json = self.add(Format::Json, file, source, origin),
            "body.html" => self.html(level, file, source.clone(), Origin { text: Some(source), ..origin }, false),
            _ if level.html.is_some() => {
                self.problem(file, 1, "there is a body.html beside it", Some("keep one of the two".to_owned()));
            }
            _ => match mjml::to_html(&source) {
                Ok(html) => self.html(level, file, html, Origin { text: Some(source), ..origin }, true),
                Err(problem) => self.problem(file, problem.line, problem.message, problem.hint),
            },
        }
    }

    fn html(&mut self, level: &mut Level, file: &str, html: String, origin: Origin, made: bool) {
        let derived = text::derive(&html);
        let own = Origin { text: origin.text.clone().filter(|_| made), ..origin.clone() };
        level.html = self.add(Format::Html, file, html, own);
        if let (Some(_), Some(derived)) = (&level.html, derived) {
            level.derived = self.add(Format::Text, &format!("{file} as text"), derived, origin);
        }
    }

    /// Compiles a template under its path below the templates' folder, which is how others include it.
    fn add(&mut self, format: Format, file: &str, source: String, origin: Origin) -> Option<String> {
        let name = file.strip_prefix(FOLDER).unwrap_or(file).trim_start_matches('/').to_owned();
        let shown = origin.file.clone();
        let engine = match format {
            Format::Html => &mut self.templates.html,
            Format::Text => &mut self.templates.text,
            Format::Json => &mut self.templates.json,
        };
        match engine.add(&name, source, origin) {
            Ok(()) => Some(name),
            Err((line, problem)) => {
                self.problem(&shown, line, problem, None);
                None
            }
        }
    }
}
