use anyhow::Result;

use crate::plugins::plugins;
use crate::project::{Project, run};
use crate::setup::{equip, setup};

/// Sets up, builds the plugins and runs every test of the workspace; `arguments` go to `cargo test`.
pub(crate) fn test(project: &Project, arguments: &[String]) -> Result<()> {
    setup(project, &[])?;
    plugins(project, &[])?;
    let mut tests = project.cargo();
    tests.args(["test", "--workspace"]).args(arguments);
    equip(project, &mut tests);
    run(&mut tests)
}
