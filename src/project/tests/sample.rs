//! The language's own samples, and what comes out of them.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;

use super::{PROJECT, WORKFLOW, env, load, load_both};
use crate::project::model::{
    AggregateFunction, ChannelKind, EventName, EventSelector, FeatureKind, Metric, Project, Reentry, Target, Window,
};
use crate::project::{compile_workflow, schema};

fn sample() -> Project {
    let (project, problems) = load_both(PROJECT, WORKFLOW);
    assert!(problems.is_empty(), "{:#?}", problems.list);
    project.expect("a project without problems")
}

#[test]
fn the_project_comes_out_as_written() {
    let project = sample();
    assert!(project.database.0.starts_with("sqlite:/") && project.database.0.ends_with("/data/winback.db"));
    assert!(project.lake.is_absolute());
    assert_eq!(project.sources.events[0].event, EventName::Fixed("purchase".into()));
    let names: Vec<&str> = project.features.iter().map(|feature| feature.name.as_str()).collect();
    assert_eq!((names.len(), names[0], names[12]), (13, "orders", "average_order"));
    let FeatureKind::Aggregate(smallest) = &project.features[9].kind else { panic!("an aggregate") };
    assert_eq!(smallest.events, EventSelector::Named("shop.purchase".into()));
    let AggregateFunction::Min(column) = &smallest.function else { panic!("a minimum") };
    assert_eq!((column.name.as_str(), &PROJECT[column.place.span.clone()]), ("value", "value"));
    assert!(project.lifecycle[4].rule.is_none());
    assert_eq!(project.policy.holdout, 500);
    assert_eq!(project.tracking.expect("tracking").url, "https://go.shop.example");
    let ChannelKind::Smtp(smtp) = &project.channels["email"].kind else { panic!("a relay") };
    assert_eq!(smtp.url.0, "smtp://u:p@mail.example:587");
    assert_eq!(smtp.identity.from_name.as_deref(), Some("CD Shop"));
    assert_eq!(project.channels["sms"].rate.expect("a rate").per, Duration::from_secs(1));
}

#[test]
fn the_workflow_comes_out_as_written() {
    let project = sample();
    let workflow = project.workflow("lapsed-buyers").expect("the workflow");
    assert_eq!(workflow.schedule.timezone, chrono_tz::Europe::Berlin);
    assert_eq!(workflow.schedule.catch_up, TimeDelta::hours(6));
    assert_eq!(workflow.holdout, 1_250);
    assert_eq!(workflow.audience.reentry, Reentry::After(Window::Days(90)));
    let order: Vec<bool> = workflow.audience.order_by.iter().map(|key| key.descending).collect();
    assert_eq!(order, [true, false]);
    assert_eq!(&WORKFLOW[workflow.audience.order_by[1].key.place.span.clone()], "coalesce(orders, 0)");
    assert_eq!(workflow.stages[0].targets[0], Target { metric: Metric::ReachRate, share: 0.95 });
    let variants = &workflow.stages[1].variants;
    assert_eq!((variants[0].weight, variants[0].incentive_cost), (50, 5.0));
    assert_eq!((variants[1].weight, variants[1].incentive_cost), (1, 3.0));
    assert_eq!(variants[1].with["greeting"], "hello");
    assert_eq!(variants[1].with["offer"], "free shipping");
    assert_eq!(workflow.version.len(), 64);

    let (again, problems) = compile_workflow(&workflow.yaml, &workflow.file, &project);
    assert!(problems.is_empty());
    assert_eq!(again.expect("the same workflow").version, workflow.version);
}

#[test]
fn defaults_hold_where_nothing_is_said() {
    let project = "sources:\n  users: {file: u.csv, id: id}\n  events: [{file: e.csv, event: buy, user: u, time: t}]\n";
    let workflow = "name: lapsed-buyers\nschedule: {cron: 0 9 * * *}\naudience: {where: true}\n\
        goal: {event: buy, within: 28d}\nstages: [{id: a, send: {channel: c, message: m}}]\n";
    let project = format!("{project}channels: {{c: {{webhook: 'https://x.example'}}}}\nfeatures:\n");
    let (project, problems) = load_both(&project, workflow);
    assert!(problems.is_empty(), "{:#?}", problems.list);
    let project = project.expect("a project");
    let workflow = &project.workflows[0];
    assert_eq!(project.timezone, chrono_tz::Tz::UTC);
    assert_eq!((workflow.holdout, workflow.goal.margin, project.policy.holdout), (1_000, 10_000, 0));
    assert_eq!(workflow.schedule.catch_up, TimeDelta::hours(1));
    assert_eq!(workflow.audience.reentry, Reentry::Never);
    assert_eq!(workflow.stages[0].after, TimeDelta::zero());
}

#[test]
fn secrets_do_not_show() {
    let shown = format!("{:?}", sample());
    for name in ["SMTP_URL", "SMS_SECRET", "WINBACK_SECRET"] {
        let value = env(name).expect("a value");
        assert!(!shown.contains(&value), "{name} shows");
    }
}

#[test]
fn the_schema_and_the_reader_know_the_same_keys() {
    // What the schema says, asked of the reader: each of its keys is known, and one more is not.
    for (schema, file) in [(schema::project(), "winback.yaml"), (schema::workflow(), "workflows/w.yaml")] {
        let keys: BTreeSet<String> =
            schema.get("properties").and_then(|p| p.as_object()).expect("properties").keys().cloned().collect();
        let text: String = keys.iter().map(|key| format!("{key}: {{}}\n")).collect();
        let (_, problems) = load(&[(file, format!("{text}zzzzzz: 1\n").as_bytes())]);
        let unknown: Vec<&str> = problems
            .list
            .iter()
            .map(|p| p.message.as_str())
            .filter(|message| message.starts_with("unknown key"))
            .collect();
        assert_eq!(unknown, ["unknown key `zzzzzz`"]);
        assert_eq!(schema.get("additionalProperties"), Some(&serde_json::Value::Bool(false)));
    }
}

#[test]
fn every_key_of_the_schema_stands_in_the_samples() {
    // So that no key is only described: the samples compile, and hold each of them.
    for (schema, text) in [(schema::project(), PROJECT), (schema::workflow(), WORKFLOW)] {
        let json = schema.to_value();
        let definitions = json["$defs"].as_object().expect("definitions").values();
        for mapping in definitions.chain([&json]) {
            for key in mapping["properties"].as_object().expect("properties").keys() {
                assert!(text.contains(&format!("{key}:")), "{key}");
                let described = mapping["properties"][key]["description"].as_str();
                assert!(described.is_some_and(|text| !text.is_empty()), "{key}");
            }
        }
    }
}
