//! The connection, and whose rows it may see.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use certus_model::TenantId;
use sqlx::any::{Any, AnyPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{AnyPool, AssertSqlSafe, Connection as _, Executor as _, Row as _, Transaction};
use time::OffsetDateTime;

use crate::error::Error;
use crate::schema;
use crate::submit::Submitter;

/// How long a call waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(10);

/// A process that is stopped inside a transaction keeps its locks, and its scan from everybody who would take it over:
/// the server ends such a transaction. Thirty seconds are the default lease.
const IDLE_IN_TRANSACTION: &str = "SET idle_in_transaction_session_timeout = '30s'";

/// Where the database is. It prints without a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    url: String,
    pub(crate) dialect: Dialect,
}

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// Whose rows a call may see and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach<'a> {
    /// One tenant's.
    Tenant(&'a TenantId),
    /// Everybody's: the host's own work, and administrators.
    All,
}

/// The store. Clones share its connections.
#[derive(Clone)]
pub struct Store {
    pub(crate) dialect: Dialect,
    place: Arc<str>,
    /// The file of SQLite, and its number in the file system.
    file: Option<Arc<(PathBuf, u64)>>,
    /// Of SQLite one connection writes, so that nobody waits at a lock that has no queue.
    write: AnyPool,
    read: AnyPool,
    pub(crate) submitter: Arc<Submitter>,
    /// Whether the operator is told of ended scans, beside their tenants.
    pub(crate) tells_operator: bool,
}

impl FromStr for DatabaseUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let scheme = text.split(':').next().unwrap_or_default();
        let dialect = match scheme {
            "sqlite" if text.len() > "sqlite:".len() && !text.contains(['?', '#']) => Dialect::Sqlite,
            "postgres" | "postgresql" if text.contains("://") => Dialect::Postgres,
            _ => return Err(Error::Url { given: without_password(text) }),
        };
        Ok(Self { url: text.to_owned(), dialect })
    }
}

impl DatabaseUrl {
    /// The SQLite file at `path`.
    pub fn sqlite(path: &std::path::Path) -> Result<Self, Error> {
        format!("sqlite:{}", path.display()).parse()
    }

    /// The file of a SQLite database.
    pub fn file(&self) -> Option<PathBuf> {
        let path = self.url.strip_prefix("sqlite:")?;
        Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
    }

    /// The role that a Postgres address names.
    pub fn role(&self) -> Option<&str> {
        let (login, _) = self.url.split_once("://")?.1.split_once('@')?;
        Some(login.split(':').next().unwrap_or(login))
    }

    /// The address as it was given, its password included: to be looked at, never to be shown.
    pub fn expose(&self) -> &str {
        &self.url
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.url
    }

    /// The address without its password, and the password as it was before it was percent-encoded.
    pub(crate) fn apart(&self) -> (String, Option<String>) {
        let Ok(mut url) = url::Url::parse(&self.url) else { return (self.url.clone(), None) };
        let password =
            url.password().map(|text| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned());
        // It fails only for addresses without a host, which have no password either.
        let _ = url.set_password(None);
        (url.to_string(), password)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", without_password(&self.url))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a file is known by, wherever it is moved.
fn number(file: &std::path::Path) -> std::io::Result<u64> {
    Ok(std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(file)?))
}

/// Everything but what stands between the first colon of the login and the last `@`, and parameters.
fn without_password(url: &str) -> String {
    let shown = certus_model::escape::one_line(url, 200);
    let shown = shown.split(['?', '#']).next().unwrap_or_default();
    match shown.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((login, host)) => format!("{scheme}://{}@{host}", login.split(':').next().unwrap_or_default()),
            None => shown.to_owned(),
        },
        None => shown.to_owned(),
    }
}

impl Store {
    /// Connects, and asserts durability and schema. `connections` bounds what this process holds open.
    ///
    /// # Errors
    /// An unreachable database, one that would lose what it acknowledges, one of another schema.
    pub async fn open(url: &DatabaseUrl, connections: u32) -> Result<Self, Error> {
        let store = Self::connect(url, connections).await?;
        store.assert_durable().await?;
        schema::assert_current(&store).await?;
        Ok(store)
    }

