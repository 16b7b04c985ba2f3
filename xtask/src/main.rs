#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod bench;
mod contract;
mod demo;
mod fuzz;
mod hostile;
mod plugins;
mod project;
mod setup;
mod test;

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::project::Project;

/// A command: its name, its line of help, and what it does with the arguments after its name.
type Command = (&'static str, &'static str, fn(&Project, &[String]) -> Result<()>);

const COMMANDS: &[Command] = &[
    ("setup", "install what building and testing need; safe to repeat", setup::setup),
    ("demo", "[PATH|URL]  scan a repository (default: this one) and verify the bundle", demo::demo),
    ("test", "[ARGS…]  set up, build the plugins and run every test", test::test),
    ("bench", "[TREE…]  measure the engine beside native code, and the service beside its databases", bench::bench),
    ("hostile", "[--short|--list]  run every hostile case and say what came of each", hostile::hostile),
    ("contract", "[--short]  hold the running service to its own description of the API", contract::contract),
    ("fuzz", "[--short] [--seconds N] [TARGET…]  run the fuzz targets, each for a while", fuzz::fuzz),
    ("plugins", "build certus and the plugins beside it", plugins::plugins),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match command(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody reads the other end: the exit code still tells.
            let _ = writeln!(io::stderr(), "xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command(arguments: &[String]) -> Result<()> {
    let name = arguments.first().map(String::as_str);
    match COMMANDS.iter().find(|(command, ..)| Some(*command) == name) {
        Some((.., run)) => run(&Project::find()?, &arguments[1..]),
        None => bail!("name a command: cargo xtask COMMAND\n{}", help()),
    }
}

fn help() -> String {
    let lines: Vec<String> = COMMANDS.iter().map(|(name, help, _)| format!("  {name:<8} {help}")).collect();
    lines.join("\n")
}
