//! What holds over all workflows, and the public address.

use super::address;
use crate::project::model::{OnUncertain, Policy, Secret, Tracking};
use crate::project::problems::Problems;
use crate::project::spec::project::{PolicySpec, TrackingSpec};

/// Makes the policy.
pub fn policy(spec: Option<PolicySpec>) -> Policy {
    let (exclude, holdout, on_uncertain) = spec.map_or((None, None, None), |s| (s.exclude, s.holdout, s.on_uncertain));
    Policy {
        exclude: exclude.map(|sql| sql.0),
        holdout: holdout.map_or(0, |share| share.value),
        on_uncertain: on_uncertain.unwrap_or(OnUncertain::Hold),
    }
}

/// Makes the public address and key.
pub fn tracking(spec: TrackingSpec, problems: &mut Problems) -> Option<Tracking> {
    let url = spec.url.0.and_then(|url| address::public_url(&url, problems));
    let secret = spec.secret.0.filter(|secret| {
        let empty = secret.value.trim().is_empty();
        if empty {
            problems.push(secret.place.clone(), "`secret` is empty", Some("a long random text".to_owned()));
        }
        !empty
    });
    Some(Tracking { url: url?, secret: Secret(secret?.value) })
}
