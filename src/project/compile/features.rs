//! Features: one function each, over one kind of event.

use crate::project::model::{Aggregate, AggregateFunction, Column, EventSelector, Feature, FeatureKind, Window};
use crate::project::names::check_column;
use crate::project::problems::Problems;
use crate::project::reader::{Entry, Named};
use crate::project::spec::project::FeatureSpec;
use crate::project::spec::scalar::{Span, Sql, Text};
use crate::project::spec::word::selector;

/// Makes the features that can be made.
pub fn compile(spec: Named<FeatureSpec>, problems: &mut Problems) -> Vec<Feature> {
    spec.entries.into_iter().filter_map(|entry| feature(entry, problems)).collect()
}

fn feature(entry: Entry<FeatureSpec>, problems: &mut Problems) -> Option<Feature> {
    check_column("feature", &entry.name, &entry.place, problems);
    let mut spec = entry.value?;
    let within = spec.within.take().and_then(|span| positive("within", span, problems));
    let filter = spec.r#where.take().map(|sql| sql.0);
    let kind = match (functions(&spec, problems).as_slice(), spec.expr) {
        (&[], Some(Sql(expression))) => {
            let limits = [filter.is_some().then_some("where"), within.is_some().then_some("within")];
            for key in limits.into_iter().flatten() {
                let hint = "an expression has no events to choose from".to_owned();
                problems.push(entry.place.clone(), format!("`{key}` does not go with `expr`"), Some(hint));
            }
            FeatureKind::Expression(expression)
        }
        ([Some((function, events))], None) => {
            let (function, events) = (function.clone(), events.clone());
            FeatureKind::Aggregate(Aggregate { function, events, within, filter })
        }
        // Its problem has been noted.
        ([None], None) => return None,
        (&[], None) => {
            let hint = "one of `count`, `sum`, `max`, `min`, `first`, `last`, `days`, `distinct`, `latest`, `expr`";
            problems.push(entry.place, format!("`{}` computes nothing", entry.name), Some(hint.to_owned()));
            return None;
        }
        (_, _) => {
            let hint = "give each its own name".to_owned();
            problems.push(entry.place, format!("`{}` computes more than one thing", entry.name), Some(hint));
            return None;
        }
    };
    Some(Feature { name: entry.name, place: entry.place, kind })
}

/// A function and its events.
type Function = (AggregateFunction, EventSelector);
/// The text of a key that names a property, and the function of that key.
type OfProperty<'s> = (&'s Option<Text>, fn(Column) -> AggregateFunction);

/// The functions given: each with its events, or `None` if it could not be read.
fn functions(spec: &FeatureSpec, problems: &mut Problems) -> Vec<Option<Function>> {
    let whole_events = [
        (&spec.count, AggregateFunction::Count),
        (&spec.first, AggregateFunction::First),
        (&spec.last, AggregateFunction::Last),
        (&spec.days, AggregateFunction::Days),
    ];
    let properties: [OfProperty<'_>; 5] = [
        (&spec.sum, AggregateFunction::Sum),
        (&spec.max, AggregateFunction::Max),
        (&spec.min, AggregateFunction::Min),
        (&spec.distinct, AggregateFunction::Distinct),
        (&spec.latest, AggregateFunction::Latest),
    ];
    let whole_events = whole_events
        .into_iter()
        .filter_map(|(events, function)| events.as_ref().map(|events| Some((function, events.clone()))));
    let properties = properties.into_iter().filter_map(|(text, function)| {
        let property = property(text.as_ref()?, problems);
        Some(property.map(|(events, column)| (function(column), events)))
    });
    whole_events.chain(properties).collect()
}

/// `event.property`; an event's name may itself have dots.
fn property(text: &Text, problems: &mut Problems) -> Option<(EventSelector, Column)> {
    match text.text.rsplit_once('.') {
        Some((event, name)) if !event.is_empty() && !name.is_empty() => {
            let place = text.map.place(event.len() + 1..text.text.len());
            Some((selector(event), Column { name: name.to_owned(), place }))
        }
        Some(_) | None => {
            let hint = "write `event.property`, such as `purchase.value`".to_owned();
            problems.push(text.place.clone(), format!("`{}` names no property", text.text), Some(hint));
            None
        }
    }
}

/// A span that is not empty.
pub fn positive(key: &str, span: Span, problems: &mut Problems) -> Option<Window> {
    if span.value.to_delta().is_zero() {
        problems.push(span.place, format!("`{key}` is longer than nothing"), Some("such as `30d`".to_owned()));
        return None;
    }
    Some(span.value)
}
