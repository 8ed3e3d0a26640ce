//! The simulated campaign, whose truth and reference report are known, and the edges where other
//! reports print NaN.

use std::collections::BTreeMap;
use std::io::Read;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::facts::{About, MessageTotals, Participant, StageExperiment, StageFacts, Tally, WorkflowFacts};
use super::figures::{Report, report};
use super::verdict::{Reason, Verdict};
use super::{csv, json, table};
use crate::domain::vocabulary::{Arm, SkipReason};
use crate::project::model::{Metric, Target};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/");

fn entered() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).expect("an instant")
}

fn about(name: &str) -> About {
    About {
        workflow: name.to_owned(),
        title: Some("Win back lapsed buyers".to_owned()),
        objective: None,
        owner: None,
        strategy: None,
        as_of: entered() + TimeDelta::days(28),
        data_until: entered() + TimeDelta::days(28),
        goal_event: "purchase".to_owned(),
        goal_window: TimeDelta::days(28),
        goal_valued: true,
        margin: 3_000,
        planned_holdout: 1_000,
    }
}

fn empty_stage(id: &str) -> StageFacts {
    StageFacts {
        stage: id.to_owned(),
        owner: None,
        channel: "email".to_owned(),
        targets: Vec::new(),
        holdout: 0,
        message_cost_minor: 5.0,
        eligible: 0,
        ghosts: 0,
        sent: 0,
        withheld: 0,
        skipped: BTreeMap::new(),
        failed: 0,
        uncertain: 0,
        pending: 0,
        reached: 0,
        clicked: 0,
        pay_clicked: 0,
        recalled: 0,
        converted: 0,
        revenue_minor: 0,
        cost_minor: 0.0,
        experiment: None,
    }
}

/// The rows of the campaign, a map per user.
fn rows() -> Vec<BTreeMap<String, String>> {
    let bytes = std::fs::read(format!("{DATA}campaign_sim_a.csv.gz")).expect("the campaign");
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("gzip");
    let mut lines = text.lines().map(|line| line.split(','));
    let header: Vec<&str> = lines.next().expect("a header").collect();
    lines.map(|line| header.iter().map(|h| h.to_string()).zip(line.map(str::to_owned)).collect()).collect()
}

fn campaign() -> WorkflowFacts {
    let windows = [(1, 0, 7), (2, 7, 14), (3, 14, 28)];
    let mut stages: Vec<StageFacts> = windows.iter().map(|(k, _, _)| empty_stage(&format!("stage{k}"))).collect();
    let mut participants = Vec::new();
    for row in rows() {
        let flag = |name: String| row[&name] == "1";
        let day: Option<i64> = row["return_day"].parse().ok();
        let revenue: i64 = row["revenue_cents"].parse().expect("cents");
        let (mut sent_to, mut claimed) = (0u32, 0);
        for ((k, from, to), stage) in windows.iter().zip(&mut stages) {
            if !flag(format!("s{k}_eligible")) {
                continue;
            }
            let back = u64::from(day.is_some_and(|day| (*from..*to).contains(&day)));
            let experiment = stage.experiment.get_or_insert_with(StageExperiment::default);
            stage.eligible += 1;
            if flag(format!("s{k}_sent")) {
                (sent_to, claimed) = (sent_to + 1, claimed + back as u32);
                stage.sent += 1;
                stage.reached += 1;
                stage.cost_minor += 5.0;
                stage.clicked += u64::from(flag(format!("s{k}_clicked")));
                stage.converted += back;
                stage.revenue_minor += if back > 0 { revenue } else { 0 };
                experiment.sent.users += 1;
                experiment.sent.converted += back;
            } else {
                stage.withheld += 1;
                experiment.withheld.users += 1;
                experiment.withheld.converted += back;
            }
        }
        participants.push(Participant {
            first: true,
            arm: Arm::parse(&row["arm"]).expect("an arm"),
            entered_at: entered(),
            converted_at: day.map(|day| entered() + TimeDelta::days(day)),
            value_minor: revenue,
            cost_minor: 5.0 * f64::from(sent_to),
            claimed,
        });
    }
    for stage in &mut stages[1..] {
        stage.holdout = 1_000;
    }
    stages[0].targets =
        vec![Target { metric: Metric::ReachRate, share: 0.95 }, Target { metric: Metric::ClickRate, share: 0.1 }];
    let sent = stages.iter().map(|s| s.sent).sum();
    let withheld = stages.iter().map(|s| s.withheld).sum();
    let messages = MessageTotals { sent, withheld, ..MessageTotals::default() };
    WorkflowFacts { about: about("sim-a"), participants, messages, stages }
}

#[track_caller]
fn close(found: &Value, expected: &Value, relative: f64) {
    match (found, expected) {
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len());
            found.iter().zip(expected).for_each(|(f, e)| close(f, e, relative));
        }
        _ => {
            let (f, e) = (found.as_f64().expect("a number"), expected.as_f64().expect("a number"));
            assert!((f - e).abs() <= relative * e.abs().max(1e-12), "{f} is not {e}");
        }
    }
}

