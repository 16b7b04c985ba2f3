//! What is asked of KMS, by which client, and what its refusals mean.

use std::time::Duration;

use aws_sdk_kms::Config;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType, MessageType, SigningAlgorithmSpec};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use certus_model::Sha256;
use certus_model::escape::one_line;

use crate::Error;

use super::{KmsAccess, KmsUri};

/// How often one request is tried, and how long is waited before the second time, at most.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);
const CONNECT: Duration = Duration::from_secs(5);
/// How long one try may take.
const ANSWER: Duration = Duration::from_secs(10);

pub(super) struct Client {
    client: aws_sdk_kms::Client,
    uri: KmsUri,
}

/// Where and as whom. Nothing is asked yet.
pub(super) fn config(uri: &KmsUri, access: &KmsAccess) -> Result<Config, Error> {
    let lacks = |what| Error::KeyNeeds { key: uri.to_string(), what };
    let login = access.login.as_ref().ok_or_else(|| lacks("a login: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"))?;
    let region = uri.region().or(access.region.as_deref()).ok_or_else(|| lacks("its region: AWS_REGION"))?;
    let secret = login.secret_access_key.as_str().to_owned();
    let token = login.session_token.as_ref().map(|token| token.as_str().to_owned());
    let credentials = Credentials::new(login.access_key_id.clone(), secret, token, None, "the settings of the service");
    let mut builder = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(PAUSE))
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ANSWER).build())
        .http_client(
            http_client(access.authorities.as_deref())
                .ok_or_else(|| lacks("usable certificates of its authorities"))?,
        );
    if let Some(endpoint) = uri.endpoint().or_else(|| access.endpoint.clone()) {
        builder = builder.endpoint_url(endpoint);
    }
    Ok(builder.build())
}

fn http_client(authorities: Option<&[u8]>) -> Option<SharedHttpClient> {
    let builder = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    let Some(pem) = authorities else { return Some(builder.build_https()) };
    let trusted = TrustStore::empty().with_pem_certificate(pem);
    let context = TlsContext::builder().with_trust_store(trusted).build().ok()?;
    Some(builder.tls_context(context).build_https())
}

impl Client {
    pub(super) fn new(config: Config, uri: KmsUri) -> Self {
        Self { client: aws_sdk_kms::Client::from_conf(config), uri }
    }

    /// The public half, as DER.
    pub(super) async fn public_key(&self) -> Result<Vec<u8>, Error> {
        let answer =
            self.client.get_public_key().key_id(self.uri.key()).send().await.map_err(|error| self.refused(error))?;
        let fits =
            answer.key_spec() == Some(&KeySpec::EccNistP256) && answer.key_usage() == Some(&KeyUsageType::SignVerify);
        match answer.public_key {
            Some(key) if fits => Ok(key.into_inner()),
            _ => Err(Error::KeyKind(self.uri.to_string())),
        }
    }

    /// A signature over the digest, as DER. The digest goes, and not what it is of: KMS takes 4,096 bytes at most.
    pub(super) async fn sign(&self, digest: &Sha256) -> Result<Vec<u8>, Error> {
        let answer = self
            .client
            .sign()
            .key_id(self.uri.key())
            .message(Blob::new(digest.as_bytes()))
            .message_type(MessageType::Digest)
            .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
            .send()
            .await
            .map_err(|error| self.refused(error))?;
        // An empty one does not verify.
        Ok(answer.signature.map(Blob::into_inner).unwrap_or_default())
    }

    fn refused<E: ProvideErrorMetadata + std::error::Error + 'static>(&self, error: SdkError<E>) -> Error {
        let key = self.uri.to_string();
        let Some(service) = error.as_service_error() else {
            return Error::KmsAway { key, cause: one_line(&innermost(&error), 200) };
        };
        let code = one_line(service.code().unwrap_or("no code"), 100);
        match &*code {
            "AccessDeniedException"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "IncompleteSignature"
            | "ExpiredTokenException"
            | "InvalidClientTokenId"
            | "MissingAuthenticationTokenException" => Error::KeyDenied { key, code },
            "NotFoundException" => Error::KeyMissing { key, place: "with AWS KMS, in that region" },
            "InvalidKeyUsageException" | "UnsupportedOperationException" => Error::KeyKind(key),
            _ => Error::KeyHolder { key, said: code },
        }
    }
}

/// What the error began with: the outer ones only say that there was one.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(cause) = error.source() {
        error = cause;
    }
    error.to_string()
}
