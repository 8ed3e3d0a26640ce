//! Delivery through webhooks: signatures that the specification's own library accepts, what each answer
//! means, and endpoints that are not to be reached.

use std::collections::BTreeSet;

use crate::support::project::{Backend, TestProject, small_shop, winback_yaml};
use crate::support::webhook::{Receiver, Request};

on_both_databases! {
    signed => calls_are_signed_and_told_apart;
    retried => what_fails_comes_again_under_its_id;
    overloaded => an_overloaded_endpoint_is_left_alone_for_a_minute;
    gone => an_endpoint_that_is_gone_is_not_asked_again;
    redirected => redirects_are_not_followed;
    private => private_addresses_are_reached_only_when_allowed;
}

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn channel(more: &str) -> String {
    format!(r#"sms: {{webhook: "${{SMS_URL}}", secret: "${{SMS_SECRET}}", to: phone{more}}}"#)
}

fn shop_for(backend: Backend, users: usize, url: String) -> TestProject {
    let mut shop = small_shop(backend, users, "sms", &channel(", allow: [127.0.0.0/8]"));
    shop.variable("SMS_URL", url);
    shop.variable("SMS_SECRET", SECRET);
    shop
}

fn run_at(shop: &TestProject, time: &str) -> String {
    shop.run(&["run", "recall", "--as-of", &format!("1998-06-30T{time}Z")]).ok().stderr
}

fn states(shop: &TestProject) -> Vec<Vec<String>> {
    shop.query("SELECT DISTINCT status, CAST(attempts AS TEXT) FROM messages ORDER BY status")
}

fn keys(shop: &TestProject) -> BTreeSet<String> {
    shop.query("SELECT key FROM messages").into_iter().map(|mut row| row.remove(0)).collect()
}

fn ids(requests: &[Request]) -> BTreeSet<String> {
    requests.iter().filter_map(|request| request.id.clone()).collect()
}

fn calls_are_signed_and_told_apart(backend: Backend) {
    let receiver = Receiver::start(SECRET);
    let shop = shop_for(backend, 30, receiver.url("/ok"));
    run_at(&shop, "12:00:00");
    assert_eq!(states(&shop), [["sent", "1"]]);
    let requests = receiver.requests();
    assert_eq!(requests.len(), 30);
    assert_eq!(ids(&requests), keys(&shop));
    let mut texts = BTreeSet::new();
    for request in &requests {
        // Of now, not of 1998: the receiver checks the time as well.
        assert!(request.verified, "{request:?}");
        assert_eq!(request.idempotency_key, request.id);
        let body: serde_json::Value = serde_json::from_str(&request.body).expect("JSON");
        let number = body["text"].as_str().and_then(|text| text.strip_prefix("Hello User ")).expect("a text");
        assert_eq!(body["to"], format!("+1 555 {number:0>7}"));
        texts.insert(number.to_owned());
    }
    assert_eq!(texts.len(), 30);
}

fn what_fails_comes_again_under_its_id(backend: Backend) {
    let receiver = Receiver::start(SECRET);
    let shop = shop_for(backend, 3, receiver.url("/flaky"));
    run_at(&shop, "12:00:00");
    assert_eq!(states(&shop), [["pending", "1"]]);
    // Five seconds, a fifth more or less: not yet, then due.
    run_at(&shop, "12:00:03");
    assert_eq!(states(&shop), [["pending", "1"]]);
    run_at(&shop, "12:00:07");
    assert_eq!(states(&shop), [["pending", "2"]]);
    run_at(&shop, "12:07:00");
    assert_eq!(states(&shop), [["sent", "3"]]);
    let requests = receiver.requests();
    assert_eq!(requests.len(), 9);
    assert_eq!(ids(&requests), keys(&shop));
    assert!(requests.iter().all(|request| request.verified && request.idempotency_key == request.id));

    let broken = Receiver::start(SECRET);
    let shop = shop_for(backend, 2, broken.url("/500"));
    for hour in 0..8 {
        // Long enough between any two attempts but the last ones.
        let day = 1 + hour * 2;
        shop.run(&["run", "recall", "--as-of", &format!("1998-06-{day:02}T12:00:00Z")]).ok();
    }
    assert_eq!(broken.requests().len(), 16, "eight attempts each");
    assert_eq!(states(&shop), [["failed", "8"]]);
}

fn an_overloaded_endpoint_is_left_alone_for_a_minute(backend: Backend) {
    let receiver = Receiver::start(SECRET);
    let shop = shop_for(backend, 1, receiver.url("/429"));
    run_at(&shop, "12:00:00");
    // It asks for one second only.
    run_at(&shop, "12:00:58");
    assert_eq!((states(&shop), receiver.requests().len()), (vec![vec!["pending".to_owned(), "1".to_owned()]], 1));
    run_at(&shop, "12:01:01");
    assert_eq!((states(&shop), receiver.requests().len()), (vec![vec!["pending".to_owned(), "2".to_owned()]], 2));
}

fn an_endpoint_that_is_gone_is_not_asked_again(backend: Backend) {
    let receiver = Receiver::start(SECRET);
    let shop = shop_for(backend, 300, receiver.url("/410"));
    run_at(&shop, "12:00:00");
    let asked = receiver.requests().len();
    assert!((1..=64).contains(&asked), "{asked} calls: more than were in the air at once");
    let failed = u64::try_from(asked).expect("small");
    assert_eq!(shop.messages(), [("failed".to_owned(), failed), ("pending".to_owned(), 300 - failed)]);
    assert!(shop.query("SELECT value FROM suppressions").is_empty());
}

fn redirects_are_not_followed(backend: Backend) {
    let receiver = Receiver::start(SECRET);
    let shop = shop_for(backend, 2, receiver.url("/redirect"));
    run_at(&shop, "12:00:00");
    assert_eq!(states(&shop), [["pending", "1"]]);
    let paths: Vec<String> = receiver.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/redirect", "/redirect"]);
    let replies = shop.query("SELECT DISTINCT reply FROM attempts");
    assert_eq!(replies, [["HTTP 302 Found (redirects are not followed)"]]);
}

fn private_addresses_are_reached_only_when_allowed(backend: Backend) {
    let receiver = Receiver::start(SECRET);
    let mut shop = shop_for(backend, 2, receiver.url("/ok"));
    shop.file("winback.yaml", winback_yaml(&channel("")));
    // An address is refused before anything is done; a name, when it turns out to lead to one.
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"] {
        shop.variable("SMS_URL", receiver.url("/ok").replace("127.0.0.1", host));
        let ran = shop.run(&["run", "recall", "--as-of", "1998-06-30T12:00:00Z"]);
        assert_eq!(ran.code, Some(1), "{host}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("allow"), "{}", ran.stderr);
    }
    shop.variable("SMS_URL", receiver.url("/ok").replace("127.0.0.1", "localhost"));
    let said = run_at(&shop, "12:00:00");
    assert!(said.contains("no connection"), "{said}");
    assert_eq!(states(&shop), [["pending", "0"]]);
    assert!(receiver.requests().is_empty());
    shop.file("winback.yaml", winback_yaml(&channel(", allow: [127.0.0.0/8, \"::1/128\"]")));
    run_at(&shop, "12:10:00");
    assert_eq!(states(&shop), [["sent", "1"]]);
    assert_eq!(receiver.requests().len(), 2);
}
