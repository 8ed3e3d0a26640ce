//! A table of mistakes: what is said, where, and what is suggested.

use super::{PROJECT, WORKFLOW, load_both, under};

/// A replacement in a sound file, then message, text under the caret, and part of the hint.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str);

const IN_PROJECT: &[Case] = &[
    ("policy:", "polcy:", "unknown key `polcy`", "polcy", "did you mean `policy`?"),
    ("timezone: Asia/Shanghai", "alive: {}", "unknown key `alive`", "alive", ""),
    ("    id: customer_id\n", "", "`id` is missing", "users", "text"),
    ("    id: customer_id\n", "    idd: customer_id\n", "unknown key `idd`", "idd", "did you mean `id`?"),
    ("holdout: 5%", "holdout: [5]", "`holdout` is a share such as `10%`, found a list", "holdout", ""),
    ("holdout: 5%", "holdout: 5", "`holdout` is a share such as `10%`, found `5`", "5", "did you mean `5%`?"),
    ("holdout: 5%", "holdout:", "`holdout` is a share such as `10%`, found nothing", "holdout", ""),
    (
        "Asia/Shanghai",
        "Asia/Shangai",
        "`timezone` is an IANA time zone",
        "Asia/Shangai",
        "did you mean `Asia/Shanghai`?",
    ),
    ("within: 30d", "within: 30", "`within` is a duration", "30", "did you mean `30d`?"),
    ("within: 30d", "within: 0d", "`within` is longer than nothing", "0d", ""),
    ("rate: 200/s", "rate: 200", "`rate` is a rate such as `200/s`, found `200`", "200", "did you mean `200/s`?"),
    ("${SMTP_URL}", "${SMPT_URL}", "the environment variable `SMPT_URL` is not set", "${SMPT_URL}", "set it"),
    ("1 Shop Street", "${STREET}", "`${STREET}` is not read from the environment here", "${STREET}", "only secret"),
    ("sqlite:data/winback.db", "sqlite:../winback.db", "`database` is no address", "sqlite:../winback.db", "`..`"),
    (
        "sqlite:data/winback.db",
        "mysql://u:geheim@h/d",
        "`database` is no address of a database",
        "mysql://u:geheim@h/d",
        "sqlite",
    ),
    ("lake: data/lake", "lake: s3://bucket", "`lake` is no folder", "s3://bucket", "below the project"),
    ("data/customers.csv", "../customers.csv", "`file` is no path", "../customers.csv", "`..`"),
    ("data/customers.csv", "/etc/passwd", "`file` is no path", "/etc/passwd", "not an absolute one"),
    (" event: purchase,", "", "what are these events called?", "file", "event: purchase"),
    (" event: purchase,", " event: purchase, name: kind,", "either `event` or `name`, not both", "kind", ""),
    ("  orders: ", "  case: ", "`case` is a word of SQL", "case", "another name"),
    ("  orders: ", "  as_of: ", "`as_of` already means something in expressions", "as_of", "another name"),
    ("  orders: ", "  Orders: ", "`Orders` cannot be the name of a feature", "Orders", "small letters"),
    ("{count: purchase}", "{}", "`orders` computes nothing", "orders", "`count`"),
    ("{count: purchase}", "{count: a, last: a}", "`orders` computes more than one thing", "orders", ""),
    ("{count: purchase}", "{expr: 1, within: 3d}", "`within` does not go with `expr`", "orders", ""),
    ("sum: purchase.value", "sum: purchase", "`purchase` names no property", "purchase", "purchase.value"),
    ("bins: 5", "bins: 11", "`bins` is a whole number from 2 to 10", "11", ""),
    ("[50, 100, 300, 1000]", "[50, 100, 300]", "5 scores need 4 thresholds, here are 3", "50, 100, 300", ""),
    ("[50, 100, 300, 1000]", "[50, 100, 90, 1000]", "`thresholds` rise", "90", ""),
    ("ties: share", "ties: shared", "`ties` is `share` or `split`, found `shared`", "shared", "`share`"),
    ("churned:   days", "churned: otherwise\n  lost: days", "`otherwise` comes last", "churned", "move `churned`"),
    ("  valuable: ", "  orders: ", "`orders` is already a feature", "orders", "another name"),
    ("m >= 4 OR", "m >= = OR", "this is no SQL expression", "=", ""),
    (
        "email LIKE '%@shop.example'",
        "城市 = '上海' AND )",
        "this is no SQL expression: expected an expression",
        ")",
        "",
    ),
    ("email LIKE '%@shop.example'", "\"城 = '海' 12\"", "the expression is over before `12`", "12", ""),
    ("email LIKE '%@shop.example'", "|\n    城 = '海'\n    AND 12 13", "the expression is over before `13`", "13", ""),
    ("secret: \"${SMS_SECRET}\"", "secret: whsec_abc", "`secret` is no key of a webhook", "whsec_abc", "24 to 64"),
    ("https://gateway.example/send", "gateway.example", "`webhook` is no web address", "\"gateway.example\"", "https"),
    ("to: phone", "to: mail", "`to` is `email`, `phone` or `user_id`, found `mail`", "mail", "`email`"),
    (
        "allow: [10.0.0.0/8]",
        "allow: [10.0.0.5]",
        "`allow` is an address block",
        "10.0.0.5",
        "did you mean `10.0.0.5/32`?",
    ),
    ("<hello@shop.example>", "<hello@shop>", "`from`: the part after the @", "\"CD Shop <hello@shop>\"", "Name"),
    ("    from: \"CD", "    #", "a mail channel needs `from`", "email", "from:"),
    ("{directory: data/outbox,", "{directory: o, to: email,", "`to` belongs to a webhook", "paper", "take it out"),
    ("cost: 0.0004", "cost: -1", "`cost` is not below 0", "-1", ""),
    ("tracking: {", "trucking: {", "a mail channel needs `tracking:` for its unsubscribe links", "email", "add"),
    (
        "https://go.shop.example/",
        "https://go.shop.example/?a=b",
        "`url` is no plain web address",
        "\"https://go.shop.example/?a=b\"",
        "",
    ),
    ("\nlake: data/lake", "\nlake: a\nlake: b", "the key `lake` stands here twice", "lake", ""),
];

