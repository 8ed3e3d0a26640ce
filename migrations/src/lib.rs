//! The ledger's schema: one migration per file, the same for SQLite and PostgreSQL.
//!
//! Migrations import nothing of the product: a table here is what it was on its day, whatever the
//! entities become. Times are instants in UTC; money is in minor units.

use sea_orm_migration::prelude::*;

mod m20261122_000001_runs;
mod m20261122_000002_enrollments;
mod m20261122_000003_messages;
mod m20261122_000004_hits;
mod m20261122_000005_outcomes;
mod m20261122_000006_suppressions;
mod m20261122_000007_lake_files;

pub use sea_orm_migration::{MigratorTrait, SchemaManager};

/// All migrations, in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_runs::Migration),
            Box::new(m20261122_000002_enrollments::Migration),
            Box::new(m20261122_000003_messages::Migration),
            Box::new(m20261122_000004_hits::Migration),
            Box::new(m20261122_000005_outcomes::Migration),
            Box::new(m20261122_000006_suppressions::Migration),
            Box::new(m20261122_000007_lake_files::Migration),
        ]
    }
}
