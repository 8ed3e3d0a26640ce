//! One message for one user.

use std::collections::BTreeMap;

use minijinja::Value;
use minijinja::value::Serde;

use super::engine::{Format, link_function, plain_url};
use super::error::RenderError;
use super::html::{RewriteError, track_links};
use super::links::LinkMaker;
use super::resolve::{Message, Templates, TextPart};
use super::text;
use crate::domain::contact::is_clean;

/// Longest subject, in octets of UTF-8: what a header line may hold.
const MAX_SUBJECT: usize = 900;

/// What the templates of one message see.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    /// Attributes and features, an object.
    pub user: serde_json::Value,
    /// The workflow, an object.
    pub workflow: serde_json::Value,
    /// The stage's id.
    pub stage: &'a str,
    /// The variant's own values, an object.
    pub with: serde_json::Value,
    /// The sender's postal address.
    pub postal_address: Option<&'a str>,
    /// The message's id, which goes into its links.
    pub message_id: i64,
}

/// A mail before it has headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line, clean, at most 900 octets.
    pub subject: String,
    /// The HTML part, its links tracked.
    pub html: String,
    /// The text part.
    pub text: String,
}

impl Templates {
    /// Renders a mail in the user's language.
    ///
    /// # Errors
    /// What this user's values do not allow; the error names the template's file and line.
    pub fn render_mail(
        &self,
        message: &str,
        locale: Option<&str>,
        scope: &Scope<'_>,
        links: &LinkMaker,
    ) -> Result<Rendered, RenderError> {
        let parts = self.find(message)?.mail(locale);
        let missing = |part| RenderError::NoPart { message: message.to_owned(), part };
        let subject = parts.subject.ok_or_else(|| missing("subject.txt"))?;
        let html_name = parts.html.ok_or_else(|| missing("body.html"))?;
        let shared = shared(scope);
        let text_scope = with_links(&shared, scope, links, Format::Text);

        let subject = self.subject(subject, &text_scope)?;
        let html = self.html.render(html_name, &with_links(&shared, scope, links, Format::Html))?;
        let html = track_links(&html, links, scope.message_id).map_err(|error| {
            let file = self.html.file(html_name);
            match error {
                RewriteError::Link(number, error) => RenderError::Link { file, number, error },
                RewriteError::Html => RenderError::Html { file },
            }
        })?;
        let text = match parts.text {
            TextPart::Template(name) => self.text.render(name, &text_scope)?,
            TextPart::FromHtml => {
                text::from_html(&html).ok_or_else(|| RenderError::Html { file: self.html.file(html_name) })?
            }
        };
        Ok(Rendered { subject, html, text })
    }

    /// Renders the JSON body of a webhook in the user's language: valid JSON, UTF-8.
    ///
    /// # Errors
    /// As for a mail, and where the result is not JSON.
    pub fn render_json(
        &self,
        message: &str,
        locale: Option<&str>,
        scope: &Scope<'_>,
        links: &LinkMaker,
    ) -> Result<Vec<u8>, RenderError> {
        let missing = || RenderError::NoPart { message: message.to_owned(), part: "body.json" };
        let name = self.find(message)?.json(locale).ok_or_else(missing)?;
        let body = self.json.render(name, &with_links(&shared(scope), scope, links, Format::Json))?;
        match serde_json::from_str::<serde::de::IgnoredAny>(&body) {
            Ok(_) => Ok(body.into_bytes()),
            Err(error) => Err(RenderError::Json { file: self.json.file(name), line: error.line() }),
        }
    }

    fn find(&self, message: &str) -> Result<&Message, RenderError> {
        self.messages.get(message).ok_or_else(|| RenderError::NoMessage { message: message.to_owned() })
    }

    fn subject(&self, name: &str, scope: &Value) -> Result<String, RenderError> {
        let text = self.text.render(name, scope)?;
        let subject = text.trim();
        let file = || self.text.file(name);
        if subject.is_empty() {
            return Err(RenderError::EmptySubject { file: file() });
        }
        if !is_clean(subject) {
            return Err(RenderError::Unclean { file: file() });
        }
        if subject.len() > MAX_SUBJECT {
            return Err(RenderError::LongSubject { file: file() });
        }
        Ok(subject.to_owned())
    }
}

/// What is the same for every part; values are shared, not copied.
fn shared(scope: &Scope<'_>) -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("user", Value::from(Serde(&scope.user))),
        ("workflow", Value::from(Serde(&scope.workflow))),
        ("stage", Value::from(scope.stage)),
        ("with", Value::from(Serde(&scope.with))),
        ("postal_address", scope.postal_address.map_or(Value::from(()), Value::from)),
    ])
}

fn with_links(shared: &BTreeMap<&'static str, Value>, scope: &Scope<'_>, links: &LinkMaker, format: Format) -> Value {
    let mut all = shared.clone();
    all.insert("unsubscribe_url", plain_url(links.unsubscribe_url(scope.message_id), format));
    all.insert("link", link_function(links, scope.message_id, format));
    Value::from(all)
}
