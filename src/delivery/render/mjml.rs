//! MJML to HTML, once at load, with the template's code hidden meanwhile.

use lol_html::{RewriteStrSettings, element, rewrite_str};
use mrml::prelude::parser::{Error as ParseError, WarningKind};
use mrml::prelude::render::RenderOptions;

use super::html::decode;
use super::placeholder::Placeholders;
use super::source::{line_at, line_of, segments};

/// Why a file is no MJML that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MjmlProblem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

/// The HTML template of an MJML template. `data-role` beside an `href` of an MJML element (such as
/// `mj-button`) is kept as the link's role.
pub(super) fn to_html(source: &str) -> Result<String, MjmlProblem> {
    let (mut hidden, text) = Placeholders::hide(&segments(source));
    let text = carry_roles(&mut hidden, &text)?;
    let parsed = mrml::parse(&text).map_err(|error| MjmlProblem {
        line: place(&error).map_or(1, |at| line(&hidden, &text, at)),
        message: match std::error::Error::source(&error) {
            Some(source) => format!("not MJML: {source}"),
            None => format!("not MJML: {error}"),
        },
        hint: None,
    })?;
    if let Some(warning) = parsed.warnings.iter().find(|w| w.kind == WarningKind::InlineStyleUnsupported) {
        return Err(MjmlProblem {
            line: line(&hidden, &text, warning.span.start),
            message: "styles are not inlined here".to_owned(),
            hint: Some("write the style at the element, or mj-style without inline".to_owned()),
        });
    }
    let html = parsed.element.render(&RenderOptions::default()).map_err(|error| MjmlProblem {
        line: 1,
        message: format!("this MJML cannot become HTML: {error}"),
        hint: None,
    })?;
    if let Some(code) = hidden.missing_from(&html) {
        return Err(MjmlProblem {
            line: line_of(source, code),
            message: format!("MJML drops what stands at `{code}`"),
            hint: Some("between MJML elements, template code stands in <mj-raw>…</mj-raw>".to_owned()),
        });
    }
    Ok(hidden.restore(&html, str::to_owned))
}

/// MJML forgets attributes that it does not know; the role goes into the destination instead.
fn carry_roles(hidden: &mut Placeholders, text: &str) -> Result<String, MjmlProblem> {
    let settings = RewriteStrSettings::new().with_strict(false).append_element_content_handler(element!(
        "[data-role][href]",
        |el| {
            if el.tag_name().starts_with("mj-") {
                let attribute = |name| el.get_attribute(name).unwrap_or_default();
                let (href, role) = (attribute("href"), attribute("data-role"));
                let (href, role) = (hidden.as_expression(&decode(&href)), hidden.as_expression(&decode(&role)));
                let code = href.zip(role).map(|(href, role)| format!("link({href}, role={role})"));
                el.set_attribute("href", &hidden.add_expression(&code.ok_or("a block in an attribute")?))?;
                el.remove_attribute("data-role");
            }
            Ok(())
        }
    ));
    rewrite_str(text, settings).map_err(|_| MjmlProblem {
        line: 1,
        message: "a link with data-role holds a {% … %} or cannot be read".to_owned(),
        hint: Some("write href=\"{{ link(…, role='pay') }}\"".to_owned()),
    })
}

/// The line in the file of a position in the text with hidden code.
fn line(hidden: &Placeholders, text: &str, position: usize) -> usize {
    let before = hidden.restore(text.get(..position).unwrap_or_default(), str::to_owned);
    line_at(&before, before.len())
}

fn place(error: &ParseError) -> Option<usize> {
    match error {
        ParseError::UnexpectedElement { position, .. }
        | ParseError::UnexpectedToken { position, .. }
        | ParseError::MissingAttribute { position, .. }
        | ParseError::InvalidAttribute { position, .. }
        | ParseError::InvalidFormat { position, .. }
        | ParseError::IncludeLoaderError { position, .. } => Some(position.start),
        ParseError::EndOfStream { .. }
        | ParseError::SizeLimit { .. }
        | ParseError::ParserError { .. }
        | ParseError::NoRootNode => None,
    }
}
