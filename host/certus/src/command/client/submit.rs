//! `certus submit`.

use std::time::Duration;

use anyhow::{Context as _, bail};
use certus_model::ScanId;
use certus_outbound::Server;
use serde_json::{Map, Value, json};

use super::fetch::bring;
use super::follow::until_ended;
use super::words::{text, texts};
use super::{SCANS, interrupted, on_service, or_interrupted, pack, path};
use crate::arguments::client::Submit;
use crate::command::scan::{folder_name, text as read};
use crate::command::{note, print};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::settings::Settings;

/// How long calling a scan off may take when this process is told to stop.
const CALL_OFF: Duration = Duration::from_secs(5);

pub(crate) fn submit(settings: &Settings, quiet: bool, submit: &Submit) -> anyhow::Result<Exit> {
    on_service(settings, async |server| {
        let Some(id) = or_interrupted(accepted(settings, server, submit)).await?.transpose()? else {
            return Ok(Exit::Interrupted);
        };
        if !submit.wait {
            print(&format!("{id}\n"))?;
            if !quiet {
                note(&format!(
                    "queued; `certus logs {id} --follow` tells how it goes, `certus fetch {id}` brings the bundle"
                ));
            }
            return Ok(Exit::Pass);
        }
        tokio::select! {
            exit = wait(settings, server, &id, submit, quiet) => exit,
            stopped = interrupted() => {
                stopped?;
                call_off(server, &id).await;
                Ok(Exit::Interrupted)
            }
        }
    })
}

/// Submits, and returns the scan's id.
async fn accepted(settings: &Settings, server: &Server, submit: &Submit) -> anyhow::Result<ScanId> {
    let asked = asked(settings, server, submit).await?;
    let key = submit.idempotency_key.clone().unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    let accepted: Value = server.post(SCANS, &asked, Some(&key)).await?;
    text(&accepted, "test_id").parse().context("the service answers without a scan's id")
}

/// The body of the submit.
async fn asked(settings: &Settings, server: &Server, submit: &Submit) -> anyhow::Result<Map<String, Value>> {
    let manifest = submit.choice.manifest.as_deref().map(|path| read(path, "manifest")).transpose()?;
    let manifest: Option<Value> = manifest.map(|text| serde_json::from_str(&text)).transpose().with_context(|| {
        format!("manifest `{}` is no JSON", submit.choice.manifest.clone().unwrap_or_default().display())
    })?;
    let mut asked = pack::source(settings, server, submit).await?;
    let component = submit.component.clone().or_else(|| name(&submit.source).parse().ok());
    let component = component.context("the source has no name to call the component by; give one with --component")?;
    for (field, value) in [
        ("workspace_id", Some(json!(submit.workspace))),
        ("component_id", Some(json!(component))),
        ("assessment_id", Some(json!(submit.assessment))),
        ("profile", Some(json!(submit.choice.profile))),
        ("manifest", manifest),
        ("timeout_seconds", submit.timeout.map(|seconds| json!(seconds))),
        ("priority", submit.priority.map(|priority| json!(priority.as_str()))),
        ("git_credential", submit.credential.as_ref().map(|name| json!(name))),
    ] {
        asked.extend(value.map(|value| (field.to_owned(), value)));
    }
    Ok(asked)
}

/// The last word of a source, without what says of which kind it is.
fn name(source: &str) -> String {
    folder_name(source.strip_prefix("server:").unwrap_or(source))
}

/// Waits for the end and gives the answer that `certus scan` would have given.
async fn wait(settings: &Settings, server: &Server, id: &ScanId, submit: &Submit, quiet: bool) -> anyhow::Result<Exit> {
    let progress = Progress::new(quiet);
    let ended = until_ended(server, id, &progress, async |_| Ok(())).await;
    progress.finish();
    let scan = ended?;
    match text(&scan, "status").as_str() {
        "succeeded" => bring(settings, server, id, &name(&submit.source), &submit.destination, quiet).await,
        "cancelled" => bail!("{id} was called off; there is no report"),
        _ => {
            let why = texts(&scan, "errors").join("; ");
            let why = if why.is_empty() { text(&scan, "failure") } else { why };
            bail!("{id} failed: {why}")
        }
    }
}

/// Nobody waits for this scan any more.
async fn call_off(server: &Server, id: &ScanId) {
    let (path, nothing) = (path(id, "/cancel"), json!({}));
    let told = tokio::time::timeout(CALL_OFF, server.post::<Value>(&path, &nothing, None)).await;
    match told {
        Ok(Ok(_)) => note(&format!("interrupted; {id} is called off, and nothing was written")),
        _ => note(&format!("interrupted; {id} could not be called off and may go on: `certus cancel {id}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_called_by_its_last_word() {
        for (source, expected) in [
            ("https://host/team/shop.git", "shop"),
            ("server:git:team/shop.git", "shop"),
            ("dir:a/shop", "shop"),
            ("shop/", "shop"),
            ("a/shop.tar.gz", "shop.tar.gz"),
            ("/", "scan"),
        ] {
            assert_eq!(name(source), expected, "{source}");
        }
    }
}
