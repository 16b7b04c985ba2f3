//! The steps, in their order.

use std::fs::File;
use std::io::Read as _;

use certus_model::document::{INDEX, PROOF};
use certus_model::{RepoPath, ScanId, Sha256, canonical_json};
use certus_signing::permit::rfc3339;
use certus_signing::{Permit, PermitTerms};
use certus_store::{Content, Meta, Object, Over, crash_point};
use time::OffsetDateTime;

use crate::claim::Claim;
use crate::destination::Destination;
use crate::error::Error;
use crate::marker::{FORMAT, Marked, Marker};
use crate::publication::{BOUND, DOCUMENTS, Document, Listed, Proof, Publication};
use crate::published::{Published, RegistryRecord};
use crate::registry::{Artifact, Item};

/// What time it is.
pub type Clock<'a> = &'a (dyn Fn() -> OffsetDateTime + Sync);

/// Largest marker that is read, in bytes.
const MARKER: u64 = 1 << 20;
/// How often a marker is read that is not what was written.
const READS: usize = 3;

/// Publishes what a permit lists, at the place that it names, and takes it away. It may be called again after a
/// failure, with the same permit or a newer one: what is there already is not put twice, and what is complete stays
/// as it is.
///
/// # Errors
/// A permit for anything else, which leaves everything untouched; a file that is not what was permitted; a store or
/// a registry that fails; a permit that runs out meanwhile. None of them leaves a marker.
pub async fn publish(
    permit: Permit,
    publication: &Publication<'_>,
    to: &Destination,
    now: Clock<'_>,
) -> Result<Published, Error> {
    let run = Run::begin(&permit, publication, to, now)?;
    if let Found::Complete(marker) = run.look().await? {
        return Ok(marker.published(to));
    }
    let claim = Claim::of(run.terms);
    claim.take(run.terms, to, now()).await?;
    crash_point("publish-claimed");
    let done = run.carry_out(&claim).await;
    match &done {
        // With the permit its claim has run out too.
        Ok(_) | Err(Error::Expired { .. }) => {}
        Err(error) if error.is_transient() => {}
        // Nobody goes on with this permit, so another one need not wait for its end.
        Err(_) => claim.give_up(run.terms, to).await,
    }
    done
}

/// Where a scan was published: after a crash, say, when its permit has run out. None if it was not, or not all of it.
///
/// # Errors
/// [`Error::Conflict`] if another bundle was, a marker that is none of ours, a store that fails.
pub async fn find(scan: &ScanId, index_digest: Sha256, to: &Destination) -> Result<Option<Published>, Error> {
    match look(scan, to).await? {
        Found::Complete(marker) if marker.index_digest == index_digest => Ok(Some(marker.published(to))),
        Found::Complete(marker) => {
            Err(Error::Conflict { scan: scan.clone(), published: marker.index_digest, wanted: index_digest })
        }
        Found::Damaged | Found::Nothing => Ok(None),
    }
}

/// What there is of a marker.
enum Found {
    Nothing,
    /// It is not what was written: its writer has not finished.
    Damaged,
    Complete(Box<Marker>),
}

async fn look(scan: &ScanId, to: &Destination) -> Result<Found, Error> {
    let key = Destination::marker_key(scan);
    let Some(object) = to.golden.look(&key).await? else { return Ok(Found::Nothing) };
    let unreadable = || Error::Marker { uri: to.golden.uri(&key) };
    let mut bytes = Vec::new();
    for _ in 0..READS {
        bytes.clear();
        let read = to.golden.open(&key).await?.take(MARKER).read_to_end(&mut bytes);
        read.map_err(|_| unreadable())?;
        if is(&object, &bytes) {
            break;
        }
    }
    if !is(&object, &bytes) {
        return Ok(Found::Damaged);
    }
    let marker: Marker = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
    match marker.format == FORMAT && marker.test_id == *scan {
        true => Ok(Found::Complete(Box::new(marker))),
        false => Err(unreadable()),
    }
}

/// Whether an object should read like this, as far as its store remembers.
fn is(object: &Object, bytes: &[u8]) -> bool {
    object.meta.as_ref().is_none_or(|meta| meta.sha256() == Sha256::of(bytes))
}

/// One publication, whose permit was looked at.
struct Run<'a> {
    permit: &'a Permit,
    terms: &'a PermitTerms,
    publication: &'a Publication<'a>,
    to: &'a Destination,
    now: Clock<'a>,
    proof: Proof,
    /// What the permit lists, sorted by path.
    files: Vec<Listed>,
    /// What goes along with it.
    documents: Vec<(Listed, &'a [u8])>,
}

