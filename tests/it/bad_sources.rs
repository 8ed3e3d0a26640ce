//! Sources as they come: what can be read is read, what cannot is counted and named, and a source that cannot
//! carry a decision fails the run and changes nothing.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::process;
use crate::support::project::{Backend, Ran, TestProject, small_shop};

const CHANNEL: &str =
    r#"paper: {directory: data/outbox, from: "Shop <hello@shop.example>", postal_address: "1 Street"}"#;

fn shop(users: usize) -> TestProject {
    small_shop(Backend::Sqlite, users, "paper", CHANNEL)
}

/// Makes `winback.yaml` read other files.
fn sources(project: &TestProject, users: &str, events: &str) {
    let yaml = std::fs::read_to_string(project.folder().join("winback.yaml")).expect("the file");
    project.file("winback.yaml", yaml.replace("data/customers.csv", users).replace("data/orders.csv", events));
}

fn segments(project: &TestProject) -> Ran {
    project.run(&["segments", "--as-of", "1998-06-30", "--json"])
}

/// The users and orders that the project sees.
fn seen(project: &TestProject) -> (u64, u64) {
    let file = project.folder().join("seen.csv");
    let path = file.to_str().expect("UTF-8");
    project.run(&["segments", "--as-of", "1998-06-30", "--export", path]).ok();
    let mut reader = csv::Reader::from_path(file).expect("the export");
    let rows = reader.deserialize::<std::collections::HashMap<String, String>>().map(|row| row.expect("a row"));
    rows.fold((0, 0), |(users, orders), row| (users + 1, orders + row["orders"].parse::<u64>().expect("a number")))
}

/// Every command that reads the sources fails and says this; nobody is enrolled by it.
fn fails(project: &TestProject, says: &[&str]) {
    let before = project.query("SELECT user_id FROM enrollments");
    for command in [&["segments"][..], &["plan", "recall"], &["run", "recall"]] {
        let ran = project.run(&[command, &["--as-of", "1998-06-30"]].concat());
        assert_eq!(ran.code, Some(1), "{command:?}: {}", ran.stdout);
        for text in says {
            assert!(ran.stderr.contains(text), "{command:?} does not say `{text}`:\n{}", ran.stderr);
        }
        assert!(!ran.stderr.contains("External error") && !ran.stderr.contains("Arrow error"), "{}", ran.stderr);
    }
    assert_eq!(project.query("SELECT user_id FROM enrollments"), before);
}

