//! Named conditions: the lifecycle's states and the segments.

use crate::project::model::{Feature, LifecycleRule, Segment};
use crate::project::names::{check_column, check_plain};
use crate::project::problems::Problems;
use crate::project::reader::Named;
use crate::project::spec::scalar::{Rule, Sql};

/// Makes the lifecycle.
pub fn lifecycle(spec: Named<Rule>, problems: &mut Problems) -> Vec<LifecycleRule> {
    let last = spec.entries.len().saturating_sub(1);
    let mut rules = Vec::with_capacity(spec.entries.len());
    for (index, entry) in spec.entries.into_iter().enumerate() {
        check_plain("lifecycle state", &entry.name, &entry.place, problems);
        let rule = match entry.value {
            Some(Rule::When(expression)) => Some(*expression),
            Some(Rule::Otherwise) => {
                if index != last {
                    let message = "`otherwise` comes last: the states after it could never be reached";
                    let hint = format!("move `{}` to the end", entry.name);
                    problems.push(entry.place.clone(), message, Some(hint));
                }
                None
            }
            None => continue,
        };
        rules.push(LifecycleRule { state: entry.name, place: entry.place, rule });
    }
    rules
}

/// Makes the segments; a name means one thing among them and the features.
pub fn segments(spec: Named<Sql>, features: &[Feature], problems: &mut Problems) -> Vec<Segment> {
    let mut segments = Vec::with_capacity(spec.entries.len());
    for entry in spec.entries {
        check_column("segment", &entry.name, &entry.place, problems);
        if features.iter().any(|feature| feature.name == entry.name) {
            let message = format!("`{}` is already a feature", entry.name);
            problems.push(entry.place.clone(), message, Some("choose another name".to_owned()));
        }
        if let Some(Sql(predicate)) = entry.value {
            segments.push(Segment { name: entry.name, place: entry.place, predicate });
        }
    }
    segments
}
