use crate::check::shape::{is_dense, is_hex_dense};
use crate::check::{contains, require};
use crate::detector::Detector;

pub(super) const ROWS: &[Detector] = &[
    // https://developers.facebook.com/docs/facebook-login/guides/access-tokens
    Detector::token("facebook-access-token", &["eaac", "eaam", "eaab", "eaag"], "EAA[A-Z][A-Za-z0-9]{90,400}")
        .reach(512),
    // https://developers.facebook.com/docs/facebook-login/security#appsecret
    Detector::assigned(
        "facebook-app-secret",
        &["facebook", "fb_app_secret"],
        assigned!("facebook|fb_app_secret", "[0-9a-f]{32}"),
    ),
    // https://docs.x.com/resources/fundamentals/authentication/oauth-2-0/bearer-tokens
    Detector::token("twitter-bearer-token", &["aaaaaaaaaaaaaaaaaaaaa"], "A{21,24}[B-Za-z0-9%][A-Za-z0-9%]{60,110}")
        .checks(&[|candidate| require(contains(candidate.secret(), "%"))]),
    // https://docs.x.com/resources/fundamentals/authentication/oauth-1-0a/api-key-and-secret
    Detector::assigned("twitter-credential", &["twitter"], assigned!("twitter", "[A-Za-z0-9]{40,50}"))
        .checks(&[is_dense]),
    Detector::assigned("twitter-credential", &["twitter"], assigned!("twitter", "[0-9]{15,20}-[A-Za-z0-9]{40}")),
    // https://learn.microsoft.com/linkedin/shared/authentication/client-credentials-flow
    Detector::token("linkedin-client-secret", &["wpl_ap1."], r"WPL_AP1\.[A-Za-z0-9]{16}\.[A-Za-z0-9+/]{6}={0,2}"),
    Detector::assigned("linkedin-client-secret", &["linkedin"], assigned!("linkedin", "[A-Za-z0-9]{16}"))
        .checks(&[is_hex_dense, |candidate| require(contains(candidate.name(), "secret"))]),
    // https://developers.dropbox.com/oauth-guide
    Detector::token("dropbox-token", &["sl.u.", "sl.a", "sl.b"], r"sl\.[A-Za-z0-9_\-]\.?[A-Za-z0-9_\-]{120,}")
        .reach(2048)
        .checks(&[is_dense]),
    // https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/
    Detector::token("atlassian-api-token", &["atatt3xf"], r"ATATT3xF[A-Za-z0-9+/=_\-]{150,}").reach(512),
    // https://developers.notion.com/changelog/changes-to-integration-token-prefix
    Detector::token("notion-token", &["ntn_"], "ntn_[0-9]{11}[A-Za-z0-9]{35}"),
    Detector::token("notion-token", &["secret_"], "secret_[A-Za-z0-9]{43}").checks(&[is_dense]),
    // https://linear.app/developers/graphql
    Detector::token("linear-api-key", &["lin_api_", "lin_oauth_"], "lin_(?:api_[A-Za-z0-9]{40}|oauth_[a-f0-9]{64})"),
    // https://www.figma.com/developers/api#access-tokens
    Detector::token("figma-token", &["figd_"], r"figd_[A-Za-z0-9_\-]{38,43}"),
    // https://airtable.com/developers/web/guides/personal-access-tokens
    Detector::assigned("airtable-token", &["airtable"], assigned!("airtable", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}")),
    // https://learning.postman.com/docs/developer/postman-api/authentication/
    Detector::token("postman-api-key", &["pmak-"], "PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    // https://developer.okta.com/docs/guides/create-an-api-token/
    Detector::assigned("okta-api-token", &["okta"], assigned!("okta", r"00[A-Za-z0-9_\-]{40}")).checks(&[is_dense]),
    Detector::assigned("okta-api-token", &["ssws "], r"SSWS (00[A-Za-z0-9_\-]{40})").checks(&[is_dense]),
    // https://auth0.com/docs/get-started/applications/application-settings
    Detector::assigned("auth0-client-secret", &["auth0"], assigned!("auth0", r"[A-Za-z0-9_\-]{64}"))
        .checks(&[is_dense]),
    // https://developers.hubspot.com/docs/guides/apps/private-apps/overview
    Detector::token(
        "hubspot-private-app-token",
        &["pat-na1-", "pat-na2-", "pat-eu1-"],
        "pat-(?:na|eu)[0-9]-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    // https://www.contentful.com/developers/docs/references/authentication/
    Detector::token("contentful-management-token", &["cfpat-"], r"CFPAT-[A-Za-z0-9_\-]{43}"),
    // https://docs.sonarsource.com/sonarqube-server/latest/user-guide/managing-tokens/
    Detector::token("sonarqube-token", &["squ_", "sqp_", "sqa_"], "sq[upa]_[a-f0-9]{40}"),
    // https://circleci.com/docs/managing-api-tokens/
    Detector::token("circleci-token", &["ccipat_", "cciprj_"], "CCIP(?:AT|RJ)_[A-Za-z0-9]{22}_[a-f0-9]{40}"),
    // https://buildkite.com/docs/apis/managing-api-tokens
    Detector::token("buildkite-token", &["bkua_"], "bkua_[a-f0-9]{40}"),
    // https://sourcegraph.com/docs/cli/how-tos/creating_an_access_token
    Detector::token(
        "sourcegraph-token",
        &["sgp_"],
        "sgp_(?:local_[a-f0-9]{40}|[a-f0-9]{16}(?:_[a-f0-9]{40}|[a-f0-9]{24}))",
    ),
];
