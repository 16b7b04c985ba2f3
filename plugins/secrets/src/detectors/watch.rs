use crate::check::shape::{is_dense, is_hex_dense};
use crate::detector::Detector;

pub(super) const ROWS: &[Detector] = &[
    // https://docs.datadoghq.com/account_management/api-app-keys/
    Detector::assigned(
        "datadog-key",
        &["datadog", "dd_api_key", "dd_app_key"],
        assigned!("datadog|dd_ap[ip]_key", "[0-9a-f]{32}(?:[0-9a-f]{8})?"),
    )
    .checks(&[is_hex_dense]),
    // https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys/
    Detector::token("newrelic-key", &["nrak-"], "NRAK-[A-Z0-9]{27}"),
    Detector::token("newrelic-key", &["nral"], "NRAL")
        .lead(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'F'), 36..37),
    // https://grafana.com/docs/grafana/latest/administration/service-accounts/
    Detector::token("grafana-token", &["glsa_"], "glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}"),
    // https://grafana.com/docs/grafana-cloud/account-management/authentication-and-permissions/access-policies/
    Detector::token("grafana-token", &["glc_eyj"], "glc_eyJ[A-Za-z0-9+/=]{60,}"),
    // https://docs.sentry.io/account/auth-tokens/
    Detector::token("sentry-token", &["sntrys_"], "sntrys_eyJ[A-Za-z0-9+/=_]{80,}").reach(512),
    Detector::token("sentry-token", &["sntryu_"], "sntryu_[a-f0-9]{64}"),
    // https://support.pagerduty.com/main/docs/api-access-keys
    Detector::assigned("pagerduty-api-key", &["pagerduty"], assigned!("pagerduty", r"[A-Za-z0-9_+\-]{20}"))
        .checks(&[is_hex_dense, |candidate| crate::check::require(candidate.secret().iter().any(u8::is_ascii_digit))]),
    // https://docs.dynatrace.com/docs/discover-dynatrace/references/dynatrace-api/basics/dynatrace-api-authentication
    Detector::token("dynatrace-token", &["dt0c01.", "dt0s"], r"dt0[cs][0-9]{2}\.[A-Z2-7]{24}\.[A-Z2-7]{64}")
        .checks(&[is_dense]),
];
