//! The stages of a workflow and what they send.

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;

use super::channels::price;
use super::features::positive;
use super::project::Shared;
use crate::project::model::{Metric, Stage, Target, Variant};
use crate::project::names::check_plain;
use crate::project::problems::{Place, Problems, did_you_mean};
use crate::project::reader::{Entry, Named};
use crate::project::spec::scalar::{Anything, Text};
use crate::project::spec::workflow::{SendSpec, StageSpec, TargetSpec, VariantSpec};

/// Makes the stages: at least one, each with its own id.
pub fn compile(
    specs: Vec<StageSpec>,
    workflow: &Place,
    shared: &Shared,
    problems: &mut Problems,
) -> Option<Vec<Stage>> {
    if specs.is_empty() {
        let hint = "one stage at least".to_owned();
        problems.push(workflow.clone(), "`stages` is an empty list", Some(hint));
    }
    let mut ids = HashSet::new();
    for id in specs.iter().filter_map(|spec| spec.id.0.as_ref()) {
        if !ids.insert(id.text.clone()) {
            let hint = "each stage has its own".to_owned();
            problems.push(id.place.clone(), format!("there is already a stage `{}`", id.text), Some(hint));
        }
    }
    let stages: Vec<_> = specs.into_iter().map(|spec| stage(spec, shared, problems)).collect();
    stages.into_iter().collect()
}

fn stage(spec: StageSpec, shared: &Shared, problems: &mut Problems) -> Option<Stage> {
    if let Some(id) = &spec.id.0 {
        check_plain("stage", &id.text, &id.place, problems);
    }
    let expires = spec.expires.map(|span| positive("expires", span, problems));
    let send = spec.send.0.and_then(|spec| send(spec, shared, problems));
    let id = spec.id.0?;
    let (channel, variants) = send?;
    Some(Stage {
        id: id.text,
        place: id.place,
        owner: spec.owner.map(|owner| owner.text),
        after: spec.after.map_or(TimeDelta::zero(), |span| span.value.to_delta()),
        when: spec.when.map(|sql| sql.0),
        holdout: spec.holdout.map_or(0, |share| share.value),
        channel,
        variants,
        expires: match expires {
            Some(window) => Some(window?.to_delta()),
            None => None,
        },
        targets: spec.target.map_or_else(Vec::new, targets),
    })
}

fn send(spec: SendSpec, shared: &Shared, problems: &mut Problems) -> Option<(String, Vec<Variant>)> {
    if let (Some(channel), Some(known)) = (&spec.channel.0, &shared.channels)
        && !known.contains(&channel.text)
    {
        let hint = did_you_mean(&channel.text, known.iter().map(String::as_str));
        problems.push(channel.place.clone(), format!("there is no channel `{}`", channel.text), hint);
    }
    let incentive_cost = price("incentive_cost", spec.incentive_cost.as_ref(), problems);
    let common = Common { with: values(spec.with), incentive_cost };
    let variants = match (spec.message, spec.variants) {
        (Some(message), None) => single(message, common, problems),
        (None, Some(variants)) => several(variants, &common, &spec.place, problems),
        (Some(message), Some(_)) => {
            let hint = "each of the variants names its message".to_owned();
            problems.push(message.place, "either `message` or `variants`, not both", Some(hint));
            None
        }
        (None, None) => {
            let hint = "`message:` and the name of a folder in `workflows/templates`".to_owned();
            problems.push(spec.place, "what is to be sent?", Some(hint));
            None
        }
    };
    Some((spec.channel.0?.text, variants?))
}

/// What `send` says for all variants.
struct Common {
    with: BTreeMap<String, serde_json::Value>,
    incentive_cost: Option<f64>,
}

fn single(message: Text, common: Common, problems: &mut Problems) -> Option<Vec<Variant>> {
    check_plain("message", &message.text, &message.place, problems);
    Some(vec![Variant {
        name: message.text.clone(),
        message: message.text,
        place: message.place,
        weight: 1,
        with: common.with,
        incentive_cost: common.incentive_cost?,
    }])
}

fn several(
    variants: Named<VariantSpec>,
    common: &Common,
    send: &Place,
    problems: &mut Problems,
) -> Option<Vec<Variant>> {
    if variants.entries.is_empty() {
        problems.push(send.clone(), "`variants` is empty", Some("one variant at least".to_owned()));
    }
    let variants: Vec<_> = variants.entries.into_iter().map(|entry| variant(entry, common, problems)).collect();
    variants.into_iter().collect()
}

fn variant(entry: Entry<VariantSpec>, common: &Common, problems: &mut Problems) -> Option<Variant> {
    check_plain("variant", &entry.name, &entry.place, problems);
    let spec = entry.value?;
    if let Some(message) = &spec.message.0 {
        check_plain("message", &message.text, &message.place, problems);
    }
    let weight = match spec.weight {
        None => Some(1),
        Some(weight) => match u32::try_from(weight.value) {
            Ok(value @ 1..=1_000_000) => Some(value),
            Ok(_) | Err(_) => {
                problems.push(weight.place, "`weight` is a whole number from 1 to 1000000", None);
                None
            }
        },
    };
    let incentive_cost = match &spec.incentive_cost {
        Some(own) => price("incentive_cost", Some(own), problems),
        None => common.incentive_cost,
    };
    let mut with = common.with.clone();
    with.extend(values(spec.with));
    let message = spec.message.0?;
    Some(Variant {
        name: entry.name,
        message: message.text,
        place: message.place,
        weight: weight?,
        with,
        incentive_cost: incentive_cost?,
    })
}

fn values(with: Option<Named<Anything>>) -> BTreeMap<String, serde_json::Value> {
    let entries = with.unwrap_or_default().entries;
    entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?.0))).collect()
}

fn targets(spec: TargetSpec) -> Vec<Target> {
    let given = [
        (Metric::ReachRate, spec.reach_rate),
        (Metric::ClickRate, spec.click_rate),
        (Metric::ConversionRate, spec.conversion_rate),
    ];
    let target = |(metric, share): (Metric, Option<_>)| {
        share.map(|share: crate::project::spec::scalar::Share| Target { metric, share: f64::from(share.value) / 1e4 })
    };
    given.into_iter().filter_map(target).collect()
}
