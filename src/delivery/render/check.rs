//! What can be said of templates without rendering them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use minijinja::Template;

use super::engine::Engine;
use super::error::TemplateProblem;
use super::resolve::{Level, Templates};
use super::source::{Kind, line_of, segments};
use crate::project::problems::did_you_mean;

/// The names that every template can use.
const SCOPE: [&str; 7] = ["user", "workflow", "stage", "with", "unsubscribe_url", "postal_address", "link"];

impl Templates {
    /// What is wrong with a message for its channel: a mail needs a subject, a body and a link to
    /// unsubscribe in each of its parts and languages; a webhook needs `body.json`.
    pub fn check_message(&self, message: &str, needs_mail: bool) -> Vec<TemplateProblem> {
        let folder = format!("workflows/templates/{message}");
        let problem = |text: String, hint| TemplateProblem { file: folder.clone(), line: 1, message: text, hint };
        let Some(found) = self.messages.get(message) else {
            let hint = did_you_mean(message, self.names());
            return vec![problem(format!("there is no message `{message}`"), hint)];
        };
        let parts: Vec<(&str, &Level)> = found.levels.iter().map(|(tag, level)| (tag.as_str(), level)).collect();
        let lacks =
            |part: fn(&Level) -> bool| parts.iter().find(|(tag, _)| tag.is_empty()).is_none_or(|(_, l)| !part(l));
        let mut problems = Vec::new();
        if !needs_mail {
            if lacks(|level| level.json.is_some()) {
                problems.push(problem("the message has no body.json, which a webhook sends".to_owned(), None));
            }
            return problems;
        }
        if lacks(|level| level.subject.is_some()) {
            problems.push(problem("the message has no subject.txt".to_owned(), None));
        }
        if lacks(|level| level.html.is_some()) {
            problems.push(problem("the message has neither body.html nor body.mjml".to_owned(), None));
        }
        for (engine, name) in parts.iter().flat_map(|(_, level)| [(&self.html, &level.html), (&self.text, &level.text)])
        {
            if let Some(name) = name
                && !uses(engine, name, "unsubscribe_url", &mut HashSet::new())
            {
                problems.push(TemplateProblem {
                    file: engine.file(name),
                    line: 1,
                    message: "this part of the mail has no link to unsubscribe".to_owned(),
                    hint: Some("a promotional mail shows {{ unsubscribe_url }}".to_owned()),
                });
            }
        }
        problems
    }

    /// Names of `user.*` and `with.*` in a message's templates that are not among those given.
    pub fn check_names(&self, message: &str, user: &[&str], with: &[&str]) -> Vec<TemplateProblem> {
        let mut problems = Vec::new();
        let Some(found) = self.messages.get(message) else { return problems };
        for (engine, name) in found.levels.values().flat_map(|level| self.parts(level)) {
            let Ok(template) = engine.env().get_template(name) else { continue };
            for path in template.undeclared_variables(true).into_iter().collect::<BTreeSet<_>>() {
                let mut steps = path.split('.');
                let (scope, known) = match steps.next() {
                    Some("user") => ("user", user),
                    Some("with") => ("with", with),
                    Some(_) | None => continue,
                };
                let Some(key) = steps.next().filter(|key| !known.contains(key)) else { continue };
                let full = format!("{scope}.{key}");
                let hint = did_you_mean(key, known.iter().copied());
                problems.push(located(engine, name, &template, &full, format!("`{full}` is not defined"), hint));
            }
        }
        problems
    }

    fn parts<'a>(&'a self, level: &'a Level) -> impl Iterator<Item = (&'a Engine, &'a str)> {
        [(&self.text, &level.subject), (&self.html, &level.html), (&self.text, &level.text), (&self.json, &level.json)]
            .into_iter()
            .filter_map(|(engine, name)| name.as_deref().map(|name| (engine, name)))
    }
}

/// Names and filters in any template that do not exist, and what no template may do.
pub(super) fn code(templates: &Templates) -> Vec<TemplateProblem> {
    let mut problems = Vec::new();
    for engine in [&templates.html, &templates.text, &templates.json] {
        let globals: Vec<&str> = engine.env().globals().map(|(name, _)| name).collect();
        let known: Vec<&str> = SCOPE.into_iter().chain(globals).collect();
        for (name, template) in engine.env().templates() {
            for unknown in template.undeclared_variables(false).iter().filter(|used| !known.contains(&used.as_str())) {
                let text = format!("`{unknown}` is not defined");
                let hint = did_you_mean(unknown, known.iter().copied());
                problems.push(located(engine, name, &template, unknown, text, hint));
            }
            let pieces = segments(template.source());
            if pieces.iter().any(|s| s.kind == Kind::Block && s.code().starts_with("autoescape")) {
                let text = "escaping cannot be turned off".to_owned();
                problems.push(located(engine, name, &template, "autoescape", text, None));
            }
            for filter in filters(template.source()) {
                let exists = engine.env().compile_expression_owned(format!("{filter:?} is filter"));
                if exists.and_then(|check| check.eval(())).is_ok_and(|found| !found.is_true()) {
                    problems.push(located(
                        engine,
                        name,
                        &template,
                        filter,
                        format!("there is no filter `{filter}`"),
                        None,
                    ));
                }
            }
        }
    }
    problems
}

fn located(
    engine: &Engine,
    name: &str,
    template: &Template<'_, '_>,
    needle: &str,
    message: String,
    hint: Option<String>,
) -> TemplateProblem {
    let text = engine.origin(name).and_then(|origin| origin.text.as_deref()).unwrap_or(template.source());
    TemplateProblem { file: engine.file(name), line: line_of(text, needle), message, hint }
}

/// Whether a template, or one that it includes, uses a name.
fn uses<'a>(engine: &'a Engine, name: &'a str, wanted: &str, seen: &mut HashSet<&'a str>) -> bool {
    let Ok(template) = engine.env().get_template(name) else { return false };
    if !seen.insert(name) {
        return false;
    }
    if template.undeclared_variables(false).contains(wanted) {
        return true;
    }
    let blocks: Vec<&str> =
        segments(template.source()).iter().filter(|s| s.kind == Kind::Block).map(|s| s.code()).collect();
    let others: BTreeMap<&str, ()> = engine.env().templates().map(|(other, _)| (other, ())).collect();
    others.into_keys().any(|other| {
        let named = [format!("\"{other}\""), format!("'{other}'")];
        blocks.iter().any(|block| named.iter().any(|n| block.contains(n))) && uses(engine, other, wanted, seen)
    })
}

/// The names behind `|` in a template's code.
fn filters(source: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for segment in segments(source) {
        if !matches!(segment.kind, Kind::Expression | Kind::Block) || segment.code() == "raw" {
            continue;
        }
        let mut quote = None;
        for (at, c) in segment.text.char_indices() {
            match quote {
                Some(open) if c == open => quote = None,
                Some(_) => {}
                None if matches!(c, '"' | '\'') => quote = Some(c),
                None if c == '|' => {
                    let after = segment.text[at + 1..].trim_start();
                    let end = after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len());
                    if end > 0 {
                        found.insert(&after[..end]);
                    }
                }
                None => {}
            }
        }
    }
    found
}
