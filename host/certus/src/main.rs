#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod arguments;
mod command;
mod exit;
mod progress;
mod settings;

use std::process::ExitCode;

use clap::Parser as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::arguments::{Arguments, Command};
use crate::exit::Exit;

fn main() -> ExitCode {
    let all: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    // This program is its own child processes; what they are is nobody else's to ask for.
    match all.get(1).map(String::as_str) {
        Some(certus_sandbox::ADMISSION_ARGUMENT) => return certus_sandbox::admission_child(&all[2..]),
        Some(certus_sandbox::PROBE_ARGUMENT) => return certus_sandbox::probe_child(&all[2..]),
        Some(certus_pipeline::WORKER_ARGUMENT) => {
            let verbose = all.get(2).and_then(|verbose| verbose.parse().ok()).unwrap_or(0);
            command::log::worker(verbose, all.get(3).map_or("", String::as_str));
            return certus_pipeline::worker_child();
        }
        _ => {}
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers, not mistakes.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Pass };
            // If the terminal is gone there is nobody to tell.
            let _ = error.print();
            return code.into();
        }
    };
    // A service reads first what form its log has.
    if !matches!(arguments.command, Command::Serve(_) | Command::Worker | Command::Trust | Command::Transform) {
        command::log::start(arguments.verbose);
    }
    raise_file_limit();
    match run(&arguments) {
        Ok(exit) => exit.into(),
        Err(error) => command::fail(&error).into(),
    }
}

/// Takes all the open files that this process may have. A guest may hold about as many as shells allow a
/// whole process, and must not take the host's own.
fn raise_file_limit() {
    let most = getrlimit(Resource::Nofile).maximum;
    // Where it is refused, a guest that opens too many files meets the system's limit before ours.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most });
}

fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let settings = settings::Settings::read()?;
    match &arguments.command {
        Command::Scan(scan) => command::scan::run(&settings, arguments, scan),
        Command::Verify(verify) => command::verify::run(&settings, verify),
        Command::Submit(submit) => command::client::submit(&settings, arguments.quiet, submit),
        Command::Status(status) => command::client::status(&settings, status),
        Command::List(list) => command::client::list(&settings, list),
        Command::Logs(logs) => command::client::logs(&settings, arguments.quiet, logs),
        Command::Fetch(fetch) => command::client::fetch(&settings, arguments.quiet, fetch),
        Command::Cancel(cancel) => command::client::cancel(&settings, cancel),
        Command::Keys(keys) => command::keys::run(&settings, keys),
        Command::Plugin(plugin) => command::plugin::run(&settings, plugin),
        Command::Doctor(doctor) => command::doctor::run(&settings, doctor),
        Command::Serve(serve) => command::serve::run(&settings, serve, arguments.verbose),
        Command::Worker => command::serve::worker(&settings, arguments.verbose),
        Command::Db(db) => command::db::run(&settings, db),
        Command::Tenant(tenant) => command::access::tenant(&settings, tenant),
        Command::User(user) => command::access::user(&settings, user),
        Command::ApiKey(key) => command::access::api_key(&settings, key),
        Command::Queue(queue) => command::queue::run(&settings, queue),
        Command::Backup(backup) => command::backup::run(&settings, backup),
        Command::Prune(prune) => command::prune::run(&settings, prune),
        Command::Config(config) => command::config::run(&settings, config),
        Command::Log(log) => command::transparency::run(&settings, log),
        Command::Revoke(revoke) => command::revoke::run(&settings, revoke),
        Command::Waiver(waiver) => command::waiver::run(&settings, waiver),
        Command::Tainted => command::revoke::tainted(&settings),
        Command::Publish(publish) => command::client::publish(&settings, publish),
        Command::Trust => command::serve::trust_alone(&settings, arguments.verbose),
        Command::Transform => command::serve::transform_alone(&settings, arguments.verbose),
        Command::Openapi => {
            command::print(&format!("{}\n", certus_server::openapi().to_pretty_json()?))?;
            Ok(Exit::Pass)
        }
        Command::Completions { shell } => command::manual::completions(*shell),
        Command::Man { folder } => command::manual::pages(folder),
    }
}