/// Every command that reads the sources works and warns of this.
fn warns(project: &TestProject, says: &[&str]) {
    for command in [&["segments"][..], &["plan", "recall"], &["run", "recall"]] {
        let ran = project.run(&[command, &["--as-of", "1998-06-30"]].concat()).ok();
        for text in says {
            assert!(ran.stderr.contains(text), "{command:?} does not say `{text}`:\n{}", ran.stderr);
        }
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

fn read(project: &TestProject, name: &str) -> String {
    std::fs::read_to_string(project.folder().join(name)).expect("the file")
}

#[test]
fn byte_order_mark_and_windows_line_ends() {
    let shop = shop(5);
    for name in ["data/customers.csv", "data/orders.csv"] {
        let text = format!("\u{feff}{}", read(&shop, name).replace('\n', "\r\n"));
        shop.file(name, text);
    }
    assert_eq!(seen(&shop), (5, 5));
    assert_eq!(segments(&shop).ok().stderr, "");
}

#[test]
fn a_few_bad_rows_are_told_by_line() {
    let shop = shop(20);
    let mut orders = read(&shop, "data/orders.csv").into_bytes();
    orders.extend(b"o1,u00001,1998-01-02\n");
    orders.extend(b"o2,u00001,1998-01-02,5,6\n");
    orders.extend(b"o3,,1998-01-02,5\n");
    orders.extend(b"o4,u00001,yesterday,5\n");
    orders.extend(b"o5,u00001,1998-01-02,a lot\n");
    orders.extend(b"o6,u0\x000001,1998-01-02,5\n");
    orders.extend(b"o7,caf\xe9,1998-01-02,5\n");
    shop.file("data/orders.csv", orders);
    let customers = read(&shop, "data/customers.csv") + "u00003,again@example.com,Twice,+1 555 1,yes\n";
    shop.file("data/customers.csv", customers);
    assert_eq!(seen(&shop), (20, 20));
    warns(
        &shop,
        &[
            "warning: 7 rows of `data/orders.csv` could not be used",
            "1 × fewer cells than the header has: data/orders.csv:22",
            "1 × more cells than the header has: data/orders.csv:23",
            "1 × no `customer_id`: data/orders.csv:24",
            "1 × `ordered_at` is not a time: data/orders.csv:25",
            "1 × `amount` is not a number: data/orders.csv:26",
            "1 × a NUL byte: data/orders.csv:27",
            "1 × not UTF-8: data/orders.csv:28",
            "warning: 1 row of `data/customers.csv` could not be used",
            "1 × a second row of the same user; the first one counts: data/customers.csv:22",
        ],
    );
    assert_eq!(shop.messages(), [("sent".to_owned(), 20)]);
}

#[test]
fn many_bad_rows_fail_the_run() {
    let shop = shop(100);
    let mut orders = read(&shop, "data/orders.csv");
    for number in 0..25 {
        orders += &format!("x{number},u00001\n");
    }
    shop.file("data/orders.csv", orders);
    fails(
        &shop,
        &[
            "25 of 125 rows of `data/orders.csv` cannot be used",
            "25 × fewer cells than the header has: data/orders.csv:102,",
            "data/orders.csv:111 and 15 more",
        ],
    );
}

#[test]
fn an_open_quotation_mark_does_not_swallow_the_rest() {
    // It closes nowhere: everything below it would be one cell.
    let shop = shop(100);
    let orders = read(&shop, "data/orders.csv");
    shop.file("data/orders.csv", orders.replace("o00040,u00040,1998-01-13,41.50", "o00040,u00040,1998-01-13,\"41.50"));
    fails(&shop, &["rows of `data/orders.csv` cannot be used", "is a quotation mark left open?: data/orders.csv:42"]);
    shop.file("data/orders.csv", orders.trim_end().replace("o00040,u00040", "o00040,\"u00040"));
    fails(&shop, &["rows of `data/orders.csv` cannot be used", "is a quotation mark left open?: data/orders.csv:42"]);
    // In the last column, of which nothing is demanded.
    let customers = "customer_id,email,phone,consent,name\nu1,a@example.com,,yes,\"Ann\nu2,b@example.com,,yes,Ben\n";
    let customers = customers.to_owned() + &"u3,c@example.com,,yes,Cy\n".repeat(20);
    shop.file("data/customers.csv", &customers).file("data/orders.csv", &orders);
    fails(&shop, &["is a quotation mark left open?: data/customers.csv:2"]);
    shop.file("data/customers.csv", customers.trim_end());
    fails(&shop, &["is a quotation mark left open?: data/customers.csv:2"]);
}

#[test]
fn files_of_another_encoding() {
    let shop = shop(50);
    let orders = read(&shop, "data/orders.csv");
    let utf16: Vec<u8> = "\u{feff}".encode_utf16().chain(orders.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    shop.file("data/orders.csv", utf16);
    fails(&shop, &["data/orders.csv", "UTF-8"]);
    let latin1: Vec<u8> = read(&shop, "data/customers.csv")
        .replace("User", "Us\u{1}r")
        .bytes()
        .map(|b| if b == 1 { 0xe9 } else { b })
        .collect();
    shop.file("data/orders.csv", orders).file("data/customers.csv", latin1);
    fails(&shop, &["has no rows that can be used", "50 × not UTF-8"]);
}

#[test]
fn empty_sources_never_mean_that_everybody_left() {
    let shop = shop(5);
    let (customers, orders) = (read(&shop, "data/customers.csv"), read(&shop, "data/orders.csv"));
    let empty = "an empty source never means that everybody left";
    for text in ["order_id,customer_id,ordered_at,amount\n", "order_id,customer_id,ordered_at,amount"] {
        shop.file("data/orders.csv", text);
        fails(&shop, &["the source `data/orders.csv` has no rows that can be used", empty]);
    }
    shop.file("data/orders.csv", "");
    fails(&shop, &["`data/orders.csv`: it has no header line"]);
    shop.file("data/orders.csv", orders).file("data/customers.csv", customers.lines().next().expect("a header"));
    fails(&shop, &["the source `data/customers.csv` has no rows that can be used", empty]);
    // An empty file among full ones is an empty day, as long as it has its header.
    shop.file("data/customers.csv", customers).file("data/more/a.csv", read(&shop, "data/orders.csv"));
    shop.file("data/more/b.csv", "order_id,customer_id,ordered_at,amount\n");
    sources(&shop, "data/customers.csv", "data/more/*.csv");
    assert_eq!(seen(&shop), (5, 5));
}

/// A source that fails later leaves those who are on their way where they are.
#[test]
fn a_source_that_goes_empty_moves_nobody() {
    let shop = shop(5);
    let customers = read(&shop, "data/customers.csv");
    let workflow = read(&shop, "workflows/recall.yaml")
        + "  - id: second\n    after: 3d\n    send: {channel: paper, message: hello}\n";
    shop.file("workflows/recall.yaml", workflow);
    shop.run(&["run", "recall", "--as-of", "1998-06-30"]).ok();
    let state = "SELECT status, CAST(count(*) AS TEXT) FROM enrollments GROUP BY status";
    assert_eq!(shop.query(state), [["active", "5"]]);
    shop.file("data/customers.csv", customers.lines().next().expect("a header"));
    let ran = shop.run(&["run", "recall", "--as-of", "1998-07-01"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(shop.query(state), [["active", "5"]]);
    assert_eq!(shop.messages(), [("sent".to_owned(), 5)]);
    shop.file("data/customers.csv", customers);
    shop.run(&["run", "recall", "--as-of", "1998-07-05"]).ok();
    assert_eq!(shop.messages(), [("sent".to_owned(), 10)]);
}

#[test]
fn headers_that_cannot_be_used() {
    let shop = shop(3);
    let orders = read(&shop, "data/orders.csv");
    shop.file("data/orders.csv", orders.replace("order_id,", "amount,"));
    fails(&shop, &["`data/orders.csv`: its header names the column `amount` twice"]);
    shop.file("data/orders.csv", orders.replace("order_id,", ","));
    fails(&shop, &["`data/orders.csv`: column 1 of its header has no name"]);
    shop.file("data/orders.csv", orders.replace("amount", "amonut"));
    fails(&shop, &["`data/orders.csv` has no column `amount`", "did you mean `amonut`?", "winback.yaml:5:"]);
}

#[test]
fn files_that_are_none_of_ours() {
    let shop = shop(3);
    sources(&shop, "data/customers.csv", "data/nothing/*.csv");
    fails(&shop, &["no file matches `data/nothing/*.csv`", "winback.yaml:5:"]);

    let outside = process::new_folder("outside");
    std::fs::write(outside.join("orders.csv"), read(&shop, "data/orders.csv")).expect("our own folder");
    std::os::unix::fs::symlink(outside.join("orders.csv"), shop.folder().join("data/linked.csv")).expect("a link");
    let yaml = read(&shop, "winback.yaml").replace("data/nothing/*.csv", "data/linked.csv");
    shop.file("winback.yaml", yaml);
    fails(&shop, &["`data/linked.csv` cannot be a source: it leads out of the project's folder"]);
    std::fs::remove_dir_all(outside).expect("our own folder");

    let yaml = read(&shop, "winback.yaml").replace("data/linked.csv", "data/../../x.csv");
    shop.file("winback.yaml", yaml);
    fails(&shop, &["`..`"]);

    // Opening a pipe would wait for ever.
    process::run(Command::new("mkfifo").arg(shop.folder().join("data/pipe.csv")));
    let yaml = read(&shop, "winback.yaml").replace("data/../../x.csv", "data/pipe.csv");
    shop.file("winback.yaml", yaml);
    fails(&shop, &["`data/pipe.csv` cannot be a source: it is not a regular file"]);
}

#[test]
fn a_folder_of_every_format() {
    let shop = shop(4);
    let rows: Vec<String> = read(&shop, "data/orders.csv").lines().map(str::to_owned).collect();
    let cells = |row: &str| row.split(',').map(str::to_owned).collect::<Vec<_>>();
    let json: Vec<String> = rows[2..]
        .iter()
        .map(|row| {
            let cells = cells(row);
            let amount: f64 = cells[3].parse().expect("a number");
            json!({"customer_id": cells[1], "ordered_at": cells[2], "order_id": cells[0], "amount": amount, "coupon": "x"})
                .to_string()
        })
        .collect();
    shop.file("data/orders/2026/a.csv.gz", gzip(format!("{}\n{}\n", rows[0], rows[1]).as_bytes()))
        .file("data/orders/b.ndjson", format!("{}\n\n", json[0]))
        .file("data/orders/c.jsonl.gz", gzip(json[1].as_bytes()))
        .file("data/orders/README.md", "How these came to be")
        .file("data/orders/.part.csv.tmp", "half a fi");
    write_parquet(
        &shop.folder().join("data/orders/d.parquet"),
        &[("o00003", "u00003", "1998-01-04", 4.5), ("o00000", "u00000", "1998-01-01", 1.5)],
    );
    let yaml = read(&shop, "winback.yaml")
        .replace("  orders: {count", "  coupons: {count: purchase, where: \"coupon = 'x'\"}\n  orders: {count");
    shop.file("winback.yaml", yaml);
    sources(&shop, "data/customers.csv", "data/orders");
    // The order o00000 is there twice and counts once.
    assert_eq!(seen(&shop), (4, 4));
    let rows = std::fs::read_to_string(shop.folder().join("seen.csv")).expect("the export");
    assert_eq!(rows.lines().filter(|row| row.contains(",1,1,")).count(), 2, "{rows}");
}

#[test]
fn parquet_with_rows_that_cannot_be_used() {
    let shop = shop(3);
    write_parquet(
        &shop.folder().join("data/orders.parquet"),
        &[
            ("o1", "u00000", "1998-01-04", 4.5),
            ("o2", "u00001", "someday", 4.5),
            ("o3", "", "1998-01-04", 4.5),
            ("o4", "u00002", "1998-01-04", 4.5),
        ],
    );
    sources(&shop, "data/customers.csv", "data/orders.parquet");
    assert_eq!(seen(&shop), (3, 2));
    warns(
        &shop,
        &["warning: 2 rows of `data/orders.parquet`", "1 × `ordered_at` is not a time", "1 × no `customer_id`"],
    );
    let yaml = read(&shop, "winback.yaml").replace("value: amount", "value: amuont");
    shop.file("winback.yaml", yaml);
    fails(&shop, &["`data/orders.parquet` has no column `amuont`", "did you mean `amount`?"]);
    shop.file("data/orders.parquet", "this is no Parquet");
    fails(&shop, &["data/orders.parquet"]);
}

#[test]
fn lines_that_are_no_json() {
    let shop = shop(30);
    let lines: Vec<String> = read(&shop, "data/orders.csv")
        .lines()
        .skip(1)
        .map(|row| {
            let cells: Vec<&str> = row.split(',').collect();
            json!({"order_id": cells[0], "customer_id": cells[1], "ordered_at": cells[2], "amount": cells[3]})
                .to_string()
        })
        .collect();
    let broken = format!("{}\n{{\"order_id\": \"o\n[1, 2]\n\n{}\n", lines[0], lines[1..].join("\n"));
    shop.file("data/orders.ndjson", broken);
    sources(&shop, "data/customers.csv", "data/orders.ndjson");
    assert_eq!(seen(&shop), (30, 30));
    warns(&shop, &["1 × not JSON: data/orders.ndjson:2", "1 × not a JSON object: data/orders.ndjson:3"]);
}

#[test]
fn half_a_compressed_file_is_no_file() {
    let shop = shop(3000);
    let whole = gzip(read(&shop, "data/orders.csv").as_bytes());
    shop.file("data/orders.csv.gz", &whole);
    sources(&shop, "data/customers.csv", "data/orders.csv.gz");
    assert_eq!(seen(&shop), (3000, 3000));
    shop.file("data/orders.csv.gz", &whole[..whole.len() / 2]);
    fails(&shop, &["cannot read `data/orders.csv.gz`"]);
    shop.file("data/orders.csv.gz", &whole[..whole.len() - 4]);
    fails(&shop, &["cannot read `data/orders.csv.gz`"]);
}

#[test]
fn files_of_one_source_may_have_different_columns() {
    let shop = shop(2);
    shop.file("data/a/1.csv", "customer_id,ordered_at,amount,order_id,shop\nu00000,1998-01-01,1,a,north\n")
        .file("data/a/2.csv", "order_id,amount,customer_id,ordered_at\nb,2.5,u00001,1998-01-02\n");
    sources(&shop, "data/customers.csv", "data/a/*.csv");
    let yaml =
        read(&shop, "winback.yaml").replace("  orders: {count", "  place: {latest: purchase.shop}\n  orders: {count");
    shop.file("winback.yaml", yaml);
    assert_eq!(seen(&shop), (2, 2));
    let rows = std::fs::read_to_string(shop.folder().join("seen.csv")).expect("the export");
    assert!(rows.lines().any(|row| row.starts_with("u00000,") && row.contains(",north,")), "{rows}");
    // A column with a meaning must be in each of them.
    shop.file("data/a/2.csv", "order_id,customer_id,ordered_at\nb,u00001,1998-01-02\n");
    fails(&shop, &["`data/a/2.csv` has no column `amount`"]);
}

/// Orders as Parquet; an empty text is NULL.
fn write_parquet(file: &Path, rows: &[(&str, &str, &str, f64)]) {
    use datafusion::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
    use datafusion::parquet::arrow::ArrowWriter;
    let text = |pick: fn(&(&str, &str, &str, f64)) -> String| -> ArrayRef {
        let cells = rows.iter().map(|row| Some(pick(row)).filter(|cell| !cell.is_empty()));
        std::sync::Arc::new(cells.collect::<StringArray>())
    };
    let amounts: ArrayRef = std::sync::Arc::new(rows.iter().map(|row| Some(row.3)).collect::<Float64Array>());
    let batch = RecordBatch::try_from_iter([
        ("order_id", text(|row| row.0.to_owned())),
        ("customer_id", text(|row| row.1.to_owned())),
        ("ordered_at", text(|row| row.2.to_owned())),
        ("amount", amounts),
    ])
    .expect("columns of one length");
    let mut writer = ArrowWriter::try_new(std::fs::File::create(file).expect("our own folder"), batch.schema(), None)
        .expect("a writer");
    writer.write(&batch).expect("a batch");
    writer.close().expect("a file");
}
