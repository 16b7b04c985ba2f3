//! The schema, step by step, forwards and back.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Row as _, SqlSafeStr as _};

use crate::database::{DatabaseUrl, Dialect, Reach, Store};
use crate::error::Error;

/// One step: version, name, and what it does on either database.
struct Step {
    version: i64,
    name: &'static str,
    sqlite: [&'static str; 2],
    postgres: [&'static str; 2],
}

macro_rules! step {
    ($version:literal, $name:literal, both $stem:literal) => {
        step!($version, $name, $stem, $stem)
    };
    ($version:literal, $name:literal, each $stem:literal) => {
        step!($version, $name, concat!($stem, ".sqlite"), concat!($stem, ".postgres"))
    };
    ($version:literal, $name:literal, $sqlite:expr, $postgres:expr) => {
        Step {
            version: $version,
            name: $name,
            sqlite: [
                include_str!(concat!("../migrations/", $sqlite, ".up.sql")),
                include_str!(concat!("../migrations/", $sqlite, ".down.sql")),
            ],
            postgres: [
                include_str!(concat!("../migrations/", $postgres, ".up.sql")),
                include_str!(concat!("../migrations/", $postgres, ".down.sql")),
            ],
        }
    };
}

const STEPS: &[Step] = &[
    step!(1, "records", both "0001_records"),
    step!(2, "guards", each "0002_guards"),
    step!(3, "operations", both "0003_operations"),
    step!(4, "operations wall", each "0004_operations_wall"),
    step!(5, "trust", both "0005_trust"),
    step!(6, "trust wall", each "0006_trust_wall"),
    step!(7, "tenant signing", each "0007_tenant_signing"),
    step!(8, "privacy", both "0008_privacy"),
    step!(9, "privacy wall", each "0009_privacy_wall"),
];

/// The schema that this program works with.
const WANTED: i64 = STEPS[STEPS.len() - 1].version;

/// What a migration did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version before; 0 is an empty database.
    pub from: i64,
    /// The version now.
    pub to: i64,
    /// The steps that were taken, by name.
    pub steps: Vec<&'static str>,
}

/// What a schema is beside what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaState {
    /// The database's version; 0 is an empty database.
    pub found: i64,
    /// This program's.
    pub wanted: i64,
}

impl Store {
    /// Brings the database at `url` to this program's schema. On Postgres `role`, if it is another than the
    /// one that migrates, is granted what the service needs and no more: it owns nothing.
    ///
    /// # Errors
    /// An unreachable database, a newer schema, a step that fails; that step is undone.
    pub async fn migrate(url: &DatabaseUrl, role: Option<&str>) -> Result<Migrated, Error> {
        let store = Self::connect(url, 2).await?;
        let from = version(&store).await?;
        if from > WANTED {
            return Err(Error::SchemaNewer { place: store.place().to_owned(), found: from, wanted: WANTED });
        }
        migrator(url.dialect).run(&mut *store.connection().await?).await?;
        if let (Dialect::Postgres, Some(role)) = (url.dialect, role) {
            grant(&store, role).await?;
        }
        store.close().await;
        let taken = STEPS.iter().filter(|step| step.version > from).map(|step| step.name).collect();
        Ok(Migrated { from, to: WANTED, steps: taken })
    }

    /// Takes the newest `steps` steps back, with what they hold.
    ///
    /// # Errors
    /// An unreachable database, a newer schema, a step that fails; that step is kept.
    pub async fn rollback(url: &DatabaseUrl, steps: u32) -> Result<Migrated, Error> {
        let store = Self::connect(url, 2).await?;
        let from = version(&store).await?;
        if from > WANTED {
            return Err(Error::SchemaNewer { place: store.place().to_owned(), found: from, wanted: WANTED });
        }
        let kept = STEPS.iter().filter(|step| step.version <= from).rev().nth(steps as usize);
        let to = kept.map_or(0, |step| step.version);
        migrator(url.dialect).undo(&mut *store.connection().await?, to).await?;
        store.close().await;
        let taken = STEPS.iter().rev().filter(|step| step.version > to && step.version <= from);
        Ok(Migrated { from, to, steps: taken.map(|step| step.name).collect() })
    }

