//! What `winback check` says of broken projects: everything at once, where it stands, and what to write.

use crate::support::project::{Backend, Ran, TestProject, small_shop};

fn shop() -> TestProject {
    small_shop(
        Backend::Sqlite,
        3,
        "paper",
        r#"paper: {directory: data/outbox, from: "Shop <hello@shop.example>", postal_address: "1 Street"}"#,
    )
}

/// Replaces a text in a file of the project; it must be there.
fn change(project: &TestProject, file: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(project.folder().join(file)).expect("the file");
    assert!(text.contains(from), "{from}");
    project.file(file, text.replacen(from, to, 1));
}

/// `check` refuses the project, touches nothing, and says this.
fn refused(project: &TestProject) -> String {
    let Ran { code, stdout, stderr } = project.run(&["check"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(!project.folder().join("data/winback.db").exists());
    stderr
}

#[test]
fn the_sample_is_sound() {
    let said = shop().run(&["check"]).ok();
    assert!(said.stdout.starts_with("no problems: 1 workflow, 3 features, 0 segments, 1 channel\n"), "{}", said.stdout);
}

#[test]
fn both_files_at_once() {
    let shop = shop();
    change(&shop, "winback.yaml", "timezone: UTC", "timezone: Asia/Shangai\npolcy: {holdout: 5%}");
    change(&shop, "winback.yaml", "orders: {count: purchase}", "orders: {cuont: purchase}");
    change(&shop, "workflows/recall.yaml", "0 9 * * *", "0 25 * * *");
    change(&shop, "workflows/recall.yaml", "channel: paper", "channel: papper");
    change(&shop, "workflows/recall.yaml", "lifecycle = 'churned'", "城市 = '上海' AND AND lifecycle = 'churned'");
    insta::assert_snapshot!("diagnostics_both_files", refused(&shop));
}

#[test]
fn states_that_no_rule_gives() {
    let shop = shop();
    change(&shop, "workflows/recall.yaml", "lifecycle = 'churned'", "\"lifecycle IN ('chruned', 'active')\"");
    insta::assert_snapshot!("diagnostics_states", refused(&shop));
}

#[test]
fn names_and_types_in_expressions() {
    let shop = shop();
    change(&shop, "winback.yaml", "{sum: purchase.value}", "{sum: purchase.amuont}");
    change(&shop, "winback.yaml", "days_since(last_order) >= 60", "days_since(last_ordr) >= 60");
    change(
        &shop,
        "workflows/recall.yaml",
        "lifecycle = 'churned'",
        "name LIKE '刘%' AND orders > 'many' AND spend > 10 AND last_oder IS NOT NULL AND lenght(name) > 3",
    );
    change(&shop, "workflows/recall.yaml", "within: 28d,", "within: 28d, where: valeu > 0,");
    change(&shop, "workflows/recall.yaml", "  - id: hello\n", "  - id: hello\n    when: NOT cliked AND orders\n");
    insta::assert_snapshot!("diagnostics_expressions", refused(&shop));
}

#[test]
fn messages() {
    let shop = shop();
    change(&shop, "workflows/templates/hello/body.html", "{{ user.name }}", "{{ user.nmae }}");
    change(&shop, "workflows/templates/hello/subject.txt", "{{ user.name }}", "{{ user.name }");
    change(
        &shop,
        "workflows/recall.yaml",
        "message: hello}",
        "message: hello}\n  - {id: again, after: 3d, send: {channel: paper, message: helo}}\n  \
         - {id: third, after: 3d, send: {channel: paper, message: completely-different}}",
    );
    insta::assert_snapshot!("diagnostics_messages", refused(&shop));
}

#[test]
fn sources() {
    let shop = shop();
    change(&shop, "winback.yaml", "email: email, name: name", "email: e_mail, name: nmae");
    change(&shop, "winback.yaml", "time: ordered_at", "time: orderd_at");
    change(
        &shop,
        "winback.yaml",
        "features:",
        "    - {file: data/visits/*.csv, event: visit, user: u, time: t}\nfeatures:",
    );
    insta::assert_snapshot!("diagnostics_sources", refused(&shop));
}

/// What the language will have one day is refused today, never read over.
#[test]
fn keys_that_are_not_built() {
    let shop = shop();
    let tail = "policy: {quiet_hours: 21:00-09:00, frequency_cap: 3 per 7d, pause_at: {complaints: 0.1%}}\n\
                alive: {event: purchase, horizon: 90d}\n";
    change(&shop, "winback.yaml", "channels:", &format!("{tail}channels:"));
    change(
        &shop,
        "winback.yaml",
        "last_order: {last: purchase}",
        "last_order: {last: purchase}\n  back: {return: purchase, after: 90d}",
    );
    change(
        &shop,
        "workflows/recall.yaml",
        "schedule: {cron: \"0 9 * * *\"}",
        "schedule: {cron: \"0 9 * * *\", overlap: skip, jitter: 0s}\nkeep_while: orders > 0\nfunnel: [purchase]",
    );
    change(
        &shop,
        "workflows/recall.yaml",
        "message: hello}",
        "message: hello}\n    gate: {stage: hello, metric: click_rate, below: 3%, min: 500}\n    fallback: paper",
    );
    insta::assert_snapshot!("diagnostics_not_built", refused(&shop));
}

#[test]
fn broken_yaml() {
    let shop = shop();
    change(&shop, "winback.yaml", "features:\n  orders", "features:\n\torders");
    change(&shop, "workflows/recall.yaml", "holdout: 0%", "holdout: 0%\nholdout: 5%");
    shop.file("workflows/broken.yaml", "name: [broken\n").file("workflows/empty.yaml", "");
    insta::assert_snapshot!("diagnostics_broken_yaml", refused(&shop));
}

#[test]
fn as_data() {
    let shop = shop();
    change(&shop, "workflows/recall.yaml", "lifecycle = 'churned'", "城市 = '上海'");
    let Ran { code, stdout, .. } = shop.run(&["check", "--json"]);
    assert_eq!(code, Some(1));
    let problems: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    let problem = &problems["problems"][0];
    assert_eq!(problem["file"], "workflows/recall.yaml");
    assert_eq!((&problem["line"], &problem["column"]), (&3.into(), &19.into()), "{problem}");
    assert_eq!(problem["message"], "no feature or attribute `城市`");
}
