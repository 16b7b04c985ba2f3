//! The events of a scan, first those that are there, then each as it comes, every one once.

use std::collections::VecDeque;

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use certus_model::{ScanId, TenantId};
use certus_store::{Reach, StoredEvent};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::caller::{Caller, Reader};
use crate::openapi::ObjectAnswers;
use crate::origin;
use crate::problem::{Kind, Problem};
use crate::query::{Filter, ScanPath, Seq};
use crate::state::Shared;

mod hub;
mod socket;
mod sse;

pub(crate) use hub::{Hub, watch};
use hub::{Interest, Place};

/// Events that are read at once.
const PAGE: u32 = 256;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FollowQuery {
    /// Begin at this `seq`; 0 is the first event.
    #[serde(default)]
    #[param(required = false, value_type = i64, minimum = 0, maximum = 9_223_372_036_854_775_807i64, example = 0)]
    from: Seq,
}

/// Follow a scan. As a WebSocket (`Upgrade: websocket`) every frame is one event; else the answer is a stream of
/// server-sent events, `id` being the event's `seq`, which ends after `scan_complete`. A stream that broke goes on
/// where `Last-Event-ID` or `from` says. Of an unknown scan the WebSocket is opened and closed with 4404. Browsers
/// send the key in `Sec-WebSocket-Protocol: certus.events, certus.key.KEY`.
#[utoipa::path(get, path = "/v1/security-scans/{test_id}/stream", tag = "scans", operation_id = "followScan",
    params(
        ("test_id" = String, Path, description = "The scan", example = "test_0123456789ab"),
        ("Last-Event-ID" = Option<String>, Header, description = "The last `seq` that was received"),
        FollowQuery
    ),
    responses(
        (status = 200, description = "Events, each of this form", body = sse::EventBody, content_type = "text/event-stream"),
        (status = 101, description = "A WebSocket"),
        (status = 406, description = "Neither form is accepted", body = crate::problem::ProblemBody, content_type = "application/problem+json"),
        ObjectAnswers
    ))]
pub(crate) async fn follow(
    State(state): State<Shared>,
    Reader(caller): Reader,
    scan: Result<ScanPath, Problem>,
    Filter(query): Filter<FollowQuery>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    origin::check(&headers, &state.config.allowed_origins)?;
    let from = query.from.0;
    let wants_socket = headers.get(header::UPGRADE).is_some();
    let place = || {
        let full = || Problem::new(Kind::TooManyStreams, "Too many streams are open; try again later").retry_after(5);
        state.hub.place().ok_or_else(full)
    };
    match upgrade {
        Ok(upgrade) => {
            let place = place()?;
            let events = match scan {
                Ok(ScanPath(id)) => Events::of(&state, &caller, id, from, place).await?,
                Err(_) => None,
            };
            Ok(socket::answer(upgrade, state.clone(), events))
        }
        Err(rejection) if wants_socket => {
            let what = certus_model::escape::one_line(&rejection.body_text(), 200);
            Err(Problem::new(Kind::BadRequest, format!("That opens no WebSocket: {what}")))
        }
        Err(_) => {
            let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("*/*");
            if !["*/*", "text/*", "text/event-stream"].iter().any(|form| accepted.contains(form)) {
                return Err(Problem::new(Kind::NotAcceptable, "Accept `text/event-stream`, or open a WebSocket"));
            }
            let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<i64>().ok());
            let from = last.filter(|last| *last >= 0).map_or(from, |last| last.saturating_add(1));
            let ScanPath(id) = scan?;
            let events = Events::of(&state, &caller, id, from, place()?).await?;
            Ok(sse::answer(state.clone(), events.ok_or_else(Problem::scan_not_found)?))
        }
    }
}

/// What is left to send of a scan's events.
struct Events {
    state: Shared,
    scan: ScanId,
    tenant: TenantId,
    interest: Interest,
    read: VecDeque<StoredEvent>,
    next: i64,
    /// Whether more may come after what is read.
    ended: bool,
    _place: Place,
}

impl Events {
    /// None if there is no such scan within the caller's reach.
    async fn of(
        state: &Shared,
        caller: &Caller,
        scan: ScanId,
        from: i64,
        place: Place,
    ) -> Result<Option<Self>, Problem> {
        // Before anything is read, so that nothing is missed between.
        let interest = state.hub.interest(scan.clone());
        let Some(found) = state.services.store.scan(caller.reach(), &scan).await? else { return Ok(None) };
        Ok(Some(Self {
            state: state.clone(),
            scan,
            tenant: found.tenant,
            interest,
            read: VecDeque::new(),
            next: from,
            ended: false,
            _place: place,
        }))
    }

    /// The next event; none after the last one. Dropping the future loses nothing.
    async fn next(&mut self) -> Result<Option<StoredEvent>, certus_store::Error> {
        loop {
            if let Some(event) = self.read.pop_front() {
                self.next = event.seq + 1;
                return Ok(Some(event));
            }
            if self.ended {
                return Ok(None);
            }
            let reach = Reach::Tenant(&self.tenant);
            // The state first: whatever was kept before it became final is then there to be read.
            let found = self.state.services.store.scan(reach, &self.scan).await?;
            let is_final = found.is_none_or(|scan| scan.status.is_final());
            let rows = self.state.services.store.events(reach, &self.scan, self.next, PAGE).await?;
            self.ended = is_final && rows.len() < PAGE as usize;
            if rows.is_empty() && !self.ended {
                self.interest.changed().await;
            }
            self.read = rows.into();
        }
    }
}

/// Waits until the service is told to stop.
async fn until_closing(state: &Shared) {
    let mut closing = state.closing.subscribe();
    let _ = closing.wait_for(|closing| *closing).await;
}
