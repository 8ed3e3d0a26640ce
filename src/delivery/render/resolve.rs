//! Which files make up a message for a language.

use std::collections::BTreeMap;

use super::engine::Engine;

/// All messages of a project, compiled.
#[derive(Debug)]
pub struct Templates {
    pub(super) messages: BTreeMap<String, Message>,
    pub(super) html: Engine,
    pub(super) text: Engine,
    pub(super) json: Engine,
}

/// One message: its folder, and the folders of languages in it.
#[derive(Debug, Default)]
pub(super) struct Message {
    /// By language tag in small letters; the folder itself is the empty tag.
    pub levels: BTreeMap<String, Level>,
}

/// The templates of one folder, by the names under which they are compiled.
#[derive(Debug, Default, Clone)]
pub(super) struct Level {
    /// `subject.txt`.
    pub subject: Option<String>,
    /// `body.html` or `body.mjml`.
    pub html: Option<String>,
    /// `body.txt`.
    pub text: Option<String>,
    /// The text derived from the HTML, where that could be done at load.
    pub derived: Option<String>,
    /// `body.json`.
    pub json: Option<String>,
}

/// Where the text part comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextPart<'a> {
    /// A text template.
    Template(&'a str),
    /// The rendered HTML of this mail.
    FromHtml,
}

/// The templates of a mail in one language.
#[derive(Debug, Clone, Copy)]
pub(super) struct MailParts<'a> {
    pub subject: Option<&'a str>,
    pub html: Option<&'a str>,
    pub text: TextPart<'a>,
}

impl Templates {
    /// Whether there is a message of that name.
    pub fn has(&self, message: &str) -> bool {
        self.messages.contains_key(message)
    }

    /// The names of all messages, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.messages.keys().map(String::as_str)
    }
}

impl Message {
    /// The files of a mail: each from the most particular folder that has it. An author's text that
    /// is less particular than the HTML would be in another language, so it gives way to a derived
    /// one.
    pub fn mail(&self, locale: Option<&str>) -> MailParts<'_> {
        let levels = self.chain(locale);
        let subject = levels.iter().find_map(|level| level.subject.as_deref());
        let html = levels.iter().position(|level| level.html.is_some());
        let text = levels.iter().position(|level| level.text.is_some());
        let text = match (text, html) {
            (Some(text), Some(html)) if text <= html => levels[text].text.as_deref(),
            (_, Some(html)) => levels[html].derived.as_deref(),
            (_, None) => None,
        };
        MailParts {
            subject,
            html: html.and_then(|html| levels[html].html.as_deref()),
            text: text.map_or(TextPart::FromHtml, TextPart::Template),
        }
    }

    /// The JSON body in one language.
    pub fn json(&self, locale: Option<&str>) -> Option<&str> {
        self.chain(locale).into_iter().find_map(|level| level.json.as_deref())
    }

    /// The folders from the most particular to the message's own: zh-CN, zh, base.
    fn chain(&self, locale: Option<&str>) -> Vec<&Level> {
        let mut found = Vec::with_capacity(3);
        let tag = locale.map(normal).unwrap_or_default();
        let mut tag = tag.as_str();
        while !tag.is_empty() {
            found.extend(self.levels.get(tag));
            tag = tag.rsplit_once('-').map_or("", |(before, _)| before);
        }
        found.extend(self.levels.get(""));
        found
    }
}

/// A language tag as folders are found by: small letters, hyphens, nothing after a full stop
/// (`zh_CN.UTF-8` is `zh-cn`).
pub(super) fn normal(locale: &str) -> String {
    let tag = locale.split(['.', '@']).next().unwrap_or_default();
    tag.trim().replace('_', "-").to_ascii_lowercase()
}

/// Whether a folder's name reads as a language tag: letters, then groups of letters and digits.
pub(super) fn is_locale(name: &str) -> bool {
    let mut groups = name.split(['-', '_']);
    let language = groups.next().unwrap_or_default();
    matches!(language.len(), 2 | 3)
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && groups.all(|group| matches!(group.len(), 2..=8) && group.bytes().all(|b| b.is_ascii_alphanumeric()))
}