#[test]
fn the_simulated_campaign_gives_the_reference_report() {
    let facts = campaign();
    let found = json::value(&report(&facts));
    let text = std::fs::read_to_string(format!("{DATA}reference/campaign_sim_a.json")).expect("the reference");
    let expected: Value = serde_json::from_str(&text).expect("JSON");
    let programme = &found["programme"];
    assert_eq!(programme["verdict"], "effect");
    close(&programme["srm"]["p"], &expected["srm"]["p"], 1e-6);
    assert_eq!(programme["srm"]["ok"], true);
    let horizons = programme["horizons"].as_array().expect("horizons");
    let reference = expected["itt_by_horizon"].as_array().expect("horizons");
    assert_eq!(horizons.len(), reference.len());
    for (horizon, reference) in horizons.iter().zip(reference) {
        assert_eq!(horizon["days"], reference["return_within_days"]);
        for (arm, x, n) in [("treated", "x1", "n1"), ("holdout", "x0", "n0")] {
            assert_eq!(horizon[arm]["converted"], reference[x]);
            assert_eq!(horizon[arm]["users"], reference[n]);
        }
        close(&horizon["difference"], &reference["diff"], 1e-6);
        close(&horizon["interval"], &reference["newcombe_ci"], 1e-6);
        close(&horizon["p"], &reference["p_z_pooled"], 1e-6);
        close(&horizon["relative_lift"], &reference["relative_lift"], 1e-6);
        close(&horizon["relative_interval"], &reference["relative_lift_katz_ci"], 1e-6);
        assert!(horizon["anytime"][0].as_f64() < horizon["interval"][0].as_f64());
    }
    assert_eq!(programme["attributed"], expected["last_touch_claims"]);
    close(&programme["incremental"], &expected["incremental_returns"], 1e-6);
    close(&programme["over_claim"], &expected["over_claim_factor"], 1e-6);
    let roi = &expected["roi_margin_0.3_cost_per_message_0.05"];
    close(&programme["value"]["roi"], &roi["roi"], 1e-6);
    // The reference takes the cost as known; here it varies from user to user.
    close(&programme["value"]["roi_interval"], &roi["roi_ci"], 0.01);
    for (stage, reference) in
        found["stages"].as_array().expect("stages").iter().zip(expected["stages"].as_array().expect("stages"))
    {
        for key in ["eligible", "sent", "withheld", "clicked"] {
            assert_eq!(stage[key], reference[key]);
        }
        assert_eq!(stage["converted"], reference["returned_after_sent"]);
        match reference.get("stage_itt_sent_v_withheld_in_stage_window") {
            None => assert_eq!(stage["effect"], Value::Null),
            Some(reference) => {
                close(&stage["effect"]["difference"], &reference["diff"], 1e-6);
                close(&stage["effect"]["interval"], &reference["newcombe_ci"], 1e-6);
                assert_eq!(stage["effect"]["verdict"], "effect");
            }
        }
    }
    assert_eq!(found["stages"][0]["targets"][0]["met"], true);
    assert_eq!(found["stages"][0]["targets"][1]["met"], false);
}

#[test]
fn revenue_alone_gives_the_reference_welch() {
    let mut facts = campaign();
    facts.about.margin = 10_000;
    facts.participants.iter_mut().for_each(|p| p.cost_minor = 0.0);
    let found = json::value(&report(&facts));
    let text = std::fs::read_to_string(format!("{DATA}reference/campaign_sim_a.json")).expect("the reference");
    let welch = serde_json::from_str::<Value>(&text).expect("JSON")["revenue_per_user"]["welch"].clone();
    let value = &found["programme"]["value"];
    let minor = |v: &Value| Value::from(v.as_f64().expect("a number") * 100.0);
    close(&value["difference"], &minor(&welch["diff"]), 1e-6);
    close(&value["interval"][0], &minor(&welch["ci"][0]), 1e-6);
    close(&value["interval"][1], &minor(&welch["ci"][1]), 1e-6);
    assert_eq!(value["roi"], Value::Null, "nothing was spent");
}

/// A small workflow: users and conversions per arm, all entered at once.
fn small(treated: (u64, u64), holdout: (u64, u64), planned: u32) -> WorkflowFacts {
    let arm = |arm, (converted, users): (u64, u64)| {
        (0..users).map(move |i| Participant {
            first: true,
            arm,
            entered_at: entered(),
            converted_at: (i < converted).then(|| entered() + TimeDelta::days(3)),
            value_minor: if i < converted { 4_000 } else { 0 },
            cost_minor: if arm == Arm::Treated { 5.0 } else { 0.0 },
            claimed: u32::from(arm == Arm::Treated && i < converted),
        })
    };
    let participants = arm(Arm::Treated, treated).chain(arm(Arm::Holdout, holdout)).collect();
    let mut stage = empty_stage("提醒邮件");
    (stage.eligible, stage.sent, stage.reached, stage.ghosts) = (treated.1, treated.1, treated.1, holdout.1);
    (stage.converted, stage.cost_minor) = (treated.0, 5.0 * treated.1 as f64);
    let messages = MessageTotals { sent: treated.1, withheld: holdout.1, ..MessageTotals::default() };
    let about = About { planned_holdout: planned, ..about("small") };
    WorkflowFacts { about, participants, messages, stages: vec![stage] }
}

