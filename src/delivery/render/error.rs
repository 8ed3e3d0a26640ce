//! What can be wrong with templates, at load and while rendering. Neither ever shows a user's data.

use super::links::LinkError;

/// One thing that is wrong with a template file, found before anything is rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateProblem {
    /// The file, relative to the project's root, with `/`.
    pub file: String,
    /// The line, from 1; 1 where the file as a whole is meant.
    pub line: usize,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// What to write instead, where that is known.
    pub hint: Option<String>,
}

/// Why a message cannot be rendered for one user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// No folder of that name.
    #[error("there is no message `{message}`")]
    NoMessage {
        /// The name asked for.
        message: String,
    },
    /// The folder lacks a file that this channel needs.
    #[error("message `{message}` has no {part}")]
    NoPart {
        /// The message.
        message: String,
        /// The file's name.
        part: &'static str,
    },
    /// A name that is not in scope.
    #[error("{file}:{line}: `{name}` is not defined{}", hint.as_deref().map(|h| format!(", {h}")).unwrap_or_default())]
    Undefined {
        /// The template file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The name as written in the template.
        name: String,
        /// The nearest name in scope.
        hint: Option<String>,
    },
    /// Code that cannot be carried out with this user's values.
    #[error("{file}:{line}: {problem}")]
    Failed {
        /// The template file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong, with the code as written in the template.
        problem: String,
    },
    /// More than 1 MiB, or more work than a message can need.
    #[error("{file}: the message becomes too large")]
    TooLarge {
        /// The template file.
        file: String,
    },
    /// A destination that no mail of ours may carry, given to `link()`.
    #[error("{file}:{line}: link: {error}")]
    LinkCall {
        /// The template file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        error: LinkError,
    },
    /// A destination that no mail of ours may carry, in the HTML.
    #[error("{file}: link number {number}: {error}")]
    Link {
        /// The template file.
        file: String,
        /// Which link of the mail, from 1.
        number: usize,
        /// What is wrong with it.
        error: LinkError,
    },
    /// The subject is empty for this user.
    #[error("{file}: the subject is empty")]
    EmptySubject {
        /// The template file.
        file: String,
    },
    /// The subject is longer than a header line may be.
    #[error("{file}: the subject is longer than 900 characters")]
    LongSubject {
        /// The template file.
        file: String,
    },
    /// The subject holds control characters, or characters that turn the direction of the text.
    #[error("{file}: the subject holds characters that no subject may hold")]
    Unclean {
        /// The template file.
        file: String,
    },
    /// The JSON body is not JSON.
    #[error(
        "{file}: not JSON at line {line} of the result: values bring their own quotes, as in {{\"name\": {{{{ user.name }}}}}}"
    )]
    Json {
        /// The template file.
        file: String,
        /// The line of the rendered text, from 1.
        line: usize,
    },
    /// The HTML cannot be read as HTML.
    #[error("{file}: the HTML cannot be read")]
    Html {
        /// The template file.
        file: String,
    },
}
