//! The CDNOW purchases as the sources of a project.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use super::project::{Backend, TestProject};

/// A project over all purchases, as `purchase` with `value` in cents. The users are its customers,
/// registered on the day of their first purchase. `more` is the rest of `winback.yaml`.
pub fn project(more: &str) -> TestProject {
    let compressed =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows/data/cdnow_transactions.csv.gz"));
    let compressed = compressed.expect("the purchases are in the repository");
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(compressed.as_slice()).read_to_string(&mut text).expect("gzip");
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let day = first.entry(cells[0]).or_insert(cells[1]);
        *day = cells[1].min(day);
    }
    let mut users = String::from("customer,since\n");
    for (customer, since) in first {
        users += &format!("{customer},{since}\n");
    }
    let project = TestProject::empty(Backend::Sqlite);
    project.file("data/purchases.csv.gz", compressed).file("data/customers.csv", users).file(
        "winback.yaml",
        format!(
            "timezone: America/New_York\n\
             sources:\n\
             \x20 users: {{file: data/customers.csv, id: customer, registered_at: since}}\n\
             \x20 events:\n\
             \x20   - {{file: data/purchases.csv.gz, event: purchase, user: customer_id, time: date, \
             value: amount_cents}}\n{more}"
        ),
    );
    project
}

/// A file of `tests/data/reference`.
pub fn reference(name: &str) -> serde_json::Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/reference").join(name);
    serde_json::from_slice(&std::fs::read(file).expect("the reference is in the repository")).expect("JSON")
}

/// The cases of a reference that were computed from these purchases.
pub fn cases(reference: &serde_json::Value) -> Vec<serde_json::Value> {
    let all = reference["cases"].as_array().expect("a list of cases");
    let cases: Vec<_> = all.iter().filter(|case| case["data"] == "cdnow").cloned().collect();
    assert!(!cases.is_empty());
    cases
}
