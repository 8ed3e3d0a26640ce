//! Any facts in any order: no stage twice, nothing sent to the holdout, and every way ends.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

const PROJECT: &str = r#"
timezone: UTC
sources:
  users: {file: users.csv, id: id, email: email, consent: consent}
  events: [{file: events.csv, event: purchase, user: user, time: time}]
features: {orders: {count: purchase}}
channels: {paper: {directory: out, from: a@shop.example}}
tracking: {url: "https://go.shop.example", secret: "a secret of the tests, long enough to be one"}
"#;
const WORKFLOW: &str = r#"
name: w
schedule: {cron: "0 9 * * *"}
audience: {where: orders > 0}
goal: {event: purchase, within: 28d}
stages:
  - {id: a, send: {channel: paper, message: m}}
  - {id: b, after: 1d, send: {channel: paper, variants: {x: {message: m, weight: 1}, y: {message: m, weight: 1}}}}
  - {id: c, after: 1d, send: {channel: paper, message: m}}
  - {id: d, after: 1d, send: {channel: paper, message: m}}
"#;

fn workflow() -> Workflow {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join("workflows/templates/m")).expect("a folder");
    for (name, text) in [("winback.yaml", PROJECT), ("workflows/w.yaml", WORKFLOW)] {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    let (project, problems) = crate::project::load(folder.path(), &|_| None);
    let messages: Vec<&str> = problems.list.iter().map(|problem| problem.message.as_str()).collect();
    assert!(messages.is_empty(), "{messages:?}");
    project.and_then(|project| project.workflow("w").cloned()).expect("it compiles")
}

/// One stage: hours after the one before, its holdout, and hours until it expires.
type Shape = (i64, u32, Option<i64>);
/// What is found when a stage is looked at: hours too late, converted, the condition.
type Found = (i64, bool, bool);

fn shapes() -> impl Strategy<Value = Vec<Shape>> {
    prop::collection::vec((0..100_i64, 0..=10_000_u32, prop::option::of(0..100_i64)), 1..=4)
}

fn findings() -> impl Strategy<Value = Vec<Found>> {
    prop::collection::vec((0..300_i64, prop::bool::weighted(0.1), any::<bool>()), 5)
}

#[test]
fn whatever_happens_every_stage_comes_once_and_every_way_ends() {
    let base = workflow();
    proptest!(|(shapes in shapes(), findings in findings(), user in "[a-z]{1,8}", held in any::<bool>(),
               window in 0..900_i64)| {
        let mut workflow = base.clone();
        workflow.stages.truncate(shapes.len());
        for (stage, (after, holdout, expires)) in workflow.stages.iter_mut().zip(&shapes) {
            stage.after = TimeDelta::hours(*after);
            stage.holdout = *holdout;
            stage.expires = expires.map(TimeDelta::hours);
        }
        let arm = if held { Arm::Holdout } else { Arm::Treated };
        let entered = DateTime::UNIX_EPOCH;
        let window_ends_at = entered + TimeDelta::hours(window);
        let (mut position, mut due_at) = (0, entered + workflow.stages[0].after);
        let mut seen = BTreeSet::new();
        let mut ended = None;
        for (late, converted, when_holds) in findings {
            let now = due_at + TimeDelta::hours(late);
            let due = Due { user_id: &user, arm, position, due_at, window_ends_at, converted, when_holds };
            let action = decide(&workflow, &due, now);
            prop_assert_eq!(&action, &decide(&workflow, &due, now));
            prop_assert_eq!(action.message.is_none(), converted);
            if let Some(planned) = action.message {
                let stage = &workflow.stages[position];
                prop_assert!(seen.insert(position), "two messages of one stage");
                prop_assert!(planned.variant < stage.variants.len());
                let expired = stage.expires.is_some_and(|expires| TimeDelta::hours(late) > expires)
                    || now >= window_ends_at;
                let expected = match (expired, when_holds, held, held_out(&stage_salt(&workflow, stage), &user, stage.holdout)) {
                    (true, _, _, _) => Fate::Skip(SkipReason::Expired),
                    (false, false, _, _) => Fate::Skip(SkipReason::When),
                    (false, true, true, _) => Fate::Withhold(SkipReason::Holdout),
                    (false, true, false, true) => Fate::Withhold(SkipReason::StageHoldout),
                    (false, true, false, false) => Fate::Send,
                };
                prop_assert_eq!(planned.fate, expected);
            }
            match action.step {
                Step::Next { position: next, due_at: at } => {
                    prop_assert_eq!(next, position as i32 + 1);
                    position += 1;
                    prop_assert!(at >= now && at - now == workflow.stages[position].after);
                    due_at = at;
                }
                Step::Finish | Step::Exit(_) => {
                    prop_assert_eq!(converted, action.step == Step::Exit(ExitReason::Converted));
                    ended = Some(action.step);
                    break;
                }
            }
        }
        prop_assert!(ended.is_some(), "no end after more looks than there are stages");
        prop_assert!(ended != Some(Step::Finish) || seen.len() == workflow.stages.len());
    });
}

#[test]
fn a_position_behind_the_last_stage_finishes_without_a_message() {
    let workflow = workflow();
    let now = DateTime::UNIX_EPOCH;
    for position in [4, usize::MAX - 1] {
        let due = Due {
            user_id: "u",
            arm: Arm::Treated,
            position,
            due_at: now,
            window_ends_at: DateTime::<Utc>::MAX_UTC,
            converted: false,
            when_holds: true,
        };
        assert_eq!(decide(&workflow, &due, now), Action { message: None, step: Step::Finish });
    }
}
