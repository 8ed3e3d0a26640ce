//! The report for people, at most 100 columns wide: the verdict in words first, then the numbers.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle, presets};

use super::facts::Tally;
use super::figures::Report;
use super::format::{NONE, clean, count, decimal, money, percent, percent_interval, points, points_interval, span};
use super::programme::Horizon;
use super::stages::{RateKind, StageFigures};
use super::words;

/// Columns of a terminal that every report fits.
pub const WIDTH: u16 = 100;

/// All reports, one after the other.
pub fn table(reports: &[Report]) -> String {
    reports.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn one(report: &Report) -> String {
    let mut text = String::new();
    paragraph(&mut text, &words::heading(report));
    for (name, value) in
        [("Objective", &report.about.objective), ("Strategy", &report.about.strategy), ("Owner", &report.about.owner)]
    {
        if let Some(value) = value {
            paragraph(&mut text, &format!("{name}: {}", clean(value)));
        }
    }
    text.push('\n');
    paragraph(&mut text, &words::randomisation(&report.programme));
    let verdict = report.programme.judgement.verdict().as_str();
    paragraph(&mut text, &format!("Verdict: {verdict}. {}", words::verdict(report)));
    text.push('\n');
    push_table(&mut text, horizons(&report.programme.horizons));
    text.push('\n');
    paragraph(&mut text, &money_line(report));
    paragraph(&mut text, &words::last_touch(&report.programme));
    paragraph(&mut text, &messages_line(report));
    if !report.stages.is_empty() {
        text.push('\n');
        push_table(&mut text, stages(&report.stages));
        text.push('\n');
        push_table(&mut text, rates(&report.stages));
    }
    text.push('\n');
    for stage in &report.stages {
        if let Some(effect) = &stage.effect {
            let name = clean(&stage.facts.stage);
            paragraph(&mut text, &format!("- {name}: {}", words::stage_verdict(effect)));
        }
    }
    for note in words::notes(report) {
        paragraph(&mut text, &format!("- {note}"));
    }
    text
}

fn horizons(horizons: &[Horizon]) -> Table {
    let mut table = grid(&["Within", "Treated", "Holdout", "Lift", "95 % interval", "Anytime interval"]);
    for horizon in horizons {
        let arm = |tally: Tally| match tally.proportion() {
            Some(share) => format!("{} of {}", percent(share.rate()), count(tally.users)),
            None => "nobody yet".to_owned(),
        };
        let found = horizon.comparison;
        table.add_row([
            span(horizon.window),
            arm(horizon.treated),
            arm(horizon.holdout),
            found.map_or(NONE.to_owned(), |c| points(c.difference)),
            found.map_or(NONE.to_owned(), |c| points_interval(c.interval)),
            found.and_then(|c| c.anytime).map_or(NONE.to_owned(), |a| points_interval(a.interval)),
        ]);
    }
    align(&mut table, 1);
    table
}

fn money_line(report: &Report) -> String {
    let value = report.programme.value;
    let Some(difference) = value.difference else {
        return "Money: no comparison.".to_owned();
    };
    let between = |low: String, high: String| format!(" (95 % interval {low} to {high})");
    let range = value.interval.map_or(String::new(), |i| between(money(i.low), money(i.high)));
    let line = format!("Money: {} net value per treated user{range}, cost {}", money(difference), money(value.cost));
    match value.roi {
        Some(roi) => {
            let range = value.roi_interval.map_or(String::new(), |i| between(decimal(i.low), decimal(i.high)));
            format!("{line}; return on cost {}{range}.", decimal(roi))
        }
        None => format!("{line}."),
    }
}

fn messages_line(report: &Report) -> String {
    let m = report.messages;
    let by_stages: u64 = report.stages.iter().map(|stage| stage.facts.withheld).sum();
    let parts = [
        ("sent", m.sent),
        ("withheld by stages", by_stages),
        ("held out", m.withheld.saturating_sub(by_stages)),
        ("skipped", m.skipped),
        ("failed", m.failed),
        ("uncertain", m.uncertain),
        ("pending", m.pending),
    ];
    let parts: Vec<String> = parts.iter().map(|(what, number)| format!("{} {what}", count(*number))).collect();
    format!("Messages: {}.", parts.join(", "))
}

fn stages(stages: &[StageFigures]) -> Table {
    let header = ["Stage", "Eligible", "Sent", "Withheld", "Reached", "Clicked", "Converted", "Revenue", "Cost"];
    let mut table = grid(&header);
    for stage in stages {
        let facts = &stage.facts;
        let name = match &facts.owner {
            Some(owner) => format!("{} ({}, {})", clean(&facts.stage), clean(&facts.channel), clean(owner)),
            None => format!("{} ({})", clean(&facts.stage), clean(&facts.channel)),
        };
        table.add_row([
            name,
            count(facts.eligible),
            count(facts.sent),
            count(facts.withheld),
            count(facts.reached),
            count(facts.clicked),
            count(facts.converted),
            money(facts.revenue_minor as f64),
            money(facts.cost_minor),
        ]);
    }
    align(&mut table, 1);
    table
}

fn rates(stages: &[StageFigures]) -> Table {
    let mut table = grid(&["Stage", "Figure", "Value", "95 % interval", "Target", "Met"]);
    for stage in stages {
        // The name stands on the stage's first line only.
        let mut name = clean(&stage.facts.stage);
        for rate in &stage.rates {
            let target = stage.targets.iter().find(|figure| figure.rate.kind == rate.kind);
            let met = target.map(|figure| match figure.met {
                Some(true) => "yes",
                Some(false) => "no",
                None => "cannot tell",
            });
            table.add_row([
                std::mem::take(&mut name),
                figure_name(rate.kind).to_owned(),
                rate.value.map_or(NONE.to_owned(), percent),
                rate.interval.map_or(NONE.to_owned(), percent_interval),
                target.map_or(String::new(), |figure| percent(figure.target.share)),
                met.unwrap_or_default().to_owned(),
            ]);
        }
        if let Some(effect) = &stage.effect {
            table.add_row([
                name,
                "added by sending".to_owned(),
                effect.comparison.map_or(NONE.to_owned(), |c| points(c.difference)),
                effect.comparison.map_or(NONE.to_owned(), |c| points_interval(c.interval)),
                String::new(),
                effect.judgement.verdict().as_str().to_owned(),
            ]);
        }
    }
    for column in [2, 3, 4] {
        align_one(&mut table, column);
    }
    table
}

fn figure_name(kind: RateKind) -> &'static str {
    match kind {
        RateKind::Reach => "reached of sent",
        RateKind::Click => "clicked of reached",
        RateKind::PayClick => "clicked pay of reached",
        RateKind::Recall => "recalled of reached",
        RateKind::Conversion => "converted of reached",
    }
}

fn grid(header: &[&str]) -> Table {
    let mut table = Table::new();
    let rule = LineStyle::none().fill('─').junction('─');
    table.load_style(TableStyle::new().header_separator(rule));
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.set_header(header.to_vec());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Numbers stand to the right, from this column on.
fn align(table: &mut Table, from: usize) {
    for column in from..table.column_count() {
        align_one(table, column);
    }
}

fn align_one(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

fn push_table(text: &mut String, table: Table) {
    text.push_str(&table.trim_fmt());
    text.push('\n');
}

/// A text broken into lines of the width; the table's own measure counts wide characters as two.
fn paragraph(text: &mut String, words: &str) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.add_row([words]);
    if let Some(column) = table.column_mut(0) {
        column.set_padding((0, 0));
    }
    push_table(text, table);
}
