//! Blobs in a bucket of an S3 store.

mod client;

use std::fmt;
use std::io::{Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::SystemTime;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cap_std::fs::Dir;
use certus_model::Sha256;
use certus_model::document::INDEX;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, TryStreamExt as _};
use sha2::Digest as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use self::client::clients;
pub(crate) use self::client::patience;
pub use self::client::{S3Config, S3Login};
use super::{Area, BlobStore, Incoming, Kept, PART, digest};
use crate::error::Error;

/// What is written last of a bundle: what has it is whole.
const LAST: &str = INDEX;
/// Under which every object carries the SHA-256 of its content.
const DIGEST: &str = "sha256";
/// How many files of a bundle are on their way at a time.
const TOGETHER: usize = 6;
/// How often content is asked for anew that came damaged.
const READS: usize = 3;

/// A prefix of a bucket.
#[derive(Clone, Debug)]
pub struct S3 {
    pub(crate) client: Client,
    /// Without a login.
    anonymous: Client,
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    pub(crate) place: String,
}

/// A failure that goes into [`Error::Blob`].
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

impl S3 {
    /// A client; nothing is asked yet.
    pub fn new(config: S3Config) -> Self {
        let (client, anonymous) = clients(&config);
        let at = config.endpoint.map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
        let place = format!("bucket `{}`{at}", config.bucket);
        Self { client, anonymous, bucket: config.bucket, prefix: config.prefix, place }
    }

    /// The same under another name for people.
    pub(crate) fn named(self, place: String) -> Self {
        Self { place, ..self }
    }

    /// Reads an object of any bucket that the login reaches, of at most `limit` bytes.
    ///
    /// # Errors
    /// An object that is not there or is larger, a store that fails.
    pub async fn fetch(&self, bucket: &str, key: &str, limit: usize) -> Result<Vec<u8>, Error> {
        let shown = certus_model::escape::one_line(&format!("{bucket}/{key}"), 300);
        let failed = |cause| self.failed("read", &shown, cause);
        let sent = self.client.get_object().bucket(bucket).key(key).send().await;
        let object = match sent {
            Ok(object) => object,
            Err(SdkError::ServiceError(error)) if error.err().is_no_such_key() => {
                return Err(Error::Gone { what: shown });
            }
            Err(error) => return Err(failed(said(error))),
        };
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let mut content = Vec::new();
        let read = object.body.into_async_read().take(most).read_to_end(&mut content).await;
        read.map_err(|cause| failed(cause.into()))?;
        if content.len() > limit {
            return Err(failed(format!("it has more than {limit} bytes").into()));
        }
        Ok(content)
    }

    /// Whether somebody without a login is shown what the bucket holds.
    pub async fn is_public(&self) -> bool {
        self.anonymous.list_objects_v2().bucket(&self.bucket).max_keys(1).send().await.is_ok()
    }

    fn key(&self, area: Area, name: &str, path: Option<&str>) -> String {
        match path {
            None => format!("{}{}/{name}", self.prefix, area.as_str()),
            Some(path) => format!("{}{}/{name}/{path}", self.prefix, area.as_str()),
        }
    }

    pub(crate) fn failed(&self, done: &'static str, key: &str, cause: Cause) -> Error {
        metrics::counter!("certus_assurance_blob_errors_total", "operation" => done).increment(1);
        Error::Blob { what: key.to_owned(), done, place: self.place.clone(), cause }
    }

    /// Writes an object, with its digest.
    async fn put(&self, dir: &Dir, file: &str, source: PathBuf, key: String) -> Result<(), Error> {
        let (sha256, size) = dir
            .open(file)
            .and_then(|mut file| digest(&mut file))
            .map_err(|cause| Error::folder(format!("incoming/{file}"), "read", cause))?;
        let failed = |cause| self.failed("written", &key, cause);
        let body = ByteStream::from_path(&source).await.map_err(|cause| failed(cause.into()))?;
        let put = self.client.put_object().bucket(&self.bucket).key(&key).body(body);
        let put = put.content_length(i64::try_from(size).unwrap_or(i64::MAX));
        let put = put.checksum_sha256(STANDARD.encode(sha256.as_bytes())).metadata(DIGEST, sha256.to_string());
        let put = put.customize().config_override(Builder::new().timeout_config(patience(size)));
        put.send().await.map_err(|cause| failed(said(cause)))?;
        Ok(())
    }

