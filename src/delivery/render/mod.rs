//! Messages: from the author's template files to the subject, HTML, text or JSON of one message.
//!
//! Flows in: the folders `workflows/templates/NAME/` (once, at load) and the scope of one message.
//! Flows out: rendered parts with tracked links, or an error that names file and line. It never
//! sends, never reads the database, and never lets a user's data become a template, markup or a
//! header.
//!
//! Everything that can be done once is done at load: MJML becomes HTML, templates are compiled, and
//! the text part is derived from the HTML as a template of its own. What remains for each mail is
//! filling in values and one streaming pass over the HTML that checks and tracks its links.

mod check;
mod compose;
mod constructs;
mod engine;
mod error;
mod html;
mod links;
mod load;
mod mjml;
mod placeholder;
mod resolve;
mod source;
mod text;

pub use compose::{Rendered, Scope};
pub use error::{RenderError, TemplateProblem};
pub use links::{LinkError, LinkMaker};
pub use resolve::Templates;

#[cfg(test)]
mod tests;
