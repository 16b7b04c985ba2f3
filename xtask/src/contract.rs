use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::plugins::plugins;
use crate::project::{Project, run, say};
use crate::setup::{schemathesis, setup};

/// Holds a running service to its own description of the API; see `tests/contract/run.py`.
pub(crate) fn contract(project: &Project, arguments: &[String]) -> Result<()> {
    let short = match arguments {
        [] => false,
        [one] if one == "--short" => true,
        _ => bail!("contract takes `--short` at most"),
    };
    setup(project, &[])?;
    let Some(python) = schemathesis(project) else {
        say("skipped: contract: schemathesis needs Python with pip and venv and there is none");
        return Ok(());
    };
    plugins(project, &[])?;
    let folder = project.target.join("contract");
    // What the last run left: its service's folder is not the next one's.
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let mut python = project.command(python);
    // Python would keep compiled modules in the checkout.
    python.arg("-B").arg("tests/contract/run.py");
    python.arg("--certus").arg(project.programs().join("certus")).arg("--folder").arg(&folder);
    if short {
        python.arg("--short");
    }
    run(&mut python).with_context(|| {
        format!("the API is not as described; what was asked and answered lies in {}", folder.display())
    })
}
