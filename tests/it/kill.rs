//! SIGKILL at random instants of the sending, again and again: everybody ends in one state, nobody gets a
//! mail twice. The oracle is what the receiving side kept.

use std::collections::{BTreeMap, HashMap};
use std::process::Child;
use std::time::{Duration, Instant};

use crate::support::process::{free_port, signal, wait};
use crate::support::project::{Backend, TestProject, small_shop, winback_yaml, workflow_yaml};
use crate::support::smtp::Sink;

on_both_databases! {
    run_is_killed => kills_of_run;
    serve_is_killed => kills_of_serve;
}

/// At least so many processes die while they send.
const KILLS: usize = 20;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(120);

fn channel(rate: &str) -> String {
    format!(r#"mail: {{smtp: "${{SMTP_URL}}", from: "Shop <hello@shop.example>", postal_address: "1 Street"{rate}}}"#)
}

fn kills_of_run(backend: Backend) {
    let users = match backend {
        Backend::Sqlite => 5_000,
        Backend::Postgres => 1_500,
    };
    let sink = Sink::start(&[]);
    // Slow enough that twenty processes in turn find something left to send.
    let mut shop = small_shop(backend, users, "mail", &channel(", rate: 400/s"));
    shop.variable("SMTP_URL", sink.url());
    let arguments = ["run", "recall", "--as-of", "1998-06-30"];
    let mut kills = 0;
    while kills < KILLS {
        let before = sink.progress();
        let mut child = shop.spawn(&arguments);
        let begin = Instant::now();
        // The first of this process's messages is under way; then at any instant of the next ones.
        while sink.progress() <= before {
            assert!(begin.elapsed() < PATIENCE, "nothing is sent: {}", end(child));
            assert!(child.try_wait().expect("its state").is_none(), "it ended after {kills} kills: {}", end(child));
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..150)));
        if child.try_wait().expect("its state").is_none() {
            kills += 1;
        }
        end(child);
    }
    assert!(sink.progress() < users, "the kills did not fall into the sending");
    shop.file("winback.yaml", winback_yaml(&channel("")));
    shop.run(&arguments).ok();
    account(&shop, &sink, users, kills);
}

fn kills_of_serve(backend: Backend) {
    let users = 400;
    let sink = Sink::start(&[]);
    let mut shop = small_shop(backend, users, "mail", &channel(", rate: 100/s"));
    shop.file("workflows/recall.yaml", workflow_yaml("mail").replace("0 9 * * *", "0 0 1 1 *"));
    shop.variable("SMTP_URL", format!("smtp://127.0.0.1:{}", free_port()));
    // Nobody listens: everybody is enrolled, and every message waits.
    shop.run(&["run", "recall"]).ok();
    assert_eq!(shop.messages(), [("pending".to_owned(), users as u64)]);
    shop.variable("SMTP_URL", sink.url());
    let listen = format!("127.0.0.1:{}", free_port());
    let kills = 4;
    for _ in 0..kills {
        let before = sink.progress();
        let child = shop.spawn(&["serve", "--listen", &listen]);
        let begin = Instant::now();
        while sink.progress() <= before {
            assert!(begin.elapsed() < PATIENCE, "nothing is sent: {}", end(child));
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..300)));
        end(child);
    }
    assert!(sink.progress() < users, "the kills did not fall into the sending");
    let mut last = shop.spawn(&["serve", "--listen", &listen]);
    let begin = Instant::now();
    let open = |shop: &TestProject| {
        shop.messages().iter().any(|(state, _)| ["pending", "claimed", "sending"].contains(&state.as_str()))
    };
    while open(&shop) {
        assert!(begin.elapsed() < PATIENCE, "messages are left: {:?}: {}", shop.messages(), end(last));
        std::thread::sleep(Duration::from_millis(50));
    }
    signal(&last, "TERM");
    assert_eq!(wait(&mut last).0, Some(0));
    account(&shop, &sink, users, kills);
}

/// Kills a process and says what it had to say.
fn end(mut child: Child) -> String {
    child.kill().expect("ours to kill");
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The ledger against the mails that arrived: unaccounted 0, duplicates 0.
fn account(shop: &TestProject, sink: &Sink, users: usize, kills: usize) {
    let rows = shop.query("SELECT user_id, key, status FROM messages ORDER BY user_id");
    assert_eq!(rows.len(), users, "one message for each user");
    let mut arrived: HashMap<String, usize> = HashMap::new();
    let mut addresses: HashMap<String, usize> = HashMap::new();
    for mail in sink.messages() {
        let id = mail.message_id.expect("a Message-ID");
        let key = id.trim_matches(['<', '>']).split('@').next().unwrap_or_default().to_owned();
        *arrived.entry(key).or_default() += 1;
        assert_eq!(mail.recipients.len(), 1);
        *addresses.entry(mail.recipients[0].clone()).or_default() += 1;
    }
    assert!(arrived.values().chain(addresses.values()).all(|times| *times == 1), "a mail came twice");
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        let [user, key, status] = &row[..] else { panic!("three columns") };
        *states.entry(status).or_default() += 1;
        match (status.as_str(), arrived.remove(key).is_some()) {
            ("sent", true) => assert!(addresses.contains_key(&format!("{user}@example.com")), "{user}"),
            ("uncertain", _) => {}
            (status, came) => panic!("{user} is {status} and a mail came: {came}"),
        }
    }
    assert!(arrived.is_empty(), "mails that nobody accounts for: {arrived:?}");
    let uncertain = states.get("uncertain").copied().unwrap_or(0);
    // No more than one for each connection of a process that was killed.
    assert!(uncertain <= kills * 20, "{states:?} after {kills} kills");
    let left = shop.query("SELECT user_id FROM enrollments WHERE status <> 'finished'");
    assert!(left.is_empty(), "{} enrollments are left", left.len());
}
