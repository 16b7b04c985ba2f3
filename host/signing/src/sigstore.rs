//! Sigstore's forms: a signed envelope with the proof that a log holds it (bundle v0.3), and what a client must
//! trust to check it. The one module that names Sigstore's verifier.

mod form;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certus_model::{Sha256, canonical_json};
use serde::Serialize;
use serde_json::json;
use sigstore_types::{Artifact, Bundle, DerPublicKey, Sha256Hash};
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::{PublicKeyVerificationPolicy, Verifier};

use self::form::Wrapped;
use crate::note::{Cosignature, Error, LogVerifier, VerifierKind};
use crate::{Envelope, PublicKey, SignedCheckpoint, VerifiedCheckpoint, dsse, merkle};

/// An entry of a log, with the proof that it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEntry {
    /// Where it stands, counted from 0.
    pub index: u64,
    /// The id of the log's key.
    pub log_id: Sha256,
    /// What was logged, byte for byte: [`log_entry`].
    pub body: Vec<u8>,
    /// How many entries the log had when it proved this.
    pub size: u64,
    /// The root over them.
    pub root: Sha256,
    /// The hashes that lead from the entry to the root (RFC 6962, section 2.1.1).
    pub proof: Vec<Sha256>,
    /// The log's signed statement of size and root, as text.
    pub checkpoint: String,
}

/// What a verified Sigstore bundle shows; comes from [`verify_wrapped`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    index: u64,
    checkpoint: VerifiedCheckpoint,
}

/// What is logged of an envelope that `key` has signed: Rekor v2's `hashedrekord/0.0.2` over the SHA-256 of the
/// envelope's encoding, canonical.
///
/// # Errors
/// An envelope with more or fewer signatures than one, or whose signature is not the key's.
pub fn log_entry(envelope: &Envelope, key: &PublicKey) -> Result<Vec<u8>, Error> {
    let (_, signature) = envelope.signature()?;
    let encoding = dsse::pae(envelope.payload_type(), envelope.payload());
    key.verify(&encoding, signature)?;
    canonical(&json!({
        "apiVersion": form::ENTRY_VERSION,
        "kind": form::ENTRY_KIND,
        "spec": { "hashedRekordV002": {
            "data": { "algorithm": "SHA2_256", "digest": BASE64.encode(Sha256::of(&encoding).as_bytes()) },
            "signature": {
                "content": BASE64.encode(signature.as_der()),
                "verifier": {
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "publicKey": { "rawBytes": BASE64.encode(key.spki()) },
                },
            },
        } },
    }))
}

/// Wraps an envelope and the proof that a log holds it into a Sigstore bundle v0.3 (`bundle.sigstore.json`),
/// canonical. The envelope stays what it is.
///
/// # Errors
/// None that these types can cause; the serialiser's own is passed on.
pub fn wrap(envelope: &Envelope, key: &PublicKey, logged: &LoggedEntry) -> Result<Vec<u8>, Error> {
    canonical(&Wrapped::new(envelope, key, logged)?)
}

/// Checks a Sigstore bundle: that it wraps `envelope`, which `key` has signed, and that one of `logs` holds it.
/// `logs` may name witnesses too; whose signature stands on the checkpoint must be among them.
///
/// # Errors
/// Anything but the one form that [`wrap`] writes, another envelope or key, an unknown log, a proof that proves
/// nothing, an entry about something else, a payload that is no in-toto statement.
pub fn verify_wrapped(
    bytes: &[u8],
    envelope: &Envelope,
    key: &PublicKey,
    logs: &[LogVerifier],
) -> Result<LogProof, Error> {
    let wrapped: Wrapped = serde_json::from_slice(bytes).map_err(|cause| {
        // The cause may repeat names from the file.
        Error::MalformedBundle(format!("has not the form v0.3 ({})", shown(&cause)))
    })?;
    if !wrapped.wraps(envelope) {
        return Err(Error::OtherEnvelope);
    }
    if wrapped.key_hint() != key.key_id().to_string() {
        return Err(Error::OtherKey(key.key_id()));
    }
    let logged = wrapped.logged()?;
    if wrap(envelope, key, &logged)? != bytes {
        return Err(Error::MalformedBundle("is not in canonical form (RFC 8785)".to_owned()));
    }
    if log_entry(envelope, key)? != logged.body {
        return Err(Error::OtherEntry);
    }
    let checkpoint = logged.verify(logs)?;
    ask_sigstore(bytes, envelope, key, logs)?;
    Ok(LogProof { index: logged.index, checkpoint })
}

