//! The facts of a report out of the ledger: rows in, plain values out. The only file here that does IO.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::facts::{About, MessageTotals, Participant, StageExperiment, StageFacts, WorkflowFacts};
use crate::domain::vocabulary::{Arm, HitClass, HitKind, MessageStatus, OutcomeKind, SkipReason};
use crate::outcomes::attribution::Findings;
use crate::project::model::{BasisPoints, EventSelector, Project, Stage, Workflow};
use crate::stages::versions::Versions;
use crate::store::entities::message;
use crate::store::outcomes::Window;
use crate::store::{Store, StoreError};

/// What one message of the treated arm did within its turn: from its own instant to the next stage's
/// of the same enrollment, or to the end of the goal's window.
struct Turn {
    enrollment: i64,
    stage: usize,
    status: MessageStatus,
    reason: Option<SkipReason>,
    variant: String,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

/// An enrollment with what was found in its events.
struct Person {
    first: bool,
    arm: Arm,
    entered_at: DateTime<Utc>,
    converted_at: Option<DateTime<Utc>>,
    value_minor: i64,
    recalled_at: Option<DateTime<Utc>>,
}

/// Windows of all enrollments of a workflow, by the goal's window as it is now: a report can be told
/// again with another one.
pub async fn windows(workflow: &Workflow, store: &Store, as_of: DateTime<Utc>) -> Result<Vec<Window>, StoreError> {
    let within = workflow.goal.within.to_delta();
    let people = store.participants(&workflow.name).await?.into_iter().filter(|person| person.entered_at < as_of);
    Ok(people
        .map(|person| Window {
            enrollment_id: person.id,
            ends_at: person.entered_at + within,
            entered_at: person.entered_at,
            user_id: person.user_id,
        })
        .collect())
}

async fn people(
    store: &Store,
    workflow: &Workflow,
    as_of: DateTime<Utc>,
    findings: &Findings,
) -> Result<BTreeMap<i64, Person>, StoreError> {
    let mut users = HashSet::new();
    let mut people: BTreeMap<i64, Person> = BTreeMap::new();
    // In order of entry, so that a user's first one is seen first.
    for row in store.participants(&workflow.name).await?.into_iter().filter(|row| row.entered_at <= as_of) {
        let person = Person {
            first: users.insert(row.user_id),
            arm: row.arm,
            entered_at: row.entered_at,
            converted_at: None,
            value_minor: 0,
            recalled_at: None,
        };
        people.insert(row.id, person);
    }
    for found in &findings.found {
        let Some(person) = people.get_mut(&found.enrollment_id) else { continue };
        match found.kind {
            OutcomeKind::Conversion => {
                person.converted_at = Some(found.first_at);
                person.value_minor = found.value_minor;
            }
            OutcomeKind::Recall => person.recalled_at = Some(found.first_at),
        }
    }
    Ok(people)
}

/// Reads everything about a workflow that happened up to `as_of`; `findings` are those of [`windows`].
pub async fn facts(
    project: &Project,
    workflow: &Workflow,
    store: &Store,
    as_of: DateTime<Utc>,
    findings: &Findings,
) -> Result<WorkflowFacts, StoreError> {
    let people = people(store, workflow, as_of, findings).await?;
    let planned = planned_holdout(project, workflow, store, as_of).await?;
    let about = about(workflow, as_of, findings, planned);
    let rows = store.messages(&workflow.name).await?;
    let clicks = Clicks::read(store, workflow, as_of).await?;
    let window = workflow.goal.within.to_delta();
    let mut stages: Vec<StageFacts> = workflow.stages.iter().map(|stage| empty(project, stage)).collect();
    let mut totals = MessageTotals::default();
    let mut costs: HashMap<i64, f64> = HashMap::new();
    let mut claims: HashMap<i64, u32> = HashMap::new();
    for (row, turn) in turns(workflow, rows, as_of)? {
        let Some(person) = people.get(&turn.enrollment) else { continue };
        total(&mut totals, turn.status);
        let Some(stage) = workflow.stages.get(turn.stage) else { continue };
        let facts = &mut stages[turn.stage];
        if person.arm == Arm::Holdout {
            facts.ghosts += u64::from(turn.reason == Some(SkipReason::Holdout));
            continue;
        }
        let window_end = person.entered_at + window;
        let until = turn.until.min(window_end);
        let in_turn = |at: Option<DateTime<Utc>>| at.is_some_and(|at| turn.from < at && at <= until && at <= as_of);
        let (converted, recalled) = (in_turn(person.converted_at), in_turn(person.recalled_at));
        let assigned_send = match turn.status {
            MessageStatus::Withheld => false,
            MessageStatus::Skipped => {
                *facts.skipped.entry(turn.reason.unwrap_or(SkipReason::Invalid)).or_default() += 1;
                if matches!(turn.reason, Some(SkipReason::When | SkipReason::Expired) | None) {
                    continue;
                }
                true
            }
            MessageStatus::Failed => {
                facts.failed += 1;
                true
            }
            MessageStatus::Uncertain => {
                facts.uncertain += 1;
                true
            }
            MessageStatus::Pending | MessageStatus::Claimed | MessageStatus::Sending => {
                facts.pending += 1;
                true
            }
            MessageStatus::Sent => true,
        };
        facts.eligible += 1;
        if !assigned_send {
            facts.withheld += 1;
        }
        if let Some(experiment) = &mut facts.experiment {
            // The same planned stretch for both sides, so that nothing a message caused (a click, an
            // unsubscribe) moves its end.
            let next = workflow.stages.get(turn.stage + 1).map(|next| row.created_at + next.after);
            let end = next.map_or(window_end, |next| next.min(window_end));
            if end > about.data_until {
                experiment.open += 1;
            } else {
                let tally = if assigned_send { &mut experiment.sent } else { &mut experiment.withheld };
                tally.users += 1;
                let came = person.converted_at.is_some_and(|at| row.created_at < at && at <= end);
                tally.converted += u64::from(came);
            }
        }
        if turn.status != MessageStatus::Sent {
            continue;
        }
        let clicked = clicks.human.contains(&row.id);
        let reached = clicked || !clicks.bounced.contains(&row.id);
        facts.sent += 1;
        facts.reached += u64::from(reached);
        facts.clicked += u64::from(clicked);
        facts.pay_clicked += u64::from(clicks.pay.contains(&row.id));
        facts.recalled += u64::from(recalled && reached);
        let mut cost = facts.message_cost_minor;
        if converted && reached {
            facts.converted += 1;
            facts.revenue_minor += person.value_minor;
            *claims.entry(turn.enrollment).or_default() += 1;
            let variant = stage.variants.iter().find(|variant| variant.name == turn.variant);
            cost += variant.map_or(0.0, |variant| variant.incentive_cost * 100.0);
        }
        facts.cost_minor += cost;
        *costs.entry(turn.enrollment).or_default() += cost;
    }
    for stage in &mut stages {
        // Sums of prices such as 0.04: a millionth of a minor unit is no money.
        stage.cost_minor = (stage.cost_minor * 1e6).round() / 1e6;
    }
    let mut participants: Vec<(i64, Participant)> = people
        .into_iter()
        .map(|(id, person)| {
            let participant = Participant {
                first: person.first,
                arm: person.arm,
                entered_at: person.entered_at,
                converted_at: person.converted_at,
                value_minor: person.value_minor,
                cost_minor: costs.get(&id).copied().unwrap_or(0.0),
                claimed: claims.get(&id).copied().unwrap_or(0),
            };
            (id, participant)
        })
        .collect();
    participants.sort_by_key(|(id, participant)| (participant.entered_at, *id));
    Ok(WorkflowFacts {
        about,
        participants: participants.into_iter().map(|(_, participant)| participant).collect(),
        messages: totals,
        stages,
    })
}

/// The share that was to be held out: each version's, weighted by those who entered under it. A version
/// that no longer fits the project counts as the present one.
async fn planned_holdout(
    project: &Project,
    workflow: &Workflow,
    store: &Store,
    as_of: DateTime<Utc>,
) -> Result<BasisPoints, StoreError> {
    let mut versions = Versions::default();
    let (mut enrolled, mut held_out) = (0_u64, 0_u64);
    for (version, users) in store.enrolled_by_version(&workflow.name, as_of).await? {
        let then = versions.get(project, store, &workflow.name, &version).await?;
        let share = then.map_or(workflow.holdout, |then| then.holdout);
        let users = u64::try_from(users).unwrap_or(0);
        enrolled += users;
        held_out += users * u64::from(share);
    }
    // A mean of shares is a share; rounded to the nearest.
    let mean = (held_out + enrolled / 2).checked_div(enrolled);
    Ok(mean.and_then(|mean| BasisPoints::try_from(mean).ok()).unwrap_or(workflow.holdout))
}

fn about(workflow: &Workflow, as_of: DateTime<Utc>, findings: &Findings, planned_holdout: BasisPoints) -> About {
    About {
        workflow: workflow.name.clone(),
        title: workflow.title.clone(),
        objective: workflow.objective.clone(),
        owner: workflow.owner.clone(),
        strategy: workflow.strategy.clone(),
        as_of,
        data_until: findings.data_until.map_or(as_of, |newest| newest.min(as_of)),
        goal_event: match &workflow.goal.event {
            EventSelector::Any => "*".to_owned(),
            EventSelector::Named(name) => name.clone(),
        },
        goal_window: workflow.goal.within.to_delta(),
        goal_valued: workflow.goal.value.is_some(),
        margin: workflow.goal.margin,
        planned_holdout,
    }
}

fn empty(project: &Project, stage: &Stage) -> StageFacts {
    let channel = project.channels.get(&stage.channel);
    StageFacts {
        stage: stage.id.clone(),
        owner: stage.owner.clone(),
        channel: stage.channel.clone(),
        targets: stage.targets.clone(),
        holdout: stage.holdout,
        message_cost_minor: channel.map_or(0.0, |channel| channel.cost * 100.0),
        eligible: 0,
        ghosts: 0,
        sent: 0,
        withheld: 0,
        skipped: BTreeMap::new(),
        failed: 0,
        uncertain: 0,
        pending: 0,
        reached: 0,
        clicked: 0,
        pay_clicked: 0,
        recalled: 0,
        converted: 0,
        revenue_minor: 0,
        cost_minor: 0.0,
        experiment: (stage.holdout > 0).then(StageExperiment::default),
    }
}

fn total(totals: &mut MessageTotals, status: MessageStatus) {
    match status {
        MessageStatus::Sent => totals.sent += 1,
        MessageStatus::Failed => totals.failed += 1,
        MessageStatus::Skipped => totals.skipped += 1,
        MessageStatus::Withheld => totals.withheld += 1,
        MessageStatus::Uncertain => totals.uncertain += 1,
        MessageStatus::Pending | MessageStatus::Claimed | MessageStatus::Sending => totals.pending += 1,
    }
}

/// Messages with their turns. Only a message that was sent or withheld ends the turn before it:
/// nothing happened at a stage that was skipped.
fn turns(
    workflow: &Workflow,
    rows: Vec<message::Model>,
    as_of: DateTime<Utc>,
) -> Result<Vec<(message::Model, Turn)>, StoreError> {
    let mut all: Vec<(message::Model, Turn)> = Vec::with_capacity(rows.len());
    let mut next: HashMap<i64, DateTime<Utc>> = HashMap::new();
    for row in rows.into_iter().rev().filter(|row| row.created_at <= as_of) {
        let status = MessageStatus::parse(&row.status)
            .ok_or_else(|| StoreError::Foreign { what: "state of a message", value: row.status.clone() })?;
        let Some(stage) = workflow.stages.iter().position(|stage| stage.id == row.stage) else { continue };
        let from =
            if status == MessageStatus::Sent { row.settled_at.unwrap_or(row.created_at) } else { row.created_at };
        let turn = Turn {
            enrollment: row.enrollment_id,
            stage,
            status,
            reason: row.reason.as_deref().and_then(SkipReason::parse),
            variant: row.variant.clone(),
            from,
            until: next.get(&row.enrollment_id).copied().unwrap_or(DateTime::<Utc>::MAX_UTC),
        };
        if matches!(status, MessageStatus::Sent | MessageStatus::Withheld) {
            next.insert(row.enrollment_id, from);
        }
        all.push((row, turn));
    }
    Ok(all)
}

/// Which messages were clicked by a person, or came back.
#[derive(Default)]
struct Clicks {
    human: HashSet<i64>,
    pay: HashSet<i64>,
    bounced: HashSet<i64>,
}

impl Clicks {
    async fn read(store: &Store, workflow: &Workflow, as_of: DateTime<Utc>) -> Result<Clicks, StoreError> {
        let mut clicks = Clicks::default();
        for hit in store.hits(&workflow.name).await?.into_iter().filter(|hit| hit.at <= as_of) {
            let kind = HitKind::parse(&hit.kind)
                .ok_or_else(|| StoreError::Foreign { what: "kind of hit", value: hit.kind.clone() })?;
            match kind {
                HitKind::Click if HitClass::parse(&hit.class) == Some(HitClass::Human) => {
                    clicks.human.insert(hit.message_id);
                    if hit.role.as_deref() == Some("pay") {
                        clicks.pay.insert(hit.message_id);
                    }
                }
                HitKind::Bounce => {
                    clicks.bounced.insert(hit.message_id);
                }
                HitKind::Click | HitKind::Unsubscribe => {}
            }
        }
        Ok(clicks)
    }
}
