//! Users, events, and the columns with a meaning.

use crate::project::model::{Column, EventName, EventSource, Files, Sources, UserSource};
use crate::project::names::inner_path;
use crate::project::problems::Problems;
use crate::project::spec::project::{EventsSpec, SourcesSpec, UsersSpec};
use crate::project::spec::scalar::Text;

/// Makes the sources.
pub fn compile(spec: SourcesSpec, problems: &mut Problems) -> Option<Sources> {
    let users = spec.users.0.and_then(|users| self::users(users, problems));
    let events = spec.events.0.and_then(|events| {
        if events.is_empty() {
            let hint = "one source of events at least".to_owned();
            problems.push(spec.place.clone(), "`events` is an empty list", Some(hint));
        }
        // All of them are looked at before one that is wrong ends it.
        let events: Vec<_> = events.into_iter().map(|source| self::events(source, problems)).collect();
        events.into_iter().collect::<Option<Vec<_>>>()
    });
    Some(Sources { users: users?, events: events? })
}

fn users(spec: UsersSpec, problems: &mut Problems) -> Option<UserSource> {
    let files = spec.file.0.and_then(|file| files(file, problems));
    Some(UserSource {
        files: files?,
        id: column(spec.id.0?),
        email: spec.email.map(column),
        phone: spec.phone.map(column),
        name: spec.name.map(column),
        timezone: spec.timezone.map(column),
        locale: spec.locale.map(column),
        registered_at: spec.registered_at.map(column),
        consent: spec.consent.map(column),
    })
}

fn events(spec: EventsSpec, problems: &mut Problems) -> Option<EventSource> {
    let files = spec.file.0.and_then(|file| files(file, problems));
    let event = match (spec.event, spec.name) {
        (Some(event), None) => Some(EventName::Fixed(event.text)),
        (None, Some(name)) => Some(EventName::Column(column(name))),
        (Some(_), Some(name)) => {
            let hint = "`event` is one name for all rows, `name` the column that says it".to_owned();
            problems.push(name.place, "either `event` or `name`, not both", Some(hint));
            None
        }
        (None, None) => {
            let hint = "`event: purchase` for all rows, or `name:` and the column that says it".to_owned();
            problems.push(spec.place, "what are these events called?", Some(hint));
            None
        }
    };
    Some(EventSource {
        files: files?,
        event: event?,
        user: column(spec.user.0?),
        time: column(spec.time.0?),
        value: spec.value.map(column),
        id: spec.id.map(column),
    })
}

fn files(text: Text, problems: &mut Problems) -> Option<Files> {
    match inner_path(text.text.trim()) {
        Ok(pattern) => Some(Files { pattern, place: text.place }),
        Err(hint) => {
            problems.push(text.place, "`file` is no path that can be used", Some(hint));
            None
        }
    }
}

/// A column as it is named in the files.
pub fn column(text: Text) -> Column {
    Column { name: text.text, place: text.place }
}
