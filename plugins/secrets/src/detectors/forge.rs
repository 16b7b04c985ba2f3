use crate::check::checksum::base62_crc32;
use crate::detector::Detector;

pub(super) const ROWS: &[Detector] = &[
    // https://github.blog/engineering/behind-githubs-new-authentication-token-formats/
    Detector::token("github-pat", &["ghp_"], "ghp_[A-Za-z0-9]{36}").checks(&[base62_crc32]),
    // https://docs.github.com/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens
    Detector::token("github-fine-grained-pat", &["github_pat_"], "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    // https://github.blog/engineering/behind-githubs-new-authentication-token-formats/
    Detector::token("github-oauth-token", &["gho_"], "gho_[A-Za-z0-9]{36}").checks(&[base62_crc32]),
    Detector::token("github-app-token", &["ghu_"], "ghu_[A-Za-z0-9]{36}").checks(&[base62_crc32]),
    // https://github.blog/changelog/2026-04-24-notice-about-upcoming-new-format-for-github-app-installation-tokens/
    Detector::token("github-app-token", &["ghs_"], r"ghs_[A-Za-z0-9._\-]{36,}").reach(2048).checks(&[base62_crc32]),
    // https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens
    Detector::token("github-refresh-token", &["ghr_"], "ghr_[A-Za-z0-9]{36,76}").checks(&[base62_crc32]),
    // https://docs.gitlab.com/security/tokens/#token-prefixes
    Detector::token("gitlab-pat", &["glpat-"], GITLAB_PAT).reach(512),
    Detector::token(
        "gitlab-runner-token",
        &["glrt-"],
        r"glrt-[A-Za-z0-9_\-]{20,}(?:\.[A-Za-z0-9]{2}\.[A-Za-z0-9]{9})?",
    ),
    Detector::token("gitlab-runner-token", &["gr1348941"], r"GR1348941[A-Za-z0-9_\-]{20}"),
    Detector::token("gitlab-deploy-token", &["gldt-"], r"gldt-[A-Za-z0-9_\-]{20}"),
    Detector::token("gitlab-trigger-token", &["glptt-"], "glptt-[a-f0-9]{40}"),
    Detector::token(
        "gitlab-other-token",
        &["glcbt-", "glft-", "glimt-", "glagent-", "gloas-", "glsoat-", "glffct-"],
        r"gl(?:cbt-[A-Za-z0-9]{1,5}_|(?:f(?:t|fct)|imt|agent|oas|soat)-)[A-Za-z0-9_\-]{20,}",
    ),
    // https://support.atlassian.com/bitbucket-cloud/docs/app-passwords/
    Detector::token("bitbucket-app-password", &["atbb"], "ATBB[A-Za-z0-9]{32}"),
    // https://support.atlassian.com/bitbucket-cloud/docs/repository-access-tokens/
    Detector::token("bitbucket-access-token", &["atctt3xf"], r"ATCTT3xF[A-Za-z0-9+/=_\-]{100,}").reach(512),
];

const GITLAB_PAT: &str = r"glpat-[A-Za-z0-9_\-]{20,}(?:\.[A-Za-z0-9]{2}\.[A-Za-z0-9]{9})?";
