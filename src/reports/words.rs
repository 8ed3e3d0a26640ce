//! The report in sentences: what a marketer reads before any number.

use super::facts::StageFacts;
use super::figures::Report;
use super::format::{clean, count, decimal, p_value, percent, points, points_interval, rounded, span, users_are};
use super::programme::Programme;
use super::stages::{StageEffect, StageFigures};
use super::verdict::{Basis, Judgement, Reason};
use crate::outcomes::effect::interval::Interval;

/// The verdict on the programme and the rule behind it.
pub fn verdict(report: &Report) -> String {
    let programme = &report.programme;
    let window = span(report.about.goal_window);
    let judgement = &programme.judgement;
    match judgement.reason {
        Reason::UnevenArms => {
            "The arms did not come out in the planned shares, so no effect is reported: find what moved users \
             between the arms first."
                .to_owned()
        }
        Reason::NoHoldout => "Nobody is held out, so nobody can tell what would have happened anyway.".to_owned(),
        Reason::NobodyEntered => "Nobody has entered the workflow yet.".to_owned(),
        Reason::NobodyMatured => format!("It is too early: one of the arms has nobody who has been in for {window}."),
        Reason::EmptyArm => {
            "One of the arms has nobody, so there is nothing to compare with: the audience is too small for this \
             holdout."
                .to_owned()
        }
        Reason::FewConversions => format!(
            "It is too early: an arm has fewer than 10 conversions, and {} still inside their {window}.",
            users_are(programme.open)
        ),
        Reason::Above => format!("The recall works: {}{}.", lift(programme), in_users(programme)),
        Reason::Below => format!("The recall does harm: {}{}.", lift(programme), in_users(programme)),
        Reason::NothingSeen => format!(
            "No effect is shown: {}. {} would probably have been seen.",
            lift(programme),
            worth(judgement, "A lift")
        ),
        Reason::TooFewUsers => {
            format!("The data cannot tell whether it works: {}. {}", lift(programme), missed(judgement))
        }
    }
}

/// The verdict on a stage and the rule behind it.
pub fn stage_verdict(effect: &StageEffect) -> String {
    match effect.judgement.reason {
        Reason::UnevenArms => {
            "Sent and withheld did not come out in the planned shares: no effect is reported.".to_owned()
        }
        Reason::NoHoldout | Reason::NobodyEntered | Reason::EmptyArm => {
            "There is nobody to compare with at this stage.".to_owned()
        }
        Reason::NobodyMatured => "It is too early: the stage's window has not passed for both sides.".to_owned(),
        Reason::FewConversions => {
            "It is too early: one side has fewer than 10 conversions, and the stage's window is still open for others."
                .to_owned()
        }
        Reason::Above => "Sending it works.".to_owned(),
        Reason::Below => "Sending it does harm.".to_owned(),
        Reason::NothingSeen => {
            format!("No effect is shown: {} would probably have been seen.", worth(&effect.judgement, "a lift"))
        }
        Reason::TooFewUsers => format!("The data cannot tell. {}", missed(&effect.judgement)),
    }
}

/// Whether the arms came out as planned.
pub fn randomisation(programme: &Programme) -> String {
    let split = programme.split;
    let arms = format!(
        "{} treated, {} held out, {} planned",
        count(split.treated),
        count(split.holdout),
        percent(f64::from(split.planned) / 10_000.0)
    );
    match (split.p, split.ok) {
        (None, _) => format!("Arms: {arms}; there is nothing to check yet, or nothing was randomised."),
        (Some(p), true) => format!("Arms: as planned ({arms}; {}).", p_value(p)),
        (Some(p), false) => format!("Arms: BROKEN ({arms}; {}, and below 0.001 no effect is reported).", p_value(p)),
    }
}

/// What last-touch counting would claim, against what was added.
pub fn last_touch(programme: &Programme) -> String {
    let claims = format!("Last touch would claim {} conversions", count(programme.attributed));
    let claims = if programme.attributed == programme.attributed_matured {
        claims
    } else {
        format!(
            "{claims}, {} of them in entries that the programme is measured over",
            count(programme.attributed_matured)
        )
    };
    match (programme.incremental, programme.over_claim) {
        (None, _) => format!("{claims}. How many the recall added cannot be said."),
        (Some(added), Some(factor)) => format!(
            "{claims}. The recall added {}{}: last touch claims {} times as many.",
            rounded(added),
            programme.incremental_interval.map_or(String::new(), |i| format!(" ({})", users_interval(i))),
            decimal(factor)
        ),
        (Some(_), None) => format!(
            "{claims}. Yet treated users did not convert more often than the holdout: nothing was added, and there is \
             no factor to state."
        ),
    }
}

