use std::fs;

use anyhow::Result;

use super::debian;
use crate::project::{Project, say};

/// Where Debian's package puts one folder per version, off the path.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Installs the database that tests of the store and the service start for themselves. They say so when it is not
/// there.
pub(super) fn install(project: &Project) -> Result<()> {
    if is_installed() {
        say("setup: Postgres is there");
        Ok(())
    } else if debian::can_install(project) {
        debian::install(project, &["postgresql"])
    } else {
        say("setup: no Postgres here, so the service is tested on SQLite alone");
        Ok(())
    }
}

fn is_installed() -> bool {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    versions.map(|version| version.path()).any(|version| version.join("bin/initdb").is_file())
}
