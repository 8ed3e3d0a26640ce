//! The decision about one considered user: pure, one reason each, asked in a fixed order.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::domain::assignment::held_out;
use crate::domain::contact::{EmailAddress, is_clean, phone_key};
use crate::domain::vocabulary::{Arm, Decision};
use crate::project::model::{BasisPoints, ContactField, Reentry};
use crate::store::suppressions::Suppressed;

/// Salt of the holdout over all workflows; a workflow's own salt is its name.
pub const GLOBAL_SALT: &str = "global";

/// What is known of a considered user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// The user.
    pub user_id: &'a str,
    /// The audience's condition is true.
    pub matches: bool,
    /// The policy's `exclude` is true.
    pub excluded: bool,
    /// Marketing consent; unknown is no.
    pub consent: Option<bool>,
    /// E-mail address as in the source.
    pub email: Option<&'a str>,
    /// Telephone number as in the source.
    pub phone: Option<&'a str>,
    /// Name as in the source.
    pub name: Option<&'a str>,
}

/// What a decision depends on beside the user.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The workflow's name: the salt of its arms.
    pub workflow: String,
    /// Share held out of the workflow.
    pub holdout: BasisPoints,
    /// Share held out of everything.
    pub global_holdout: BasisPoints,
    /// Which contact the first stage needs.
    pub contact: ContactField,
    /// When somebody may enter again.
    pub reentry: Reentry,
    /// The run's instant.
    pub as_of: DateTime<Utc>,
    /// How many the run takes.
    pub limit: Option<u64>,
    /// Users who were in the workflow: the last entry, and whether it is still active.
    pub priors: HashMap<String, (DateTime<Utc>, bool)>,
    /// Who must not be written to.
    pub suppressed: Suppressed,
}

impl Rules {
    /// Decides about a user; `taken` is how many the run has taken so far.
    pub fn decide(&self, user: &Candidate<'_>, taken: u64) -> Decision {
        if !user.matches {
            return Decision::NotMatching;
        }
        if user.excluded {
            return Decision::Excluded;
        }
        if held_out(GLOBAL_SALT, user.user_id, self.global_holdout) {
            return Decision::GlobalHoldout;
        }
        if user.consent != Some(true) {
            return Decision::NoConsent;
        }
        let address = match contact(self.contact, user) {
            Ok(address) => address,
            Err(decision) => return decision,
        };
        if !user.name.is_none_or(is_clean) {
            return Decision::InvalidText;
        }
        if self.suppressed.holds(user.user_id, address.as_deref()) {
            return Decision::Suppressed;
        }
        if let Some((entered_at, active)) = self.priors.get(user.user_id) {
            if *active {
                return Decision::AlreadyEnrolled;
            }
            let again = match self.reentry {
                Reentry::Never => false,
                Reentry::After(span) => *entered_at + span.to_delta() <= self.as_of,
            };
            // An entry later than this run's instant belongs to a run already made: never before it.
            if !again || *entered_at >= self.as_of {
                return Decision::EnteredBefore;
            }
        }
        if self.limit.is_some_and(|limit| taken >= limit) {
            return Decision::OverLimit;
        }
        match self.arm(user.user_id) {
            Arm::Treated => Decision::Treated,
            Arm::Holdout => Decision::Holdout,
        }
    }

    /// The arm of a user in the workflow: the same at every entry.
    pub fn arm(&self, user_id: &str) -> Arm {
        if held_out(&self.workflow, user_id, self.holdout) { Arm::Holdout } else { Arm::Treated }
    }
}

/// The contact that is needed, in its suppression form.
fn contact(field: ContactField, user: &Candidate<'_>) -> Result<Option<String>, Decision> {
    let present = |text: Option<&'_ str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    match field {
        ContactField::UserId => Ok(None),
        ContactField::Email => {
            let text = present(user.email).ok_or(Decision::NoAddress)?;
            let address = EmailAddress::parse(&text).map_err(|_| Decision::InvalidAddress)?;
            Ok(Some(address.suppression_key()))
        }
        ContactField::Phone => {
            let text = present(user.phone).ok_or(Decision::NoAddress)?;
            let digits = text.chars().filter(char::is_ascii_digit).count();
            let sound = (5..=20).contains(&digits) && text.chars().all(|c| c.is_ascii_digit() || " +-()./".contains(c));
            if sound { Ok(Some(phone_key(&text))) } else { Err(Decision::InvalidAddress) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::model::Window;

    fn rules() -> Rules {
        Rules {
            workflow: "w".to_owned(),
            holdout: 0,
            global_holdout: 0,
            contact: ContactField::Email,
            reentry: Reentry::After(Window::Days(90)),
            as_of: "1998-06-30T00:00:00Z".parse().expect("instant"),
            limit: Some(10),
            priors: HashMap::new(),
            suppressed: Suppressed::default(),
        }
    }

    const USER: Candidate<'static> = Candidate {
        user_id: "u",
        matches: true,
        excluded: false,
        consent: Some(true),
        email: Some("u@example.com"),
        phone: Some("+86 138 0000 0000"),
        name: Some("刘"),
    };

    #[test]
    fn each_user_has_one_reason_and_the_first_counts() {
        let table = [
            (USER, Decision::Treated),
            (Candidate { matches: false, consent: None, ..USER }, Decision::NotMatching),
            (Candidate { excluded: true, ..USER }, Decision::Excluded),
            (Candidate { consent: Some(false), email: None, ..USER }, Decision::NoConsent),
            (Candidate { consent: None, ..USER }, Decision::NoConsent),
            (Candidate { email: None, ..USER }, Decision::NoAddress),
            (Candidate { email: Some("  "), ..USER }, Decision::NoAddress),
            (Candidate { email: Some("u@localhost"), ..USER }, Decision::InvalidAddress),
            (Candidate { name: Some("Ann\r\nBcc: x@example.com"), ..USER }, Decision::InvalidText),
        ];
        for (user, decision) in table {
            assert_eq!(rules().decide(&user, 0), decision, "{user:?}");
        }
        assert_eq!(rules().decide(&USER, 10), Decision::OverLimit);
        let mut all_held = rules();
        all_held.holdout = 10_000;
        assert_eq!(all_held.decide(&USER, 0), Decision::Holdout);
        all_held.global_holdout = 10_000;
        assert_eq!(all_held.decide(&USER, 0), Decision::GlobalHoldout);
    }

    #[test]
    fn entry_again_waits_for_its_time() {
        let mut rules = rules();
        let entered = |text: &str| text.parse::<DateTime<Utc>>().expect("instant");
        let mut decide = |at: &str, active| {
            rules.priors.insert("u".to_owned(), (entered(at), active));
            rules.decide(&USER, 0)
        };
        assert_eq!(decide("1998-01-01T00:00:00Z", true), Decision::AlreadyEnrolled);
        assert_eq!(decide("1998-05-01T00:00:00Z", false), Decision::EnteredBefore);
        assert_eq!(decide("1998-04-01T00:00:00Z", false), Decision::Treated);
        assert_eq!(decide("1998-07-01T00:00:00Z", false), Decision::EnteredBefore);
    }
}
