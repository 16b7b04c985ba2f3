//! `certus queue`.

use anyhow::bail;
use certus_model::{JobState, ScanId};
use certus_store::{Reach, Requeue};

use crate::arguments::Queue;
use crate::command::access::ACTOR;
use crate::command::print;
use crate::command::service::on_store;
use crate::exit::Exit;
use crate::settings::Settings;

pub(crate) fn run(settings: &Settings, command: &Queue) -> anyhow::Result<Exit> {
    on_store(settings, async |store| {
        match command {
            Queue::Show => {
                let depth = store.queue_depth().await?;
                for state in JobState::ALL {
                    print(&format!("{:<12} {}\n", state, depth.jobs.get(state).copied().unwrap_or(0)))?;
                }
                print(&format!("{:<12} {}\n", "oldest (ms)", depth.oldest_ms))?;
                print(&format!("{:<12} {}\n", "late writes", depth.late_writes))?;
            }
            Queue::Dead => {
                for dead in store.dead_letters().await? {
                    print(&format!("{}  {:<20} {}\n", dead.id, dead.tenant.to_string(), dead.errors.join("; ")))?;
                }
            }
            Queue::Replay { scan } => {
                let id: ScanId = scan.parse()?;
                match store.requeue(Reach::All, &id, ACTOR).await? {
                    Requeue::Requeued => {}
                    Requeue::NotDead => bail!("scan `{id}` is no dead letter; `certus queue dead` lists them"),
                    Requeue::Unknown => bail!("there is no scan `{id}`; `certus queue dead` lists the dead letters"),
                }
            }
        }
        Ok(Exit::Pass)
    })
}
