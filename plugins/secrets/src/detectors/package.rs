use certus_sdk_files::Confidence::High;

use crate::check::base64::holds_credentials;
use crate::check::checksum::base62_crc32;
use crate::check::shape::is_not_stand_in;
use crate::detector::Detector;

pub(super) const ROWS: &[Detector] = &[
    // https://github.blog/changelog/2021-09-23-npm-has-a-new-access-token-format/
    Detector::token("npm-token", &["npm_"], "npm_[A-Za-z0-9]{36}").checks(&[base62_crc32]),
    // https://docs.npmjs.com/cli/configuring-npm/npmrc#auth-related-configuration
    Detector::value("npmrc-auth", &["_authtoken", "_password"], r#"(?i:_authToken|_password)[ \t]*=[ \t]*"?([^\s"]+)"#)
        .named(&["npmrc"])
        .sure(High)
        .checks(&[is_not_stand_in]),
    Detector::value("npmrc-auth", &["_auth"], r#"_auth[ \t]*=[ \t]*"?([A-Za-z0-9+/=]+)"#)
        .named(&["npmrc"])
        .sure(High)
        .checks(&[holds_credentials]),
    // https://pypi.org/help/#apitoken: a macaroon for pypi.org or test.pypi.org.
    Detector::token("pypi-token", &["pypi-age"], r"pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)[A-Za-z0-9_\-]{50,}")
        .reach(512),
    // https://packaging.python.org/specifications/pypirc/
    Detector::value("pypirc-password", &["password"], r"password[ \t]*[=:][ \t]*([^\s]+)")
        .named(&[".pypirc"])
        .sure(High)
        .checks(&[is_not_stand_in]),
    // https://guides.rubygems.org/api-key-scopes/
    Detector::token("rubygems-api-key", &["rubygems_"], "rubygems_[a-f0-9]{48}"),
    // https://crates.io/docs: "cio" and 32 characters since 2023.
    Detector::token("crates-io-token", &["cio"], "cio[A-Za-z0-9]{32}"),
    // https://learn.microsoft.com/nuget/nuget-org/publish-a-package#create-an-api-key
    Detector::token("nuget-api-key", &["oy2"], "oy2[a-z0-9]{43}"),
    // https://docs.docker.com/security/access-tokens/
    Detector::token(
        "docker-hub-token",
        &["dckr_pat_", "dckr_oat_"],
        r"dckr_(?:pat_[A-Za-z0-9_\-]{27}|oat_[A-Za-z0-9_\-]{32})",
    ),
    // https://docs.docker.com/reference/cli/docker/login/#credential-stores
    Detector::value("docker-config-auth", &["\"auth\""], r#""auth"[ \t]*:[ \t]*"([A-Za-z0-9+/=]{8,})""#)
        .reach(2048)
        .checks(&[holds_credentials]),
    // https://github.com/clojars/clojars-web/wiki/Deploy-Tokens
    Detector::token("clojars-token", &["clojars_"], "CLOJARS_[a-f0-9]{60}"),
    // https://jfrog.com/help/r/jfrog-platform-administration-documentation/access-tokens
    Detector::token("artifactory-token", &["akcp", "cmvmdgtu"], "(?:AKCp[A-Za-z0-9]{69}|cmVmdGtu[A-Za-z0-9]{56})"),
];