const IN_WORKFLOW: &[Case] = &[
    ("name: lapsed-buyers", "name: lapsed", "the file is called `lapsed-buyers`", "lapsed", "write `lapsed-buyers`"),
    ("0 9 * * MON-FRI", "0 0 9 * * MON", "a cron line has five fields", "\"0 0 9 * * MON\"", "seconds"),
    ("catch_up: 6h", "overlap: skip", "unknown key `overlap`", "overlap", ""),
    ("order_by: spend_365d DESC", "order_by: spend_365d DESC NULLS LAST", "the expression is over", "DESC", ""),
    ("limit: 50000", "limit: many", "`limit` is a whole number, found `many`", "many", ""),
    ("limit: 50000", "limit: 0", "`limit` is 1 at least", "0", "no limit"),
    ("reentry: 90d", "reentry: nevr", "`reentry` is", "nevr", "did you mean `never`?"),
    ("margin: 40%", "margin: 140%", "`margin` is a share", "140%", "at most `100%`"),
    ("  - id: incentive", "  - id: reminder", "there is already a stage `reminder`", "reminder", "its own"),
    ("channel: sms", "channel: smss", "there is no channel `smss`", "smss", "did you mean `sms`?"),
    ("after: 4d", "after: 4 days", "`after` is a duration", "4 days", "did you mean `4d`?"),
    ("message: text}", "mesage: text}", "unknown key `mesage`", "mesage", "did you mean `message`?"),
    ("message: text}", "message: ../text}", "`../text` cannot be the name of a message", "../text", "small letter"),
    ("weight: 50", "weight: 0", "`weight` is a whole number from 1", "0", ""),
    ("goal:\n  event: purchase\n", "goal:\n", "`event` is missing", "goal", "an event's name"),
    ("\n    holdout: 10%", "\n\tholdout: 10%", "a tab stands here", "", "use spaces"),
];

#[test]
fn each_mistake_is_said_where_it_stands() {
    for (cases, in_project) in [(IN_PROJECT, true), (IN_WORKFLOW, false)] {
        for (from, to, message, text, hint) in cases {
            let original = if in_project { PROJECT } else { WORKFLOW };
            assert!(original.contains(from), "{from} is in the sample");
            let changed = original.replacen(from, to, 1);
            let (project, workflow) =
                if in_project { (changed.as_str(), WORKFLOW) } else { (PROJECT, changed.as_str()) };
            let (project, problems) = load_both(project, workflow);
            assert!(project.is_none(), "{to}");
            let said = problems.list.iter().find(|problem| problem.message.contains(message));
            let said = said.unwrap_or_else(|| panic!("{to}: {:#?}", problems.list));
            assert!(text.is_empty() || under(said, &problems) == *text, "{to}: {:?}", under(said, &problems));
            assert!(said.hint.as_deref().unwrap_or_default().contains(hint), "{to}: {:?}", said.hint);
            let values = ["a secret", "u:p@mail", "C2FVsBQIhrscChlQIMV", "geheim"];
            assert!(!values.iter().any(|value| format!("{:?}", problems.list).contains(value)), "{to}");
        }
    }
}

#[test]
fn all_problems_come_at_once_and_in_order() {
    let project =
        PROJECT.replace("policy:", "polcy:").replace("    id: customer_id\n", "").replace("rate: 200/s", "rate: x");
    let workflow = WORKFLOW.replace("goal:", "gaol:").replace("channel: sms", "channel: smss");
    let (_, problems) = load_both(&project, &workflow);
    let said: Vec<String> = problems.list.iter().map(|p| format!("{} {}", p.place.file, p.message)).collect();
    assert_eq!(
        said,
        [
            "winback.yaml `id` is missing",
            "winback.yaml `rate` is a rate such as `200/s`, found `x`",
            "winback.yaml unknown key `polcy`",
            "workflows/lapsed-buyers.yaml unknown key `gaol`",
            "workflows/lapsed-buyers.yaml there is no channel `smss`",
        ]
    );
}

#[test]
fn a_broken_project_file_leaves_the_workflows_checked() {
    let (_, problems) = load_both("a: [", &WORKFLOW.replace("after: 3d", "after: x"));
    let files: Vec<&str> = problems.list.iter().map(|problem| &*problem.place.file).collect();
    assert_eq!(files, ["winback.yaml", "workflows/lapsed-buyers.yaml"]);
}
