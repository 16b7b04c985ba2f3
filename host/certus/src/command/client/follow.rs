//! `certus logs`, and waiting for a scan.

use std::time::Duration;

use certus_model::ScanId;
use certus_outbound::{Events, Server};
use certus_pipeline::{Event, EventLine};
use serde_json::Value;

use super::words::text;
use super::{ask, path, scan};
use crate::arguments::client::{Logs, LogsFormat};
use crate::command::print;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::settings::Settings;

/// After so long without an event there is nothing more for now.
const QUIET: Duration = Duration::from_secs(1);

pub(crate) fn logs(settings: &Settings, quiet: bool, logs: &Logs) -> anyhow::Result<Exit> {
    ask(settings, async |server| {
        let progress = Progress::new(quiet || !logs.follow);
        let told = async |event: &Value| progress.aside(|| tell(event, logs.format, &progress));
        if logs.follow {
            until_ended(server, &logs.id, &progress, told).await?;
            progress.finish();
            return Ok(Exit::Pass);
        }
        // Whether there is such a scan, which a stream of nothing would not say.
        scan(server, &logs.id).await?;
        let mut events = server.events(&path(&logs.id, "/stream"), 0);
        while let Ok(Some(event)) = tokio::time::timeout(QUIET, events.next()).await.unwrap_or(Ok(None)) {
            tell(&event, logs.format, &progress)?;
        }
        Ok(Exit::Pass)
    })
}

/// Hears every event of a scan and returns the scan once it has ended, whatever breaks meanwhile.
pub(super) async fn until_ended(
    server: &Server,
    id: &ScanId,
    progress: &Progress,
    told: impl AsyncFn(&Value) -> anyhow::Result<()>,
) -> anyhow::Result<Value> {
    let mut events: Events = server.events(&path(id, "/stream"), 0);
    loop {
        while let Some(event) = events.next().await? {
            if let Ok(line) = serde_json::from_value::<EventLine>(event.clone()) {
                progress.event(&line.event);
            }
            told(&event).await?;
        }
        let scan = scan(server, id).await?;
        if matches!(text(&scan, "status").as_str(), "succeeded" | "failed" | "cancelled") {
            return Ok(scan);
        }
        // The service is about to stop, or the last event is on its way.
        tokio::time::sleep(QUIET).await;
    }
}

fn tell(event: &Value, format: LogsFormat, progress: &Progress) -> anyhow::Result<()> {
    match format {
        LogsFormat::Json => print(&format!("{event}\n")),
        LogsFormat::Text => match words(event, progress.is_drawn()) {
            Some(words) => print(&format!("{}  {words}\n", clock(event))),
            None => Ok(()),
        },
    }
}

/// An event for people; none for what the bar shows already.
fn words(event: &Value, has_bar: bool) -> Option<String> {
    let Ok(line) = serde_json::from_value::<EventLine>(event.clone()) else {
        // Of a newer service.
        return Some(text(event, "type"));
    };
    Some(match line.event {
        Event::Phase { message, commit, .. } => match commit {
            Some(commit) => format!("{message} ({commit})"),
            None => message,
        },
        Event::Manifest { data } => format!("Profile {}", data.profile_resolved),
        Event::ToolStart { tool, .. } => format!("{tool} starts"),
        Event::Progress { .. } if has_bar => return None,
        Event::Progress { files, total_files, .. } => format!("{files} of {total_files} files"),
        Event::ToolComplete { tool, status, .. } => format!("{tool} is {status}"),
        Event::Error { message } => format!("error: {message}"),
        Event::ScanComplete { status, decision, .. } => format!("{status}, decision {decision}"),
    })
    .map(|words| certus_model::escape::one_line(&words, 2000))
}

/// The time of an event, in UTC.
fn clock(event: &Value) -> String {
    let seconds = event["timestamp"].as_f64().unwrap_or_default().max(0.0) as u64;
    let of_day = seconds % 86_400;
    format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)
}
