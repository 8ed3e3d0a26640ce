//! `workflows/NAME.yaml`: one programme of recalls.

use super::mapping::mapping;
use super::scalar::{Anything, Count, CronLine, Number, Ordering, Share, Span, Sql, Text, Whole, Zone};
use crate::project::model::{EventSelector, Reentry};
use crate::project::reader::{Named, Required};

mapping! {
    /// A workflow: whom to win back, when, in which stages, and how success is told from chance.
    WorkflowSpec {
        /// Its name, the same as the file's.
        name: Required<Text>,
        /// For people.
        title: Option<Text>,
        /// Who answers for the result.
        owner: Option<Text>,
        /// What it is to achieve.
        objective: Option<Text>,
        /// By what means.
        strategy: Option<Text>,
        /// Workflows with the larger number go first. Default: 0.
        priority: Option<Whole>,
        /// When it runs.
        schedule: Required<ScheduleSpec>,
        /// Whom it takes.
        audience: Required<AudienceSpec>,
        /// The share held out at random, never written to, to compare with. Default: `10%`.
        holdout: Option<Share>,
        /// What success is.
        goal: Required<GoalSpec>,
        /// What counts as being back, before the goal.
        recall: Option<RecallSpec>,
        /// The attempts, one after the other.
        stages: Required<Vec<StageSpec>>,
    }

    /// When a workflow runs.
    ScheduleSpec {
        /// Minute, hour, day of month, month, day of week: `0 9 * * MON-FRI`.
        cron: Required<CronLine>,
        /// The zone in which the fields are read. Default: the project's.
        timezone: Option<Zone>,
        /// The latest missed slot still runs if younger than this. Default: `1h`.
        catch_up: Option<Span>,
    }

    /// Whom a workflow takes.
    AudienceSpec {
        /// The condition, over attributes, features, scores, the lifecycle and segments; unknown counts
        /// as no.
        r#where: Required<Sql>,
        /// Who goes first where there is a limit: `spend DESC, orders`.
        order_by: Option<Ordering>,
        /// At most so many users per run. Default: no limit.
        limit: Option<Count>,
        /// How long after the last entry somebody may enter again. Default: `never`.
        reentry: Option<Reentry>,
    }

    /// What success is.
    GoalSpec {
        /// The event, or `"*"` for any.
        event: Required<EventSelector>,
        /// Only those for which this holds, over `value` and the properties.
        r#where: Option<Sql>,
        /// Counted so long from entry.
        within: Required<Span>,
        /// The number that is worth money: `value` or a property.
        value: Option<Text>,
        /// The share of the value that stays as profit. Default: `100%`.
        margin: Option<Share>,
    }

    /// What counts as being back.
    RecallSpec {
        /// The event, or `"*"` for any.
        event: Required<EventSelector>,
    }

    /// One attempt.
    StageSpec {
        /// Its name within the workflow.
        id: Required<Text>,
        /// Who answers for it.
        owner: Option<Text>,
        /// So long after the stage before; for the first, after entry. Default: `0s`.
        after: Option<Span>,
        /// Only for whom this holds: `reached`, `clicked`, `recalled`, `converted`, `bounced`,
        /// `clicked_ROLE`, and what the audience's condition sees.
        when: Option<Sql>,
        /// The share withheld at random at this stage: what does it add? Default: none.
        holdout: Option<Share>,
        /// What goes out, and by which channel.
        send: Required<SendSpec>,
        /// Not sent later than this after it was due. Default: no such limit.
        expires: Option<Span>,
        /// What it is to achieve.
        target: Option<TargetSpec>,
    }

    /// What a stage sends: a `message`, or `variants` of it.
    SendSpec {
        /// The channel's name.
        channel: Required<Text>,
        /// The message: a folder in `workflows/templates`.
        message: Option<Text>,
        /// Messages to compare; each user gets one of them, by weight.
        variants: Option<Named<VariantSpec>>,
        /// Values for the templates, as `with.NAME`; with `variants`, for all of them.
        with: Option<Named<Anything>>,
        /// What an incentive costs when it is used, in units of currency. Default: 0.
        incentive_cost: Option<Number>,
    }

    /// One of several messages.
    VariantSpec {
        /// The message: a folder in `workflows/templates`.
        message: Required<Text>,
        /// Its share, in proportion to the others'. Default: 1.
        weight: Option<Count>,
        /// Values for the templates, as `with.NAME`.
        with: Option<Named<Anything>>,
        /// What an incentive costs when it is used, in units of currency. Default: that of `send`.
        incentive_cost: Option<Number>,
    }

    /// What a stage is to achieve.
    TargetSpec {
        /// Reached of sent.
        reach_rate: Option<Share>,
        /// Clicked of reached.
        click_rate: Option<Share>,
        /// Converted of reached.
        conversion_rate: Option<Share>,
    }
}