/// What has to be known to read the figures right.
pub fn notes(report: &Report) -> Vec<String> {
    let mut notes = vec![maturity(report)];
    let about = &report.about;
    if about.data_until < about.as_of {
        let until = about.data_until.format("%Y-%m-%d %H:%M UTC");
        notes.push(format!("The events reach to {until}: only windows that ended before then count as passed."));
    }
    if report.programme.again > 0 {
        notes.push(format!(
            "The programme is measured over each user's first entry; {} later entries of the same users are in the \
             messages and stages only.",
            count(report.programme.again)
        ));
    }
    if report.programme.judgement.decided_by.is_some_and(|(basis, _)| basis == Basis::Anytime) {
        notes.push("While users are inside their window, the verdict rests on the anytime interval.".to_owned());
    }
    notes.extend(money_note(report));
    let effects = report.stages.iter().any(|stage| stage.effect.is_some());
    if effects {
        notes.push(
            "A stage's effect is what sending it adds, given the stages before and after it; stage effects do not \
             sum to the programme's."
                .to_owned(),
        );
    } else if !report.stages.is_empty() {
        notes.push(
            "No stage withheld messages of its own, so what a single stage adds cannot be told: its rates are no \
             effects."
                .to_owned(),
        );
    }
    notes.extend(report.stages.iter().filter_map(not_sent));
    notes
}

fn maturity(report: &Report) -> String {
    let (split, open) = (report.programme.split, report.programme.open);
    let (all, window) = (split.treated + split.holdout, span(report.about.goal_window));
    match (all, open) {
        (0, _) => "No user has entered.".to_owned(),
        (1, 0) => format!("The one user has been through the {window}."),
        (_, 0) => format!("All {} users have been through their {window}.", count(all)),
        (_, _) => format!(
            "{} still inside their {window}, of {} in all: no figure of the full window counts them.",
            users_are(open),
            count(all)
        ),
    }
}

fn money_note(report: &Report) -> Option<String> {
    let value = report.programme.value;
    if !report.about.goal_valued {
        return Some("The goal names no value, so no money is compared.".to_owned());
    }
    let difference = value.difference?;
    if value.interval.is_none() {
        return Some("Net value does not vary, or an arm has one user: it has no interval.".to_owned());
    }
    (value.cost <= 0.0 && difference.is_finite())
        .then(|| "Nothing was spent, so there is no return to state.".to_owned())
}

/// Why eligible messages of a stage were not sent.
fn not_sent(stage: &StageFigures) -> Option<String> {
    let StageFacts { skipped, failed, uncertain, pending, .. } = &stage.facts;
    let settled = [("failed", *failed), ("uncertain", *uncertain), ("pending", *pending)];
    let skipped = skipped.iter().map(|(reason, number)| (reason.as_str(), *number));
    let parts: Vec<String> = settled
        .into_iter()
        .chain(skipped)
        .filter(|(_, number)| *number > 0)
        .map(|(what, number)| format!("{} {}", count(number), what.replace('_', " ")))
        .collect();
    (!parts.is_empty()).then(|| format!("Not sent in {}: {}.", clean(&stage.facts.stage), parts.join(", ")))
}

/// The difference with the interval that decided.
fn lift(programme: &Programme) -> String {
    let Some(comparison) = programme.horizons.last().and_then(|goal| goal.comparison) else {
        return "there is no difference to state".to_owned();
    };
    let interval = programme.judgement.decided_by.map_or(comparison.interval, |(_, interval)| interval);
    format!(
        "conversion {} against the holdout (95 % interval {})",
        points(comparison.difference),
        points_interval(interval)
    )
}

fn in_users(programme: &Programme) -> String {
    match (programme.incremental, programme.horizons.last()) {
        (Some(added), Some(goal)) => {
            let (number, what) = (rounded(added.abs()), if added < 0.0 { "fewer" } else { "more" });
            format!(
                ": about {number} {what} conversions among {} treated users than without it",
                count(goal.treated.users)
            )
        }
        (None, _) | (_, None) => String::new(),
    }
}

fn users_interval(interval: Interval) -> String {
    format!("95 % interval {} to {}", rounded(interval.low), rounded(interval.high))
}

fn worth(judgement: &Judgement, start: &str) -> String {
    judgement
        .worth_having
        .map_or(format!("{start} worth having"), |lift| format!("{start} worth having ({})", points(lift)))
}

fn missed(judgement: &Judgement) -> String {
    match (judgement.smallest_detectable, judgement.worth_having) {
        (Some(seen), Some(worth)) if worth > 0.0 => format!(
            "So few users show only lifts of {} or more, and {} would be worth having.",
            points(seen),
            points(worth)
        ),
        (Some(seen), Some(_)) => format!(
            "So few users show only lifts of {} or more, and with a holdout that never converted any lift is worth \
             having.",
            points(seen)
        ),
        (None, _) | (_, None) => "So few users could not show even the largest lift.".to_owned(),
    }
}

/// The first line: title, name and instant.
pub fn heading(report: &Report) -> String {
    let name = clean(&report.about.workflow);
    let as_of = report.about.as_of.format("%Y-%m-%d %H:%M UTC");
    match &report.about.title {
        Some(title) => format!("{} ({name}), as of {as_of}", clean(title)),
        None => format!("{name}, as of {as_of}"),
    }
}
