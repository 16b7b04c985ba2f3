//! What a user names as a source, as a service takes it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail};
use certus_checkout::{Git, Scratch, Source, SourcePolicy, checkout, pack};
use certus_model::limits::WorkspaceLimits;
use certus_outbound::Server;
use serde_json::{Map, Value, json};

use super::SCANS;
use super::words::text;
use crate::arguments::client::Submit;
use crate::command::note;
use crate::settings::Settings;

/// How a path of the service's own workspace root begins.
const THERE: &str = "server:";

/// The fields of a submit that name the source; what lies here is sent first.
pub(super) async fn source(
    settings: &Settings,
    server: &Server,
    submit: &Submit,
) -> anyhow::Result<Map<String, Value>> {
    let reference = submit.choice.reference.as_deref();
    if let Some(path) = submit.source.strip_prefix(THERE) {
        return there(path, reference);
    }
    let source = Source::parse(&submit.source, SourcePolicy::Any)?;
    if let Some(url) = source.remote() {
        if source.has_login() {
            bail!("the address has a login, which no service takes; name one that it keeps with --credential");
        }
        return Ok(git(url.as_str(), reference));
    }
    let (file, name) = match source.archive_path() {
        Some(_) if reference.is_some() => bail!("an archive has no branches; leave --ref out"),
        Some(path) => {
            let file = std::fs::File::open(path).with_context(|| format!("`{}` cannot be opened", path.display()))?;
            (file, file_name(path))
        }
        None => (packed(settings, source, reference).await?, "source.tar.gz".to_owned()),
    };
    let sent: Value = server.upload(&format!("{SCANS}/upload-archive"), file, &name).await?;
    Ok(fields(json!({"source_type": "archive", "archive_path": text(&sent, "archive_path")})))
}

/// A tree of this machine, packed: the commit of a repository, or a directory as it is.
async fn packed(settings: &Settings, source: Source, reference: Option<&str>) -> anyhow::Result<std::fs::File> {
    /// Stops the work when nobody waits for it any more.
    struct Stop(Arc<AtomicBool>);
    impl Drop for Stop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let stop = Stop(Arc::default());
    let cancelled = Arc::clone(&stop.0);
    let (scratch, git) = (Scratch::open(&settings.scratch)?, Git::new("git", &settings.search_path));
    let reference = reference.map(str::parse).transpose()?;
    let packed = tokio::task::spawn_blocking(move || {
        let limits = WorkspaceLimits::default();
        let checkout = checkout(&source, reference.as_ref(), &limits, &scratch, &git, &cancelled)?;
        pack(&checkout.workspace, &scratch, &cancelled)
    });
    let packed = packed.await.context("the source could not be packed")??;
    if packed.left_out > 0 {
        note(&format!("warning: {} submodules are not sent; the service would only record them", packed.left_out));
    }
    Ok(packed.file)
}

/// A path of the service's own: `server:PATH` is a directory or an archive by its name, `server:git:PATH` a
/// repository.
fn there(path: &str, reference: Option<&str>) -> anyhow::Result<Map<String, Value>> {
    let is_archive = |path: &str| {
        [".tar", ".gz", ".tgz", ".bz2", ".zst", ".zip"].iter().any(|end| path.to_ascii_lowercase().ends_with(end))
    };
    let (kind, path) = match path.split_once(':') {
        Some((kind @ ("git" | "dir" | "archive"), path)) => (kind, path),
        _ if path.ends_with(".git") || reference.is_some() => ("git", path),
        _ if is_archive(path) => ("archive", path),
        _ => ("dir", path),
    };
    if path.is_empty() {
        bail!("`{THERE}` names no path; write it after the colon, as the service sees it in its workspace root");
    }
    Ok(match kind {
        "git" => git(path, reference),
        _ if reference.is_some() => bail!("--ref means nothing there; write `{THERE}git:{path}` for a repository"),
        "archive" => fields(json!({"source_type": "archive", "archive_path": path})),
        _ => fields(json!({"source_type": "directory", "directory_path": path})),
    })
}

fn git(url: &str, reference: Option<&str>) -> Map<String, Value> {
    let mut asked = fields(json!({"source_type": "git", "git_url": url}));
    if let Some(reference) = reference {
        let is_commit = matches!(reference.len(), 40 | 64) && reference.bytes().all(|b| b.is_ascii_hexdigit());
        asked.insert(if is_commit { "commit" } else { "branch" }.to_owned(), reference.into());
    }
    asked
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "archive".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_service_has_a_kind() {
        for (path, reference, expected) in [
            ("shop", None, json!({"source_type": "directory", "directory_path": "shop"})),
            ("dir:shop.git", None, json!({"source_type": "directory", "directory_path": "shop.git"})),
            ("shop.git", None, json!({"source_type": "git", "git_url": "shop.git"})),
            ("shop", Some("main"), json!({"source_type": "git", "git_url": "shop", "branch": "main"})),
            ("git:shop", None, json!({"source_type": "git", "git_url": "shop"})),
            ("a/b.TAR.GZ", None, json!({"source_type": "archive", "archive_path": "a/b.TAR.GZ"})),
            ("archive:a", None, json!({"source_type": "archive", "archive_path": "a"})),
        ] {
            assert_eq!(Value::Object(there(path, reference).unwrap()), expected, "{path}");
        }
        let commit = "0".repeat(40);
        assert_eq!(git("https://h/x", Some(&commit))["commit"], commit);
        for (path, reference) in [("", None), ("git:", None), ("dir:a", Some("main")), ("archive:a", Some("main"))] {
            assert!(there(path, reference).is_err(), "{path}");
        }
    }
}
