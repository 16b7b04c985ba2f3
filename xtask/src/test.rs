use anyhow::Result;

use crate::plugins::plugins;
use crate::project::{Project, run};
use crate::setup::{guests_folder, setup, validators_folder};

/// Sets up, builds the plugins and runs every test of the workspace; `arguments` go to `cargo test`.
pub(crate) fn test(project: &Project, arguments: &[String]) -> Result<()> {
    setup(project, &[])?;
    plugins(project, &[])?;
    let mut tests = project.cargo();
    tests.args(["test", "--workspace"]).args(arguments);
    let validators = validators_folder(project);
    if validators.is_dir() {
        tests.env("CERTUS_TEST_VALIDATORS", validators);
    }
    let guests = guests_folder(project);
    if guests.join("installed.txt").is_file() {
        tests.env("CERTUS_TEST_GUESTS", guests);
    }
    run(&mut tests)
}