    /// One try at an object, into a file without a name.
    async fn get(&self, incoming: &Incoming, key: &str) -> Result<Result<std::fs::File, Damaged>, Error> {
        let failed = |cause| self.failed("read", key, cause);
        let sent = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let object = match sent {
            Ok(object) => object,
            Err(SdkError::ServiceError(error)) if error.err().is_no_such_key() => {
                return Err(Error::Gone { what: key.to_owned() });
            }
            Err(error) => return Err(failed(said(error))),
        };
        let wanted = object.metadata().and_then(|metadata| metadata.get(DIGEST)).cloned();
        let here = |cause| Error::folder(format!("a copy of {key}"), "written", cause);
        let file = tempfile::tempfile_in(incoming.path()).map_err(here)?;
        let mut file = tokio::fs::File::from_std(file);
        let mut content = object.body.into_async_read();
        let (mut hash, mut part) = (sha2::Sha256::new(), vec![0; PART]);
        loop {
            match content.read(&mut part).await {
                Ok(0) => break,
                Ok(read) => {
                    hash.update(&part[..read]);
                    file.write_all(&part[..read]).await.map_err(here)?;
                }
                // The connection broke, or less came than was announced.
                Err(_) => return Ok(Err(Damaged)),
            }
        }
        file.flush().await.map_err(here)?;
        let found = Sha256::from_bytes(hash.finalize().into()).to_string();
        // A store that forgets what an object carries is held to what the bundle's index lists alone.
        if wanted.is_some_and(|wanted| wanted != found) {
            return Ok(Err(Damaged));
        }
        let mut file = file.into_std().await;
        file.seek(SeekFrom::Start(0)).map_err(here)?;
        Ok(Ok(file))
    }

    /// The keys below `prefix` with when they were written and their sizes, or, up to a slash, the names.
    async fn list(&self, prefix: &str, names: bool) -> Result<Listing, Error> {
        let failed = |cause| self.failed("listed", prefix, cause);
        let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
        let request = if names { request.delimiter("/") } else { request };
        let mut pages = request.into_paginator().send();
        let mut listing = Listing::default();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|cause| failed(said(cause)))?;
            let folders = page.common_prefixes().iter().filter_map(|folder| folder.prefix());
            listing.folders.extend(
                folders.filter_map(|folder| Some(folder.strip_prefix(prefix)?.trim_end_matches('/').to_owned())),
            );
            for object in page.contents() {
                let Some(key) = object.key() else { continue };
                let changed = object.last_modified().and_then(|time| SystemTime::try_from(*time).ok());
                listing.objects.push(Object {
                    key: key.to_owned(),
                    kept: Kept {
                        // What does not say when it was written is not taken for old.
                        changed: changed.unwrap_or_else(SystemTime::now),
                        bytes: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
                    },
                });
            }
        }
        Ok(listing)
    }

    /// The objects of one name: that of an upload, those below a bundle's.
    async fn objects(&self, area: Area, name: &str) -> Result<Vec<Object>, Error> {
        let key = self.key(area, name, None);
        match area {
            Area::Bundles => Ok(self.list(&format!("{key}/"), false).await?.objects),
            // Other names may begin with this one.
            Area::Uploads => {
                let mut objects = self.list(&key, false).await?.objects;
                objects.retain(|object| object.key == key);
                Ok(objects)
            }
        }
    }

    /// Every key below `prefix` with its size.
    pub(crate) async fn listed(&self, prefix: &str) -> Result<Vec<(String, u64)>, Error> {
        let objects = self.list(prefix, false).await?.objects;
        Ok(objects.into_iter().map(|object| (object.key, object.kept.bytes)).collect())
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), Error> {
        let sent = self.client.delete_object().bucket(&self.bucket).key(key).send().await;
        sent.map(drop).map_err(|cause| self.failed("removed", key, said(cause)))
    }
}

/// Content that is not what was kept.
struct Damaged;

#[derive(Default)]
struct Listing {
    folders: Vec<String>,
    objects: Vec<Object>,
}

struct Object {
    key: String,
    kept: Kept,
}