impl<'a> Run<'a> {
    /// Looks at everything that can be looked at before anything is touched.
    fn begin(
        permit: &'a Permit,
        publication: &'a Publication<'a>,
        to: &'a Destination,
        now: Clock<'a>,
    ) -> Result<Self, Error> {
        let terms = permit.terms();
        if terms.tenant_id != *publication.tenant {
            return Err(Error::OtherTenant { permitted: terms.tenant_id.clone(), given: publication.tenant.clone() });
        }
        if terms.scan_id != publication.labels.scan {
            return Err(Error::OtherScan { permitted: terms.scan_id.clone(), given: publication.labels.scan.clone() });
        }
        if terms.destination != to.name() {
            return Err(Error::OtherDestination { permitted: terms.destination.clone(), given: to.name() });
        }
        let (files, bound) = listed(terms)?;
        let documents = documents(publication, &files, &bound)?;
        let proof = Proof::parse(publication.proof)?;
        let run = Self { permit, terms, publication, to, now, proof, files, documents };
        run.is_valid().map(|()| run)
    }

    fn is_valid(&self) -> Result<(), Error> {
        match (self.now)() < self.permit.expires_at() {
            true => Ok(()),
            false => Err(Error::Expired { expires_at: self.terms.expires_at.clone() }),
        }
    }

    /// What there is already; another bundle is a refusal.
    async fn look(&self) -> Result<Found, Error> {
        match look(&self.terms.scan_id, self.to).await? {
            Found::Complete(marker) if marker.index_digest != self.terms.index_digest => Err(Error::Conflict {
                scan: self.terms.scan_id.clone(),
                published: marker.index_digest,
                wanted: self.terms.index_digest,
            }),
            found => Ok(found),
        }
    }

    async fn carry_out(&self, claim: &Claim) -> Result<Published, Error> {
        let over = match self.look().await? {
            // Whoever had the scan before has come to the end.
            Found::Complete(marker) => return Ok(marker.published(self.to)),
            Found::Damaged => Over::Anything,
            Found::Nothing => Over::Nothing,
        };
        self.put_raw().await?;
        self.screen().await?;
        self.copy_golden().await?;
        let registry = self.keep_artifact().await?;
        claim.hold(self.terms, self.to).await?;
        self.complete(registry, over).await
    }

    fn meta(&self, file: &Listed) -> Meta {
        self.publication.meta(file, self.terms, &self.proof, &rfc3339((self.now)()))
    }

    /// Every file that is published: what may not be written over, and what an earlier permit may have left.
    fn all(&self) -> impl Iterator<Item = (&Listed, Over)> {
        let documents = self.documents.iter().map(|(document, _)| (document, Over::Anything));
        self.files.iter().map(|file| (file, Over::Nothing)).chain(documents)
    }

    async fn put_raw(&self) -> Result<(), Error> {
        let raw = &*self.to.raw;
        for file in &self.files {
            let content = self.open(file).await?;
            let key = Destination::raw_key(&self.terms.scan_id, &file.path);
            raw.keep(&key, Content::File(&content), &self.meta(file), Over::Nothing).await?;
            crash_point("publish-raw");
        }
        for (document, bytes) in &self.documents {
            let key = Destination::raw_key(&self.terms.scan_id, &document.path);
            raw.keep(&key, Content::Bytes(bytes), &self.meta(document), Over::Anything).await?;
            crash_point("publish-raw");
        }
        Ok(())
    }

    /// A file of the bundle, once it is what was permitted.
    async fn open(&self, file: &Listed) -> Result<File, Error> {
        let differs = || Error::Differs { path: file.path.clone() };
        let opened = self.publication.files.open(&file.path).await?;
        let mut read = opened.try_clone().map_err(|_| differs())?;
        let digest = tokio::task::spawn_blocking(move || certus_store::digest(&mut read)).await;
        match digest {
            Ok(Ok(found)) if found == (file.sha256, file.size) => Ok(opened),
            _ => Err(differs()),
        }
    }

    /// Goes on only if nothing of what came in is held back.
    async fn screen(&self) -> Result<(), Error> {
        let Some(screen) = &self.to.screen else { return Ok(()) };
        let held = screen.held_back(&self.terms.scan_id, self.publication.tenant).await.map_err(Error::Unscreened)?;
        crash_point("publish-screened");
        match held.split_first() {
            None => Ok(()),
            Some((key, others)) => Err(Error::HeldBack { key: key.clone(), others: others.len() }),
        }
    }

    async fn copy_golden(&self) -> Result<(), Error> {
        let scan = &self.terms.scan_id;
        for (file, over) in self.all() {
            let (from, key) = (Destination::raw_key(scan, &file.path), Destination::golden_key(scan, &file.path));
            self.to.golden.keep_copy(&*self.to.raw, &from, &key, &self.meta(file), over).await?;
            crash_point("publish-golden");
        }
        Ok(())
    }

