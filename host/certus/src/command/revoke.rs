//! `certus revoke` and `certus tainted`: what is no longer trusted, and what rests on it.

use certus_model::{Sha256, TenantId};
use certus_store::{Reach, Revocable};

use crate::arguments::Revoke;
use crate::command::access::ACTOR;
use crate::command::service::on_store;
use crate::command::{note, print};
use crate::exit::Exit;
use crate::settings::Settings;

/// The tenant under which the host's own deeds are on record.
const HOST: &str = "default";

pub(crate) fn run(settings: &Settings, revoke: &Revoke) -> anyhow::Result<Exit> {
    let kind: Revocable = revoke.kind.into();
    let digest: Sha256 = revoke.digest.strip_prefix("sha256:").unwrap_or(&revoke.digest).parse()?;
    let tenant: TenantId = HOST.parse()?;
    on_store(settings, async |store| {
        let new = store.revoke(kind, digest, &revoke.reason, &tenant, ACTOR).await?;
        if !new {
            note("it was revoked before; the first reason stands");
        }
        let resting = store.tainted(Reach::All, None).await?.into_iter().filter(|tainted| tainted.digest == digest);
        print(&lines(&resting.collect::<Vec<_>>()))?;
        Ok(Exit::Pass)
    })
}

pub(crate) fn tainted(settings: &Settings) -> anyhow::Result<Exit> {
    on_store(settings, async |store| {
        print(&lines(&store.tainted(Reach::All, None).await?))?;
        Ok(Exit::Pass)
    })
}

fn lines(tainted: &[certus_store::Tainted]) -> String {
    let line = |one: &certus_store::Tainted| {
        let status = one.upload_status.map_or("elsewhere", |status| status.as_str());
        let reason = certus_model::escape::one_line(&one.reason, 200);
        format!("{}  {:<16} {:<12} {} {}  {}\n", one.scan, one.tenant.to_string(), status, one.kind, one.digest, reason)
    };
    tainted.iter().map(line).collect()
}
