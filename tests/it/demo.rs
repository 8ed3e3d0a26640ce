//! The demo, as a newcomer runs it: its report is kept as a snapshot on both databases.

use std::process::Command;

use crate::support::project::{Backend, TestProject};
use crate::support::{mail, process};

on_both_databases! {
    demo => tells_its_story;
}

fn tells_its_story(backend: Backend) {
    let place = process::new_folder("demo");
    let folder = place.join("winback-demo");
    let ledger = TestProject::empty(backend);
    let mut command = Command::new(env!("CARGO_BIN_EXE_winback"));
    command.current_dir(&place).arg("demo").env_remove("CARGO").env_remove("WINBACK_DATABASE");
    if backend == Backend::Postgres {
        command.args(["--database", &ledger.database()]);
    }
    let output = command.output().expect("the program starts");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    insta::assert_snapshot!("demo", printed);

    let some: Vec<Vec<u8>> = std::fs::read_dir(folder.join("data/outbox"))
        .expect("the outbox")
        .take(20)
        .map(|entry| std::fs::read(entry.expect("entry").path()).expect("a mail"))
        .collect();
    for mail in mail::parse(&some) {
        assert!(mail.defects.is_empty(), "{:?}", mail.defects);
        assert_eq!(mail.header("List-Unsubscribe-Post"), ["List-Unsubscribe=One-Click"]);
    }

    // What it tells to try next works.
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_winback"))
            .current_dir(&place)
            .env_remove("WINBACK_DATABASE")
            .args(arguments)
            .args(["--project", "winback-demo"])
            .output()
            .expect("the program starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    run(&["check"]);
    run(&["segments", "--as-of", "1998-06-30"]);
    let plan = run(&["plan", "lapsed-buyers", "--as-of", "1998-06-30"]);
    assert!(plan.contains("Nothing was written and nothing was sent."));
    let report: serde_json::Value =
        serde_json::from_str(&run(&["report", "--format", "json"])).expect("the report is JSON");
    assert_eq!(report[0]["programme"]["verdict"], "no_effect_shown");

    // It never writes into a folder that has something in it.
    let again = Command::new(env!("CARGO_BIN_EXE_winback")).current_dir(&place).arg("demo").output().expect("starts");
    assert_eq!(again.status.code(), Some(1));
    std::fs::remove_dir_all(&place).expect("the folder goes");
}
