//! The report for programs: stable keys, rates as fractions, money in minor units, times in UTC.
//!
//! A figure that does not exist is `null`, never NaN. Keys of the documented object never change their
//! meaning; further ones stand beside them.

use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Map, Number, Value, json};

use super::comparison::Comparison;
use super::facts::{StageFacts, Tally};
use super::figures::Report;
use super::programme::{Horizon, Programme};
use super::stages::{Rate, StageEffect, StageFigures, TargetFigure};
use super::verdict::Judgement;
use super::words;
use crate::outcomes::effect::interval::{Alpha, Interval};
use crate::outcomes::effect::proportions::wilson;

/// An array over workflows, indented, ending in a line break.
pub fn json(reports: &[Report]) -> String {
    let all = Value::Array(reports.iter().map(value).collect());
    format!("{all:#}\n")
}

/// One workflow's object.
pub fn value(report: &Report) -> Value {
    let about = &report.about;
    let messages = report.messages;
    json!({
        "workflow": about.workflow,
        "title": about.title,
        "objective": about.objective,
        "owner": about.owner,
        "strategy": about.strategy,
        "as_of": about.as_of.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        "data_until": about.data_until.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        "goal": { "event": about.goal_event, "days": days(about.goal_window) },
        "messages": {
            "sent": messages.sent,
            "failed": messages.failed,
            "skipped": messages.skipped,
            "withheld": messages.withheld,
            "uncertain": messages.uncertain,
            "pending": messages.pending,
        },
        "programme": programme(report),
        "stages": report.stages.iter().map(stage).collect::<Vec<_>>(),
        "notes": words::notes(report),
    })
}

fn programme(report: &Report) -> Value {
    let programme: &Programme = &report.programme;
    let (split, money) = (programme.split, programme.value);
    let mut object = json!({
        "verdict": programme.judgement.verdict().as_str(),
        "verdict_reason": words::verdict(report),
        "srm": {
            "p": split.p,
            "ok": split.ok,
            "treated": split.treated,
            "holdout": split.holdout,
            "planned_holdout": f64::from(split.planned) / 10_000.0,
        },
        "open": programme.open,
        "horizons": programme.horizons.iter().map(horizon).collect::<Vec<_>>(),
        "value": {
            "difference": money.difference,
            "interval": interval(money.interval),
            "roi": money.roi,
            "roi_interval": interval(money.roi_interval),
            "cost": money.cost,
        },
        "attributed": programme.attributed,
        "attributed_matured": programme.attributed_matured,
        "incremental": programme.incremental,
        "incremental_interval": interval(programme.incremental_interval),
        "over_claim": programme.over_claim,
    });
    extend(&mut object, judgement(&programme.judgement));
    object
}

fn horizon(horizon: &Horizon) -> Value {
    let mut object = json!({
        "days": days(horizon.window),
        "treated": arm(horizon.treated),
        "holdout": arm(horizon.holdout),
    });
    extend(&mut object, comparison(horizon.comparison));
    object
}

fn arm(tally: Tally) -> Value {
    let share = tally.proportion();
    json!({
        "users": tally.users,
        "converted": tally.converted,
        "rate": share.map(|share| share.rate()),
        "interval": interval(share.map(|share| wilson(share, Alpha::FIVE_PERCENT))),
    })
}

fn comparison(found: Option<Comparison>) -> Value {
    let anytime = found.and_then(|c| c.anytime);
    let relative = found.and_then(|c| c.relative);
    json!({
        "difference": found.map(|c| c.difference),
        "interval": interval(found.map(|c| c.interval)),
        "p": found.map(|c| c.p),
        "anytime": interval(anytime.map(|a| a.interval)),
        "anytime_p": anytime.map(|a| a.p),
        "relative_lift": relative.map(|r| r.lift),
        "relative_interval": interval(relative.map(|r| r.interval)),
    })
}

fn judgement(judgement: &Judgement) -> Value {
    json!({
        "decided_by": judgement.decided_by.map(|(basis, _)| basis.as_str()),
        "smallest_detectable": judgement.smallest_detectable,
        "worth_having": judgement.worth_having,
    })
}

fn stage(figures: &StageFigures) -> Value {
    let facts: &StageFacts = &figures.facts;
    let skipped: Map<String, Value> =
        facts.skipped.iter().map(|(reason, number)| (reason.as_str().to_owned(), json!(number))).collect();
    let rates: Map<String, Value> =
        figures.rates.iter().map(|rate| (rate.kind.as_str().to_owned(), rate_value(rate))).collect();
    json!({
        "stage": facts.stage,
        "owner": facts.owner,
        "channel": facts.channel,
        "eligible": facts.eligible,
        "ghosts": facts.ghosts,
        "withheld": facts.withheld,
        "sent": facts.sent,
        "failed": facts.failed,
        "skipped": skipped,
        "uncertain": facts.uncertain,
        "pending": facts.pending,
        "reached": facts.reached,
        "clicked": facts.clicked,
        "pay_clicked": facts.pay_clicked,
        "recalled": facts.recalled,
        "converted": facts.converted,
        "revenue": facts.revenue_minor,
        "cost": facts.cost_minor,
        "message_cost": facts.message_cost_minor,
        "rates": rates,
        "effect": figures.effect.as_ref().map(effect),
        "targets": figures.targets.iter().map(target).collect::<Vec<_>>(),
    })
}

fn effect(effect: &StageEffect) -> Value {
    let mut object = comparison(effect.comparison);
    extend(
        &mut object,
        json!({
            "verdict": effect.judgement.verdict().as_str(),
            "verdict_reason": words::stage_verdict(effect),
            "sent": arm(effect.sent),
            "withheld": arm(effect.withheld),
            "open": effect.open,
            "srm_p": effect.split_p,
        }),
    );
    extend(&mut object, judgement(&effect.judgement));
    object
}

fn rate_value(rate: &Rate) -> Value {
    json!({ "count": rate.count, "of": rate.of, "value": rate.value, "interval": interval(rate.interval) })
}

fn target(figure: &TargetFigure) -> Value {
    json!({
        "metric": figure.target.metric.as_str(),
        "target": figure.target.share,
        "value": figure.rate.value,
        "interval": interval(figure.rate.interval),
        "met": figure.met,
    })
}

fn interval(interval: Option<Interval>) -> Value {
    interval.map_or(Value::Null, |i| json!([i.low, i.high]))
}

/// Whole days as an integer, other spans as a fraction of days.
fn days(window: TimeDelta) -> Value {
    let whole = window.num_days();
    if TimeDelta::days(whole) == window {
        return json!(whole);
    }
    Number::from_f64(window.num_seconds() as f64 / 86_400.0).map_or(Value::Null, Value::Number)
}

/// Adds the members of one object to another.
fn extend(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}
