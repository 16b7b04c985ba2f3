use crate::check::base64::begins_with_number;
use crate::detector::Detector;

pub(super) const ROWS: &[Detector] = &[
    // https://docs.slack.dev/authentication/tokens
    Detector::token("slack-bot-token", &["xoxb-"], "xoxb-[0-9]{8,14}-[0-9]{8,14}-[A-Za-z0-9]{24}"),
    Detector::token("slack-user-token", &["xoxp-"], "xoxp-[0-9]{8,14}-[0-9]{8,14}-[0-9]{8,14}-[a-f0-9]{32}"),
    Detector::token("slack-app-token", &["xapp-"], "xapp-[0-9]-[A-Z0-9]{8,14}-[0-9]{8,14}-[a-f0-9]{64}"),
    Detector::token(
        "slack-other-token",
        &["xoxe", "xoxa-", "xoxr-", "xoxs-"],
        r"xox(?:[ars]-|e(?:\.xox[bp])?-)[A-Za-z0-9\-]{24,}",
    ),
    // https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    Detector::token(
        "slack-webhook",
        &["hooks.slack.com/"],
        "hooks.slack.com/(?:services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{24}|(?:workflows|triggers)/[A-Z0-9]{8,12}/[A-Za-z0-9/]{20,})",
    ),
    // https://discord.com/developers/docs/reference#authentication: the bot's id in base64 comes first.
    Detector::assigned(
        "discord-bot-token",
        &["discord"],
        assigned!("discord", r"[A-Za-z0-9]{23,28}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,38}"),
    )
    .checks(&[begins_with_number]),
    // https://discord.com/developers/docs/resources/webhook
    Detector::token(
        "discord-webhook",
        &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"],
        r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_\-]{60,68}",
    ),
    // https://core.telegram.org/bots/api#authorizing-your-bot
    Detector::token("telegram-bot-token", &[":aa"], r":AA[A-Za-z0-9_\-]{33}").lead(|byte| byte.is_ascii_digit(), 8..11),
    // https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
    Detector::token(
        "teams-webhook",
        &["webhook.office.com/"],
        r"webhook\.office\.com/webhookb2/[0-9a-f\-]{36}@[0-9a-f\-]{36}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f\-]{36}",
    ),
    // https://www.twilio.com/docs/iam/api-keys and https://www.twilio.com/docs/iam/access-tokens
    Detector::assigned("twilio-credential", &["twilio"], assigned!("twilio", "(?:SK)?[0-9a-f]{32}")),
];
