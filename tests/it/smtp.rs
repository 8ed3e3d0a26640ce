//! Delivery through SMTP: what each answer of a server means, encryption and login, a server that is not
//! there, and what the mails look like to somebody else's parser.

use std::collections::BTreeMap;

use crate::support::mail;
use crate::support::process::free_port;
use crate::support::project::{Backend, TestProject, small_shop, winback_yaml, workflow_yaml};
use crate::support::smtp::{Scripted, Security, Sink};

on_both_databases! {
    bare => two_bare_refusals_are_one_dead_address;
    answers => every_answer_has_its_meaning;
    encrypted => only_encrypted_and_logged_in;
    down => a_server_that_is_down_costs_nothing_but_time;
    mails => mails_are_what_they_should_be;
}

const CHANNEL: &str = r#"mail: {smtp: "${SMTP_URL}", from: "Läden, Ltd. <hello@shop.example>", reply_to: help@shop.example, postal_address: "1 Street"}"#;

/// One user per local part, each with an old order.
fn shop_of(backend: Backend, locals: &[&str], url: String) -> TestProject {
    let mut shop = small_shop(backend, 0, "mail", CHANNEL);
    shop.variable("SMTP_URL", url);
    let mut customers = String::from("customer_id,email,name,phone,consent\n");
    let mut orders = String::from("order_id,customer_id,ordered_at,amount\n");
    for local in locals {
        customers += &format!("{local},{local}@example.com,User {local},,yes\n");
        orders += &format!("o-{local},{local},1998-01-01,1.50\n");
    }
    shop.file("data/customers.csv", customers).file("data/orders.csv", orders);
    shop
}

fn states(shop: &TestProject) -> BTreeMap<String, String> {
    let rows = shop.query("SELECT user_id, status, CAST(attempts AS TEXT) FROM messages");
    rows.into_iter().map(|row| (row[0].clone(), format!("{} {}", row[1], row[2]))).collect()
}

fn expected(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(user, state)| ((*user).to_owned(), (*state).to_owned())).collect()
}

fn suppressions(shop: &TestProject) -> Vec<Vec<String>> {
    shop.query("SELECT kind, value, reason FROM suppressions ORDER BY kind, value")
}

fn every_answer_has_its_meaning(backend: Backend) {
    let server = Scripted::start(Security::Plain);
    let locals = ["dot451", "dot554", "drop", "full552", "later450", "no550", "once450", "plain", "policy550", "slow"];
    let shop = shop_of(backend, &locals, format!("smtp://127.0.0.1:{}?tls=none", server.port));
    shop.run(&["run", "recall", "--as-of", "1998-06-30T12:00:00Z"]).ok();
    let first = expected(&[
        ("dot451", "pending 1"),
        ("dot554", "failed 1"),
        ("drop", "uncertain 1"),
        ("full552", "pending 1"),
        ("later450", "pending 1"),
        ("no550", "failed 1"),
        ("once450", "pending 1"),
        ("plain", "sent 1"),
        ("policy550", "failed 1"),
        ("slow", "sent 1"),
    ]);
    assert_eq!(states(&shop), first);
    let only = vec![["email", "no550@example.com", "hard_bounce"].map(str::to_owned).to_vec()];
    assert_eq!(suppressions(&shop), only);
    let replies =
        shop.query("SELECT a.reply FROM attempts a JOIN messages m ON m.id = a.message_id WHERE m.user_id = 'no550'");
    assert_eq!(replies, [["RCPT: 550 5.1.1 no such user"]]);
    let soon = shop.query("SELECT user_id FROM messages WHERE status = 'pending' AND next_attempt_at <= created_at");
    assert!(soon.is_empty(), "tried again at once: {soon:?}");

    // Nothing is due yet at the same instant; later the once refused are tried again, and nobody else.
    shop.run(&["run", "recall", "--as-of", "1998-06-30T12:00:00Z"]).ok();
    assert_eq!(states(&shop), first);
    shop.run(&["run", "recall", "--as-of", "1998-06-30T12:02:00Z"]).ok();
    let mut second = first;
    for (user, state) in
        [("dot451", "pending 2"), ("full552", "pending 2"), ("later450", "pending 2"), ("once450", "sent 2")]
    {
        second.insert(user.to_owned(), state.to_owned());
    }
    assert_eq!(states(&shop), second);
    assert_eq!(suppressions(&shop), only);

    // After a day it is too late for a recall.
    shop.run(&["run", "recall", "--as-of", "1998-07-01T13:00:00Z"]).ok();
    for user in ["dot451", "full552", "later450"] {
        second.insert(user.to_owned(), "failed 3".to_owned());
    }
    assert_eq!(states(&shop), second);
    let mut taken: Vec<String> = server.messages().into_iter().flat_map(|mail| mail.recipients).collect();
    taken.sort();
    let expected = ["drop", "once450", "plain", "slow"].map(|local| format!("{local}@example.com"));
    assert_eq!(taken, expected);
}