/// Sigstore's own verifier has the last word: what it refuses, third parties would refuse.
fn ask_sigstore(bytes: &[u8], envelope: &Envelope, key: &PublicKey, logs: &[LogVerifier]) -> Result<(), Error> {
    let addresses = logs.iter().map(|log| (log.clone(), format!("https://{}", log.name()))).collect::<Vec<_>>();
    let root = trusted_root(&addresses)?;
    let refused = |cause: &dyn std::fmt::Display| Error::Refused(shown(cause));
    let root = TrustedRoot::from_json(&String::from_utf8_lossy(&root)).map_err(|cause| refused(&cause))?;
    let bundle = Bundle::from_json(&String::from_utf8_lossy(bytes)).map_err(|cause| refused(&cause))?;
    let policy = PublicKeyVerificationPolicy::new(DerPublicKey::new(key.spki().to_vec()));
    let subject = first_subject(envelope).ok_or_else(|| refused(&"the envelope holds no statement about bytes"))?;
    let artifact = Artifact::from(Sha256Hash::new(*subject.as_bytes()));
    let verifier = Verifier::new(&root).map_err(|cause| refused(&cause))?;
    match verifier.verify(artifact, &bundle, &policy).map_err(|cause| refused(&cause))?.tlog_verified() {
        true => Ok(()),
        false => Err(refused(&"the log was not looked at")),
    }
}

/// The digest of what the statement in an envelope is about, of the first if there are several.
fn first_subject(envelope: &Envelope) -> Option<Sha256> {
    let statement: serde_json::Value = serde_json::from_slice(envelope.payload()).ok()?;
    statement["subject"][0]["digest"]["sha256"].as_str()?.parse().ok()
}

/// What Sigstore clients must trust to check bundles of these logs (`trusted_root.json`): each log with the address
/// under which it can be read. Witnesses are left out, because clients know none.
///
/// # Errors
/// An address whose host is not the log's name, by which clients match the two.
pub fn trusted_root(logs: &[(LogVerifier, String)]) -> Result<Vec<u8>, Error> {
    let mut tlogs = std::collections::BTreeMap::new();
    for (log, url) in logs.iter().filter(|(log, _)| log.kind() == VerifierKind::Log) {
        if host_of(url) != log.name() {
            return Err(Error::BadAddress { url: shown(url), name: log.name().to_owned() });
        }
        tlogs.entry(log.id()).or_insert_with(|| {
            json!({
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "logId": { "keyId": BASE64.encode(log.id().as_bytes()) },
                "publicKey": {
                    "keyDetails": "PKIX_ED25519",
                    "rawBytes": BASE64.encode(log.spki()),
                    // Some clients want to be told since when: before there was any log.
                    "validFor": { "start": "2020-01-01T00:00:00Z" },
                },
            })
        });
    }
    canonical(&json!({
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": tlogs.into_values().collect::<Vec<_>>(),
        "certificateAuthorities": [],
        "ctlogs": [],
        "timestampAuthorities": [],
    }))
}

/// The host that an address names, by which some clients match it with the log's name.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', ':', '?', '#']).next().unwrap_or_default()
}

impl LoggedEntry {
    /// Checks that one of `logs` says that it holds this entry where it is said to be. Whose signature stands on
    /// the checkpoint must be among `logs`, witnesses too.
    ///
    /// # Errors
    /// A checkpoint that no known log has signed or that states another size or root, or a proof that proves nothing.
    pub fn verify(&self, logs: &[LogVerifier]) -> Result<VerifiedCheckpoint, Error> {
        let checkpoint = self.checkpoint.parse::<SignedCheckpoint>()?.verify_all(logs)?;
        let stated = checkpoint.checkpoint();
        if (stated.size, stated.root, checkpoint.log_id()) != (self.size, self.root, self.log_id) {
            return Err(Error::NotIncluded { index: self.index, size: self.size });
        }
        merkle::verify_inclusion(&merkle::leaf_hash(&self.body), self.index, self.size, &self.proof, &self.root)?;
        Ok(checkpoint)
    }
}

impl LogProof {
    /// Where the entry stands, counted from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// What the log called itself.
    pub fn origin(&self) -> &str {
        &self.checkpoint.checkpoint().origin
    }

    /// How many entries the log had when it proved this.
    pub fn size(&self) -> u64 {
        self.checkpoint.checkpoint().size
    }

    /// The root over them.
    pub fn root(&self) -> Sha256 {
        self.checkpoint.checkpoint().root
    }

    /// The id of the log's key.
    pub fn log_id(&self) -> Sha256 {
        self.checkpoint.log_id()
    }

    /// The known witnesses who have cosigned.
    pub fn witnesses(&self) -> &[Cosignature] {
        self.checkpoint.witnesses()
    }
}

fn canonical(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    canonical_json(value).map_err(|cause| Error::MalformedBundle(format!("cannot be written ({cause})")))
}

fn shown(text: &(impl std::fmt::Display + ?Sized)) -> String {
    certus_model::escape::one_line(&text.to_string(), 200)
}

#[cfg(test)]
mod tests;