    async fn keep_artifact(&self) -> Result<Option<RegistryRecord>, Error> {
        let Some(registry) = &self.to.registry else { return Ok(None) };
        self.is_valid()?;
        let scan = self.terms.scan_id.clone();
        let mut items = Vec::new();
        for (file, _) in self.all() {
            let file_of = self.to.golden.open(&Destination::golden_key(&scan, &file.path)).await?;
            items.push(Item { path: file.path.clone(), sha256: file.sha256, size: file.size, file: file_of });
        }
        items.sort_by(|a, b| a.path.cmp(&b.path));
        let record = registry.keep(&Artifact { scan, items }).await?;
        crash_point("publish-registry");
        Ok(Some(record))
    }

    /// Writes the marker, if the permit is still valid.
    async fn complete(&self, registry: Option<RegistryRecord>, over: Over) -> Result<Published, Error> {
        let golden = &*self.to.golden;
        let scan = &self.terms.scan_id;
        let mut files: Vec<_> = self
            .all()
            .map(|(file, _)| Marked { path: file.path.clone(), sha256: file.sha256, size: file.size })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let marker = Marker {
            format: FORMAT.to_owned(),
            test_id: scan.clone(),
            permit_id: self.terms.permit_id.clone(),
            tier: self.terms.tier,
            index_digest: self.terms.index_digest,
            files,
            registry,
        };
        let bytes = canonical_json(&marker)?;
        let listed = Listed { path: "complete.json".to_owned(), sha256: Sha256::of(&bytes), size: bytes.len() as u64 };
        let (key, meta) = (Destination::marker_key(scan), self.meta(&listed));
        self.is_valid()?;
        match golden.keep(&key, Content::Bytes(&bytes), &meta, over).await {
            // Somebody else was first: with the same bundle that is as good.
            Err(certus_store::Error::Taken { .. }) => {
                let found = find(scan, self.terms.index_digest, self.to).await?;
                found.ok_or(Error::Marker { uri: golden.uri(&key) })
            }
            kept => {
                kept?;
                crash_point("publish-complete");
                Ok(marker.published(self.to))
            }
        }
    }
}

/// What a permit lists, each a plain path, the index among them: the bundle's files, and those of Trust's documents that
/// it binds. That it lists none twice its signature check saw to.
fn listed(terms: &PermitTerms) -> Result<(Vec<Listed>, Vec<Listed>), Error> {
    let (mut files, mut bound) = (Vec::new(), Vec::new());
    for file in &terms.files {
        let shown = || certus_model::escape::one_line(&file.path, 200);
        let is_plain = file.path.parse::<RepoPath>().is_ok_and(|path| path.as_str() == file.path);
        if !is_plain || file.path.starts_with('.') {
            return Err(Error::Unfit(format!("lists `{}`, which is no file of a bundle", shown())));
        }
        let listed = Listed { path: file.path.clone(), sha256: file.sha256, size: file.size };
        // A newer permit brings newer ones, so they are not files that stay as they are.
        if BOUND.contains(&&*file.path) { bound.push(listed) } else { files.push(listed) }
    }
    match files.iter().any(|file| file.path == INDEX && file.sha256 == terms.index_digest) {
        true => Ok((files, bound)),
        false => Err(Error::Unfit("does not list the index that it names".to_owned())),
    }
}

/// The proof and the documents that go along with it, each what the permit binds, if it binds it.
fn documents<'a>(
    publication: &'a Publication<'a>,
    files: &[Listed],
    bound: &[Listed],
) -> Result<Vec<(Listed, &'a [u8])>, Error> {
    let proof = Document { name: PROOF, bytes: publication.proof };
    let mut documents: Vec<(Listed, &[u8])> = Vec::new();
    for document in [proof].into_iter().chain(publication.documents.iter().copied()) {
        let is_known = document.name == PROOF && documents.is_empty() || DOCUMENTS.contains(&document.name);
        let mut others = files.iter().chain(documents.iter().map(|(document, _)| document));
        if !is_known || others.any(|file| file.path == document.name) {
            return Err(Error::Document(certus_model::escape::one_line(document.name, 200)));
        }
        let (sha256, size) = (Sha256::of(document.bytes), document.bytes.len() as u64);
        documents.push((Listed { path: document.name.to_owned(), sha256, size }, document.bytes));
    }
    let differs = |bound: &&Listed| {
        let same = |(given, _): &(Listed, &[u8])| {
            (&given.path, given.sha256, given.size) == (&bound.path, bound.sha256, bound.size)
        };
        !documents.iter().any(same)
    };
    match bound.iter().find(differs) {
        Some(bound) => Err(Error::Differs { path: bound.path.clone() }),
        None => Ok(documents),
    }
}
