use std::collections::HashMap;
use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{MetadataDirective, TaggingDirective};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tempfile::NamedTempFile;

use super::{Content, CopySource, Listed, Meta, Object, Objects, Over};
use crate::blob::{Cause, S3, S3Config, patience, said};
use crate::error::Error;

/// What is encoded where a key is part of an address.
pub(super) const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How often content is asked for anew that broke off.
const READS: usize = 3;

/// A prefix of a bucket of an S3 store.
#[derive(Clone, Debug)]
pub struct Bucket {
    s3: S3,
    /// Which store, and who asks.
    account: String,
    /// Where content lies on its way.
    scratch: PathBuf,
}

impl Bucket {
    /// A client; nothing is asked yet. Content on its way lies in the folder `scratch`.
    pub fn new(config: S3Config, scratch: &Path) -> Self {
        let endpoint = config.endpoint.as_deref().unwrap_or("AWS");
        let account = format!("{endpoint} {} {}", config.region, config.login.access_key_id);
        let at = config.endpoint.as_ref().map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
        let place = format!("s3://{}/{}{at}", config.bucket, config.prefix);
        Self { s3: S3::new(config).named(place), account, scratch: scratch.to_owned() }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.s3.prefix)
    }

    fn failed(&self, done: &'static str, key: &str, cause: Cause) -> Error {
        self.s3.failed(done, &certus_model::escape::one_line(key, 300), cause)
    }

    /// A copy of the content that is what `meta` says and that nobody changes any more.
    async fn staged(&self, content: Content<'_>, meta: &Meta) -> std::io::Result<(ByteStream, Option<NamedTempFile>)> {
        match content {
            Content::Bytes(bytes) => {
                content.copy_to(&mut std::io::sink(), meta)?;
                Ok((ByteStream::from(bytes.to_vec()), None))
            }
            Content::File(file) => {
                // Not with a dot: what is left of a process that died is swept.
                let staged = tempfile::Builder::new().prefix("publish-").tempfile_in(&self.scratch);
                let (file, meta) = (file.try_clone()?, meta.clone());
                let copied = tokio::task::spawn_blocking(move || {
                    let mut staged = staged?;
                    Content::File(&file).copy_to(staged.as_file_mut(), &meta).map(|()| staged)
                });
                let staged = copied.await.unwrap_or_else(|died| Err(std::io::Error::other(died)))?;
                // From a path, so that it can be sent again.
                let stream = ByteStream::from_path(staged.path()).await.map_err(std::io::Error::other)?;
                Ok((stream, Some(staged)))
            }
        }
    }

    /// One try at the content of an object; none where it broke off.
    async fn get(&self, key: &str) -> Result<Option<std::fs::File>, Error> {
        let sent = self.s3.client.get_object().bucket(&self.s3.bucket).key(self.key(key)).send().await;
        let object = match sent {
            Ok(object) => object,
            Err(SdkError::ServiceError(error)) if error.err().is_no_such_key() => {
                return Err(Error::Gone { what: key.to_owned() });
            }
            Err(error) => return Err(self.failed("read", key, said(error))),
        };
        let here = |cause| Error::folder(format!("a copy of {key}"), "written", cause);
        let file = tempfile::tempfile_in(&self.scratch).map_err(here)?;
        let mut file = tokio::fs::File::from_std(file);
        let size = object.content_length().and_then(|size| u64::try_from(size).ok());
        let mut content = object.body.into_async_read();
        let copied = tokio::io::copy(&mut content, &mut file).await;
        if copied.is_err() || copied.ok() != size {
            return Ok(None);
        }
        tokio::io::AsyncWriteExt::flush(&mut file).await.map_err(here)?;
        let mut file = file.into_std().await;
        file.seek(SeekFrom::Start(0)).map_err(here)?;
        Ok(Some(file))
    }
}

impl Objects for Bucket {
    fn place(&self) -> String {
        self.s3.place.clone()
    }

    fn uri(&self, key: &str) -> String {
        format!("s3://{}/{}", self.s3.bucket, self.key(key))
    }

