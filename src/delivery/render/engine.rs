//! Compiled templates of one kind (HTML, text or JSON), and what they may and may not do.
//!
//! Each kind has an environment of its own, because how values are escaped must not depend on a
//! template's name, nor change where one template includes another.

use std::collections::HashMap;
use std::io;

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, escape_formatter};

use super::error::RenderError;
use super::links::{LinkError, LinkMaker, Tracked};
use super::source::{line_at, line_of};
use crate::project::problems::did_you_mean;

/// Largest rendered part, in octets.
const MAX_OUTPUT: usize = 1 << 20;
/// Longest list or map in a JSON body.
const MAX_ITEMS: usize = 1_000;
/// Work and memory of one rendering: about so many instructions, or 64 octets each.
const FUEL: u64 = 400_000;

/// What the templates of an environment produce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Values are escaped as HTML.
    Html,
    /// Values are written as they are.
    Text,
    /// Values are written as JSON values, with their own quotes.
    Json,
}

/// A template's file, for messages about it.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// The file, relative to the project's root.
    pub file: String,
    /// The file's text, where the compiled template is another one (MJML, a derived text).
    pub text: Option<String>,
}

/// The templates of one format.
#[derive(Debug)]
pub(super) struct Engine {
    env: Environment<'static>,
    origins: HashMap<String, Origin>,
}

impl Engine {
    /// An empty environment without what could eat memory or show what is in scope.
    pub fn new(format: Format) -> Engine {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_auto_escape_callback(move |_| match format {
            Format::Html => AutoEscape::Html,
            Format::Text => AutoEscape::None,
            Format::Json => AutoEscape::Json,
        });
        env.set_formatter(write_value);
        env.set_fuel(Some(FUEL));
        // Errors then know the range of the code they are about.
        env.set_debug(true);
        for name in ["namespace", "debug", "lipsum", "cycler", "joiner"] {
            env.remove_global(name);
        }
        // "HTML is always escaped" has no exception by a filter.
        for name in ["format", "indent", "pprint", "safe"] {
            env.remove_filter(name);
        }
        env.add_filter("default", default);
        env.add_filter("d", default);
        Engine { env, origins: HashMap::new() }
    }

    /// Compiles a template. `Err` is the line and what is wrong there.
    pub fn add(&mut self, name: &str, source: String, origin: Origin) -> Result<(), (usize, String)> {
        let added = self.env.add_template_owned(name.to_owned(), source.clone());
        let result = added.map_err(|error| {
            let problem = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            let snippet = error.range().and_then(|range| source.get(range)).unwrap_or_default();
            let line = origin.text.as_deref().map(|text| line_of(text, snippet));
            (line.or(error.line()).unwrap_or(1), problem)
        });
        self.origins.insert(name.to_owned(), origin);
        result
    }

    /// The environment, to look at its templates.
    pub fn env(&self) -> &Environment<'static> {
        &self.env
    }

    /// Where a template comes from.
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.origins.get(name)
    }

    /// The file of a template, for messages.
    pub fn file(&self, name: &str) -> String {
        self.origin(name).map_or_else(|| name.to_owned(), |origin| origin.file.clone())
    }

    /// Fills in values.
    pub fn render(&self, name: &str, scope: &Value) -> Result<String, RenderError> {
        let template = self.env.get_template(name).map_err(|error| self.explain(name, &error, scope))?;
        let mut out = Capped { text: String::with_capacity(template.source().len() + 512), full: false };
        match template.render_captured_to(scope.clone(), &mut out).map(drop) {
            Ok(()) => Ok(out.text),
            Err(_) if out.full => Err(RenderError::TooLarge { file: self.file(name) }),
            Err(error) => Err(self.explain(name, &error, scope)),
        }
    }

    /// The error in our own words: the engine's could show a user's data.
    fn explain(&self, name: &str, error: &Error, scope: &Value) -> RenderError {
        let inner = std::error::Error::source(error);
        if let Some(inner) = inner.and_then(|inner| inner.downcast_ref::<Error>()) {
            return self.explain(name, inner, scope);
        }
        let name = error.name().unwrap_or(name);
        let file = self.file(name);
        let source = self.env.get_template(name).map(|template| template.source().to_owned()).unwrap_or_default();
        let range = error.range();
        let code = range.clone().and_then(|range| source.get(range)).unwrap_or_default().trim();
        let line = match self.origin(name).and_then(|origin| origin.text.as_deref()) {
            Some(text) => line_of(text, code),
            None => range.map(|range| line_at(&source, range.start)).or(error.line()).unwrap_or(1),
        };
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<LinkError>()) {
            return RenderError::LinkCall { file, line, error: *error };
        }
        let missing = undefined_in(error.detail().unwrap_or_default()).filter(|missing| source.contains(missing));
        match (error.kind(), missing) {
            (ErrorKind::OutOfFuel, _) => RenderError::TooLarge { file },
            (ErrorKind::UndefinedError, None) => {
                RenderError::Undefined { file, line, name: shortened(code), hint: None }
            }
            (_, Some(missing)) => {
                let hint = nearest_in_scope(missing, scope);
                RenderError::Undefined { file, line, name: shortened(missing), hint }
            }
            (kind, None) => RenderError::Failed { file, line, problem: format!("{kind} in `{}`", shortened(code)) },
        }
    }
}

