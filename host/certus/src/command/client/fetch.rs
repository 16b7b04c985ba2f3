//! `certus fetch`: a bundle as `certus scan` leaves it, and its answer as `certus scan` gives it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use certus_bundle::{End, Existing, FileName, Output, Staged, Verification};
use certus_model::ScanId;
use certus_outbound::Server;
use certus_report::Overview;
use serde_json::Value;

use super::words::text;
use super::{ask, path, scan};
use crate::arguments::Format;
use crate::arguments::client::{Destination, Fetch};
use crate::command::scan::{OUT, folder_name, link_latest, terminal, with_newline};
use crate::command::transparency::verifiers;
use crate::command::verify::{describe, keys};
use crate::command::{note, print};
use crate::exit::Exit;
use crate::settings::Settings;

/// Largest file of a bundle that is fetched, in bytes: more than any report has.
const MAX_FILE: u64 = 4 << 30;
/// Most files that a list may name: more than bundles have.
const MAX_FILES: usize = 100;

pub(crate) fn fetch(settings: &Settings, quiet: bool, fetch: &Fetch) -> anyhow::Result<Exit> {
    ask(settings, async |server| {
        let scan = scan(server, &fetch.id).await?;
        let named = ["git_url", "directory_path", "component_id"].map(|field| text(&scan, field));
        let name = named.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        bring(settings, server, &fetch.id, &name, &fetch.destination, quiet).await
    })
}

/// Fetches a bundle, verifies it, puts it in place, prints what it says and ends as its decision has it.
pub(super) async fn bring(
    settings: &Settings,
    server: &Server,
    id: &ScanId,
    name: &str,
    to: &Destination,
    quiet: bool,
) -> anyhow::Result<Exit> {
    let out = place(to, name, id)?;
    let output = Output::open(&out, if to.answer.force { Existing::Replace } else { Existing::Keep })?;
    let mut keys = keys(settings, &to.keys)?;
    verifiers(settings, &to.log_keys)?.into_iter().for_each(|log| keys.insert_log(log));
    download(server, id, &output).await?;
    let staged = output.received(&keys).with_context(|| format!("the bundle of {id} is refused and not kept"))?;
    let verification = staged.verification();
    if &verification.scan().scan_id != id {
        bail!("the service hands out the bundle of {} as that of {id}; it is not kept", verification.scan().scan_id);
    }
    let shown = shown(&staged, to.answer.format)?;
    let verification = staged.put_in_place()?;
    if to.answer.out.is_none() {
        link_latest(&out);
    }
    print(&String::from_utf8_lossy(&shown))?;
    if !quiet {
        summarise(&verification, &out);
    }
    Ok(verification.decision().into())
}

/// Where the bundle goes.
fn place(to: &Destination, name: &str, id: &ScanId) -> anyhow::Result<PathBuf> {
    if let Some(out) = &to.answer.out {
        return Ok(out.clone());
    }
    std::fs::create_dir_all(OUT)
        .with_context(|| format!("folder `{OUT}` cannot be made; name another place with --out"))?;
    Ok(Path::new(OUT).join(format!("{}-{id}", folder_name(name))))
}

/// Writes every file that the service lists. What is not listed is missed by the verification, and what no bundle
/// holds is refused here.
async fn download(server: &Server, id: &ScanId, output: &Output) -> anyhow::Result<()> {
    let list: Value = server.get(&path(id, "/artifacts"), &[]).await?;
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() || items.len() > MAX_FILES {
        bail!("the service lists {} files for {id}; that is no bundle", items.len());
    }
    for item in items {
        let name = text(item, "path");
        let limit = item["size"].as_u64().unwrap_or(MAX_FILE).min(MAX_FILE);
        let mut file = output.file(&name)?;
        server.download(&path(id, &format!("/artifacts/{name}")), &mut file, limit).await?;
    }
    Ok(())
}

/// What is printed: the same as `certus scan` prints.
fn shown(staged: &Staged, format: Format) -> anyhow::Result<Vec<u8>> {
    let verification = staged.verification();
    if let End::Failure(_) = verification.scan().end {
        return Ok(describe(verification).into_bytes());
    }
    let file = |name: FileName| {
        staged.read(name)?.with_context(|| format!("the bundle has no `{name}`; fetch it with --format json"))
    };
    Ok(match format {
        Format::Table => {
            let (findings, policy) = (file(FileName::Findings)?, file(FileName::PolicyResult)?);
            let overview = Overview::read(&findings, &policy, &file(FileName::Summary)?, verification.scan().mode)?;
            let (colour, width) = terminal();
            overview.table(colour, width).into_bytes()
        }
        Format::Json => with_newline(file(FileName::Findings)?),
        Format::Sarif => with_newline(file(FileName::Sarif)?),
        Format::Html => file(FileName::Html)?,
    })
}

fn summarise(verification: &Verification, out: &Path) {
    if verification.development() {
        note("signed by a development key, which nobody vouches for");
    }
    note(&format!("decision {}  bundle {}", verification.decision(), out.display()));
    note(&format!("result   sha256:{}", verification.result_digest()));
}