fn two_bare_refusals_are_one_dead_address(backend: Backend) {
    let sink = Sink::start(&["-f", "RCPT", "-B", "550 No thanks"]);
    let shop = shop_of(backend, &["a"], sink.url());
    let second = "  - {id: again, after: 3d, send: {channel: mail, message: hello}}\n";
    shop.file("workflows/recall.yaml", workflow_yaml("mail") + second);
    shop.run(&["run", "recall", "--as-of", "1998-06-30T12:00:00Z"]).ok();
    assert_eq!(shop.messages(), [("failed".to_owned(), 1)]);
    assert!(suppressions(&shop).is_empty());
    shop.run(&["run", "recall", "--as-of", "1998-07-03T12:00:00Z"]).ok();
    assert_eq!(shop.messages(), [("failed".to_owned(), 2)]);
    assert_eq!(suppressions(&shop), [["email", "a@example.com", "hard_bounce"]]);
}

fn only_encrypted_and_logged_in(backend: Backend) {
    let server = Scripted::start(Security::StartTls);
    let url = |password: &str| format!("smtp://winback:{password}@localhost:{}", server.port);
    let mut shop = shop_of(backend, &["plain"], url("secret"));
    let run = |shop: &TestProject, minute: u32| {
        shop.run(&["run", "recall", "--as-of", &format!("1998-06-30T12:{minute:02}:00Z")]).ok()
    };
    // Nobody vouches for the server's certificate: the password does not go out.
    let said = run(&shop, 0);
    assert_eq!(states(&shop), expected(&[("plain", "pending 0")]));
    assert!(said.stderr.contains("STARTTLS"), "{}", said.stderr);
    shop.variable("WINBACK_SMTP_CA", server.certificate().display().to_string());
    shop.variable("SMTP_URL", url("wrong"));
    let said = run(&shop, 10);
    assert_eq!(states(&shop), expected(&[("plain", "pending 0")]));
    assert!(said.stderr.contains("login") && !said.stderr.contains("wrong"), "{}", said.stderr);
    assert!(server.messages().is_empty());
    shop.variable("SMTP_URL", url("secret"));
    run(&shop, 20);
    assert_eq!(states(&shop), expected(&[("plain", "sent 1")]));
    assert_eq!(server.messages().len(), 1);
}

fn a_server_that_is_down_costs_nothing_but_time(backend: Backend) {
    let locals = ["a", "b", "c"];
    let mut shop = shop_of(backend, &locals, format!("smtp://127.0.0.1:{}?tls=none", free_port()));
    let said = shop.run(&["run", "recall", "--as-of", "1998-06-30T12:00:00Z"]).ok();
    assert!(said.stdout.contains("3 messages wait; the next is due 1998-06-30 12:00:01 UTC"), "{}", said.stdout);
    assert_eq!(shop.messages(), [("pending".to_owned(), 3)]);
    assert!(shop.query("SELECT CAST(id AS TEXT) FROM attempts").is_empty());
    let sink = Sink::start(&[]);
    shop.variable("SMTP_URL", sink.url());
    shop.run(&["run", "recall", "--as-of", "1998-06-30T12:01:00Z"]).ok();
    assert_eq!(shop.messages(), [("sent".to_owned(), 3)]);
    let mut taken: Vec<String> = sink.messages().into_iter().flat_map(|mail| mail.recipients).collect();
    taken.sort();
    assert_eq!(taken, ["a@example.com", "b@example.com", "c@example.com"]);
}

