//! The names that an expression may use, with their kinds.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, ident};

use super::calendar::Calendar;
use crate::project::problems::did_you_mean;

/// The kind of a value, as far as the rules of the language tell values apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A condition.
    Bool,
    /// A whole number.
    Int,
    /// Any number.
    Float,
    /// A calendar day.
    Date,
    /// An instant.
    Time,
    /// A text.
    Text,
    /// The literal NULL, which fits anywhere.
    Null,
}

impl Kind {
    /// The kind of an engine type; `None` for types that expressions cannot use.
    pub fn of(data_type: &DataType) -> Option<Kind> {
        match data_type {
            DataType::Boolean => Some(Kind::Bool),
            other if other.is_integer() => Some(Kind::Int),
            other if other.is_numeric() => Some(Kind::Float),
            DataType::Date32 | DataType::Date64 => Some(Kind::Date),
            DataType::Timestamp(..) => Some(Kind::Time),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Kind::Text),
            DataType::Null => Some(Kind::Null),
            _ => None,
        }
    }

    /// What a value of this kind is called in a message.
    pub fn noun(self) -> &'static str {
        match self {
            Kind::Bool => "a condition (true or false)",
            Kind::Int => "a whole number",
            Kind::Float => "a number",
            Kind::Date => "a date",
            Kind::Time => "a time",
            Kind::Text => "a text",
            Kind::Null => "NULL",
        }
    }

    /// Whether it is a number of either kind.
    pub fn is_number(self) -> bool {
        matches!(self, Kind::Int | Kind::Float)
    }

    /// Whether it is a date or a time.
    pub fn is_temporal(self) -> bool {
        matches!(self, Kind::Date | Kind::Time)
    }
}

/// The names that an expression may use.
#[derive(Debug, Clone)]
pub struct Scope {
    /// What "now" and "today" mean.
    pub calendar: Calendar,
    names: Vec<(String, Kind, Expr)>,
    renamed: Vec<(String, String)>,
    states: Vec<String>,
}

impl Scope {
    /// Only `as_of`.
    pub fn new(calendar: Calendar) -> Scope {
        let as_of = crate::sources::catalog::instant(calendar.as_of);
        Scope {
            calendar,
            names: vec![("as_of".to_owned(), Kind::Time, as_of)],
            renamed: Vec::new(),
            states: Vec::new(),
        }
    }

    /// Adds a column under its own name.
    pub fn add(&mut self, name: &str, kind: Kind) {
        self.names.push((name.to_owned(), kind, ident(name)));
    }

    /// Adds `lifecycle`, which has no other values than these.
    pub fn add_lifecycle(&mut self, states: Vec<String>) {
        self.add("lifecycle", Kind::Text);
        self.states = states;
    }

    /// The states, when a name is that of the lifecycle.
    pub fn states_of(&self, name: &str) -> Option<&[String]> {
        (name.eq_ignore_ascii_case("lifecycle") && !self.states.is_empty()).then_some(self.states.as_slice())
    }

    /// The meaning of a name. A name written without quotes is also found in another case, when
    /// that leaves no doubt.
    pub fn find(&self, name: &str, quoted: bool) -> Option<(Kind, Expr)> {
        let meaning = |(_, kind, expr): &(String, Kind, Expr)| (*kind, expr.clone());
        if let Some(found) = self.names.iter().find(|(known, _, _)| known == name) {
            return Some(meaning(found));
        }
        let mut alike = self.names.iter().filter(|(known, _, _)| !quoted && known.eq_ignore_ascii_case(name));
        match (alike.next(), alike.next()) {
            (Some(found), None) => Some(meaning(found)),
            (Some(_), Some(_)) | (None, _) => None,
        }
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _, _)| name.as_str())
    }

    /// Notes that a column of a file is known here under another name, for whoever writes the file's.
    pub fn add_renamed(&mut self, file: &str, here: &str) {
        self.renamed.push((file.to_owned(), here.to_owned()));
    }

    /// What to say beside a name that is not known: the name it has here, or the nearest one.
    pub fn hint(&self, name: &str) -> Option<String> {
        if let Some((_, here)) = self.renamed.iter().find(|(file, _)| file == name) {
            return Some(format!("here it is called `{here}`"));
        }
        did_you_mean(name, self.names.iter().map(|(known, _, _)| known.as_str()))
    }
}
