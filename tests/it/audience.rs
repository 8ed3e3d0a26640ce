//! Whom a run takes: every considered user has one reason, and plan, run, ledger and lake agree on it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::project::{Backend, TestProject, block_on, small_shop};
use crate::support::{cdnow, mail};

on_both_databases! {
    reasons => every_user_has_one_reason;
    suppressions => nobody_writes_to_the_suppressed;
}

const CHANNEL: &str =
    r#"paper: {directory: data/outbox, from: "Shop <hello@shop.example>", postal_address: "1 Street"}"#;
const USERS: u64 = 600;
const LIMIT: usize = 120;

/// Addresses that cannot be written to, of which some libraries accept several.
const BAD_ADDRESSES: [&str; 6] =
    ["u@localhost", "nobody", "a b@example.com", "-oX@example.com", "\"\"\"q\"\"@example.com\"", "a@127.0.0.1"];

/// The rule, written down once more: SHA-256 of `salt:user`, its first eight octets modulo 10,000.
fn bucket(salt: &str, user: &str) -> u64 {
    let digest = Sha256::digest(format!("{salt}:{user}"));
    u64::from_be_bytes(digest[..8].try_into().expect("eight octets")) % 10_000
}

fn spend(number: u64) -> u64 {
    // Every user another one, in no order of the ids.
    number * 7 % USERS + 1
}

/// What is wrong with a user before hash and limit are asked, by the last digit.
fn reason(number: u64) -> Option<&'static str> {
    match number % 10 {
        0 => Some("invalid_address"),
        1 => Some("no_consent"),
        2 => Some("no_address"),
        3 => Some("invalid_text"),
        4 => Some("excluded"),
        5 => Some("not_matching"),
        // Few: each takes a command of its own.
        6 if number < 80 => Some("suppressed"),
        _ => None,
    }
}

fn id(number: u64) -> String {
    format!("u{number:05}")
}

fn shop(backend: Backend) -> TestProject {
    let shop = small_shop(backend, 1, "paper", CHANNEL);
    let mut customers = String::from("customer_id,email,name,phone,consent\n");
    let mut orders = String::from("order_id,customer_id,ordered_at,amount\n");
    for number in 0..USERS {
        let user = id(number);
        let (mut email, mut name, mut consent) = (format!("{user}@example.com"), format!("User {number}"), "yes");
        match reason(number) {
            Some("invalid_address") => email = BAD_ADDRESSES[number as usize / 10 % BAD_ADDRESSES.len()].to_owned(),
            Some("no_consent") => consent = if number % 20 == 1 { "no" } else { "" },
            Some("no_address") => email = String::new(),
            Some("invalid_text") => name = "\"Ann\r\nBcc: evil@example.net\"".to_owned(),
            Some("excluded") => email = format!("{user}@staff.example"),
            Some(_) | None => {}
        }
        customers += &format!("{user},{email},{name},,{consent}\n");
        let at = if reason(number) == Some("not_matching") { "1998-06-15" } else { "1998-01-15" };
        orders += &format!("o{number},{user},{at},{}\n", spend(number));
    }
    let yaml = std::fs::read_to_string(shop.folder().join("winback.yaml")).expect("the file")
        + "segments: {staff: \"email LIKE '%@staff.example'\"}\npolicy: {exclude: staff, holdout: 5%}\n";
    let workflow = std::fs::read_to_string(shop.folder().join("workflows/recall.yaml")).expect("the file");
    let workflow = workflow.replace("holdout: 0%", "holdout: 10%").replace(
        "{where: lifecycle = 'churned'}",
        &format!("{{where: lifecycle = 'churned', order_by: spend DESC, limit: {LIMIT}, reentry: never}}"),
    );
    shop.file("winback.yaml", yaml)
        .file("workflows/recall.yaml", workflow)
        .file("data/customers.csv", customers)
        .file("data/orders.csv", orders);
    shop
}

