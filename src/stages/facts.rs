//! What the ledger says happened to enrollments so far.

use std::collections::HashMap;

use crate::domain::vocabulary::OutcomeKind;
use crate::segments::condition::Facts;
use crate::store::{Store, StoreError};

/// Facts of each enrollment; those without any are absent.
pub async fn gather(store: &Store, enrollments: &[i64]) -> Result<HashMap<i64, Facts>, StoreError> {
    let mut facts: HashMap<i64, Facts> = HashMap::new();
    for (id, sent) in store.sent_counts(enrollments).await? {
        facts.entry(id).or_default().reached = sent > 0;
    }
    for (id, hits) in store.hit_facts(enrollments).await? {
        let fact = facts.entry(id).or_default();
        fact.clicked = hits.clicked;
        fact.roles = hits.roles;
        fact.bounced = hits.bounced;
        // A person who clicked was reached, whatever came back meanwhile.
        fact.reached = (fact.reached && !hits.bounced) || hits.clicked;
    }
    for (id, kinds) in store.outcome_facts(enrollments).await? {
        let fact = facts.entry(id).or_default();
        for kind in kinds {
            match kind {
                OutcomeKind::Conversion => fact.converted = true,
                OutcomeKind::Recall => fact.recalled = true,
            }
        }
    }
    Ok(facts)
}