/// The expression in the engine's words "`expression` is undefined". It is believed only where it
/// stands in the template as well: anything else in those words could be a user's data.
fn undefined_in(detail: &str) -> Option<&str> {
    let (before, _) = detail.split_once("` is undefined")?;
    before.rsplit_once('`').map(|(_, expression)| expression).filter(|expression| !expression.is_empty())
}

fn shortened(code: &str) -> String {
    let mut short: String = code.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if short.len() < code.len() {
        short.push('…');
    }
    short
}

/// The nearest name beside the one that is missing: keys of the scope, never values.
fn nearest_in_scope(code: &str, scope: &Value) -> Option<String> {
    let path = code.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).next()?;
    let (parents, last) = path.rsplit_once('.').unwrap_or(("", path));
    let mut parent = scope.clone();
    for step in parents.split('.').filter(|step| !step.is_empty()) {
        parent = parent.get_attr(step).ok()?;
    }
    let keys: Vec<String> = parent.try_iter().ok()?.filter_map(|key| key.as_str().map(str::to_owned)).collect();
    did_you_mean(last, keys.iter().map(String::as_str))
}

/// Writes a value. A user without a value (NULL) is greeted with nothing rather than with the word
/// "none". Lists and maps are for JSON alone, and in bounds: fuel does not count what they print.
fn write_value(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let json = matches!(state.auto_escape(), AutoEscape::Json);
    match value.kind() {
        ValueKind::None if !json => Ok(()),
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable
            if !json || value.len().is_none_or(|length| length > MAX_ITEMS) =>
        {
            Err(Error::new(ErrorKind::InvalidOperation, "a list or map"))
        }
        _ => escape_formatter(out, state, value),
    }
}

/// `default` for SQL's NULL as well as for what is not defined.
fn default(value: Value, other: Option<Value>, boolean: Option<bool>) -> Value {
    let missing = value.is_undefined() || value.is_none() || (boolean == Some(true) && !value.is_true());
    if missing { other.unwrap_or_else(|| Value::from("")) } else { value }
}

/// The function `link(url, role='pay')` of one message.
pub(super) fn link_function(links: &LinkMaker, message_id: i64, format: Format) -> Value {
    let links = links.clone();
    Value::from_function(move |url: String, options: Kwargs| -> Result<Value, Error> {
        let role: Option<String> = options.get("role")?;
        options.assert_all_used()?;
        match links.track(message_id, &url, role.as_deref()) {
            Ok(Tracked::As(tracked)) => Ok(plain_url(tracked, format)),
            Ok(Tracked::Unchanged) => Ok(plain_url(url, format)),
            Err(error) => Err(Error::new(ErrorKind::InvalidOperation, "link").with_source(error)),
        }
    })
}

/// An address as a value. In HTML it is marked as needing no escape where that is so: escaped, every
/// slash would become six characters.
pub(super) fn plain_url(url: String, format: Format) -> Value {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b":/._-~?=#%+@".contains(&b);
    match format {
        Format::Html if url.bytes().all(harmless) => Value::from_safe_string(url),
        Format::Html | Format::Text | Format::Json => Value::from(url),
    }
}

/// Output that ends at a limit.
struct Capped {
    text: String,
    full: bool,
}

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() + bytes.len() > MAX_OUTPUT {
            self.full = true;
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        self.text.push_str(text);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
