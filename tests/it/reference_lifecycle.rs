//! The lifecycle of real customers over two years, written in the language, against reference counts.

use serde_json::json;

use crate::support::cdnow;

/// The reference tells reactivated from active customers; the language does so with the feature `return`.
const RULES: &str = "\
features:
  last_order: {last: purchase}
  first_order: {first: purchase}
lifecycle:
  lost: days_since(last_order) > 180
  dormant: days_since(last_order) > 90
  at_risk: days_since(last_order) > 30
  new: days_since(first_order) <= 30
  active: otherwise
";

#[test]
fn states_agree_on_every_date() {
    let project = cdnow::project(RULES);
    for case in cdnow::cases(&cdnow::reference("lifecycle.json")) {
        let as_of = case["as_of"].as_str().expect("a date");
        let shown = project.run(&["segments", "--as-of", as_of, "--json"]).ok().json();
        assert_eq!(shown["users"], case["n"], "{as_of}");
        let count = |state: &str| case["counts"][state].as_i64().expect("a count");
        let expected = json!({
            "lost": count("lost"),
            "dormant": count("dormant"),
            "at_risk": count("at_risk"),
            "new": count("new"),
            "active": count("active") + count("reactivated"),
        });
        assert_eq!(shown["lifecycle"], expected, "{as_of}");
    }
    // Nobody counts before their first purchase.
    let early = project.run(&["segments", "--as-of", "1997-01-01", "--json"]).ok().json();
    assert_eq!(early["users"], early["lifecycle"]["new"]);
    assert_eq!(early["lifecycle"]["active"], 0);
}
