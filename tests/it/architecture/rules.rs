//! The rules: the map as data, and one function per rule that gives what breaks it.

use std::fmt;

use super::source::{Source, is_below, is_below_any};

/// The way of the data, from left to right: each folder sees those before it.
const FLOW: [&str; 9] =
    ["sources", "features", "segments", "audience", "stages", "delivery", "tracking", "outcomes", "reports"];
/// The edges, from the outermost: each sees everything but those before it, and nothing else sees them.
const EDGES: [&str; 3] = ["cli", "app", "console"];
/// What is below the flow.
const GROUND: [&str; 4] = ["domain", "project", "schedule", "store"];
/// The modules of `schedule` that do no IO and know nobody.
const PURE_SCHEDULE: [&str; 3] = ["cron", "due", "windows"];

/// Places whose code is a function of its arguments.
const PURE: [&str; 9] = [
    "src/domain",
    "src/project",
    "src/schedule/cron",
    "src/schedule/due",
    "src/schedule/windows",
    "src/stages/machine",
    "src/delivery/retry",
    "src/outcomes/effect",
    "src/reports/figures",
];
/// What pure places do not import: runtime, database, engine and network.
const IMPURE_LIBRARIES: [&str; 5] = ["tokio", "sea_orm", "datafusion", "reqwest", "lettre"];

/// Libraries that have a place of their own.
const LIBRARIES: [(&str, &[&str]); 7] = [
    ("datafusion", &["src/sources", "src/features", "src/segments", "src/outcomes", "src/audience"]),
    ("serde_yaml", &["src/project/load"]),
    ("tokio_cron_scheduler", &["src/schedule/ticker"]),
    ("miette", &["src/cli"]),
    ("indicatif", &["src/cli"]),
    ("comfy_table", &["src/cli", "src/reports/table"]),
    (
        "sea_orm",
        &[
            "src/store",
            "src/schedule",
            "src/sources",
            "src/features",
            "src/segments",
            "src/audience",
            "src/stages",
            "src/delivery",
            "src/tracking",
            "src/outcomes",
            "src/reports",
        ],
    ),
];

/// Lines of a file, a little above the 400 that are aimed at.
const LONGEST: usize = 420;

/// Something that breaks a rule.
#[derive(Debug)]
pub struct Violation {
    /// The file.
    pub path: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong and what is right.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.message)
    }
}

fn violation(source: &Source, line: usize, message: String) -> Violation {
    Violation { path: source.path.clone(), line, message }
}

/// Who may import whom.
pub fn directions(source: &Source) -> Vec<Violation> {
    let module = source.module();
    let Some(from) = module.first() else {
        // `lib.rs` and `main.rs` introduce and dispatch.
        return Vec::new();
    };
    let is_known = |name: &str| FLOW.contains(&name) || EDGES.contains(&name) || GROUND.contains(&name);
    if !is_known(from) {
        let message = format!("`{from}` has no place on the map: add it to FLOW, EDGES or GROUND of this test");
        return vec![violation(source, 1, message)];
    }
    let mut found = Vec::new();
    for path in source.own_paths() {
        let Some(to) = path.segments.first().filter(|to| is_known(to)) else { continue };
        if !may_import(&module, &path.segments) {
            let message = format!("{} must not import `{}`: {}", from, path.segments.join("::"), why_not(from, to));
            found.push(violation(source, path.line, message));
        }
    }
    found
}

fn may_import(module: &[String], target: &[String]) -> bool {
    let is_pure_schedule = |path: &[String]| {
        path.first().is_some_and(|first| first == "schedule")
            && path.get(1).is_some_and(|second| PURE_SCHEDULE.contains(&second.as_str()))
    };
    let (from, to) = (module[0].as_str(), target[0].as_str());
    if from == "schedule" && is_pure_schedule(module) {
        return to == "domain" || is_pure_schedule(target);
    }
    if from == to || to == "domain" {
        return true;
    }
    let position = |list: &[&str], name: &str| list.iter().position(|each| *each == name);
    if let Some(edge) = position(&EDGES, from) {
        return position(&EDGES, to).is_none_or(|other| other > edge);
    }
    match from {
        "domain" | "store" => false,
        "project" => is_pure_schedule(target),
        "schedule" => to == "project" || to == "store",
        // The flow.
        _ => {
            to == "project"
                || to == "store"
                || is_pure_schedule(target)
                || position(&FLOW, to) < position(&FLOW, from) && position(&FLOW, to).is_some()
        }
    }
}

