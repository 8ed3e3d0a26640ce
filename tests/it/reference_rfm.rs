//! RFM scores of real purchases, user by user, against a reference computed independently.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::cdnow;

const PROJECT: &str = "\
features:
  last_order: {last: purchase}
  order_days: {days: purchase}
  spend: {sum: purchase.value}
rfm:
  r: {of: last_order}
  f: {of: order_days}
  m: {of: spend}
  over: order_days > 0
";

#[test]
fn equal_users_share_a_score() {
    scores_agree("share", "ties_share");
}

#[test]
fn ties_are_split_by_id() {
    scores_agree("split", "ntile");
}

fn scores_agree(ties: &str, key: &str) {
    let project = cdnow::project(&format!("{PROJECT}  ties: {ties}\n"));
    for case in cdnow::cases(&cdnow::reference("rfm.json")) {
        let as_of = case["as_of"].as_str().expect("a date");
        let expected = &case[key];
        let shown = project.run(&["segments", "--as-of", as_of, "--json"]).ok().json();
        assert_eq!(shown["users"], case["n_customers"]);
        for (ours, theirs) in [("r", "R"), ("f", "F"), ("m", "M")] {
            assert_eq!(shown["rfm"][ours], expected["counts"][theirs], "{ours}");
        }

        let file = project.folder().join("users.csv");
        let path = file.to_str().expect("UTF-8");
        project.run(&["segments", "--as-of", as_of, "--export", path]).ok();
        let mut reader = csv::Reader::from_path(&file).expect("the export");
        let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(|row| row.expect("a row")).collect();
        assert_eq!(json!(rows.len()), case["n_customers"]);
        let mut cells: BTreeMap<&str, u64> = BTreeMap::new();
        let mut digest = Sha256::new();
        for row in &rows {
            digest.update(format!("{},{},{},{}\n", row["user_id"], row["r"], row["f"], row["m"]));
            *cells.entry(&row["rfm"]).or_default() += 1;
        }
        assert_eq!(json!(cells.len()), expected["cells_distinct"]);
        for (cell, users) in expected["cells"].as_object().expect("cells") {
            assert_eq!(json!(cells.get(cell.as_str()).copied().unwrap_or(0)), *users, "{cell}");
        }
        for customer in case["customers"].as_array().expect("customers") {
            let row = rows.iter().find(|row| customer["id"] == row["user_id"]).expect("the customer");
            assert_eq!(customer["frequency"].to_string(), row["order_days"]);
            let spend: f64 = row["spend"].parse().expect("a number");
            assert_eq!(Some(spend), customer["monetary_minor"].as_f64());
            let scores: Vec<Value> =
                ["r", "f", "m"].map(|name| json!(row[name].parse::<i64>().expect("a score"))).to_vec();
            assert_eq!(customer[key], Value::Array(scores), "{row:?}");
        }
        assert_eq!(json!(hex::encode(digest.finalize())), expected["sha256_of_id_r_f_m_lines"]);
    }
}