    /// Connects to whatever schema there is.
    pub(crate) async fn connect(url: &DatabaseUrl, connections: u32) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let unreachable = |cause| Error::Unreachable { place: url.to_string(), cause };
        let pool = |connections: u32| {
            let options = AnyPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE);
            match url.dialect {
                Dialect::Postgres => options.after_connect(|connection, _| {
                    Box::pin(async move {
                        connection.execute(IDLE_IN_TRANSACTION).await?;
                        Ok(())
                    })
                }),
                // A commit that fails for want of space ends the transaction, and the driver still counts it: such
                // a connection would refuse everything from then on.
                Dialect::Sqlite => options
                    .after_release(|connection, _| {
                        Box::pin(async move {
                            connection.ping().await?;
                            Ok(!connection.is_in_transaction())
                        })
                    })
                    .after_connect(|connection, _| {
                        Box::pin(async move {
                            // The order matters: the lock that WAL needs is waited for.
                            connection.execute("PRAGMA busy_timeout = 10000").await?;
                            connection.execute("PRAGMA journal_mode = WAL").await?;
                            connection.execute("PRAGMA synchronous = FULL").await?;
                            connection.execute("PRAGMA foreign_keys = ON").await?;
                            Ok(())
                        })
                    }),
            }
        };
        let (write, read) = match url.dialect {
            Dialect::Postgres => {
                let pool = pool(connections).connect(url.as_str()).await.map_err(unreachable)?;
                (pool.clone(), pool)
            }
            Dialect::Sqlite => {
                let file = |mode: &str| format!("{}?mode={mode}", url.as_str());
                let write = pool(1).connect(&file("rwc")).await.map_err(unreachable)?;
                // It is there now; if it goes, no reader puts an empty one in its place.
                (write, pool(connections).connect(&file("rw")).await.map_err(unreachable)?)
            }
        };
        let place = url.to_string().into();
        let file = url.file().and_then(|file| number(&file).ok().map(|number| Arc::new((file, number))));
        Ok(Self { dialect: url.dialect, place, file, write, read, submitter: Arc::default(), tells_operator: false })
    }

    /// The same store, by which ended scans are told to the operator's own webhook too.
    #[must_use]
    pub fn telling_operator(self, tells_operator: bool) -> Self {
        Self { tells_operator, ..self }
    }

    /// A transaction that may write.
    pub(crate) async fn write(&self, reach: Reach<'_>) -> Result<Transaction<'static, Any>, Error> {
        match self.dialect {
            Dialect::Sqlite => Ok(self.write.begin_with("BEGIN IMMEDIATE").await?),
            Dialect::Postgres => self.walled(&self.write, reach).await,
        }
    }

    /// A transaction that only reads.
    pub(crate) async fn read(&self, reach: Reach<'_>) -> Result<Transaction<'static, Any>, Error> {
        match self.dialect {
            Dialect::Sqlite => Ok(self.read.begin().await?),
            Dialect::Postgres => self.walled(&self.read, reach).await,
        }
    }

    /// Tells row security whose rows are meant; the setting ends with the transaction.
    async fn walled(&self, pool: &AnyPool, reach: Reach<'_>) -> Result<Transaction<'static, Any>, Error> {
        let mut transaction = pool.begin().await?;
        let whose = match reach {
            Reach::Tenant(tenant) => tenant.as_str(),
            Reach::All => "*",
        };
        sqlx::query("SELECT set_config('certus.tenant', $1, true)").bind(whose).execute(&mut *transaction).await?;
        Ok(transaction)
    }

    /// A connection on its own, for what brings its own transactions.
    pub(crate) async fn connection(&self) -> Result<PoolConnection<Any>, Error> {
        Ok(self.write.acquire().await?)
    }

    /// A statement with the database's own words for `{now}`, milliseconds since 1970, and `{skip_locked}`.
    pub(crate) fn text(&self, text: &'static str) -> AssertSqlSafe<String> {
        let (now, skip_locked) = match self.dialect {
            Dialect::Sqlite => ("CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)", ""),
            Dialect::Postgres => ("(extract(epoch FROM clock_timestamp()) * 1000)::bigint", "FOR UPDATE SKIP LOCKED"),
        };
        AssertSqlSafe(text.replace("{now}", now).replace("{skip_locked}", skip_locked))
    }

    /// Whether the database answers, from its records, and is where it was.
    ///
    /// # Errors
    /// If it does not or is not.
    pub async fn ping(&self) -> Result<(), Error> {
        let mut transaction = self.read(Reach::All).await?;
        sqlx::query("SELECT id FROM tenants LIMIT 1").fetch_optional(&mut *transaction).await?;
        transaction.commit().await?;
        // SQLite goes on in a file that was moved or removed, where nobody will look for what it keeps.
        let Some((file, before)) = self.file.as_deref() else { return Ok(()) };
        let moved = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let here = number(file).and_then(|now| if now == *before { Ok(()) } else { Err(moved()) });
        here.map_err(|cause| Error::Unreachable { place: self.place.to_string(), cause: cause.into() })
    }

    /// What the database itself finds wrong with its file; none if nothing. Postgres checks its pages as it reads.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn damage(&self) -> Result<Option<String>, Error> {
        if self.dialect == Dialect::Postgres {
            return Ok(None);
        }
        let row = sqlx::query("PRAGMA integrity_check").fetch_one(&self.read).await?;
        let said: String = row.try_get(0)?;
        Ok((said != "ok").then_some(said))
    }

    /// Where the database is, for people.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Closes every connection, after what they are doing.
    pub async fn close(&self) {
        self.write.close().await;
        self.read.close().await;
    }

    async fn assert_durable(&self) -> Result<(), Error> {
        let wanted: &[(&'static str, &'static str, &[&str], &'static str)] = match self.dialect {
            Dialect::Sqlite => &[
                ("PRAGMA journal_mode", "journal_mode", &["wal"], "wal"),
                ("PRAGMA synchronous", "synchronous", &["2", "3"], "FULL"),
                ("PRAGMA foreign_keys", "foreign_keys", &["1"], "ON"),
            ],
            Dialect::Postgres => &[
                ("SHOW fsync", "fsync", &["on"], "on"),
                (
                    "SHOW synchronous_commit",
                    "synchronous_commit",
                    &["on", "remote_write", "remote_apply", "local"],
                    "on",
                ),
            ],
        };
        for (question, setting, accepted, best) in wanted {
            let row = sqlx::query(*question).fetch_one(&self.write).await?;
            let value = row.try_get::<String, _>(0).or_else(|_| row.try_get::<i64, _>(0).map(|n| n.to_string()))?;
            if !accepted.contains(&value.as_str()) {
                return Err(Error::Durability { place: self.place.to_string(), setting, value, wanted: best });
            }
        }
        Ok(())
    }
}

impl<'a> Reach<'a> {
    /// The tenant, if it is one.
    pub fn tenant(self) -> Option<&'a TenantId> {
        match self {
            Self::Tenant(tenant) => Some(tenant),
            Self::All => None,
        }
    }
}

/// Milliseconds since 1970, by the host's clock.
pub(crate) fn now() -> i64 {
    let now = OffsetDateTime::now_utc();
    now.unix_timestamp() * 1000 + i64::from(now.millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_print_without_passwords() {
        for (given, shown) in [
            ("postgres://ada:s3cret@db/certus", "`postgres://ada@db/certus`"),
            ("postgres://ada:s3@cret@db/certus?password=s3cret", "`postgres://ada@db/certus`"),
            ("sqlite:/var/lib/certus.db", "`sqlite:/var/lib/certus.db`"),
        ] {
            assert_eq!(given.parse::<DatabaseUrl>().unwrap().to_string(), shown);
        }
        for bad in ["", "sqlite:", "mysql://ada:s3cret@db/x", "postgres", "sqlite:a?mode=ro"] {
            let error = bad.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(error.contains("names no database") && !error.contains("s3cret"), "{error}");
        }
    }
}