fn mails_are_what_they_should_be(backend: Backend) {
    let server = Scripted::start(Security::Plain);
    let mut shop = small_shop(backend, 0, "mail", CHANNEL);
    shop.variable("SMTP_URL", format!("smtp://127.0.0.1:{}?tls=none", server.port));
    let names = [
        ("u1", "O'Brien, \"Bob\" <x>", "en"),
        ("u2", "\u{738b}\u{5c0f}\u{660e}", "zh-CN"),
        ("u3", "Zo\u{eb} \u{1f600}", ""),
        ("u4", "=?utf-8?Q?evil?=", "de"),
        ("u5", &"long name ".repeat(20), ""),
    ];
    let mut customers = String::from("customer_id,email,name,phone,consent,lang\n");
    let mut orders = String::from("order_id,customer_id,ordered_at,amount\n");
    for (user, name, locale) in names {
        customers += &format!("{user},{user}@example.com,\"{}\",,yes,{locale}\n", name.replace('"', "\"\""));
        orders += &format!("o-{user},{user},1998-01-01,1.50\n");
    }
    customers += "u6,u6@example.com,\"Eve\nBcc: all@example.com\",,yes,\n";
    customers += "u7,\"u7@example.com\nBcc: all@example.com\",Eve,,yes,\n";
    customers += "u8,u8@localhost,Eve,,yes,\n";
    customers += "u9,,Eve,,yes,\nu10,u10@example.com,Eve,,no,\n";
    for user in ["u6", "u7", "u8", "u9", "u10"] {
        orders += &format!("o-{user},{user},1998-01-01,1.50\n");
    }
    shop.file("data/customers.csv", customers)
        .file("data/orders.csv", orders)
        .file("winback.yaml", winback_yaml(CHANNEL).replace("phone: phone,", "phone: phone, locale: lang,"))
        .file("workflows/templates/hello/zh-CN/subject.txt", "\u{60f3}\u{4f60}\u{4e86}\u{ff0c}{{ user.name }}\n");
    let run = shop.run(&["run", "recall", "--as-of", "1998-06-30", "--json"]).ok().json();
    let excluded = serde_json::json!({"invalid_text": 1, "invalid_address": 2, "no_address": 1, "no_consent": 1});
    for (reason, users) in excluded.as_object().expect("an object") {
        assert_eq!(&run["run"]["excluded"][reason], users, "{run}");
    }
    assert_eq!(shop.messages(), [("sent".to_owned(), 5)]);

    let received = server.messages();
    assert_eq!(received.len(), 5);
    let raw: Vec<&[u8]> = received.iter().map(|mail| mail.raw.as_slice()).collect();
    for (received, mail) in received.iter().zip(mail::parse(&raw)) {
        let address = &received.recipients[0];
        let (user, name, locale) =
            *names.iter().find(|(user, ..)| address.starts_with(&format!("{user}@"))).expect("one of ours");
        assert_eq!(received.sender, "hello@shop.example");
        assert_eq!(mail.defects, Vec::<String>::new(), "{user}");
        let mut headers: Vec<&str> = mail.headers.iter().map(|(name, _)| name.as_str()).collect();
        headers.sort_unstable();
        let all = [
            "Content-Type",
            "Date",
            "From",
            "List-Unsubscribe",
            "List-Unsubscribe-Post",
            "MIME-Version",
            "Message-ID",
            "Reply-To",
            "Subject",
            "To",
        ];
        assert_eq!(headers, all, "{user}");
        assert_eq!(mail.header("From"), ["\"L\u{e4}den, Ltd.\" <hello@shop.example>"]);
        assert!(mail.header("To")[0].ends_with(&format!("<{user}@example.com>")), "{:?}", mail.header("To"));
        let greeting = if locale == "zh-CN" { "\u{60f3}\u{4f60}\u{4e86}\u{ff0c}" } else { "We miss you, " };
        assert_eq!(mail.header("Subject"), [format!("{greeting}{}", name.trim_end())], "{user}");
        assert_eq!(mail.header("Date"), ["Tue, 30 Jun 1998 23:59:59 +0000"]);
        assert_eq!(mail.header("List-Unsubscribe-Post"), ["List-Unsubscribe=One-Click"]);
        let kinds: Vec<&str> = mail.parts.iter().map(|part| part.content_type.as_str()).collect();
        assert_eq!(kinds, ["text/plain", "text/html"]);
        let escaped = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let html = mail.text("text/html").replace("&#x27;", "'");
        assert!(html.contains(&format!("Hello {},", escaped.trim_end())), "{html}");
        assert!(mail.text("text/plain").contains("1 Street"));
        assert_eq!(mail.links.len(), 3);
        assert!(mail.links[..2].iter().all(|link| link.starts_with("https://go.shop.example/c/")), "{:?}", mail.links);
        assert_eq!(
            mail.header("List-Unsubscribe")[0].split(", ").next(),
            Some(format!("<{}>", mail.links[2]).as_str())
        );
        assert!(mail.links[2].starts_with("https://go.shop.example/u/"));
    }
}
