//! The state machine of one enrollment at one stage: pure, total, deterministic.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::domain::assignment::{choose, held_out};
use crate::domain::vocabulary::{Arm, ExitReason, SkipReason};
use crate::project::model::{Stage, Workflow};
use crate::store::enrollments::Step;
use crate::store::messages::Fate;

/// An enrollment whose stage is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due<'a> {
    /// The user.
    pub user_id: &'a str,
    /// The side of the experiment.
    pub arm: Arm,
    /// Index of the stage.
    pub position: usize,
    /// When it was due.
    pub due_at: DateTime<Utc>,
    /// When the goal's window is over: nothing is sent that could no longer count.
    pub window_ends_at: DateTime<Utc>,
    /// The goal was reached.
    pub converted: bool,
    /// The stage's condition is true (or there is none).
    pub when_holds: bool,
}

/// What happens to an enrollment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The message of the stage, where it gets one.
    pub message: Option<Planned>,
    /// Where the enrollment goes.
    pub step: Step,
}

/// A stage's message as decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Index of the variant.
    pub variant: usize,
    /// Whether it is sent.
    pub fate: Fate,
}

/// Decides. The holdout passes through the same conditions and is withheld where the others are
/// sent to, so that both arms can be compared at every stage.
pub fn decide(workflow: &Workflow, due: &Due<'_>, now: DateTime<Utc>) -> Action {
    if due.converted {
        return Action { message: None, step: Step::Exit(ExitReason::Converted) };
    }
    let Some(stage) = workflow.stages.get(due.position) else {
        return Action { message: None, step: Step::Finish };
    };
    let expired = stage.expires.is_some_and(|expires| now > due.due_at + expires);
    let fate = if expired || now >= due.window_ends_at {
        Fate::Skip(SkipReason::Expired)
    } else if !due.when_holds {
        Fate::Skip(SkipReason::When)
    } else if due.arm == Arm::Holdout {
        Fate::Withhold(SkipReason::Holdout)
    } else if held_out(&stage_salt(workflow, stage), due.user_id, stage.holdout) {
        Fate::Withhold(SkipReason::StageHoldout)
    } else {
        Fate::Send
    };
    let step = match workflow.stages.get(due.position + 1) {
        // Counted from now, not from when it was due: after a pause nobody gets two mails at once.
        // A position is an index of a short list.
        Some(next) => Step::Next { position: due.position as i32 + 1, due_at: now + next.after },
        None => Step::Finish,
    };
    Action { message: Some(Planned { variant: variant(workflow, stage, due.user_id), fate }), step }
}

/// The salt of a stage's own holdout.
pub fn stage_salt(workflow: &Workflow, stage: &Stage) -> String {
    format!("{}:{}", workflow.name, stage.id)
}

/// The variant of a user at a stage, by a salt of its own; the holdout gets one too, so that variants
/// can be compared with it.
pub fn variant(workflow: &Workflow, stage: &Stage, user_id: &str) -> usize {
    let weights: Vec<u32> = stage.variants.iter().map(|variant| variant.weight).collect();
    choose(&format!("{}:{}:variant", workflow.name, stage.id), user_id, &weights).unwrap_or(0)
}

/// The public key of a message: the same for the same enrollment and stage, telling nothing of either.
pub fn message_key(workflow: &str, user_id: &str, entered_at: DateTime<Utc>, stage: &str) -> String {
    let mut hash = Sha256::new();
    for part in [workflow, user_id, &entered_at.to_rfc3339(), stage] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex::encode(&hash.finalize()[..16])
}

#[cfg(test)]
mod tests;
