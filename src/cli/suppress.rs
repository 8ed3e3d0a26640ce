//! `winback suppress`: addresses and users that must not be written to.

use std::path::Path;

use anyhow::{anyhow, bail};
use clap::Subcommand;

use super::{open, segments};
use crate::domain::clock::Clock;
use crate::domain::contact::{EmailAddress, phone_key};
use crate::domain::vocabulary::SuppressionReason;
use crate::store::Store;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Never write to this address or user again, in any workflow.
    Add {
        /// An e-mail address, a phone number (`phone:+86…`) or a user (`user:ID`).
        who: String,
        /// Why, for people.
        #[arg(long)]
        note: Option<String>,
    },
    /// Lift a suppression.
    Remove {
        /// As given to `add`.
        who: String,
    },
    /// Show all, newest first.
    List,
}

/// Adds, removes or lists.
pub async fn suppress(root: &Path, action: Action, json: bool) -> anyhow::Result<bool> {
    let now = Clock::System.now();
    let (project, problems) = crate::project::load(root, &open::variable);
    let Some(project) = project else {
        eprint!("{}", super::diagnostics::render(&problems));
        return Ok(false);
    };
    let store = Store::open(&project.database.0).await?;
    match action {
        Action::Add { who, note } => {
            let (kind, value) = parse(&who)?;
            store.suppress(vec![(kind, value)], SuppressionReason::Manual, note, now).await?;
            eprintln!("suppressed in all workflows; `winback suppress remove {who}` lifts it");
        }
        Action::Remove { who } => {
            let (kind, value) = parse(&who)?;
            if !store.unsuppress(kind, &value).await? {
                bail!("{who} is not suppressed");
            }
            eprintln!("no longer suppressed");
        }
        Action::List => {
            let rows = store.suppression_list().await?;
            if json {
                let list: Vec<serde_json::Value> = rows
                    .iter()
                    .map(|row| {
                        let at = row.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
                        serde_json::json!({"kind": row.kind, "value": row.value, "reason": row.reason, "at": at, "note": row.note})
                    })
                    .collect();
                println!("{}", serde_json::Value::Array(list));
                return Ok(true);
            }
            let mut table = segments::new_table(&["kind", "value", "reason", "since", "note"]);
            for row in rows {
                let at = row.at.format("%Y-%m-%d %H:%M UTC").to_string();
                table.add_row([row.kind, row.value, row.reason, at, row.note.unwrap_or_default()]);
            }
            println!("{table}");
        }
    }
    Ok(true)
}

fn parse(who: &str) -> anyhow::Result<(&'static str, String)> {
    if let Some(user) = who.strip_prefix("user:").filter(|user| !user.is_empty()) {
        return Ok(("user", user.to_owned()));
    }
    if let Some(phone) = who.strip_prefix("phone:").filter(|phone| phone.contains(|c: char| c.is_ascii_digit())) {
        return Ok(("phone", phone_key(phone)));
    }
    let address = EmailAddress::parse(who).map_err(|error| {
        anyhow!("this is no e-mail address ({error}); write user:ID for a user, phone:NUMBER for a number")
    })?;
    Ok(("email", address.suppression_key()))
}
