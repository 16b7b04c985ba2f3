use certus_sdk_files::Confidence::High;

use crate::check::base64::decodes;
use crate::check::shape::{is_dense, is_hex_dense};
use crate::detector::Detector;

pub(super) const ROWS: &[Detector] = &[
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    Detector::token("aws-access-key-id", &["akia", "asia", "abia", "acca"], "A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}"),
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html
    Detector::assigned(
        "aws-secret-access-key",
        &["aws_secret", "secret_access_key", "secretaccesskey", "secret-access-key"],
        assigned!("aws_secret|secret[_-]?access[_-]?key", "[A-Za-z0-9+/]{40}"),
    )
    .sure(High)
    .checks(&[is_dense]),
    // https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html: "BedrockAPIKey-" in base64.
    Detector::token("aws-bedrock-api-key", &["absk"], "ABSKQmVkcm9ja0FQSUtleS[A-Za-z0-9+/]{80,260}={0,2}")
        .checks(&[decodes]),
    // https://cloud.google.com/docs/authentication/api-keys
    Detector::token("gcp-api-key", &["aiza"], r"AIza[A-Za-z0-9_\-]{35}"),
    // https://developers.google.com/identity/protocols/oauth2/web-server
    Detector::token("gcp-oauth-client-secret", &["gocspx-"], r"GOCSPX-[A-Za-z0-9_\-]{28}"),
    // https://cloud.google.com/docs/authentication/token-types#access
    Detector::token("gcp-oauth-access-token", &["ya29."], r"ya29\.[A-Za-z0-9_\-]{30,}").reach(1024),
    // https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
    Detector::assigned("azure-storage-key", &["accountkey"], "(?i:AccountKey)[ \t]*=[ \t]*([A-Za-z0-9+/]{86}==)")
        .sure(High)
        .checks(&[is_dense]),
    // https://learn.microsoft.com/azure/service-bus-messaging/service-bus-sas
    Detector::assigned("azure-shared-access-key", &["sharedaccesskey="], "(?i:SharedAccessKey)=([A-Za-z0-9+/]{43}=)")
        .sure(High)
        .checks(&[is_dense]),
    // https://learn.microsoft.com/purview/sit-defn-client-secret-api-key: 40 characters around "8Q~".
    Detector::token("azure-client-secret", &["7q~", "8q~"], r"[78]Q~[A-Za-z0-9_~.\-]{31,34}")
        .lead(is_client_secret, 3..4)
        .checks(&[is_dense]),
    // https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate
    Detector::token("azure-devops-pat", &["azdo"], "AZDO[A-Za-z0-9]{4}").lead(is_alphanumeric, 76..77),
    // https://docs.digitalocean.com/reference/api/create-personal-access-token/
    Detector::token("digitalocean-token", &["doo_v1_", "dop_v1_", "dor_v1_"], "do[opr]_v1_[a-f0-9]{64}"),
    // https://techdocs.akamai.com/linode-api/reference/get-started
    Detector::assigned("linode-token", &["linode"], assigned!("linode", "[a-f0-9]{64}")).checks(&[is_hex_dense]),
    // https://www.alibabacloud.com/help/en/ram/user-guide/create-an-accesskey-pair
    Detector::token("alibaba-access-key-id", &["ltai"], "LTAI[A-Za-z0-9]{20}").checks(&[is_hex_dense]),
];

fn is_client_secret(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'~' | b'.' | b'-')
}

fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}
