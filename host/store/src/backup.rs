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
                dump(url, file, search_path)
            }
        }
    }
}

/// The password stays out of the arguments, which others on the machine can list.
fn dump(url: &DatabaseUrl, file: &Path, search_path: &std::ffi::OsStr) -> Result<(), Error> {
    let (address, password) = url.apart();
    let mut command = Command::new("pg_dump");
    command.args(["--format=custom", "--no-password", "--file"]).arg(file).arg("--dbname").arg(address);
    command.env_clear().env("PATH", search_path);
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    let ended = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            // Half a copy is worse than none.
            let _ = std::fs::remove_file(file);
            Err(Error::Backup(format!("pg_dump ended with {status}; run it by hand to see why")))
        }
        Err(cause) => Err(Error::Backup(format!("pg_dump cannot be started ({cause}); install the Postgres client"))),
    }
}
