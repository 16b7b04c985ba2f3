//! Tells whoever wants to know that a scan has ended: webhooks by the Standard Webhooks rules.

use std::sync::Arc;
use std::time::Duration;

use certus_outbound::{Delivered, Message, RemoteUrl, WebhookId, WebhookSecret};
use certus_store::{Delivery, Scan, Told};
use futures_util::future::join_all;
use metrics::counter;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::watch;

use super::Workers;

/// The operator's own address, told of every scan.
#[derive(Clone, Debug)]
pub struct OperatorWebhook {
    /// Where.
    pub url: RemoteUrl,
    /// What signs; more than one while it is changed.
    pub secrets: Vec<WebhookSecret>,
}

/// How often it is looked whether something is to be told.
const LOOK: Duration = Duration::from_secs(1);
/// How long a receiver may take. Below what the store holds a delivery for.
const WITHIN: Duration = Duration::from_secs(15);
/// How long to wait after each failed try; after the last one nothing more is tried. The times that the Standard
/// Webhooks specification recommends (section "Retry schedule").
const AGAIN: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 60 * 60),
    Duration::from_secs(5 * 60 * 60),
    Duration::from_secs(10 * 60 * 60),
    Duration::from_secs(14 * 60 * 60),
    Duration::from_secs(20 * 60 * 60),
];

/// What a receiver reads. It holds no finding: who wants those asks with a key.
#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    timestamp: Option<String>,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    test_id: &'a str,
    tenant_id: &'a str,
    workspace_id: &'a str,
    component_id: &'a str,
    assessment_id: &'a str,
    status: &'static str,
    decision: Option<String>,
    failure: Option<&'a str>,
    profile: &'a str,
    mode: &'a str,
    result_digest: Option<String>,
    commit: Option<&'a str>,
    url: String,
}

/// Tells until `stop` says so.
pub(super) async fn tell(workers: Arc<Workers>, mut stop: watch::Receiver<bool>) {
    let mut look = tokio::time::interval(LOOK);
    while !*stop.borrow() {
        tokio::select! {
            _ = look.tick() => {}
            // An order to stop, or nobody who could give one any more.
            changed = stop.changed() => if changed.is_err() { break },
        }
        match workers.store.take_deliveries().await {
            Ok(due) => drop(join_all(due.iter().map(|delivery| deliver(&workers, delivery))).await),
            Err(error) => tracing::warn!(%error, "what is to be told could not be looked up"),
        }
    }
}

async fn deliver(workers: &Workers, delivery: &Delivery) {
    let (told, answer) = match post(workers, delivery).await {
        Ok(Delivered::Accepted) => (Told::Delivered, "accepted".to_owned()),
        Ok(Delivered::Gone) => (Told::Stopped, "the receiver wants no more (410)".to_owned()),
        Ok(Delivered::Later { status, after }) => (again(delivery, after), format!("status {status}")),
        Ok(Delivered::Failed { status }) => (again(delivery, None), format!("status {status}")),
        Err(problem) => (again(delivery, None), problem),
    };
    let outcome = match &told {
        Told::Delivered => "delivered",
        Told::Again(_) => "retried",
        Told::Failed => "failed",
        Told::Stopped => "stopped",
    };
    counter!("certus_assurance_webhook_deliveries_total", "outcome" => outcome).increment(1);
    let scan_id = &delivery.scan.id;
    if told != Told::Delivered {
        tracing::warn!(%scan_id, delivery = delivery.id, attempt = delivery.attempt, answer, outcome, "a webhook was not taken");
    }
    if let Err(error) = workers.store.told(delivery, &told, &answer).await {
        tracing::warn!(%scan_id, %error, "what came of a webhook could not be kept; it is sent again");
    }
}

fn again(delivery: &Delivery, asked: Option<Duration>) -> Told {
    let tries = usize::try_from(delivery.attempt).unwrap_or(usize::MAX).saturating_sub(1);
    AGAIN.get(tries).map_or(Told::Failed, |wait| Told::Again(asked.map_or(*wait, |asked| asked.max(*wait))))
}

/// Sends it; what keeps it from being sent is a sentence for the tenant, and says nothing of what lies inside.
async fn post(workers: &Workers, delivery: &Delivery) -> Result<Delivered, String> {
    let sources = &workers.sources;
    let (url, secrets) = match (&delivery.webhook, &workers.operator_webhook, &sources.master_key) {
        (None, Some(operator), _) => (operator.url.clone(), operator.secrets.clone()),
        (None, None, _) => return Err("the operator's address is no longer set".to_owned()),
        (Some((webhook, sealed)), _, Some(key)) => {
            let secret = webhook.secret(sealed, key).map_err(|error| error.to_string())?;
            let url = webhook.url.parse().map_err(|error: certus_outbound::Error| error.to_string())?;
            (url, vec![secret.parse().map_err(|error: certus_outbound::Error| error.to_string())?])
        }
        (Some(_), _, None) => return Err("this host has no master key to open the secret with".to_owned()),
    };
    let id: WebhookId = delivery.id.parse().map_err(|error: certus_outbound::Error| error.to_string())?;
    let body = serde_json::to_vec(&body(&delivery.scan)).map_err(|error| error.to_string())?;
    let message = Message { id: &id, timestamp: OffsetDateTime::now_utc().unix_timestamp(), body: &body };
    sources.guard.deliver(&url, &message, &secrets, WITHIN).await.map_err(|error| error.to_string())
}

fn body(scan: &Scan) -> Body<'_> {
    let ended = scan.completed_at.and_then(|millis| OffsetDateTime::from_unix_timestamp(millis / 1000).ok());
    Body {
        r#type: "scan.completed",
        timestamp: ended.and_then(|time| time.format(&Rfc3339).ok()),
        data: Data {
            test_id: scan.id.as_str(),
            tenant_id: scan.tenant.as_str(),
            workspace_id: scan.workspace.as_str(),
            component_id: scan.component.as_str(),
            assessment_id: scan.assessment.as_str(),
            status: scan.status.as_str(),
            decision: scan.decision.map(|decision| decision.to_string()),
            failure: scan.failure.as_deref(),
            profile: &scan.request.profile,
            mode: &scan.mode,
            result_digest: scan.result_digest.map(|digest| digest.to_string()),
            commit: scan.resolved_commit.as_deref(),
            url: format!("/v1/security-scans/{}", scan.id),
        },
    }
}
