//! `winback init`: a project that passes `check` and runs.

use std::path::Path;

use super::sample;

/// Customers of a new project: enough for every state and score, few enough to read.
const CUSTOMERS: usize = 600;

/// Makes the project.
pub fn init(dir: &Path) -> anyhow::Result<bool> {
    sample::fresh_folder(dir)?;
    sample::write(dir, None, Some(CUSTOMERS))?;
    let dir = dir.display();
    println!("made {dir}: a CD shop with {CUSTOMERS} customers, whose messages become files in {dir}/data/outbox");
    println!("\nnext:");
    println!("  winback check --project {dir}");
    println!("  winback plan lapsed-buyers --as-of 1998-05-01 --project {dir}");
    println!("  winback run lapsed-buyers --as-of 1998-05-01 --project {dir}");
    println!("  winback report --as-of 1998-06-30 --project {dir}");
    println!("\nthen put your own files under `sources:` in {dir}/winback.yaml");
    Ok(true)
}