impl BlobStore for S3 {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn check(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let key = format!("{}.probe-{}", self.prefix, uuid::Uuid::now_v7());
            let put = self.client.put_object().bucket(&self.bucket).key(&key).body(ByteStream::from_static(b"certus"));
            put.send().await.map_err(|cause| self.failed("written", &key, said(cause)))?;
            let got = self.client.get_object().bucket(&self.bucket).key(&key).send().await;
            got.map_err(|cause| self.failed("read", &key, said(cause)))?;
            self.list(&key, false).await?;
            self.delete(&key).await
        })
    }

    fn keep<'a>(&'a self, incoming: &'a Incoming, area: Area, name: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let here = |cause| Error::folder(format!("incoming/{name}"), "read", cause);
            let dir = incoming.dir();
            if !dir.symlink_metadata(name).map_err(here)?.is_dir() {
                return self.put(dir, name, incoming.path().join(name), self.key(area, name, None)).await;
            }
            let dir = dir.open_dir(name).map_err(here)?;
            let mut files = Vec::new();
            below(&dir, "", &mut files).map_err(here)?;
            let (last, first): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| path == LAST);
            let put = |path: String| {
                let (dir, source, key) =
                    (&dir, incoming.path().join(name).join(&path), self.key(area, name, Some(&path)));
                async move {
                    self.put(dir, &path, source, key).await?;
                    crate::crash::point("blob-put");
                    Ok::<_, Error>(())
                }
            };
            stream::iter(first.into_iter().map(Ok)).try_for_each_concurrent(TOGETHER, put).await?;
            for path in last {
                put(path).await?;
            }
            Ok(())
        })
    }

    fn open<'a>(
        &'a self,
        incoming: &'a Incoming,
        area: Area,
        name: &'a str,
        path: Option<&'a str>,
    ) -> BoxFuture<'a, Result<std::fs::File, Error>> {
        Box::pin(async move {
            let key = self.key(area, name, path);
            for _ in 0..READS {
                if let Ok(file) = self.get(incoming, &key).await? {
                    return Ok(file);
                }
                tracing::warn!(key, place = self.place, "an object came damaged; it is asked for again");
            }
            Err(Error::Damaged { what: key, place: self.place.clone() })
        })
    }

    fn path(&self, _: Area, _: &str) -> Option<PathBuf> {
        None
    }

    fn names(&self, area: Area) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(async move {
            let prefix = self.key(area, "", None);
            let listing = self.list(&prefix, true).await?;
            let files = listing.objects.iter().filter_map(|object| object.key.strip_prefix(&prefix).map(str::to_owned));
            Ok(match area {
                Area::Bundles => listing.folders,
                Area::Uploads => files.collect(),
            })
        })
    }

    fn look<'a>(&'a self, area: Area, name: &'a str) -> BoxFuture<'a, Result<Option<Kept>, Error>> {
        Box::pin(async move {
            let objects = self.objects(area, name).await?;
            let bytes = objects.iter().map(|object| object.kept.bytes).sum();
            Ok(objects.iter().map(|object| object.kept.changed).max().map(|changed| Kept { changed, bytes }))
        })
    }

    fn remove<'a>(&'a self, area: Area, name: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut objects = self.objects(area, name).await?;
            // What was written last goes first: half a bundle does not look whole.
            objects.sort_by_key(|object| !object.key.ends_with(LAST));
            for object in objects {
                self.delete(&object.key).await?;
            }
            Ok(())
        })
    }
}

/// What the store says, or what the connection did, without addresses and headers.
pub(crate) fn said<E, R>(error: SdkError<E, R>) -> Cause
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: fmt::Debug + Send + Sync + 'static,
{
    match &error {
        SdkError::ServiceError(service) => {
            let (code, message) = (service.err().code().unwrap_or("no code"), service.err().message().unwrap_or(""));
            certus_model::escape::one_line(&format!("{code}: {message}"), 300).into()
        }
        other => {
            let causes = std::iter::successors(Some(other as &dyn std::error::Error), |error| error.source());
            causes.map(ToString::to_string).collect::<Vec<_>>().join(": ").into()
        }
    }
}

/// The paths of all files below, with slashes.
fn below(dir: &Dir, above: &str, files: &mut Vec<String>) -> std::io::Result<()> {
    for entry in dir.entries()? {
        let entry = entry?;
        let path = format!("{above}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            below(&entry.open_dir()?, &format!("{path}/"), files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
