//! One workflow file.

use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use super::features::positive;
use super::project::Shared;
use super::sources::column;
use super::stages;
use crate::project::model::{Audience, BasisPoints, Goal, Reentry, Schedule, Workflow};
use crate::project::names::check_plain;
use crate::project::problems::Problems;
use crate::project::spec::scalar::Text;
use crate::project::spec::workflow::{AudienceSpec, GoalSpec, ScheduleSpec, WorkflowSpec};

/// A share held out unless the file says otherwise: without one nothing can be learnt.
const DEFAULT_HOLDOUT: BasisPoints = 1_000;

/// Makes the workflow of `file`, whose text is `yaml`.
pub fn compile(
    spec: WorkflowSpec,
    file: &str,
    yaml: &str,
    shared: &Shared,
    problems: &mut Problems,
) -> Option<Workflow> {
    let name = spec.name.0.map(|name| self::name(name, file, problems));
    let schedule = spec.schedule.0.and_then(|spec| schedule(spec, shared));
    let audience = spec.audience.0.and_then(|spec| audience(spec, problems));
    let goal = spec.goal.0.and_then(|spec| goal(spec, problems));
    let recall = spec.recall.map(|spec| spec.event.0);
    let stages = spec.stages.0.and_then(|stages| stages::compile(stages, &spec.place, shared, problems));
    let text = |text: Option<Text>| text.map(|text| text.text);
    Some(Workflow {
        name: name?,
        file: file.to_owned(),
        version: hex::encode(Sha256::digest(yaml)),
        yaml: yaml.to_owned(),
        title: text(spec.title),
        owner: text(spec.owner),
        objective: text(spec.objective),
        strategy: text(spec.strategy),
        priority: spec.priority.map_or(0, |priority| priority.value),
        schedule: schedule?,
        audience: audience?,
        holdout: spec.holdout.map_or(DEFAULT_HOLDOUT, |share| share.value),
        goal: goal?,
        recall: match recall {
            Some(event) => Some(event?),
            None => None,
        },
        stages: stages?,
    })
}

fn name(name: Text, file: &str, problems: &mut Problems) -> String {
    check_plain("workflow", &name.text, &name.place, problems);
    let stem = file.rsplit('/').next().and_then(|file| file.strip_suffix(".yaml")).unwrap_or(file);
    if name.text != stem {
        let message = format!("the file is called `{stem}`, and so is its workflow");
        problems.push(name.place, message, Some(format!("write `{stem}`, or rename the file")));
    }
    name.text
}

fn schedule(spec: ScheduleSpec, shared: &Shared) -> Option<Schedule> {
    Some(Schedule {
        cron: spec.cron.0?.value,
        timezone: spec.timezone.map_or(shared.timezone, |zone| zone.value),
        catch_up: spec.catch_up.map_or(TimeDelta::hours(1), |span| span.value.to_delta()),
    })
}

fn audience(spec: AudienceSpec, problems: &mut Problems) -> Option<Audience> {
    if let Some(limit) = spec.limit.as_ref().filter(|limit| limit.value == 0) {
        let hint = "leave it out for no limit".to_owned();
        problems.push(limit.place.clone(), "`limit` is 1 at least", Some(hint));
    }
    Some(Audience {
        filter: spec.r#where.0?.0,
        order_by: spec.order_by.map_or_else(Vec::new, |order| order.0),
        limit: spec.limit.map(|limit| limit.value),
        reentry: spec.reentry.unwrap_or(Reentry::Never),
    })
}

fn goal(spec: GoalSpec, problems: &mut Problems) -> Option<Goal> {
    let within = spec.within.0.and_then(|span| positive("within", span, problems));
    Some(Goal {
        event: spec.event.0?,
        filter: spec.r#where.map(|sql| sql.0),
        within: within?,
        value: spec.value.map(column),
        margin: spec.margin.map_or(10_000, |share| share.value),
    })
}
