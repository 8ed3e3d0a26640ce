//! The sample project: embedded files, and customers and orders derived from the embedded purchases.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use flate2::read::GzDecoder;

use crate::domain::assignment::bucket;

/// A template by its path below the templates' folder.
macro_rules! template {
    ($path:literal) => {
        (concat!("workflows/templates/", $path), include_str!(concat!("../../workflows/workflows/templates/", $path)))
    };
}

/// The project's files, as they lie in the repository.
const FILES: [(&str, &str); 17] = [
    ("winback.yaml", include_str!("../../workflows/winback.yaml")),
    ("data/README.md", include_str!("../../workflows/data/README.md")),
    ("workflows/lapsed-buyers.yaml", include_str!("../../workflows/workflows/lapsed-buyers.yaml")),
    template!("incentive/subject.txt"),
    template!("incentive/body.mjml"),
    template!("incentive/zh-CN/subject.txt"),
    template!("incentive/zh-CN/body.mjml"),
    template!("last-call/subject.txt"),
    template!("last-call/body.html"),
    template!("last-call/zh-CN/subject.txt"),
    template!("last-call/zh-CN/body.html"),
    template!("reminder/subject.txt"),
    template!("reminder/body.html"),
    template!("reminder/body.txt"),
    template!("reminder/zh-CN/subject.txt"),
    template!("reminder/zh-CN/body.html"),
    template!("reminder/zh-CN/body.txt"),
];

/// Purchases of 23,570 customers of the CD shop CDNOW, 1997 and 1998; see `data/README.md`.
const PURCHASES: &[u8] = include_bytes!("../../workflows/data/cdnow_transactions.csv.gz");

const SURNAMES: [&str; 12] =
    ["Adams", "Baker", "Chen", "Davis", "Evans", "Foster", "Garcia", "Huang", "Irwin", "Jones", "Li", "O'Neil"];
const FIRST_NAMES: [&str; 10] = ["Ann", "Ben", "Carla", "Dan", "Eve", "Frank", "Grace", "Hao", "Iris", "José"];
const CHINESE_NAMES: [&str; 6] = ["陈静", "李明", "王芳", "张伟", "刘洋", "赵敏"];
const CITIES: [(&str, &str); 5] = [
    ("New York", "America/New_York"),
    ("Chicago", "America/Chicago"),
    ("Denver", "America/Denver"),
    ("Los Angeles", "America/Los_Angeles"),
    ("Shanghai", "Asia/Shanghai"),
];

/// A folder for a new project: made, or found empty. Never one with something in it.
pub fn fresh_folder(dir: &Path) -> anyhow::Result<()> {
    if dir.exists() && dir.read_dir().with_context(|| format!("{} is no folder", dir.display()))?.next().is_some() {
        bail!("{} exists and is not empty; nothing is ever overwritten. Give another folder", dir.display());
    }
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))
}

/// Writes the sample project; `database` replaces the SQLite file, `customers` limits their number.
pub fn write(dir: &Path, database: Option<&str>, customers: Option<usize>) -> anyhow::Result<()> {
    for (name, text) in FILES {
        let path = dir.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let text = match database {
            Some(url) if name == "winback.yaml" => {
                // JSON strings are YAML strings: whatever the URL holds stays one text.
                text.replace("database: sqlite:data/winback.db", &format!("database: {}", serde_json::to_string(url)?))
            }
            Some(_) | None => text.to_owned(),
        };
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let (people, orders) = derive(customers)?;
    std::fs::write(dir.join("data/customers.csv"), people)?;
    std::fs::write(dir.join("data/orders.csv"), orders)?;
    std::fs::write(dir.join(".gitignore"), "/data/winback.db*\n/data/lake/\n/data/outbox/\n")?;
    Ok(())
}

/// Customers and orders as CSV. The purchases are real; names, addresses and consent are made up, the
/// same for the same customer.
fn derive(limit: Option<usize>) -> anyhow::Result<(String, String)> {
    let mut text = String::new();
    GzDecoder::new(PURCHASES).read_to_string(&mut text)?;
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    let mut orders = String::from("order_id,customer_id,ordered_at,cds,amount\n");
    let mut number = 0;
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [customer, date, cds, cents, _] = cells.as_slice() else { bail!("the embedded purchases are damaged") };
        if limit.is_some_and(|limit| first.len() >= limit && !first.contains_key(customer)) {
            continue;
        }
        let since = first.entry(customer).or_insert(date);
        if *date < *since {
            *since = date;
        }
        number += 1;
        let cents: u64 = cents.parse()?;
        writeln!(orders, "{number:06},{customer},{date},{cds},{}.{:02}", cents / 100, cents % 100)?;
    }
    let mut people = String::from("customer_id,email,full_name,tz,lang,signed_up_at,marketing_opt_in,city\n");
    for (customer, since) in first {
        let dice = |what: &str| bucket(what, customer);
        let pick = |what: &str, many: usize| dice(what) as usize % many;
        let (city, zone) = CITIES[pick("city", CITIES.len())];
        let chinese = zone == "Asia/Shanghai" && dice("language") < 8_000;
        let name = if chinese {
            CHINESE_NAMES[pick("name", CHINESE_NAMES.len())].to_owned()
        } else {
            format!("{} {}", FIRST_NAMES[pick("first", FIRST_NAMES.len())], SURNAMES[pick("last", SURNAMES.len())])
        };
        let email = match dice("email") {
            0..100 => String::new(),
            100..150 => format!("c{customer}.example.com"),
            _ => format!("c{customer}@example.com"),
        };
        let language = if chinese { "zh-CN" } else { "en" };
        let consent = if dice("consent") < 9_300 { "yes" } else { "no" };
        writeln!(people, "{customer},{email},{name},{zone},{language},{since},{consent},{city}")?;
    }
    Ok((people, orders))
}
