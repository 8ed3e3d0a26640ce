//! The closed vocabularies of the ledger, matched without wildcards everywhere.
//!
//! Each value has one spelling, used alike in tables, JSON, decision files and the console.

use std::fmt;

/// Declares an enum whose values have fixed spellings.
macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The spelling in tables and output.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }

            /// Reads the spelling; `None` for anything else.
            pub fn parse(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

vocabulary! {
    /// The side of the experiment an enrollment is on, assigned once by hash.
    Arm {
        /// Gets the workflow's messages.
        Treated = "treated",
        /// Goes through the same stages, but every message is withheld.
        Holdout = "holdout",
    }
}

vocabulary! {
    /// What a run decided about one considered user: the one reason for in or out.
    Decision {
        /// Enrolled, with messages.
        Treated = "treated",
        /// Enrolled, messages withheld.
        Holdout = "holdout",
        /// The audience's condition is not true (false or unknown).
        NotMatching = "not_matching",
        /// The policy's `exclude` holds.
        Excluded = "excluded",
        /// In the project's global holdout: never enrolled anywhere.
        GlobalHoldout = "global_holdout",
        /// No marketing consent.
        NoConsent = "no_consent",
        /// The first stage's channel needs an address that the user does not have.
        NoAddress = "no_address",
        /// The address is there but cannot be written to.
        InvalidAddress = "invalid_address",
        /// The name or another text holds control characters that no message may carry.
        InvalidText = "invalid_text",
        /// The user or address is suppressed.
        Suppressed = "suppressed",
        /// In this workflow at this moment.
        AlreadyEnrolled = "already_enrolled",
        /// Was in this workflow more recently than `reentry` allows.
        EnteredBefore = "entered_before",
        /// Eligible, but behind the audience's limit.
        OverLimit = "over_limit",
    }
}

vocabulary! {
    /// How a run stands.
    RunStatus {
        /// Begun, its result not yet in the ledger.
        Running = "running",
        /// Its audience is enrolled.
        Done = "done",
        /// It failed and changed nothing; the error says why.
        Failed = "failed",
        /// Its slot passed unattended and was too old to catch up.
        Missed = "missed",
    }
}

vocabulary! {
    /// Where an enrollment stands.
    EnrollmentStatus {
        /// Has a stage before it.
        Active = "active",
        /// Went through every stage.
        Finished = "finished",
        /// Left before the end; the exit reason says why.
        Exited = "exited",
    }
}

vocabulary! {
    /// Why an enrollment left before its last stage.
    ExitReason {
        /// Reached the goal.
        Converted = "converted",
        /// Asked for no more messages.
        Unsubscribed = "unsubscribed",
        /// The address became unreachable or complained.
        Suppressed = "suppressed",
        /// The source no longer says that the user consents.
        ConsentLost = "consent_lost",
        /// The user is no longer in the source.
        Gone = "gone",
    }
}

vocabulary! {
    /// The states of a message. All but the first three are final.
    MessageStatus {
        /// Waits for its time or its next attempt.
        Pending = "pending",
        /// Taken by a sender; nothing that the recipient could see has happened.
        Claimed = "claimed",
        /// The mark before the final dot: whether it went out is unknown until settled.
        Sending = "sending",
        /// Accepted by the receiving side.
        Sent = "sent",
        /// Refused for good, or given up after retries.
        Failed = "failed",
        /// Not sent, for the reason recorded.
        Skipped = "skipped",
        /// Held back at random: the ghost send of a holdout.
        Withheld = "withheld",
        /// The final dot may have gone out, and no answer was recorded.
        Uncertain = "uncertain",
    }
}

vocabulary! {
    /// Why a message was not sent, or was withheld.
    SkipReason {
        /// The stage's `when` was not true.
        When = "when",
        /// Older than the stage's `expires`.
        Expired = "expired",
        /// The address or user is suppressed.
        Suppressed = "suppressed",
        /// The channel needs an address that the user does not have.
        NoAddress = "no_address",
        /// The address cannot be written to.
        InvalidAddress = "invalid_address",
        /// A rendered text holds characters that no message may carry, or rendering failed.
        Invalid = "invalid",
        /// The address needs SMTPUTF8 (RFC 6531) and the server does not offer it.
        Smtputf8 = "smtputf8",
        /// The programme's holdout.
        Holdout = "holdout",
        /// The stage's own holdout.
        StageHoldout = "stage_holdout",
        /// The enrollment ended (converted, unsubscribed, …) between plan and send.
        Exited = "exited",
    }
}

vocabulary! {
    /// How one attempt at a message ended.
    AttemptResult {
        /// Accepted.
        Sent = "sent",
        /// Refused for now; another attempt follows, or the message is too old for one.
        Deferred = "deferred",
        /// Refused for good.
        Refused = "refused",
        /// Cut off after the mark before the final dot.
        Uncertain = "uncertain",
    }
}

vocabulary! {
    /// What came back from a message.
    HitKind {
        /// A tracked link was followed.
        Click = "click",
        /// The unsubscribe link was confirmed.
        Unsubscribe = "unsubscribe",
        /// The receiving side returned the message.
        Bounce = "bounce",
    }
}

vocabulary! {
    /// Who was behind a hit.
    HitClass {
        /// A person, as far as can be known.
        Human = "human",
        /// A scanner or script.
        Bot = "bot",
        /// A preloading client.
        Prefetch = "prefetch",
        /// No telling.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// What was found in the events of an enrolled user, in either arm.
    OutcomeKind {
        /// The workflow's goal.
        Conversion = "conversion",
        /// The workflow's `recall`: the user came back at all.
        Recall = "recall",
    }
}

vocabulary! {
    /// Why an address or user must not be written to.
    SuppressionReason {
        /// The recipient asked.
        Unsubscribed = "unsubscribed",
        /// The receiving side says that the address does not exist.
        HardBounce = "hard_bounce",
        /// An operator said so.
        Manual = "manual",
    }
}