/// The decision about every user, worked out without the program. `before` were taken by an earlier run.
fn expected(before: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut numbers: Vec<u64> = (0..USERS).collect();
    numbers.sort_by_key(|number| std::cmp::Reverse(spend(*number)));
    let mut taken = 0;
    let decide = |number: u64| {
        let user = id(number);
        let first = matches!(reason(number), Some("not_matching" | "excluded"));
        let decision = if !first && bucket("global", &user) < 500 {
            "global_holdout"
        } else if let Some(reason) = reason(number) {
            reason
        } else if matches!(before.get(&user).map(String::as_str), Some("treated" | "holdout")) {
            "entered_before"
        } else if taken >= LIMIT {
            "over_limit"
        } else {
            taken += 1;
            if bucket("recall", &user) < 1000 { "holdout" } else { "treated" }
        };
        (user, decision.to_owned())
    };
    numbers.into_iter().map(decide).collect()
}

fn counts(decisions: &BTreeMap<String, String>) -> BTreeMap<&str, u64> {
    let mut counts = BTreeMap::new();
    for decision in decisions.values() {
        *counts.entry(decision.as_str()).or_default() += 1;
    }
    counts
}

/// Compares what `plan` or `run` printed with the decisions.
#[track_caller]
fn agrees(printed: &Value, decisions: &BTreeMap<String, String>) {
    let mut counts = counts(decisions);
    assert_eq!(printed["considered"], decisions.len());
    assert_eq!(printed["arms"]["treated"], counts.remove("treated").unwrap_or(0));
    assert_eq!(printed["arms"]["holdout"], counts.remove("holdout").unwrap_or(0));
    assert_eq!(printed["excluded"], json!(counts));
}

/// Every file of the project with its content, but for the database's: reading moves its pages about.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.to_string_lossy().contains("winback.db") {
            found.insert(path.to_string_lossy().into_owned(), std::fs::read(&path).expect("a file"));
        }
    }
    found
}

/// How many rows the ledger's tables have.
fn rows(shop: &TestProject) -> Vec<Vec<String>> {
    let tables = [
        "runs",
        "enrollments",
        "messages",
        "attempts",
        "hits",
        "outcomes",
        "suppressions",
        "lake_files",
        "workflow_versions",
    ];
    let count = |table: &str| format!("(SELECT CAST(count(*) AS TEXT) FROM {table})");
    shop.query(&format!("SELECT {}", tables.map(count).join(", ")))
}

/// The decisions in the file of the lake that the ledger names for a run.
fn decided(shop: &TestProject, run: usize) -> BTreeMap<String, String> {
    use datafusion::arrow::array::AsArray;
    let named = shop.query("SELECT path, kind, CAST(rows AS TEXT) FROM lake_files ORDER BY path");
    assert_eq!(named[run][1], "decisions");
    let path = shop.folder().join("data/lake").join(&named[run][0]);
    let batches = block_on(async {
        let context = datafusion::prelude::SessionContext::new();
        let path = path.to_str().expect("UTF-8").to_owned();
        let frame = context.read_parquet(path, Default::default()).await.expect("Parquet");
        frame.select_columns(&["user_id", "decision"]).expect("the columns").collect().await.expect("the rows")
    });
    let rows = batches.iter().flat_map(|batch| {
        let column = |index: usize| {
            let text =
                datafusion::arrow::compute::cast(batch.column(index), &datafusion::arrow::datatypes::DataType::Utf8);
            let text = text.expect("text");
            text.as_string::<i32>().iter().map(|cell| cell.expect("a value").to_owned()).collect::<Vec<_>>()
        };
        column(0).into_iter().zip(column(1))
    });
    let rows: Vec<(String, String)> = rows.collect();
    assert_eq!(rows.len().to_string(), named[run][2]);
    let by_user: BTreeMap<String, String> = rows.iter().cloned().collect();
    assert_eq!(by_user.len(), rows.len(), "a user has two reasons");
    by_user
}

