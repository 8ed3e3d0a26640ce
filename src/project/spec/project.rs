//! `winback.yaml`: what the workflows share.

use super::mapping::mapping;
use super::scalar::{Block, Count, FromEnv, Number, PerTime, Rule, Share, Span, Sql, Text, Zone};
use crate::project::model::{ContactField, EventSelector, OnUncertain, Ties};
use crate::project::reader::{Named, Required};

mapping! {
    /// A Winback project: who the users are, what is known about them, and how to reach them.
    ProjectSpec {
        /// The zone of calendar days, and of cron lines that name none. Default: `UTC`.
        timezone: Option<Zone>,
        /// Where the ledger is: `sqlite:data/winback.db` (the default) or `postgres://…`. The
        /// environment's `WINBACK_DATABASE` goes before it.
        database: Option<FromEnv>,
        /// The folder of the lake. Default: `data/lake`.
        lake: Option<FromEnv>,
        /// Users and events.
        sources: Required<SourcesSpec>,
        /// One value per user each, as of the run's instant; names are the team's.
        features: Option<Named<FeatureSpec>>,
        /// Recency, frequency, monetary scores.
        rfm: Option<RfmSpec>,
        /// States and their rules; the first that matches wins, and `otherwise` comes last.
        lifecycle: Option<Named<Rule>>,
        /// Named conditions.
        segments: Option<Named<Sql>>,
        /// Ways to reach people; names are the team's.
        channels: Option<Named<ChannelSpec>>,
        /// What holds over all workflows.
        policy: Option<PolicySpec>,
        /// Links and unsubscribe addresses. Without it links stay as they are, and there can be no mail
        /// channel.
        tracking: Option<TrackingSpec>,
    }

    /// Where users and events come from.
    SourcesSpec {
        /// The users: one row each.
        users: Required<UsersSpec>,
        /// The events; the rows of all sources are one table together.
        events: Required<Vec<EventsSpec>>,
    }

    /// The users' files, and which columns have a meaning. All other columns are attributes.
    UsersSpec {
        /// A file, a pattern or a folder (CSV, NDJSON, Parquet, also .gz), below the project's folder.
        file: Required<Text>,
        /// The column of the key.
        id: Required<Text>,
        /// The column of the e-mail address.
        email: Option<Text>,
        /// The column of the telephone number.
        phone: Option<Text>,
        /// The column of the name as addressed.
        name: Option<Text>,
        /// The column of the user's time zone.
        timezone: Option<Text>,
        /// The column of the language tag, such as `zh-CN`.
        locale: Option<Text>,
        /// The column that says when the user came.
        registered_at: Option<Text>,
        /// The column that says whether marketing messages are allowed.
        consent: Option<Text>,
    }

    /// Files of events, and which columns have a meaning. All other columns are properties.
    EventsSpec {
        /// A file, a pattern or a folder (CSV, NDJSON, Parquet, also .gz), below the project's folder.
        file: Required<Text>,
        /// What all these events are called. Either this or `name`.
        event: Option<Text>,
        /// The column that says what each event is called. Either this or `event`.
        name: Option<Text>,
        /// The column of the user's id.
        user: Required<Text>,
        /// The column of the time; one without a zone is read in the project's.
        time: Required<Text>,
        /// The column of a number that came with it, such as an amount.
        value: Option<Text>,
        /// The column of the event's id: the same event and id count once.
        id: Option<Text>,
    }

    /// One value per user: exactly one of the functions, or `expr`. Events are given by name, or as
    /// `"*"` for any; properties as `event.property`.
    FeatureSpec {
        /// Number of events.
        count: Option<EventSelector>,
        /// Sum of a number: `purchase.value`.
        sum: Option<Text>,
        /// Largest: `purchase.value`.
        max: Option<Text>,
        /// Smallest: `purchase.value`.
        min: Option<Text>,
        /// Time of the first event.
        first: Option<EventSelector>,
        /// Time of the last event.
        last: Option<EventSelector>,
        /// Number of calendar days with an event.
        days: Option<EventSelector>,
        /// Number of different values of a property: `purchase.category`.
        distinct: Option<Text>,
        /// A property's value at the last event that has one: `visit.city`.
        latest: Option<Text>,
        /// An expression over other features and attributes.
        expr: Option<Sql>,
        /// Only events not older than this.
        within: Option<Span>,
        /// Only events for which this holds, over `value` and the properties.
        r#where: Option<Sql>,
    }

    /// Recency, frequency, monetary scores of three features, 1 to `bins`; 5 of 5 is best.
    RfmSpec {
        /// Recency: the later, the better.
        r: Required<DimensionSpec>,
        /// Frequency: the more, the better.
        f: Required<DimensionSpec>,
        /// Monetary: the more, the better.
        m: Required<DimensionSpec>,
        /// Scores are 1 to this, from 2 to 10. Default: 5.
        bins: Option<Count>,
        /// Equal values get equal scores (`share`, the default) or are told apart by id (`split`).
        ties: Option<Ties>,
        /// Who is scored. Default: everybody.
        over: Option<Sql>,
    }

    /// One score.
    DimensionSpec {
        /// The feature or attribute.
        of: Required<Text>,
        /// Lower bounds of the scores 2, 3 and so on, rising. Default: equal parts of the users.
        thresholds: Option<Vec<Number>>,
    }

    /// A way to reach people: exactly one of `smtp`, `webhook` and `directory`.
    ChannelSpec {
        /// E-mail through a relay: `smtp://user:password@host:port` or `smtps://…`.
        smtp: Option<FromEnv>,
        /// A POST per message to this address.
        webhook: Option<FromEnv>,
        /// One `.eml` file per message in this folder, for trials.
        directory: Option<Text>,
        /// E-mail's sender: `Name <address>`.
        from: Option<FromEnv>,
        /// Where answers to e-mails go, if not to the sender.
        reply_to: Option<FromEnv>,
        /// The sender's postal address, for the templates of e-mails.
        postal_address: Option<Text>,
        /// At most so many messages. Default: no limit.
        rate: Option<PerTime>,
        /// Price of one message, in units of currency. Default: 0.
        cost: Option<Number>,
        /// Signs webhooks: `whsec_` and 24 to 64 bytes in base64.
        secret: Option<FromEnv>,
        /// Which of the user's contacts a webhook gets. Default: `user_id`, the receiver knows the rest.
        to: Option<ContactField>,
        /// Private address blocks that a webhook may go to all the same.
        allow: Option<Vec<Block>>,
    }

    /// What holds over all workflows.
    PolicySpec {
        /// Who is never written to.
        exclude: Option<Sql>,
        /// The share of users that is never enrolled anywhere. Default: none.
        holdout: Option<Share>,
        /// What becomes of a message of which it is not known whether it arrived: `hold` it (the default;
        /// nobody gets it twice) or `resend` it.
        on_uncertain: Option<OnUncertain>,
    }

    /// Public address and key of links.
    TrackingSpec {
        /// `https://host`, where this daemon's public listener can be reached.
        url: Required<FromEnv>,
        /// Signs links and unsubscribe addresses.
        secret: Required<FromEnv>,
    }
}
