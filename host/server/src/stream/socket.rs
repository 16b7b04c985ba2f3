//! Events as frames of a WebSocket.

use std::pin::pin;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::{Events, until_closing};
use crate::caller::EVENTS_PROTOCOL;
use crate::state::Shared;

/// Clients have nothing to say here that would be longer.
const INCOMING: usize = 4096;

/// What may wait to be written to one client; an event is far smaller.
const OUTGOING: usize = 1024 * 1024;

/// How long a client may take to say goodbye.
const CLOSING: Duration = Duration::from_secs(5);

const NORMAL: u16 = 1000;
const GOING_AWAY: u16 = 1001;
const FAILED: u16 = 1011;
const NOT_FOUND: u16 = 4404;

/// Opens the socket. Without events it is closed at once with 4404: a refused handshake would hide the code.
pub(super) fn answer(upgrade: WebSocketUpgrade, state: Shared, events: Option<Events>) -> Response {
    let metrics = state.services.metrics.clone();
    upgrade
        .max_message_size(INCOMING)
        .max_frame_size(INCOMING)
        .write_buffer_size(0)
        .max_write_buffer_size(OUTGOING)
        .protocols([EVENTS_PROTOCOL])
        .on_failed_upgrade(move |error| {
            metrics.websocket_error();
            tracing::debug!(%error, "a WebSocket was not opened");
        })
        .on_upgrade(move |socket| async move {
            let metrics = state.services.metrics.clone();
            if let Err(error) = run(socket, state, events).await {
                metrics.websocket_error();
                tracing::debug!(%error, "a WebSocket broke");
            }
        })
}

async fn run(socket: WebSocket, state: Shared, events: Option<Events>) -> Result<(), axum::Error> {
    let (mut out, mut incoming) = socket.split();
    let (code, reason) = match events {
        None => (NOT_FOUND, "Scan not found"),
        Some(events) => match send(&mut out, &mut incoming, &state, events).await? {
            Some(close) => close,
            None => return Ok(()),
        },
    };
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    out.send(Message::Close(Some(frame))).await?;
    // The client's own close ends it; what it says before that is nobody's business.
    let answered = async { while incoming.next().await.is_some_and(|said| said.is_ok()) {} };
    let _ = tokio::time::timeout(CLOSING, answered).await;
    Ok(())
}

/// Sends events until there are no more, and how to close then; none if the client has closed.
async fn send(
    out: &mut SplitSink<WebSocket, Message>,
    incoming: &mut SplitStream<WebSocket>,
    state: &Shared,
    mut events: Events,
) -> Result<Option<(u16, &'static str)>, axum::Error> {
    let every = state.config.limits.ping;
    let mut ping = interval_at(Instant::now() + every, every);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut closing = pin!(until_closing(state));
    loop {
        let message = tokio::select! {
            said = incoming.next() => match said {
                None | Some(Ok(Message::Close(_))) => return Ok(None),
                Some(Err(error)) => return Err(error),
                Some(Ok(_)) => continue,
            },
            event = events.next() => match event {
                Ok(Some(event)) => Message::Text(event.body.to_string().into()),
                Ok(None) => return Ok(Some((NORMAL, "scan complete"))),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "a stream could not be read");
                    return Ok(Some((FAILED, "the store failed; go on with ?from=")));
                }
            },
            _ = ping.tick() => Message::Ping(Default::default()),
            () = &mut closing => return Ok(Some((GOING_AWAY, "the service stops; go on with ?from="))),
        };
        // A client that takes nothing is cut off by the connection's own patience.
        out.send(message).await?;
    }
}
