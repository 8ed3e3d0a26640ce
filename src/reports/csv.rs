//! The report for spreadsheets: one figure per row (workflow, scope, stage, metric, value, low, high,
//! target, verdict), so that workflows with different stages fit one file and one pivot table.
//!
//! Texts of the team's that a spreadsheet would read as a formula get a leading apostrophe; numbers
//! stay numbers. An empty field is a figure that does not exist.

use super::comparison::Comparison;
use super::figures::Report;
use super::format::span_suffix;
use super::stages::{Rate, StageFigures};
use crate::outcomes::effect::interval::{Alpha, Interval};
use crate::outcomes::effect::proportions::wilson;

/// The header row.
const HEADER: &str = "workflow,scope,stage,metric,value,low,high,target,verdict\n";

/// All reports under one header (RFC 4180, line feeds).
pub fn csv(reports: &[Report]) -> String {
    let mut rows = Rows { text: HEADER.to_owned() };
    for report in reports {
        programme(&mut rows, report);
        for stage in &report.stages {
            stage_rows(&mut rows, &report.about.workflow, stage);
        }
    }
    rows.text
}

/// One row before it is written.
#[derive(Default)]
struct Row<'a> {
    metric: &'a str,
    value: Option<f64>,
    interval: Option<Interval>,
    target: Option<f64>,
    verdict: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of(metric: &'a str, value: Option<f64>) -> Row<'a> {
        Row { metric, value, ..Row::default() }
    }

    fn count(metric: &'a str, value: u64) -> Row<'a> {
        Row::of(metric, Some(value as f64))
    }

    fn between(self, interval: Option<Interval>) -> Row<'a> {
        Row { interval, ..self }
    }

    fn judged(self, verdict: &'a str) -> Row<'a> {
        Row { verdict: Some(verdict), ..self }
    }
}

struct Rows {
    text: String,
}

impl Rows {
    fn push(&mut self, workflow: &str, stage: Option<&str>, row: Row<'_>) {
        let scope = if stage.is_some() { "stage" } else { "programme" };
        let fields = [
            text(workflow),
            scope.to_owned(),
            stage.map_or(String::new(), text),
            row.metric.to_owned(),
            number(row.value),
            number(row.interval.map(|i| i.low)),
            number(row.interval.map(|i| i.high)),
            number(row.target),
            row.verdict.unwrap_or_default().to_owned(),
        ];
        self.text.push_str(&fields.join(","));
        self.text.push('\n');
    }
}

fn programme(rows: &mut Rows, report: &Report) {
    let name = report.about.workflow.as_str();
    let programme = &report.programme;
    let mut push = |row: Row<'_>| rows.push(name, None, row);
    let split = if programme.split.ok { "ok" } else { "broken" };
    push(Row::of("verdict", None).judged(programme.judgement.verdict().as_str()));
    push(Row::of("srm_p", programme.split.p).judged(split));
    push(Row::count("treated_users", programme.split.treated));
    push(Row::count("holdout_users", programme.split.holdout));
    push(Row::count("open_users", programme.open));
    for horizon in &programme.horizons {
        let suffix = span_suffix(horizon.window);
        for (arm, tally) in [("treated", horizon.treated), ("holdout", horizon.holdout)] {
            let share = tally.proportion();
            push(Row::count(&format!("{arm}_users_{suffix}"), tally.users));
            push(Row::count(&format!("{arm}_converted_{suffix}"), tally.converted));
            push(
                Row::of(&format!("{arm}_rate_{suffix}"), share.map(|s| s.rate()))
                    .between(share.map(|s| wilson(s, Alpha::FIVE_PERCENT))),
            );
        }
        let found: Option<Comparison> = horizon.comparison;
        let difference = found.map(|c| c.difference);
        push(Row::of(&format!("difference_{suffix}"), difference).between(found.map(|c| c.interval)));
        let anytime = found.and_then(|c| c.anytime);
        push(
            Row::of(&format!("difference_anytime_{suffix}"), anytime.and(difference))
                .between(anytime.map(|a| a.interval)),
        );
    }
    let value = programme.value;
    push(Row::of("net_value_difference_minor", value.difference).between(value.interval));
    push(Row::of("roi", value.roi).between(value.roi_interval));
    push(Row::of("cost_minor", Some(value.cost)));
    push(Row::count("attributed", programme.attributed));
    push(Row::count("attributed_matured", programme.attributed_matured));
    push(Row::of("incremental", programme.incremental).between(programme.incremental_interval));
    push(Row::of("over_claim", programme.over_claim));
    let messages = report.messages;
    push(Row::count("messages_sent", messages.sent));
    push(Row::count("messages_failed", messages.failed));
    push(Row::count("messages_skipped", messages.skipped));
    push(Row::count("messages_withheld", messages.withheld));
    push(Row::count("messages_uncertain", messages.uncertain));
    push(Row::count("messages_pending", messages.pending));
}

fn stage_rows(rows: &mut Rows, workflow: &str, figures: &StageFigures) {
    let facts = &figures.facts;
    let mut push = |row: Row<'_>| rows.push(workflow, Some(&facts.stage), row);
    push(Row::count("eligible", facts.eligible));
    push(Row::count("ghosts", facts.ghosts));
    push(Row::count("withheld", facts.withheld));
    push(Row::count("sent", facts.sent));
    push(Row::count("failed", facts.failed));
    for (reason, number) in &facts.skipped {
        push(Row::count(&format!("skipped_{reason}"), *number));
    }
    push(Row::count("uncertain", facts.uncertain));
    push(Row::count("pending", facts.pending));
    push(Row::count("reached", facts.reached));
    push(Row::count("clicked", facts.clicked));
    push(Row::count("pay_clicked", facts.pay_clicked));
    push(Row::count("recalled", facts.recalled));
    push(Row::count("converted", facts.converted));
    push(Row::of("revenue_minor", Some(facts.revenue_minor as f64)));
    push(Row::of("cost_minor", Some(facts.cost_minor)));
    for rate in &figures.rates {
        push(rate_row(rate, figures));
    }
    if let Some(effect) = &figures.effect {
        push(
            Row::of("effect", effect.comparison.map(|c| c.difference))
                .between(effect.comparison.map(|c| c.interval))
                .judged(effect.judgement.verdict().as_str()),
        );
    }
}

fn rate_row<'a>(rate: &Rate, figures: &StageFigures) -> Row<'a> {
    let row = Row::of(rate.kind.as_str(), rate.value).between(rate.interval);
    match figures.targets.iter().find(|figure| figure.rate.kind == rate.kind) {
        Some(figure) => Row {
            target: Some(figure.target.share),
            verdict: Some(match figure.met {
                Some(true) => "met",
                Some(false) => "not_met",
                None => "cannot_tell",
            }),
            ..row
        },
        None => row,
    }
}

fn number(value: Option<f64>) -> String {
    value.filter(|v| v.is_finite()).map_or(String::new(), |v| v.to_string())
}

/// A text as a field: no formula, quoted where it has to be.
fn text(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_no_formulas_and_numbers_stay_numbers() {
        assert_eq!(text("=HYPERLINK(\"x\",1)"), "\"'=HYPERLINK(\"\"x\"\",1)\"");
        assert_eq!(text("-1+2"), "'-1+2");
        assert_eq!(text("spring, 2"), "\"spring, 2\"");
        assert_eq!(number(Some(-0.025)), "-0.025");
        assert_eq!(number(Some(f64::NAN)), "");
    }
}
