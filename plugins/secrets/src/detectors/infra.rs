use certus_sdk_files::Confidence::High;

use crate::check::shape::{is_dense, is_hex_dense};
use crate::detector::Detector;

pub(super) const ROWS: &[Detector] = &[
    // https://devcenter.heroku.com/articles/platform-api-quickstart: the prefix since 2024.
    Detector::token("heroku-api-key", &["hrku-aa"], r"HRKU-AA[A-Za-z0-9_\-]{58}"),
    // https://devcenter.heroku.com/articles/authentication: a UUID before.
    Detector::assigned(
        "heroku-api-key",
        &["heroku"],
        assigned!("heroku", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    ),
    // https://developers.cloudflare.com/fundamentals/api/get-started/token-formats/
    Detector::token(
        "cloudflare-token",
        &["cfk_", "cfut_", "cfat_"],
        r"cf(?:k|ut|at)_[A-Za-z0-9_\-]{40}[A-Za-z0-9]{6,8}",
    ),
    Detector::assigned("cloudflare-token", &["cloudflare"], assigned!("cloudflare", r"[A-Za-z0-9_\-]{40}"))
        .checks(&[is_dense]),
    Detector::assigned("cloudflare-global-key", &["cloudflare"], assigned!("cloudflare", "[0-9a-f]{37}"))
        .checks(&[is_hex_dense]),
    // https://developers.cloudflare.com/fundamentals/api/get-started/ca-keys/
    Detector::token("cloudflare-origin-ca-key", &["v1.0-"], r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}"),
    // https://www.fastly.com/documentation/guides/account-info/account-management/using-api-tokens/
    Detector::assigned("fastly-api-token", &["fastly"], assigned!("fastly", r"[A-Za-z0-9_\-]{32}")).checks(&[is_dense]),
    // https://developer.hashicorp.com/vault/docs/concepts/tokens#token-prefixes
    Detector::token("vault-token", &["hvs.", "hvb.", "hvr."], r"hv[sbr]\.[A-Za-z0-9_\-]{24,}").reach(512),
    // https://developer.hashicorp.com/terraform/cloud-docs/users-teams-organizations/api-tokens
    Detector::token("terraform-cloud-token", &[".atlasv1."], r"\.atlasv1\.[A-Za-z0-9_\-]{60,70}")
        .lead(|byte| byte.is_ascii_alphanumeric(), 14..15),
    // https://docs.databricks.com/dev-tools/auth/pat
    Detector::token("databricks-token", &["dapi"], "dapi[a-f0-9]{32}(?:-[0-9])?"),
    // https://www.pulumi.com/docs/pulumi-cloud/access-management/access-tokens/
    Detector::token("pulumi-token", &["pul-"], "pul-[a-f0-9]{40}"),
    // https://fly.io/docs/security/tokens/: a macaroon.
    Detector::token("fly-token", &["fm2_"], "fm2_[A-Za-z0-9+/=]{80,}").reach(2048),
    // https://docs.netlify.com/api/get-started/#authentication
    Detector::token("netlify-token", &["nfp_"], "nfp_[A-Za-z0-9]{36}"),
    // https://supabase.com/docs/guides/api/api-keys
    Detector::token(
        "supabase-key",
        &["sbp_", "sb_secret_"],
        r"sb(?:p_[a-f0-9]{40}|_secret_[A-Za-z0-9]{22}_[A-Za-z0-9]{8})",
    ),
    // https://planetscale.com/docs/api/reference/service-tokens
    Detector::token("planetscale-token", &["pscale_"], r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.\-]{32,64}"),
    // https://docs.doppler.com/docs/service-tokens
    Detector::token("doppler-token", &["dp.pt.", "dp.st.", "dp.ct."], r"dp\.[psc]t\.[A-Za-z0-9_.\-]{40,80}"),
    // https://tailscale.com/kb/1085/auth-keys
    Detector::token("tailscale-key", &["tskey-"], r"tskey-(?:auth|api|client|scim)-[A-Za-z0-9]{10,}-[A-Za-z0-9]{20,}"),
    // https://developer.1password.com/docs/service-accounts/security/
    Detector::token("onepassword-service-token", &["ops_eyj"], "ops_eyJ[A-Za-z0-9+/_=]{200,}").reach(2048).sure(High),
];
