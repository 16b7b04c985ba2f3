use crate::detector::Detector;

pub(super) const ROWS: &[Detector] = &[
    // https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys
    Detector::token("sendgrid-api-key", &["sg."], r"SG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}"),
    // https://documentation.mailgun.com/docs/mailgun/user-manual/api-key-mgmt/api-keys
    Detector::token("mailgun-api-key", &["key-"], "key-[0-9a-f]{32}"),
    Detector::assigned("mailgun-api-key", &["mailgun"], assigned!("mailgun", "[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}")),
    // https://mailchimp.com/developer/marketing/docs/fundamentals/#the-basics: the data centre comes last.
    Detector::token(
        "mailchimp-api-key",
        &["-us1", "-us2", "-us3", "-us4", "-us5", "-us6", "-us7", "-us8", "-us9"],
        "-us[0-9]{1,2}",
    )
    .lead(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'), 32..33),
    // https://developers.brevo.com/docs/getting-started
    Detector::token("brevo-api-key", &["xkeysib-", "xsmtpsib-"], "x(?:key|smtp)sib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
];
