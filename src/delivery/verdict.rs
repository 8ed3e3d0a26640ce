//! What an attempt's answer means for its message: pure.

use chrono::{DateTime, TimeDelta, Utc};

use super::retry::{Schedule, next_attempt};
use super::transport::{Delivery, Fault};
use crate::domain::vocabulary::{AttemptResult, MessageStatus, SkipReason};
use crate::project::model::OnUncertain;
use crate::store::messages::Settled;

/// What follows from an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The attempt to write down; none where the message had no part in it.
    pub attempt: Option<(AttemptResult, String)>,
    /// The message's new state.
    pub to: Settled,
    /// The address does not exist: suppress it.
    pub dead_address: bool,
}

/// A message as far as its retries go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// Attempts made before this one.
    pub attempts: u32,
    /// When the message was made.
    pub created_at: DateTime<Utc>,
    /// Not sent later than this.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Judges an answer. `resume_at` is when a channel that does not work is tried again.
pub fn judge(
    delivery: Delivery,
    tried: &Tried,
    schedule: Schedule,
    on_uncertain: OnUncertain,
    resume_at: DateTime<Utc>,
    now: DateTime<Utc>,
    jitter: f64,
) -> Verdict {
    let last = |status, result, reply, dead_address| Verdict {
        attempt: Some((result, reply)),
        to: Settled::Final(status, None),
        dead_address,
    };
    let silent = |to| Verdict { attempt: None, to, dead_address: false };
    match delivery {
        Delivery::Accepted { reply } => last(MessageStatus::Sent, AttemptResult::Sent, reply, false),
        Delivery::Refused { reply, fault } => {
            last(MessageStatus::Failed, AttemptResult::Refused, reply, fault == Fault::Address)
        }
        Delivery::Deferred { reply, wait } => {
            let made = tried.attempts.saturating_add(1);
            let next = next_attempt(schedule, made, now - tried.created_at, wait, jitter)
                .and_then(|wait| TimeDelta::from_std(wait).ok())
                .map(|wait| now + wait);
            match next {
                Some(at) if tried.expires_at.is_none_or(|expires| at <= expires) => Verdict {
                    attempt: Some((AttemptResult::Deferred, reply)),
                    to: Settled::Again(at),
                    dead_address: false,
                },
                Some(_) | None => last(MessageStatus::Failed, AttemptResult::Deferred, reply, false),
            }
        }
        Delivery::Uncertain { reply } => match on_uncertain {
            OnUncertain::Hold => last(MessageStatus::Uncertain, AttemptResult::Uncertain, reply, false),
            OnUncertain::Resend => Verdict {
                attempt: Some((AttemptResult::Uncertain, reply)),
                to: Settled::Again(resume_at.max(now)),
                dead_address: false,
            },
        },
        Delivery::Unavailable { reply: _ } => silent(Settled::Again(resume_at)),
        // Either suppressed since the claim, or no longer ours: then the write has no effect.
        Delivery::Abandoned => silent(Settled::Final(MessageStatus::Skipped, Some(SkipReason::Suppressed))),
        Delivery::NeedsSmtputf8 => silent(Settled::Final(MessageStatus::Skipped, Some(SkipReason::Smtputf8))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("instant")
    }

    fn judged(delivery: Delivery, tried: Tried, on_uncertain: OnUncertain) -> Verdict {
        let now = at("2026-01-02T00:00:00Z");
        judge(delivery, &tried, Schedule::Mail, on_uncertain, at("2026-01-02T00:05:00Z"), now, 0.5)
    }

    const REPLY: &str = "450 later";

    fn deferred() -> Delivery {
        Delivery::Deferred { reply: REPLY.to_owned(), wait: None }
    }

    #[test]
    fn a_deferred_mail_comes_again_until_it_is_too_old() {
        let fresh = Tried { attempts: 0, created_at: at("2026-01-02T00:00:00Z"), expires_at: None };
        assert_eq!(judged(deferred(), fresh, OnUncertain::Hold).to, Settled::Again(at("2026-01-02T00:01:00Z")));
        let old = Tried { created_at: at("2025-12-31T00:00:00Z"), ..fresh };
        assert_eq!(judged(deferred(), old, OnUncertain::Hold).to, Settled::Final(MessageStatus::Failed, None));
        let expiring = Tried { expires_at: Some(at("2026-01-02T00:00:30Z")), ..fresh };
        assert_eq!(judged(deferred(), expiring, OnUncertain::Hold).to, Settled::Final(MessageStatus::Failed, None));
    }

    #[test]
    fn only_a_dead_address_is_suppressed_and_a_dead_channel_counts_no_attempt() {
        let tried = Tried { attempts: 0, created_at: at("2026-01-02T00:00:00Z"), expires_at: None };
        let refused = |fault| Delivery::Refused { reply: "550".to_owned(), fault };
        assert!(judged(refused(Fault::Address), tried, OnUncertain::Hold).dead_address);
        assert!(!judged(refused(Fault::Ours), tried, OnUncertain::Hold).dead_address);
        assert!(!judged(refused(Fault::Unclear), tried, OnUncertain::Hold).dead_address);
        let down = judged(Delivery::Unavailable { reply: String::new() }, tried, OnUncertain::Hold);
        assert_eq!((down.attempt, down.to), (None, Settled::Again(at("2026-01-02T00:05:00Z"))));
    }

    #[test]
    fn what_is_uncertain_is_held_unless_the_team_chose_otherwise() {
        let tried = Tried { attempts: 0, created_at: at("2026-01-02T00:00:00Z"), expires_at: None };
        let uncertain = || Delivery::Uncertain { reply: "cut off".to_owned() };
        let held = judged(uncertain(), tried, OnUncertain::Hold);
        assert_eq!(held.to, Settled::Final(MessageStatus::Uncertain, None));
        assert!(matches!(judged(uncertain(), tried, OnUncertain::Resend).to, Settled::Again(_)));
    }
}
