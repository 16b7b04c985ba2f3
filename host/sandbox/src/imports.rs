//! The contract's imports: workspace, data, log. A capability that is not granted is not linked.

use certus_model::ledger::{Operation, Outcome};
use certus_model::plugin::{CONTRACT, Capability};
use wasmtime::component::Linker;
use wasmtime::{Result, StoreContextMut};

use crate::bindings::{data, log, types, workspace};
use crate::error::Error;
use crate::state::State;
use crate::view::Found;

/// The most entries that one listing returns (the contract: 1 to 10,000).
const MAX_ENTRIES: u32 = 10_000;
/// The most bytes that one read returns; larger files are read by range.
const MAX_READ: u64 = 64 << 20;

/// Links what `effective` allows, and nothing else.
pub(crate) fn link(linker: &mut Linker<State>, effective: &[Capability]) -> Result<()> {
    for capability in effective {
        match capability {
            Capability::Workspace => link_workspace(linker)?,
            Capability::Data => link_data(linker)?,
            Capability::Log => link_log(linker)?,
            Capability::Wasi => crate::wasi::link(linker)?,
        }
    }
    Ok(())
}

fn interface(name: &str) -> String {
    let (package, version) = CONTRACT.split_once('@').unwrap_or((CONTRACT, ""));
    format!("{package}/{name}@{version}")
}

fn link_workspace(linker: &mut Linker<State>) -> Result<()> {
    let mut instance = linker.instance(&interface("workspace"))?;
    instance.func_wrap(
        "entries",
        |mut store: StoreContextMut<'_, State>, (revision, after, limit): (types::Revision, Option<String>, u32)| {
            Ok((entries(store.data_mut(), revision, after.as_deref(), limit),))
        },
    )?;
    instance.func_wrap("read", |store: StoreContextMut<'_, State>, (revision, path): (types::Revision, String)| {
        read(store, revision, &path, None).map(|answer| (answer,))
    })?;
    instance.func_wrap(
        "read-range",
        |store: StoreContextMut<'_, State>, (revision, path, start, length): (types::Revision, String, u64, u32)| {
            read(store, revision, &path, Some((start, u64::from(length)))).map(|answer| (answer,))
        },
    )?;
    Ok(())
}

fn entries(
    state: &mut State,
    revision: types::Revision,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<workspace::Entry>, workspace::Error> {
    if revision == types::Revision::Base {
        state.uses.record(Operation::Entries, "", Outcome::NotFound, 0);
        return Err(workspace::Error::NoBase);
    }
    let limit = limit.clamp(1, MAX_ENTRIES) as usize;
    let found: Vec<_> = state
        .view
        .iter()
        .flat_map(|view| view.entries_after(after, limit))
        .map(|entry| workspace::Entry {
            path: entry.path.to_string(),
            kind: match entry.kind {
                certus_model::workspace::EntryKind::Symlink => workspace::Kind::Symlink,
                certus_model::workspace::EntryKind::Submodule => workspace::Kind::Submodule,
                _ => workspace::Kind::File,
            },
            size: entry.size,
            executable: entry.kind == certus_model::workspace::EntryKind::Executable,
        })
        .collect();
    state.uses.record(Operation::Entries, "", Outcome::Ok, found.len() as u64);
    Ok(found)
}

/// Reads a file or a range of it, and grants the fuel that reading earns.
fn read(
    mut store: StoreContextMut<'_, State>,
    revision: types::Revision,
    path: &str,
    range: Option<(u64, u64)>,
) -> Result<Result<Vec<u8>, workspace::Error>> {
    let state = store.data_mut();
    let mut refuse = |outcome, error| {
        state.uses.record(Operation::Read, path, outcome, 0);
        Ok(Err(error))
    };
    if revision == types::Revision::Base {
        return refuse(Outcome::NotFound, workspace::Error::NoBase);
    }
    let Some(view) = state.view.clone() else { return refuse(Outcome::Denied, workspace::Error::Denied) };
    let (index, size) = match view.find(path) {
        Found::File(index, entry) => (index, entry.size),
        Found::Nothing => return refuse(Outcome::NotFound, workspace::Error::NotFound),
        Found::Denied => return refuse(Outcome::Denied, workspace::Error::Denied),
        Found::NotAFile => return refuse(Outcome::Refused, workspace::Error::NotAFile),
    };
    let (start, length) = range.unwrap_or((0, size));
    if length > MAX_READ {
        return refuse(Outcome::Refused, workspace::Error::TooLarge(size));
    }
    let content = match view.read(index) {
        Ok(content) => content,
        Err(error) => {
            state.failure = Some(Error::Workspace(error));
            wasmtime::bail!("the workspace could not be read");
        }
    };
    let from = usize::try_from(start).unwrap_or(usize::MAX).min(content.len());
    let to = usize::try_from(start.saturating_add(length)).unwrap_or(usize::MAX).min(content.len());
    let bytes = content[from..to].to_vec();
    state.uses.record(Operation::Read, path, Outcome::Ok, bytes.len() as u64);
    let earned = state.limits.fuel.for_content(bytes.len() as u64);
    state.fuel_earned = state.fuel_earned.saturating_add(earned);
    let fuel = store.get_fuel()?.saturating_add(earned);
    store.set_fuel(fuel)?;
    Ok(Ok(bytes))
}

fn link_data(linker: &mut Linker<State>) -> Result<()> {
    // Data packs come with the operator's grants; until one is granted, none exists for a guest.
    let mut instance = linker.instance(&interface("data"))?;
    instance.func_wrap("packs", |_: StoreContextMut<'_, State>, (): ()| Ok((Vec::<data::Pack>::new(),)))?;
    instance.func_wrap("get", |mut store: StoreContextMut<'_, State>, (pack, _key): (String, String)| {
        store.data_mut().uses.record(Operation::Data, &pack, Outcome::NotFound, 0);
        Ok((Err::<Option<Vec<u8>>, _>(data::Error::UnknownPack),))
    })?;
    Ok(())
}

fn link_log(linker: &mut Linker<State>) -> Result<()> {
    linker.instance(&interface("log"))?.func_wrap(
        "write",
        |mut store: StoreContextMut<'_, State>, (level, message): (log::Level, String)| {
            let state = store.data_mut();
            state.uses.record(Operation::Log, "", Outcome::Ok, message.len() as u64);
            let word = match level {
                log::Level::Debug => "debug",
                log::Level::Info => "info",
                log::Level::Warn => "warn",
                log::Level::Error => "error",
            };
            // One message is one line: what looks like a second one is escaped.
            let line = format!("{word}: {}\n", certus_model::escape::one_line(&message, 1000));
            state.log.push(line.as_bytes(), state.limits.log);
            Ok(())
        },
    )
}