fn why_not(from: &str, to: &str) -> &'static str {
    if EDGES.contains(&to) {
        return "nobody sees the edges (cli sees app and console, app sees console)";
    }
    match from {
        "domain" => "domain imports nothing of ours",
        "store" => "store imports domain only",
        "project" => "project imports domain and the pure modules of schedule (cron, due, windows)",
        "schedule" => {
            "its pure modules (cron, due, windows) import domain and each other, the others project and store"
        }
        _ if to == "schedule" => "name one of its pure modules: schedule::cron, schedule::due, schedule::windows",
        _ => "a folder of the flow imports domain, project, pure schedule, store, and folders to its left",
    }
}

/// Where each library may appear, and what pure places do without.
pub fn libraries(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    for path in source.paths() {
        let library = path.segments[0].as_str();
        if is_below_any(&source.path, &PURE) && IMPURE_LIBRARIES.contains(&library) {
            let message = format!("`{library}` in a pure place: pass values in and do the IO elsewhere");
            found.push(violation(source, path.line, message));
        } else if let Some((_, places)) = LIBRARIES.iter().find(|(name, _)| *name == library)
            && !is_below_any(&source.path, places)
        {
            let message = format!("`{library}` belongs in {} only", places.join(", "));
            found.push(violation(source, path.line, message));
        }
    }
    found
}

/// Who may ask what time it is.
pub fn clocks(source: &Source) -> Vec<Violation> {
    if is_below(&source.path, "src/domain/clock") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for path in source.paths() {
        let [.., clock, now] = path.segments.as_slice() else { continue };
        if now != "now" {
            continue;
        }
        let message = match clock.as_str() {
            "Utc" | "Local" | "SystemTime" => {
                "only domain/clock.rs reads the system's clock: take `now` as an argument"
            }
            "Instant" if !is_below_any(&source.path, &["src/cli", "src/delivery", "src/app"]) => {
                "a stopwatch belongs in cli, delivery and app only: take `now` as an argument"
            }
            _ => continue,
        };
        found.push(violation(source, path.line, message.to_owned()));
    }
    found
}

/// `unwrap` and `expect` in product code, unless a comment says why they cannot fail.
pub fn excuses(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, line) in source.product.iter().enumerate() {
        // A parser's own `expect(Token)` is no panic; the panicking one takes a text.
        let panics = line.contains(".unwrap()")
            || line.split(".expect(").skip(1).any(|rest| {
                let next = source.product.get(index + 1).map_or("", |next| next.trim_start());
                let argument = if rest.trim().is_empty() { next } else { rest.trim_start() };
                argument.starts_with('"') || argument.starts_with("&format")
            });
        if panics && !has_comment(source, index) {
            let message = "say in a comment, here or above the statement, why this cannot fail; or return an error";
            found.push(violation(source, index + 1, message.to_owned()));
        }
    }
    found
}

/// Whether a comment stands on a line, within its statement above it, or right before the statement.
fn has_comment(source: &Source, index: usize) -> bool {
    let is_plain = |line: usize| source.comments[line] && !source.product[line].trim().is_empty();
    if source.comments[index] {
        return true;
    }
    for line in (0..index).rev() {
        let code = source.product[line].trim_end();
        if code.trim().is_empty() {
            return source.comments[line];
        }
        if code.ends_with([';', '{', '}']) {
            return false;
        }
        if is_plain(line) {
            return true;
        }
    }
    false
}

/// Files that grew too long.
pub fn lengths(source: &Source) -> Vec<Violation> {
    // The text behind the last line end is no line.
    let length = source.all.len() - usize::from(source.all.last().is_some_and(String::is_empty));
    if length <= LONGEST {
        return Vec::new();
    }
    vec![violation(source, length, format!("longer than {LONGEST} lines: give its second purpose a file of its own"))]
}

/// Tests that do not run, code that is not there.
pub fn unfinished(source: &Source) -> Vec<Violation> {
    let marks = ["#[ignore", "todo!", "unimplemented!", "dbg!"];
    mentions(source, &marks, "finish it or leave it out")
}

/// Lints switched off instead of heeded.
pub fn allowances(source: &Source) -> Vec<Violation> {
    mentions(source, &["#[allow(", "#![allow("], "heed the lint instead of switching it off")
}

fn mentions(source: &Source, marks: &[&str], advice: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, line) in source.all.iter().enumerate() {
        for mark in marks.iter().filter(|mark| line.contains(**mark)) {
            found.push(violation(source, index + 1, format!("`{mark}`: {advice}")));
        }
    }
    found
}