fn every_user_has_one_reason(backend: Backend) {
    let shop = shop(backend);
    for number in (0..USERS).filter(|number| reason(*number) == Some("suppressed")) {
        let who = if number % 20 == 6 { format!("{}@EXAMPLE.com", id(number)) } else { format!("user:{}", id(number)) };
        shop.run(&["suppress", "add", &who]).ok();
    }
    let decisions = expected(&BTreeMap::new());
    let (before, rows) = (files(shop.folder()), rows(&shop));
    let plan = shop.run(&["plan", "recall", "--as-of", "1998-06-30", "--json"]).ok().json();
    agrees(&plan, &decisions);
    assert_eq!(plan["selected"], LIMIT);
    assert!(files(shop.folder()) == before, "plan wrote a file");
    assert_eq!(self::rows(&shop), rows);
    assert!(!plan["samples"][0]["subject"].as_str().expect("a subject").is_empty());

    let run = shop.run(&["run", "recall", "--as-of", "1998-06-30", "--json"]).ok().json();
    agrees(&run["run"], &decisions);
    assert_eq!(decided(&shop, 0), decisions);
    let enrolled = |run: usize| -> BTreeMap<String, String> {
        let sql = "SELECT user_id, arm, CAST(run_id AS TEXT) FROM enrollments ORDER BY run_id";
        let rows = shop.query(sql);
        let mut runs: Vec<&String> = rows.iter().map(|row| &row[2]).collect();
        runs.dedup();
        let of_run = rows.iter().filter(|row| row[2] == *runs[run]);
        of_run.map(|row| (row[0].clone(), row[1].clone())).collect()
    };
    let taken = |decisions: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        let both = decisions.iter().filter(|(_, decision)| matches!(decision.as_str(), "treated" | "holdout"));
        both.map(|(user, arm)| (user.clone(), arm.clone())).collect()
    };
    assert_eq!(enrolled(0), taken(&decisions));
    let counted = counts(&decisions);
    assert_eq!(shop.messages(), [("sent".to_owned(), counted["treated"]), ("withheld".to_owned(), counted["holdout"])]);
    let mails = mail::parse_folder(&shop.folder().join("data/outbox"));
    assert_eq!(mails.len() as u64, counted["treated"]);
    for mail in &mails {
        assert_eq!(mail.header("Bcc"), Vec::<&str>::new());
        assert!(!format!("{mail:?}").contains("evil"));
    }

    // The next run takes the next best; nobody twice.
    let later = expected(&decisions);
    let run = shop.run(&["run", "recall", "--as-of", "1998-07-01", "--json"]).ok().json();
    agrees(&run["run"], &later);
    assert_eq!(decided(&shop, 1), later);
    assert_eq!(enrolled(1), taken(&later));
}

#[test]
fn a_plan_begins_nothing() {
    let shop = shop(Backend::Sqlite);
    let before = files(shop.folder());
    let plan = shop.run(&["plan", "recall", "--as-of", "1998-06-30"]).ok();
    assert!(plan.stdout.contains("Nothing was written and nothing was sent."), "{}", plan.stdout);
    assert!(files(shop.folder()) == before);
    assert!(!shop.folder().join("data/winback.db").exists());
}

fn nobody_writes_to_the_suppressed(backend: Backend) {
    let shop = small_shop(backend, 5, "paper", CHANNEL);
    shop.run(&["suppress", "add", "U00001@Example.COM"]).ok();
    shop.run(&["suppress", "add", "user:u00002", "--note", "asked by letter"]).ok();
    assert_eq!(shop.run(&["suppress", "add", "u00003"]).code, Some(1));
    let plan = shop.run(&["plan", "recall", "--as-of", "1998-06-30", "--json"]).ok().json();
    assert_eq!(plan["excluded"], json!({"suppressed": 2}));
    shop.run(&["suppress", "remove", "user:u00002"]).ok();
    let run = shop.run(&["run", "recall", "--as-of", "1998-06-30", "--json"]).ok().json();
    assert_eq!(run["run"]["excluded"], json!({"suppressed": 1}));
    let rows = shop.query("SELECT user_id FROM messages ORDER BY user_id");
    assert_eq!(rows, [["u00000"], ["u00002"], ["u00003"], ["u00004"]]);
}

