//! Events as server-sent events.

use std::convert::Infallible;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Events, until_closing};
use crate::state::Shared;

/// One server-sent event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StreamEvent)]
pub(crate) struct EventBody {
    /// The event's `seq`.
    #[schema(example = "0")]
    id: String,
    /// Its `type`.
    #[schema(example = "phase")]
    event: String,
    /// The event itself, as JSON.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// The stream; it ends with the scan, or with the service.
pub(super) fn answer(state: Shared, events: Events) -> Response {
    let keep_alive = KeepAlive::new().interval(state.config.limits.ping).text("alive");
    let stream = stream::unfold(events, |mut events| async move {
        let state = events.state.clone();
        let next = tokio::select! {
            next = events.next() => next,
            () = until_closing(&state) => return None,
        };
        match next {
            Ok(Some(event)) => {
                let kind = event.body.get("type").and_then(|kind| kind.as_str()).unwrap_or("message");
                let sent = Event::default().id(event.seq.to_string()).event(kind).data(event.body.to_string());
                Some((Ok::<_, Infallible>(sent), events))
            }
            Ok(None) => None,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a stream could not be read");
                None
            }
        }
    });
    Sse::new(stream).keep_alive(keep_alive).into_response()
}
