//! `certus status`, `certus list` and `certus cancel`.

use std::time::Duration;

use certus_model::escape::one_line;
use serde_json::{Value, json};

use super::words::{columns, text, texts};
use super::{SCANS, ask, path, scan};
use crate::arguments::client::{Cancel, List, Publish, Status, View};
use crate::command::{note, print};
use crate::exit::Exit;
use crate::settings::Settings;

/// How often it is asked how a publication stands.
const LOOK: Duration = Duration::from_secs(1);

pub(crate) fn status(settings: &Settings, status: &Status) -> anyhow::Result<Exit> {
    ask(settings, async |server| {
        let scan = scan(server, &status.id).await?;
        print(&match status.format {
            View::Json => pretty(&scan)?,
            View::Table => describe(&scan),
        })?;
        Ok(Exit::Pass)
    })
}

pub(crate) fn list(settings: &Settings, list: &List) -> anyhow::Result<Exit> {
    let limit = list.limit.to_string();
    let filters = [
        ("workspace_id", &list.workspace),
        ("component_id", &list.component),
        ("assessment_id", &list.assessment),
        ("status", &list.status),
        ("profile", &list.profile),
        ("since", &list.since),
        ("cursor", &list.cursor),
    ];
    let given = filters.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    let query: Vec<_> = given.chain([("limit", limit.as_str())]).collect();
    ask(settings, async |server| {
        let page: Value = server.get(SCANS, &query).await?;
        print(&match list.format {
            View::Json => pretty(&page)?,
            View::Table => table(&page),
        })?;
        Ok(Exit::Pass)
    })
}

pub(crate) fn cancel(settings: &Settings, cancel: &Cancel) -> anyhow::Result<Exit> {
    ask(settings, async |server| {
        let answer: Value = server.post(&path(&cancel.id, "/cancel"), &json!({}), None).await?;
        let status = text(&answer, "status");
        let said = if status == "running" { "called off; its worker has yet to stop" } else { status.as_str() };
        print(&format!("{}  {said}\n", cancel.id))?;
        Ok(Exit::Pass)
    })
}

pub(crate) fn publish(settings: &Settings, publish: &Publish) -> anyhow::Result<Exit> {
    ask(settings, async |server| {
        let request = path(&publish.id, "/upload-request");
        server.post::<Value>(&request, &json!({ "tier": publish.tier }), None).await?;
        let mut answer: Value = server.get(&request, &[]).await?;
        // What is under way or done stays what it is.
        let (wanted, tier) = (publish.tier.as_str(), text(&answer, "tier"));
        if tier != wanted {
            let status = text(&answer, "upload_status");
            note(&format!(
                "{} is {status} in the tier `{tier}`, which stays; `{wanted}` was not asked for",
                publish.id
            ));
            return Ok(Exit::Host);
        }
        let ended = |status: &str| matches!(status, "uploaded" | "denied" | "upload_failed");
        while publish.wait && !ended(&text(&answer, "upload_status")) {
            tokio::time::sleep(LOOK).await;
            answer = server.get(&request, &[]).await?;
            // Permitted, and there is nowhere to publish to.
            if text(&answer, "upload_status") == "permitted" && answer["retried"] == json!(false) {
                break;
            }
        }
        let status = text(&answer, "upload_status");
        print(&format!("{}  {status}  {}\n", publish.id, text(&answer, "upload_permission_id")))?;
        let error = text(&answer, "upload_error");
        if !error.is_empty() {
            note(&one_line(&error, 1000));
        }
        Ok(match status.as_str() {
            "denied" => Exit::Fail,
            "upload_failed" => Exit::Host,
            _ => Exit::Pass,
        })
    })
}

fn pretty(value: &Value) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// What a client named as the source.
fn source(scan: &Value) -> String {
    let named = ["git_url", "directory_path", "archive_path"].map(|field| text(scan, field));
    named.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

fn describe(scan: &Value) -> String {
    let rows = [
        ("scan", text(scan, "test_id")),
        ("status", text(scan, "status")),
        ("decision", text(scan, "decision")),
        ("failure", text(scan, "failure")),
        ("source", source(scan)),
        ("commit", text(scan, "resolved_commit")),
        ("profile", text(scan, "profile")),
        ("workspace", text(scan, "workspace_id")),
        ("component", text(scan, "component_id")),
        ("assessment", text(scan, "assessment_id")),
        ("created", text(scan, "created_at")),
        ("started", text(scan, "started_at")),
        ("completed", text(scan, "completed_at")),
        ("result", text(scan, "result_digest")),
    ];
    let mut rows: Vec<_> = rows.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    rows.extend(texts(scan, "warnings").into_iter().map(|warning| ("warning", warning)));
    rows.extend(texts(scan, "errors").into_iter().map(|error| ("error", error)));
    columns(&rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect::<Vec<_>>())
}

fn table(page: &Value) -> String {
    let header = ["scan", "status", "decision", "workspace", "component", "assessment", "created"];
    let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fields = ["test_id", "status", "decision", "workspace_id", "component_id", "assessment_id", "created_at"];
    let row = |scan: &Value| fields.map(|field| text(scan, field)).to_vec();
    let rows: Vec<_> = [header.map(ToOwned::to_owned).to_vec()].into_iter().chain(items.iter().map(row)).collect();
    match text(page, "next_cursor").as_str() {
        "" => columns(&rows),
        cursor => columns(&rows) + &format!("more: --cursor {cursor}\n"),
    }
}
