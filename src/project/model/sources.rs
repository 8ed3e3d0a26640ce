//! Where users and events come from, as resolved.

use crate::project::problems::Place;

/// Users and events.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The users.
    pub users: UserSource,
    /// One or more sources of events; their rows are one table together.
    pub events: Vec<EventSource>,
}

/// Files of one source.
#[derive(Debug, Clone)]
pub struct Files {
    /// A path, a pattern or a folder, below the project's root, with `/`.
    pub pattern: String,
    /// Where it stands in the YAML.
    pub place: Place,
}

/// A column name as the YAML gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The column's name in the file.
    pub name: String,
    /// Where it stands in the YAML.
    pub place: Place,
}

/// The users' files and the columns with a meaning; all other columns are attributes.
#[derive(Debug, Clone)]
pub struct UserSource {
    /// The files.
    pub files: Files,
    /// The key.
    pub id: Column,
    /// E-mail address.
    pub email: Option<Column>,
    /// Telephone number.
    pub phone: Option<Column>,
    /// Name as addressed.
    pub name: Option<Column>,
    /// IANA zone.
    pub timezone: Option<Column>,
    /// Language tag, such as `zh-CN`.
    pub locale: Option<Column>,
    /// When the user came; later ones are not considered by an earlier run.
    pub registered_at: Option<Column>,
    /// Whether marketing messages are allowed; without the column nobody is known to consent.
    pub consent: Option<Column>,
}

/// Files of events and the columns with a meaning; all other columns are properties.
#[derive(Debug, Clone)]
pub struct EventSource {
    /// The files.
    pub files: Files,
    /// What the events are called.
    pub event: EventName,
    /// Who did it.
    pub user: Column,
    /// When; a time without zone is one of the project's zone.
    pub time: Column,
    /// A number that came with it, such as an amount.
    pub value: Option<Column>,
    /// Events with the same name and id are one event.
    pub id: Option<Column>,
}

/// How the events of a source get their name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventName {
    /// All of them have this name (`event:`).
    Fixed(String),
    /// Each row says it (`name:`).
    Column(Column),
}