#[test]
fn a_number_is_suppressed_however_it_is_written() {
    let mut shop = small_shop(
        Backend::Sqlite,
        3,
        "sms",
        r#"sms: {webhook: "https://gateway.example/send", secret: "${SMS_SECRET}", to: phone}"#,
    );
    shop.variable("SMS_SECRET", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    shop.run(&["suppress", "add", "phone:+1 (555) 000-0001"]).ok();
    let plan = shop.run(&["plan", "recall", "--as-of", "1998-06-30", "--json"]).ok().json();
    assert_eq!((&plan["excluded"], &plan["selected"]), (&json!({"suppressed": 1}), &json!(2)));
}

#[test]
fn words_of_consent() {
    let shop = small_shop(Backend::Sqlite, 1, "paper", CHANNEL);
    let mut customers = String::from("customer_id,email,name,phone,consent\n");
    let words = ["yes", "YES", "true", "True", "y", "t", "1", "no", "No", "false", "n", "f", "0", "", "perhaps"];
    for (number, word) in words.iter().enumerate() {
        customers += &format!("u{number},u{number}@example.com,,,{word}\n");
    }
    let orders: String = (0..words.len()).map(|number| format!("o{number},u{number},1998-01-01,1\n")).collect();
    shop.file("data/customers.csv", customers)
        .file("data/orders.csv", format!("order_id,customer_id,ordered_at,amount\n{orders}"));
    let plan = shop.run(&["plan", "recall", "--as-of", "1998-06-30", "--json"]).ok();
    assert!(plan.stderr.contains("1 × `consent` is not a truth value: data/customers.csv:16"), "{}", plan.stderr);
    let plan = plan.json();
    assert_eq!((&plan["considered"], &plan["selected"]), (&json!(14), &json!(7)));
    assert_eq!(plan["excluded"], json!({"no_consent": 7}));
}

/// The shares of the reference, over 23,570 real ids: a workflow's salt is its name.
#[test]
fn holdouts_are_those_of_the_reference() {
    let assignment = &cdnow::reference("statistics_vectors.json")["hash_assignment"];
    for vector in assignment["vectors"].as_array().expect("vectors") {
        let text = |key: &str| vector[key].as_str().expect("text");
        assert_eq!(vector["bucket"], bucket(text("salt"), text("user_id")));
    }
    let population = &assignment["population"];
    let mut project = cdnow::project(
        "channels: {call: {webhook: \"https://gateway.example/send\", secret: \"${SECRET}\", to: user_id}}\n\
         features: {orders: {count: purchase}}\n",
    );
    project.variable("SECRET", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let change = |file: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(project.folder().join(file)).expect("the file");
        project.file(file, text.replace(from, to));
    };
    change("winback.yaml", "registered_at: since", "registered_at: since, consent: ok");
    change("data/customers.csv", "\n", ",yes\n");
    change("data/customers.csv", "since,yes", "since,ok");
    project.file("workflows/templates/call/body.json", "{\"user\": {{ user.user_id | tojson }}}");
    for salt in ["alpha", "beta"] {
        project.file(
            &format!("workflows/{salt}.yaml"),
            format!(
                "name: {salt}\nschedule: {{cron: \"0 9 * * *\"}}\naudience: {{where: orders > 0}}\nholdout: 10%\n\
                 goal: {{event: purchase, within: 28d}}\nstages:\n  - id: call\n    send: {{channel: call, message: call}}\n"
            ),
        );
    }
    for (salt, share) in [("alpha", "holdout_alpha"), ("beta", "holdout_beta")] {
        let plan = project.run(&["plan", salt, "--as-of", "1998-06-30", "--json"]).ok().json();
        assert_eq!(plan["selected"], 23_570);
        assert_eq!(plan["arms"]["holdout"], population[share], "{salt}");
    }
}
