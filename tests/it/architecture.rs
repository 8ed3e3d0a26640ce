//! The map of the house, held by reading its source: who may import whom, where each library lives, and
//! the few habits that a compiler does not check.
//!
//! Every rule is tried twice: on the repository, and on planted text that breaks it, so that a rule that
//! stopped seeing anything is noticed.

mod rules;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use rules::{Violation, allowances, clocks, directions, excuses, lengths, libraries, unfinished};
use source::{Source, test_only};

/// Every Rust file below the folders, with paths relative to the repository.
fn repository(folders: &[&str]) -> Vec<Source> {
    fn visit(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                visit(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in folders {
        visit(&root.join(folder), &mut files);
    }
    files.sort();
    let relative = |file: &Path| file.strip_prefix(root).expect("below the root").to_str().expect("UTF-8").to_owned();
    let read = |file: &PathBuf| Source::new(&relative(file), &fs::read_to_string(file).expect("UTF-8"));
    let mut sources: Vec<Source> = files.iter().map(read).collect();
    let tests = test_only(&sources);
    for source in &mut sources {
        if source::is_below_any(&source.path, &tests) {
            source.forget_product_code();
        }
    }
    assert!(!sources.is_empty(), "no source found below {}", root.display());
    sources
}

fn check(folders: &[&str], rule: fn(&Source) -> Vec<Violation>) {
    let mut found: Vec<String> = repository(folders).iter().flat_map(rule).map(|each| each.to_string()).collect();
    found.dedup();
    assert!(found.is_empty(), "{} found:\n{}", found.len(), found.join("\n"));
}

/// The lines on which a rule complains about a planted file.
fn lines(rule: fn(&Source) -> Vec<Violation>, path: &str, text: &str) -> Vec<usize> {
    let mut lines: Vec<usize> = rule(&Source::new(path, text)).iter().map(|violation| violation.line).collect();
    lines.dedup();
    lines
}

#[test]
fn modules_import_only_to_their_left() {
    check(&["src"], directions);
}

#[test]
fn libraries_live_where_the_map_says() {
    check(&["src"], libraries);
}

#[test]
fn only_the_clock_reads_the_time() {
    check(&["src", "migrations/src"], clocks);
}

#[test]
fn no_panic_without_a_reason() {
    check(&["src", "migrations/src"], excuses);
}

#[test]
fn files_stay_short() {
    check(&["src", "migrations/src", "tests/it"], lengths);
}

#[test]
fn nothing_is_ignored_or_left_for_later() {
    check(&["src", "migrations/src", "tests/it"], unfinished);
}

#[test]
fn no_lint_is_switched_off() {
    check(&["src", "migrations/src", "tests/it"], allowances);
}

#[test]
fn sees_directions() {
    let flow = "use crate::domain::contact::Contact;\n\
                use crate::{project::model::Project, stages::machine, tracking::{links, hits::Hit}};\n\
                use super::super::super::outcomes::effect;\n\
                // use crate::cli::run;\n\
                const TEXT: &str = \"crate::cli::run\";\n\
                fn f() -> crate::reports::Figures { crate::schedule::cron::Cron; crate::schedule::ticker::Ticker; }\n\
                #[cfg(test)]\n\
                mod tests { use crate::cli::x; }\n\
                use super::retry;\n";
    assert_eq!(lines(directions, "src/delivery/smtp/pool.rs", flow), [2, 3, 6]);
    assert_eq!(lines(directions, "src/domain/contact.rs", "use crate::project::model;\nuse super::clock;"), [1]);
    assert_eq!(
        lines(directions, "src/schedule/due.rs", "use super::cron;\nuse super::ticker;\nuse crate::store;"),
        [2, 3]
    );
    assert_eq!(
        lines(directions, "src/schedule/claim.rs", "use super::cron;\nuse crate::store;\nuse crate::stages;"),
        [3]
    );
    assert_eq!(lines(directions, "src/store/runs.rs", "use crate::domain;\nuse crate::project::model;"), [2]);
    assert_eq!(lines(directions, "src/app/daemon.rs", "use crate::stages;\nuse crate::cli;"), [2]);
    assert_eq!(lines(directions, "src/cli/run.rs", "use crate::app;\nuse crate::reports;"), [0; 0]);
    assert_eq!(lines(directions, "src/novelty/x.rs", "fn f() {}"), [1]);
}

#[test]
fn sees_libraries() {
    let text =
        "use sea_orm::EntityTrait;\nuse datafusion::prelude::*;\nfn f() { tokio::spawn(g()); }\nuse serde_yaml as y;";
    assert_eq!(lines(libraries, "src/features/plan.rs", text), [4]);
    assert_eq!(lines(libraries, "src/stages/due.rs", text), [2, 4]);
    assert_eq!(lines(libraries, "src/outcomes/effect/means.rs", text), [1, 2, 3, 4]);
    assert_eq!(lines(libraries, "src/project/load.rs", text), [1, 2, 3]);
    assert_eq!(lines(libraries, "src/cli/run.rs", "use miette::Report;\nuse indicatif::ProgressBar;"), [0; 0]);
    assert_eq!(lines(libraries, "src/reports/figures.rs", "use comfy_table::Table;"), [1]);
    assert_eq!(lines(libraries, "src/schedule/due.rs", "use tokio_cron_scheduler::Job;"), [1]);
}

#[test]
fn sees_clocks() {
    let text = "fn f() { Utc::now(); }\nfn g() { std::time::Instant::now(); }\nfn h() { Clock::now(); clock.now(); }";
    assert_eq!(lines(clocks, "src/stages/due.rs", text), [1, 2]);
    assert_eq!(lines(clocks, "src/delivery/smtp/pool.rs", text), [1]);
    assert_eq!(lines(clocks, "src/domain/clock.rs", text), [0; 0]);
}

#[test]
fn sees_panics_without_a_reason() {
    let text = "fn f() {\n\
                    a.unwrap();\n\
                    // It was filled above.\n\
                    b.unwrap();\n\
                    c.expect(\"c\"); // and so was this\n\
                    // Whatever the length of the chain.\n\
                    let d = e\n\
                        .f()\n\
                        .expect(\n\
                            \"d\",\n\
                        );\n\
                    parser.expect(Token::Comma);\n\
                    g.unwrap_or(1);\n\
                }\n\
                /// Docs\n\
                fn h() { i.expect(\"'\\\"\").j(\"// no comment\").unwrap(); }\n\
                #[cfg(test)]\n\
                mod tests { fn k() { l.unwrap(); } }\n";
    assert_eq!(lines(excuses, "src/stages/due.rs", text), [2, 16]);
    assert_eq!(lines(excuses, "src/stages/tests.rs", text), [0; 0]);
}

#[test]
fn sees_what_is_left_for_later() {
    let text =
        "#[ignore]\nfn f() { todo!() }\nfn g() { \"todo!\" }\n#![allow(dead_code)]\n// todo!\n#[ignore = \"slow\"]";
    assert_eq!(lines(unfinished, "tests/it/x.rs", text), [1, 2, 6]);
    assert_eq!(lines(allowances, "tests/it/x.rs", text), [4]);
    assert_eq!(lines(lengths, "src/x.rs", &"\n".repeat(421)), [421]);
    assert_eq!(lines(lengths, "src/x.rs", &"\n".repeat(420)), [0; 0]);
}
