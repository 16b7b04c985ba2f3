//! `certus completions` and `certus man`: made of the command line itself, so that they say what it does.

use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::arguments::Arguments;
use crate::command::print;
use crate::exit::Exit;

pub(crate) fn completions(shell: clap_complete::Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "certus", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Pass)
}

pub(crate) fn pages(folder: &Path) -> anyhow::Result<Exit> {
    let unusable =
        || format!("the manual cannot be written to `{}`; name a folder that you may write to", folder.display());
    std::fs::create_dir_all(folder).with_context(unusable)?;
    clap_mangen::generate_to(Arguments::command(), folder).with_context(unusable)?;
    Ok(Exit::Pass)
}