#[test]
fn the_edges_have_stated_verdicts() {
    let early = |mut facts: WorkflowFacts| {
        facts.about.as_of = entered() + TimeDelta::days(27);
        facts.about.data_until = facts.about.as_of;
        facts
    };
    let mut one_left = small((300, 900), (9, 100), 1_000);
    one_left.participants[0].entered_at += TimeDelta::days(1);
    let mut worthless = small((300, 900), (10, 100), 1_000);
    worthless.about.goal_valued = false;
    let mut free = small((300, 900), (10, 100), 1_000);
    free.participants.iter_mut().for_each(|p| p.cost_minor = 0.0);
    let cases = [
        (small((0, 0), (0, 0), 1_000), Verdict::TooEarly, Reason::NobodyEntered),
        (small((5, 50), (0, 0), 0), Verdict::CannotTell, Reason::NoHoldout),
        (small((5, 9), (0, 0), 1_000), Verdict::CannotTell, Reason::EmptyArm),
        (small((5, 9), (0, 1), 1_000), Verdict::CannotTell, Reason::TooFewUsers),
        (small((5, 9), (1, 1), 1_000), Verdict::CannotTell, Reason::TooFewUsers),
        (small((0, 900), (0, 100), 1_000), Verdict::CannotTell, Reason::TooFewUsers),
        (small((900, 900), (100, 100), 1_000), Verdict::CannotTell, Reason::TooFewUsers),
        (small((0, 900), (30, 100), 1_000), Verdict::Harm, Reason::Below),
        (early(small((50, 900), (2, 100), 1_000)), Verdict::TooEarly, Reason::NobodyMatured),
        (one_left, Verdict::TooEarly, Reason::FewConversions),
        (small((300, 900), (10, 200), 1_000), Verdict::BrokenRandomisation, Reason::UnevenArms),
        (small((300, 900), (10, 100), 0), Verdict::BrokenRandomisation, Reason::UnevenArms),
        (worthless, Verdict::Effect, Reason::Above),
        (free, Verdict::Effect, Reason::Above),
    ];
    for (facts, verdict, reason) in cases {
        let report = report(&facts);
        assert_eq!((report.programme.judgement.verdict(), report.programme.judgement.reason), (verdict, reason));
        let printed = everything(&report);
        for bad in ["NaN", "nan", "inf ", "inf,", "inf\n", "Infinity"] {
            assert!(!printed.contains(bad), "{bad} in {printed}");
        }
        let value = json::value(&report);
        if verdict == Verdict::BrokenRandomisation {
            for key in ["incremental", "over_claim"] {
                assert_eq!(value["programme"][key], Value::Null);
            }
            assert_eq!(value["programme"]["horizons"][2]["difference"], Value::Null);
        }
        let added = value["programme"]["incremental"].as_f64();
        assert_eq!(value["programme"]["over_claim"].is_null(), added.is_none_or(|added| added <= 0.0));
    }
}

/// Every form of a report, one after the other.
fn everything(report: &Report) -> String {
    let all = std::slice::from_ref(report);
    let text = table::table(all);
    for line in text.lines() {
        let width: usize = line
            .chars()
            .map(|c| if ('\u{1100}'..).contains(&c) && !('\u{2000}'..'\u{2e80}').contains(&c) { 2 } else { 1 })
            .sum();
        assert!(width <= usize::from(table::WIDTH), "{width}: {line}");
        assert_eq!(line, line.trim_end());
    }
    format!("{text}{}{}", json::json(all), csv::csv(all))
}

#[test]
fn every_form_is_the_same_each_time_and_fits() {
    let mut facts = campaign();
    facts.about.title = Some("唤回已经很久没有下单的老客户".repeat(9));
    facts.about.objective = Some("让流失客户在四周内再次下单 ".repeat(12));
    facts.about.strategy = Some("x".repeat(250));
    facts.stages[1].stage = "很长的阶段名称".repeat(6);
    facts.stages[1].skipped = BTreeMap::from([(SkipReason::NoAddress, 12), (SkipReason::Expired, 3)]);
    facts.stages[2].channel = "a-channel-with-a-very-long-name-that-nobody-shortened".to_owned();
    facts.stages[2].revenue_minor = 123_456_789_012;
    let first = everything(&report(&facts));
    assert_eq!(first, everything(&report(&facts)));
    assert!(first.contains("The recall works"), "{first}");
}

#[test]
fn a_target_between_the_ends_of_its_interval_cannot_be_told() {
    let mut facts = small((5, 50), (1, 10), 1_000);
    facts.stages[0].targets = vec![Target { metric: Metric::ConversionRate, share: 0.09 }];
    let value = json::value(&report(&facts));
    assert_eq!(value["stages"][0]["targets"][0]["met"], Value::Null);
    facts.stages[0].experiment =
        Some(StageExperiment { sent: Tally { users: 45, converted: 5 }, withheld: Tally::default(), open: 0 });
    assert_eq!(json::value(&report(&facts))["stages"][0]["effect"], Value::Null, "nothing was withheld");
}
