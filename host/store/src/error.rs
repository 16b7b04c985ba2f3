//! What can go wrong with what is kept.

/// Why the store could not answer. Nothing that was acknowledged is lost by any of them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The setting names no database.
    #[error("`{given}` names no database; write `sqlite:PATH` or `postgres://USER@HOST/NAME`")]
    Url {
        /// What was given, without a password.
        given: String,
    },
    /// The database does not answer.
    #[error("the database {place} cannot be reached; see that it runs and that the setting is right")]
    Unreachable {
        /// Which, without a password.
        place: String,
        /// What the driver says.
        #[source]
        cause: sqlx::Error,
    },
    /// The database would lose what it acknowledges.
    #[error(
        "the database {place} has {setting} = {value}, with which a power cut loses acknowledged scans; set it to {wanted}"
    )]
    Durability {
        /// Which.
        place: String,
        /// Its setting.
        setting: &'static str,
        /// What that is.
        value: String,
        /// What it has to be.
        wanted: &'static str,
    },
    /// The schema is older than this program's.
    #[error("the database {place} has schema {found}, this program needs {wanted}; run `certus db migrate`")]
    SchemaOlder {
        /// Which.
        place: String,
        /// Its version; 0 is an empty database.
        found: i64,
        /// This program's.
        wanted: i64,
    },
    /// The schema is newer than this program's.
    #[error(
        "the database {place} has schema {found}, this program knows {wanted}; run a newer certus, or `certus db rollback` with it"
    )]
    SchemaNewer {
        /// Which.
        place: String,
        /// Its version.
        found: i64,
        /// This program's.
        wanted: i64,
    },
    /// The schema could not be changed.
    #[error("the schema could not be changed; nothing of this step was kept")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A permit that was used before.
    #[error("the permit {permit} was used before; ask Trust for another one")]
    PermitUsed {
        /// Which.
        permit: String,
    },
    /// A permit that rests on what was revoked since.
    #[error("the permit {permit} rests on {digest}, which was revoked since; scan again without it")]
    PermitRevoked {
        /// Which.
        permit: String,
        /// The plugin or the signer, by its digest.
        digest: String,
    },
    /// Another worker has the job now, or nobody has.
    #[error("scan {scan} is no longer leased to this worker; what it wrote late was refused")]
    Fenced {
        /// Which scan.
        scan: String,
    },
    /// A row says what this program cannot have written.
    #[error("the {what} in the database is malformed; check it with `certus db check`")]
    Malformed {
        /// Which column.
        what: &'static str,
    },
    /// A folder of the artifact root failed.
    #[error("{what} could not be {done}; see that the artifact root has room and belongs to this user")]
    Folder {
        /// A file or folder, relative to the artifact root.
        what: String,
        /// `read`, `written`, …
        done: &'static str,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// The store of blobs failed.
    #[error("{what} could not be {done} in {place}; see that the store runs, and that its login and bucket are right")]
    Blob {
        /// The key.
        what: String,
        /// `read`, `written`, …
        done: &'static str,
        /// Which store.
        place: String,
        /// What it says.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file that is on record is not there.
    #[error("{what} is on record and not there; restore it from a backup")]
    Gone {
        /// The file.
        what: String,
    },
    /// A file is not what was kept.
    #[error("{what} in {place} is not what was kept; restore it from a backup")]
    Damaged {
        /// The key.
        what: String,
        /// Which store.
        place: String,
    },
    /// Something else lies where an object belongs.
    #[error("{what} in {place} is something else than what is to be put there; see who wrote it, and move it away")]
    Taken {
        /// The key.
        what: String,
        /// Which store.
        place: String,
    },
    /// What was given is no master key.
    #[error("a master key is base64 of exactly 32 bytes; make one with `openssl rand -base64 32`")]
    MasterKey,
    /// What is sealed cannot be opened.
    #[error("a sealed secret cannot be opened with this master key; set the key that sealed it, beside the new one")]
    Sealed,
    /// The database refused or failed.
    #[error("the database could not do what it was asked; nothing of it was kept")]
    Database(#[source] sqlx::Error),
    /// The program for a backup failed.
    #[error("the backup could not be made: {0}")]
    Backup(String),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        metrics::counter!("certus_assurance_store_errors_total").increment(1);
        Self::Database(error)
    }
}

impl Error {
    /// Whether the same call may succeed later without anybody's doing: no connection, a lock, a full disk.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Database(error) => match error {
                sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed => true,
                sqlx::Error::Database(cause) => cause.code().is_some_and(|code| is_transient_code(&code)),
                _ => false,
            },
            Self::Folder { .. } | Self::Blob { .. } => true,
            _ => false,
        }
    }

    /// What a folder of this machine has failed at.
    pub fn folder(what: impl Into<String>, done: &'static str, cause: std::io::Error) -> Self {
        Self::Folder { what: what.into(), done, cause }
    }
}

/// Codes of Postgres have five characters and a class, those of SQLite are numbers with a kind in the low byte.
fn is_transient_code(code: &str) -> bool {
    match code.len() {
        // Connection, rollback, resources, operator.
        5 => ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)),
        // Busy, locked, I/O, full, no file to open.
        _ => code.parse::<u32>().is_ok_and(|code| [5, 6, 10, 13, 14].contains(&(code & 0xff))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_codes() {
        for code in ["5", "261", "517", "10", "266", "1802", "13", "14", "08006", "40001", "53300", "57P01"] {
            assert!(is_transient_code(code), "{code}");
        }
        for code in ["1", "11", "26", "19", "1555", "42P01", "23505", ""] {
            assert!(!is_transient_code(code), "{code}");
        }
    }
}