    fn look<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Object>, Error>> {
        Box::pin(async move {
            let sent = self.s3.client.head_object().bucket(&self.s3.bucket).key(self.key(key)).send().await;
            let object = match sent {
                Ok(object) => object,
                Err(SdkError::ServiceError(error)) if error.err().is_not_found() => return Ok(None),
                Err(error) => return Err(self.failed("read", key, said(error))),
            };
            let size = object.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
            let fields = object.metadata().into_iter().flatten();
            Ok(Some(Object { size, meta: Meta::read(fields, size, object.content_type().unwrap_or_default()) }))
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        content: Content<'a>,
        meta: &'a Meta,
        over: Over,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let staged = self.staged(content, meta).await;
            let (body, _staged) = staged.map_err(|cause| self.failed("written", key, cause.into()))?;
            let put = self.s3.client.put_object().bucket(&self.s3.bucket).key(self.key(key)).body(body);
            let put = put.content_length(i64::try_from(meta.size()).unwrap_or(i64::MAX));
            let put = put.checksum_sha256(STANDARD.encode(meta.sha256().as_bytes()));
            let put = put.content_type(meta.content_type()).set_metadata(Some(carried(meta))).set_tagging(tags(meta));
            let put = put.set_if_none_match((over == Over::Nothing).then(|| "*".to_owned()));
            let put = put.customize().config_override(Builder::new().timeout_config(patience(meta.size())));
            match put.send().await {
                // It is there, by an earlier try or by somebody else's.
                Err(SdkError::ServiceError(error)) if matches!(error.raw().status().as_u16(), 409 | 412) => Ok(()),
                sent => sent.map(drop).map_err(|cause| self.failed("written", key, said(cause))),
            }
        })
    }

    fn copy<'a>(
        &'a self,
        from: &'a dyn Objects,
        from_key: &'a str,
        key: &'a str,
        meta: &'a Meta,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let source = from.copy_source(from_key).filter(|source| source.account == self.account);
            let Some(source) = source else {
                let file = from.open(from_key).await?;
                return self.put(key, Content::File(&file), meta, Over::Anything).await;
            };
            let copy = self.s3.client.copy_object().bucket(&self.s3.bucket).key(self.key(key));
            let copy = copy.copy_source(source.path).content_type(meta.content_type());
            let copy = copy.metadata_directive(MetadataDirective::Replace).set_metadata(Some(carried(meta)));
            let copy = copy.tagging_directive(TaggingDirective::Replace).set_tagging(tags(meta));
            let copy = copy.customize().config_override(Builder::new().timeout_config(patience(meta.size())));
            match copy.send().await {
                Err(SdkError::ServiceError(error)) if error.err().code() == Some("NoSuchKey") => {
                    Err(Error::Gone { what: from_key.to_owned() })
                }
                sent => sent.map(drop).map_err(|cause| self.failed("copied", key, said(cause))),
            }
        })
    }

    fn open<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<std::fs::File, Error>> {
        Box::pin(async move {
            for _ in 0..READS {
                if let Some(file) = self.get(key).await? {
                    return Ok(file);
                }
                tracing::warn!(key, place = self.place(), "an object broke off; it is asked for again");
            }
            Err(self.failed("read", key, "it broke off".into()))
        })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, Error>> {
        Box::pin(async move {
            let listed = self.s3.listed(&self.key(prefix)).await?;
            let listed = listed.into_iter();
            let own =
                |(key, size): (String, u64)| Some(Listed { key: key.strip_prefix(&self.s3.prefix)?.to_owned(), size });
            Ok(listed.filter_map(own).collect())
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { self.s3.delete(&self.key(key)).await })
    }

    fn copy_source(&self, key: &str) -> Option<CopySource> {
        let path = format!("{}/{}", self.s3.bucket, self.key(key));
        Some(CopySource { account: self.account.clone(), path: utf8_percent_encode(&path, KEY).to_string() })
    }
}

fn carried(meta: &Meta) -> HashMap<String, String> {
    meta.carried().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// `a=b&c=d`; none without tags.
fn tags(meta: &Meta) -> Option<String> {
    let encoded = |text: &str| utf8_percent_encode(text, KEY).to_string();
    let tags: Vec<_> =
        meta.tags().iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    (!tags.is_empty()).then(|| tags.join("&"))
}
