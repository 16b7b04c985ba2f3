//! Where a bucket is, who asks, and by which client.

use std::fmt;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient,
};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

/// How often one request is tried.
const ATTEMPTS: u32 = 5;
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take, and what is sent for each of these bytes a second more.
const ANSWER: Duration = Duration::from_secs(30);
const SLOWEST: u64 = 1 << 20;

/// Where a bucket is.
#[derive(Clone, Debug)]
pub struct S3Config {
    /// The store's address; that of AWS where there is none.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// What every key begins with: empty, or ends with a slash.
    pub prefix: String,
    /// Who asks.
    pub login: S3Login,
    /// Certificates (PEM) of the authorities that vouch for the store, in place of the machine's.
    pub authorities: Option<Vec<u8>>,
}

/// A login. It cannot be printed.
#[derive(Clone)]
pub struct S3Login {
    /// The name.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
}

impl fmt::Debug for S3Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S3Login(redacted)")
    }
}

/// Two clients: who has the login, and who has none. Nothing is asked yet.
pub(super) fn clients(config: &S3Config) -> (Client, Client) {
    let login = &config.login;
    let (id, secret) = (login.access_key_id.clone(), login.secret_access_key.clone());
    let credentials = Credentials::new(id, secret, None, None, "the settings of the service");
    let mut builder = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(patience(0))
        .http_client(http_client(config.authorities.as_deref()))
        // Stores that are not AWS know no trailers; each object carries a digest of ours.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = &config.endpoint {
        // A bucket as a part of the host needs names that private stores do not have.
        builder = builder.endpoint_url(endpoint).force_path_style(true);
    }
    let anonymous = Client::from_conf(builder.clone().allow_no_auth().build());
    (Client::from_conf(builder.credentials_provider(credentials).build()), anonymous)
}

/// How long a request may take that sends so many bytes: the answer comes after all of them have gone.
pub(crate) fn patience(bytes: u64) -> TimeoutConfig {
    let answer = ANSWER + Duration::from_secs(bytes / SLOWEST);
    TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(answer).build()
}

fn http_client(authorities: Option<&[u8]>) -> SharedHttpClient {
    let builder = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    let trusted = authorities.map(|pem| TrustStore::empty().with_pem_certificate(pem));
    let context = trusted.and_then(|trusted| TlsContext::builder().with_trust_store(trusted).build().ok());
    match context {
        Some(context) => builder.tls_context(context).build_https(),
        None => builder.build_https(),
    }
}
