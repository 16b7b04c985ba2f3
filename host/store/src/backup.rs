//! A copy of the database that can be put in its place.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::database::{DatabaseUrl, Dialect, Reach, Store};
use crate::error::Error;

impl Store {
    /// Writes a consistent copy of the database at `url` to `file`, which must not exist: a SQLite file, or what
    /// `pg_dump` makes for `pg_restore`. The service may go on meanwhile.
    ///
    /// # Errors
    /// A file that exists, a disk that is full, a database that fails, a `pg_dump` that is missing.
    pub async fn backup(url: &DatabaseUrl, file: &Path, search_path: &std::ffi::OsStr) -> Result<(), Error> {
        if file.symlink_metadata().is_ok() {
            return Err(Error::Backup(format!("`{}` exists; name another file", file.display())));
        }
        match url.dialect {
            Dialect::Sqlite => {
                let store = Self::open(url, 1).await?;
                let path = file.to_str().ok_or_else(|| Error::Backup("the file's name is not UTF-8".to_owned()))?;
                let mut connection = store.connection().await?;
                sqlx::query("VACUUM INTO $1").bind(path).execute(&mut *connection).await?;
                drop(connection);
                store.close().await;
                let copied = std::fs::File::open(file).and_then(|file| file.sync_all());
                copied.map_err(|cause| Error::folder(file.display().to_string(), "written", cause))
            }
            Dialect::Postgres => {
                let store = Self::open(url, 1).await?;
                drop(store.read(Reach::All).await?);
                store.close().await;
                let done = client("pg_dump", url, search_path, |command| {
                    command.args(["--format=custom", "--enable-row-security", "--file"]).arg(file);
                });
                // Half a copy is worse than none.
                done.inspect_err(|_| drop(std::fs::remove_file(file)))
            }
        }
    }

    /// Puts a copy that [`Store::backup`] made into the database at `url`, which must be empty.
    ///
    /// # Errors
    /// A database that holds something, a copy of another kind, a disk that is full.
    pub async fn restore(url: &DatabaseUrl, file: &Path, search_path: &std::ffi::OsStr) -> Result<(), Error> {
        let taken = || Error::Backup(format!("the database {url} is not empty; restore into an empty one"));
        match url.file() {
            Some(place) => {
                let copy = || {
                    let mut from = std::fs::File::open(file)?;
                    let mut to = std::fs::File::create_new(&place)?;
                    std::io::copy(&mut from, &mut to)?;
                    to.sync_all()
                };
                copy().map_err(|cause| match cause.kind() {
                    std::io::ErrorKind::AlreadyExists => taken(),
                    _ => Error::folder(place.display().to_string(), "written", cause),
                })
            }
            None if Self::schema(url).await?.found != 0 => Err(taken()),
            None => client("pg_restore", url, search_path, |command| {
                command.args(["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]).arg(file);
            }),
        }
    }
}

/// Runs a client of Postgres to its end. The password stays out of the arguments, which others on the machine can
/// list, and row security lets the client see every tenant's rows.
fn client(
    program: &'static str,
    url: &DatabaseUrl,
    search_path: &std::ffi::OsStr,
    add: impl FnOnce(&mut Command),
) -> Result<(), Error> {
    let (address, password) = url.apart();
    let mut command = Command::new(program);
    command.args(["--no-password", "--dbname"]).arg(address);
    add(&mut command);
    command.env_clear().env("PATH", search_path).env("PGOPTIONS", "-c certus.tenant=*");
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    match command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::Backup(format!("{program} ended with {status}; run it by hand to see why"))),
        Err(cause) => Err(Error::Backup(format!("{program} cannot be started ({cause}); install the Postgres client"))),
    }
}
