use certus_sdk_files::Confidence::Medium;

use crate::check::shape::is_dense;
use crate::detector::Detector;

pub(super) const ROWS: &[Detector] = &[
    // https://docs.stripe.com/keys
    Detector::token("stripe-live-key", &["sk_live_", "rk_live_"], "[rs]k_live_[A-Za-z0-9]{20,247}"),
    Detector::token("stripe-test-key", &["sk_test_", "rk_test_"], "[rs]k_test_[A-Za-z0-9]{20,247}").sure(Medium),
    // https://docs.stripe.com/webhooks#verify-official-libraries
    Detector::token("stripe-webhook-secret", &["whsec_"], "whsec_[A-Za-z0-9+/]{32,64}=?"),
    // https://developer.squareup.com/docs/build-basics/access-tokens
    Detector::token("square-token", &["sq0atp-", "sq0csp-"], r"sq0(?:atp-[A-Za-z0-9_\-]{22}|csp-[A-Za-z0-9_\-]{43})"),
    Detector::token("square-token", &["eaaa"], r"EAAA[A-Za-z0-9_\-]{60}").checks(&[is_dense]),
    // https://shopify.dev/changelog/app-secret-key-length-has-increased
    Detector::token("shopify-token", &["shpat_", "shpca_", "shppa_", "shpss_"], "shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    // https://developer.paypal.com/braintree/docs/guides/authorization/access-token
    Detector::token(
        "braintree-access-token",
        &["access_token$production$"],
        r"access_token\$production\$[0-9a-z]{16}\$[0-9a-f]{32}",
    ),
    // https://plaid.com/docs/quickstart/glossary/#access-token
    Detector::token(
        "plaid-access-token",
        &["access-production-", "access-development-"],
        "access-(?:production|development)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
];
