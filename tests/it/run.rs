//! A run, its repetition, and the next one: nobody twice, every considered user with one reason.

use crate::support::mail;
use crate::support::project::{Backend, small_shop};

on_both_databases! {
    repeated => nobody_gets_it_twice;
}

fn nobody_gets_it_twice(backend: Backend) {
    let shop = small_shop(
        backend,
        40,
        "paper",
        r#"paper: {directory: data/outbox, from: "Shop <hello@shop.example>", postal_address: "1 Street"}"#,
    );
    shop.run(&["check"]).ok();
    let first = shop.run(&["run", "recall", "--as-of", "1998-06-30", "--json"]).ok().json();
    assert_eq!(first["run"]["considered"], 40);
    assert_eq!(first["run"]["arms"]["treated"], 40);
    let again = shop.run(&["run", "recall", "--as-of", "1998-06-30", "--json"]).ok().json();
    assert!(again["run"].is_null(), "{again}");
    let next = shop.run(&["run", "recall", "--as-of", "1998-07-01", "--json"]).ok().json();
    assert_eq!(next["run"]["excluded"]["entered_before"], 40);
    assert_eq!(shop.messages(), [("sent".to_owned(), 40)]);

    let mails = mail::parse_folder(&shop.folder().join("data/outbox"));
    assert_eq!(mails.len(), 40);
    for mail in &mails {
        assert_eq!(mail.defects, Vec::<String>::new());
        assert_eq!(mail.links.len(), 3, "{:?}", mail.links);
        assert!(mail.links.iter().all(|link| link.starts_with("https://go.shop.example/")));
    }
}