    /// The schema at `url`, whatever it is.
    ///
    /// # Errors
    /// An unreachable database.
    pub async fn schema(url: &DatabaseUrl) -> Result<SchemaState, Error> {
        let store = Self::connect(url, 1).await?;
        let found = version(&store).await?;
        store.close().await;
        Ok(SchemaState { found, wanted: WANTED })
    }

    /// Whether the service's own role could take the guards away: it owns the audit table or is a superuser.
    /// On SQLite whoever can write the file can.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn owns_its_guards(&self) -> Result<bool, Error> {
        if self.dialect == Dialect::Sqlite {
            return Ok(true);
        }
        let mut transaction = self.read(Reach::All).await?;
        let question = "SELECT CASE WHEN r.rolsuper OR r.rolbypassrls OR pg_has_role(current_user, c.relowner, 'MEMBER') \
                        THEN 1::bigint ELSE 0::bigint END AS owns \
                        FROM pg_class c, pg_roles r \
                        WHERE c.oid = 'audit_events'::regclass AND r.rolname = current_user";
        Ok(sqlx::query(question).fetch_one(&mut *transaction).await?.try_get::<i64, _>("owns")? == 1)
    }
}

/// # Errors
/// If the schema is another one.
pub(crate) async fn assert_current(store: &Store) -> Result<(), Error> {
    let (place, found) = (store.place().to_owned(), version(store).await?);
    match found.cmp(&WANTED) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(Error::SchemaOlder { place, found, wanted: WANTED }),
        std::cmp::Ordering::Greater => Err(Error::SchemaNewer { place, found, wanted: WANTED }),
    }
}

/// The newest step that was taken; 0 for a database that has never been migrated.
async fn version(store: &Store) -> Result<i64, Error> {
    let there = match store.dialect {
        Dialect::Sqlite => "SELECT count(*) AS n FROM sqlite_master WHERE name = '_sqlx_migrations'",
        Dialect::Postgres => "SELECT count(*) AS n FROM pg_class WHERE oid = to_regclass('_sqlx_migrations')",
    };
    let mut transaction = store.read(Reach::All).await?;
    if sqlx::query(there).fetch_one(&mut *transaction).await?.try_get::<i64, _>("n")? == 0 {
        return Ok(0);
    }
    let newest = "SELECT coalesce(max(version), 0) AS version FROM _sqlx_migrations";
    Ok(sqlx::query(newest).fetch_one(&mut *transaction).await?.try_get("version")?)
}

fn migrator(dialect: Dialect) -> Migrator {
    let both_ways = STEPS.iter().flat_map(|step| {
        let [up, down] = match dialect {
            Dialect::Sqlite => step.sqlite,
            Dialect::Postgres => step.postgres,
        };
        [(MigrationType::ReversibleUp, up), (MigrationType::ReversibleDown, down)]
            .map(|(kind, sql)| Migration::new(step.version, step.name.into(), kind, sql.into_sql_str(), false))
    });
    Migrator::with_migrations(both_ways.collect())
}

/// What the service does with each table, and nothing else.
async fn grant(store: &Store, role: &str) -> Result<(), Error> {
    let quoted = format!("\"{}\"", role.replace('"', "\"\""));
    let grants = [
        ("SELECT", "_sqlx_migrations"),
        ("SELECT, INSERT", "audit_events, audit_checkpoints"),
        ("SELECT, UPDATE", "audit_head, log_head"),
        ("SELECT, INSERT", "permits, permit_inputs, revocations, used_permits, log_entries, tenant_keys"),
        ("SELECT, INSERT", "privacy_scans, privacy_releases"),
        ("SELECT, INSERT, UPDATE", "tenants, users, api_keys, scans, scan_jobs, publications"),
        ("SELECT, INSERT, UPDATE, DELETE", "uploads, scan_events, findings, idempotency_keys, git_credentials"),
        ("SELECT, INSERT, UPDATE, DELETE", "webhooks, webhook_deliveries"),
    ];
    for (rights, tables) in grants {
        let text = format!("GRANT {rights} ON {tables} TO {quoted}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut *store.connection().await?).await?;
    }
    Ok(())
}
