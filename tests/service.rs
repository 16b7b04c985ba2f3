//! The service: the real process, on SQLite and on a real Postgres, asked over HTTP.

mod access;
mod client;
mod crashes;
mod examples;
mod failures;
mod fleet;
mod keys;
mod manifests;
mod offline;
mod operations;
mod requests;
mod signals;
mod storage;
mod streams;
mod trust;
mod workers;

pub(crate) use workers::worker;

use crate::support::home::Home;
use crate::support::postgres::{self, Database};

/// Where a service keeps its records.
pub(crate) enum Records {
    /// In a file of its home.
    Sqlite,
    /// In a database of its own.
    Postgres(Database),
}

impl Records {
    /// SQLite, and Postgres where it is installed.
    pub(crate) fn both() -> Vec<Self> {
        let postgres = postgres::server().map(|server| Self::Postgres(server.empty()));
        [Self::Sqlite].into_iter().chain(postgres).collect()
    }

    /// The settings that name it, once it is migrated.
    pub(crate) fn settings(&self, home: &Home) -> Vec<(&str, &str)> {
        match self {
            Self::Sqlite => Vec::new(),
            Self::Postgres(database) => {
                let settings = vec![
                    ("DATABASE_URL", database.setting.as_str()),
                    ("DATABASE_OWNER_URL", database.owner_setting.as_str()),
                ];
                let migrated = home.service(&settings).args(["db", "migrate"]).output().expect("certus runs");
                assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
                // The service itself is not told how the owner connects.
                settings[..1].to_vec()
            }
        }
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(..) => "Postgres",
        }
    }
}

/// Runs a test on each database, at the same time.
pub(crate) fn on_each(test: impl Fn(&Records) + Sync) {
    std::thread::scope(|scope| {
        for records in Records::both() {
            let test = &test;
            scope.spawn(move || test(&records));
        }
    });
}
