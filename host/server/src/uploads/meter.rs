//! What arrives, counted, so that neither the whole nor what waits to be read grows beyond its limit.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{BodyDataStream, Bytes};
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep};

use crate::problem::{Kind, Problem};

/// What has arrived, and why no more may.
#[derive(Debug)]
pub(super) struct Gate {
    most: u64,
    whole: AtomicU64,
    waiting: AtomicU64,
    refusal: AtomicU8,
}

/// A body that ends with an error where its gate, or the time, says so.
pub(super) struct Metered {
    body: BodyDataStream,
    gate: Arc<Gate>,
    patience: Duration,
    idle: Pin<Box<Sleep>>,
    /// Set after each part: the reader of forms would otherwise take all that is there before it looks at any.
    pauses: bool,
}

/// What may wait for the reader of the form: more is a header without end.
const WAITING: u64 = 1024 * 1024;

const LARGE: u8 = 1;
const HEADER: u8 = 2;
const SLOW: u8 = 3;

impl Gate {
    pub(super) fn new(most: u64) -> Self {
        Self { most, whole: AtomicU64::new(0), waiting: AtomicU64::new(0), refusal: AtomicU8::new(0) }
    }

    /// The reader has got something.
    pub(super) fn taken(&self) {
        self.waiting.store(0, Ordering::Relaxed);
    }

    /// Why the body ended with an error, if that was this gate's doing.
    pub(super) fn problem(&self, most: u64) -> Option<Problem> {
        match self.refusal.load(Ordering::Relaxed) {
            LARGE => Some(super::form::too_large(most)),
            HEADER => Some(Problem::new(Kind::TooLarge, "The form has headers that are too large")),
            SLOW => Some(Problem::new(Kind::RequestTimeout, "The archive stopped arriving")),
            _ => None,
        }
    }

    fn count(&self, part: u64) -> Result<(), io::Error> {
        if self.whole.fetch_add(part, Ordering::Relaxed) + part > self.most {
            return Err(self.refuse(LARGE));
        }
        if self.waiting.fetch_add(part, Ordering::Relaxed) + part > WAITING {
            return Err(self.refuse(HEADER));
        }
        Ok(())
    }

    fn refuse(&self, why: u8) -> io::Error {
        self.refusal.store(why, Ordering::Relaxed);
        io::ErrorKind::InvalidData.into()
    }
}

impl Metered {
    pub(super) fn new(body: BodyDataStream, gate: Arc<Gate>, patience: Duration) -> Self {
        Self { body, gate, patience, idle: Box::pin(sleep(patience)), pauses: false }
    }
}

impl Stream for Metered {
    type Item = Result<Bytes, io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.pauses) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        match Pin::new(&mut self.body).poll_next(context) {
            Poll::Ready(Some(Ok(part))) => {
                self.pauses = true;
                let patience = self.patience;
                self.idle.as_mut().reset(Instant::now() + patience);
                Poll::Ready(Some(self.gate.count(part.len() as u64).map(|()| part)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(io::Error::other(error)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match self.idle.as_mut().poll(context) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(()) => Poll::Ready(Some(Err(self.gate.refuse(SLOW)))),
            },
        }
    }
}
