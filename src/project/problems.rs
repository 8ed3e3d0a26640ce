//! What is wrong with a project, and where: data for the edge to print, nothing printed here.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// A piece of a project file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the project's root, with `/`.
    pub file: Arc<str>,
    /// Byte range in the file's text.
    pub span: Range<usize>,
}

impl Place {
    /// The start of a file: for what concerns it as a whole.
    pub fn file(file: &str) -> Place {
        Place { file: file.into(), span: 0..0 }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// Where.
    pub place: Place,
    /// What stands beside the caret: the nearest right name, the allowed values, what to write.
    pub hint: Option<String>,
}

/// Everything that is wrong, with the texts to show excerpts from.
#[derive(Debug, Default)]
pub struct Problems {
    /// In the order of files and positions.
    pub list: Vec<Problem>,
    /// Text by file name.
    pub texts: HashMap<Arc<str>, String>,
}

impl Problems {
    /// Adds one.
    pub fn push(&mut self, place: Place, message: impl Into<String>, hint: Option<String>) {
        self.list.push(Problem { message: message.into(), place, hint });
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Brings the list into the order of files and positions, each problem once.
    pub fn sort(&mut self) {
        self.list.sort_by(|a, b| {
            (&a.place.file, a.place.span.start, &a.message).cmp(&(&b.place.file, b.place.span.start, &b.message))
        });
        self.list.dedup();
    }
}

/// The name among `known` that is nearest to `given`, if any is near.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count().max(given.chars().count()) / 3)
        .min()
        .map(|(_, name)| name)
}

/// ``did you mean `x`?`` for the nearest of `known`.
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(given, known).map(|name| format!("did you mean `{name}`?"))
}
