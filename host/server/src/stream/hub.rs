//! Who follows which scan. One task asks the store for all of them; each then reads rows of its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use certus_model::ScanId;
use tokio::sync::{Notify, watch};

use crate::state::Shared;

/// Who follows which scan.
#[derive(Debug)]
pub(crate) struct Hub {
    followed: Mutex<BTreeMap<ScanId, Followed>>,
    /// Told when somebody begins to follow.
    begun: Notify,
    live: AtomicUsize,
    most: usize,
    /// Told when a stream ends.
    ended: Notify,
}

#[derive(Debug)]
struct Followed {
    by: usize,
    /// How many events there were when the store was last asked.
    count: watch::Sender<i64>,
}

/// A place among the live streams, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Hub>);

/// Interest in one scan, until it is dropped.
#[derive(Debug)]
pub(crate) struct Interest {
    hub: Arc<Hub>,
    scan: ScanId,
    count: watch::Receiver<i64>,
}

/// How often the store is asked when nobody says that there is something new.
const POLL: Duration = Duration::from_millis(250);

/// How often it is asked at most, however many events there are.
const PAUSE: Duration = Duration::from_millis(10);

/// Scans that one question is about.
const TOGETHER: usize = 500;

impl Hub {
    pub(crate) fn new(most: usize) -> Self {
        Self { followed: Mutex::default(), begun: Notify::new(), live: AtomicUsize::new(0), most, ended: Notify::new() }
    }

    /// How many streams are live.
    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// A place for one more stream; none if there are too many.
    pub(crate) fn place(self: &Arc<Self>) -> Option<Place> {
        let one_more = |live| (live < self.most).then_some(live + 1);
        self.live.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Place(Arc::clone(self)))
    }

    /// Registers interest. What is kept afterwards is heard of; what is there already has to be read.
    pub(crate) fn interest(self: &Arc<Self>, scan: ScanId) -> Interest {
        let mut followed = self.followed();
        let entry = followed.entry(scan.clone());
        let entry = entry.or_insert_with(|| Followed { by: 0, count: watch::Sender::new(-1) });
        entry.by += 1;
        let count = entry.count.subscribe();
        drop(followed);
        self.begun.notify_one();
        Interest { hub: Arc::clone(self), scan, count }
    }

    /// Waits until no stream is live.
    pub(crate) async fn until_idle(&self) {
        loop {
            let ended = self.ended.notified();
            if self.live() == 0 {
                return;
            }
            ended.await;
        }
    }

    fn followed(&self) -> std::sync::MutexGuard<'_, BTreeMap<ScanId, Followed>> {
        self.followed.lock().expect("nobody panics while it holds the lock")
    }

    fn scans(&self) -> Vec<ScanId> {
        self.followed().keys().cloned().collect()
    }

    fn tell(&self, counts: &BTreeMap<ScanId, i64>) {
        let followed = self.followed();
        for (scan, count) in counts {
            let Some(entry) = followed.get(scan) else { continue };
            entry.count.send_if_modified(|known| std::mem::replace(known, *count) != *count);
        }
    }
}

impl Interest {
    /// Waits until there is something new.
    pub(crate) async fn changed(&mut self) {
        // The hub keeps the sender as long as there is interest.
        let _ = self.count.changed().await;
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        let mut followed = self.hub.followed();
        if let Some(entry) = followed.get_mut(&self.scan) {
            entry.by -= 1;
            if entry.by == 0 {
                followed.remove(&self.scan);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::Relaxed);
        self.0.ended.notify_waiters();
    }
}

/// Asks the store, for ever, how many events there are of the scans that somebody follows.
pub(crate) async fn watch(state: Shared) {
    let hub = Arc::clone(&state.hub);
    let mut failing = false;
    loop {
        let scans = hub.scans();
        if scans.is_empty() {
            hub.begun.notified().await;
            continue;
        }
        for some in scans.chunks(TOGETHER) {
            match state.services.store.event_counts(some).await {
                Ok(counts) => {
                    failing = false;
                    hub.tell(&counts);
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(error = &error as &dyn std::error::Error, "streams wait for the store");
                    }
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = state.services.events.notified() => {}
            () = hub.begun.notified() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_interest_end_with_those_who_hold_them() {
        let hub = Arc::new(Hub::new(1));
        let place = hub.place().unwrap();
        assert!(hub.place().is_none());
        drop(place);
        assert_eq!((hub.live(), hub.place().is_some()), (0, true));
        let scan: ScanId = "test_0123456789ab".parse().unwrap();
        let (one, two) = (hub.interest(scan.clone()), hub.interest(scan.clone()));
        drop(one);
        assert_eq!(hub.scans(), [scan]);
        drop(two);
        assert!(hub.scans().is_empty());
    }
}
