//! What Trust permits: a file that people read, write and keep under version control.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use certus_model::ids::Name;
use certus_model::outcome::Verdict;
use certus_model::{PluginId, Sha256, TenantId, Tier, canonical_json};
use certus_signing::{KeySet, PublicKey};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::error::Error;
use crate::waiver::{self, Waiver, WaiverTerms};

/// The format's name and version.
const FORMAT: &str = "certus-trust-policy/1";
/// How long a permit is good for, in seconds, where the policy does not say; and what it may say.
const LIFETIME: u64 = 900;
const LIFETIMES: std::ops::RangeInclusive<u64> = 60..=86_400;

/// What is permitted.
#[derive(Clone, Debug)]
pub struct Policy {
    digest: Sha256,
    place: String,
    /// How long a permit is good for.
    pub lifetime: Duration,
    /// Who may have signed a scan; none accepts every key that the verifier knows.
    signers: Vec<Signer>,
    plugins: Vec<AcceptedPlugin>,
    basic: TierRules,
    verified: TierRules,
    waivers: Vec<Waiver>,
    /// Who may sign waivers, and for how long at most.
    reviewers: Vec<(Name, PublicKey)>,
    waiver_days: Option<u16>,
}

#[derive(Clone, Debug)]
struct Signer {
    name: Name,
    key: PublicKey,
    tenants: BTreeSet<TenantId>,
    tiers: Vec<Tier>,
}

/// A plugin that scans may have run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AcceptedPlugin {
    id: PluginId,
    /// Components, by digest; none accepts any.
    #[serde(default)]
    digests: BTreeSet<Sha256>,
}

/// What a tier asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TierRules {
    /// Decisions that may be published.
    pub decisions: Vec<Verdict>,
    /// Whether everything has to have been looked at.
    pub coverage: Coverage,
    /// Whether the signature has to be in a transparency log.
    pub log: bool,
    /// Whether a development key may have signed.
    pub development: bool,
    /// Whether scans of the sample workspace are accepted; the tier `verified` never accepts them.
    pub sample: bool,
}

/// How much has to have been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coverage {
    /// Everything.
    Complete,
    /// What there is.
    Any,
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Document {
    format: String,
    #[serde(default = "lifetime")]
    permit_lifetime_seconds: u64,
    #[serde(default)]
    signers: Vec<SignerEntry>,
    #[serde(default)]
    plugins: Vec<AcceptedPlugin>,
    #[serde(default)]
    tiers: Tiers,
    #[serde(default)]
    reviewers: Vec<ReviewerEntry>,
    #[serde(default)]
    waivers: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waiver_days: Option<u16>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SignerEntry {
    name: Name,
    key: PathBuf,
    #[serde(default)]
    tenants: BTreeSet<TenantId>,
    #[serde(default)]
    tiers: Vec<Tier>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ReviewerEntry {
    name: Name,
    key: PathBuf,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tiers {
    basic: Option<TierRules>,
    verified: Option<TierRules>,
}

fn lifetime() -> u64 {
    LIFETIME
}

impl TierRules {
    /// What holds where the policy does not say.
    pub fn of(tier: Tier) -> Self {
        let verified = tier == Tier::Verified;
        Self {
            decisions: vec![Verdict::Pass],
            coverage: Coverage::Complete,
            log: verified,
            development: !verified,
            sample: !verified,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        let document = Document {
            format: FORMAT.to_owned(),
            permit_lifetime_seconds: LIFETIME,
            signers: Vec::new(),
            plugins: Vec::new(),
            tiers: Tiers { basic: Some(TierRules::of(Tier::Basic)), verified: Some(TierRules::of(Tier::Verified)) },
            reviewers: Vec::new(),
            waivers: None,
            waiver_days: None,
        };
        Self {
            digest: Sha256::of(&canonical_json(&document).unwrap_or_default()),
            place: "built in".to_owned(),
            lifetime: Duration::from_secs(LIFETIME),
            signers: Vec::new(),
            plugins: Vec::new(),
            basic: TierRules::of(Tier::Basic),
            verified: TierRules::of(Tier::Verified),
            waivers: Vec::new(),
            reviewers: Vec::new(),
            waiver_days: None,
        }
    }
}

impl Policy {
    /// Reads a policy, its keys and its waivers; paths in it are relative to its folder.
    ///
    /// # Errors
    /// A file that is no such policy, a key or a waiver that is none, a reviewer whom it does not name.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let refused = |why: String| Error::Policy { path: path.display().to_string(), why };
        let text = crate::files::read(path)?;
        let document: Document = toml::from_str(&text).map_err(|cause| refused(one_line(&cause.to_string())))?;
        if document.format != FORMAT {
            return Err(refused(format!("its format is `{}`, not `{FORMAT}`", one_line(&document.format))));
        }
        if !LIFETIMES.contains(&document.permit_lifetime_seconds) {
            return Err(refused(format!(
                "permit-lifetime-seconds is {}; it lies within {} and {}",
                document.permit_lifetime_seconds,
                LIFETIMES.start(),
                LIFETIMES.end()
            )));
        }
        let verified = document.tiers.verified.unwrap_or_else(|| TierRules::of(Tier::Verified));
        if verified.development {
            let why = "development = true in tiers.verified, which never accepts a key that nobody has decided for";
            return Err(refused(why.to_owned()));
        }
        if verified.sample {
            return Err(refused("sample = true in tiers.verified, which never accepts sample mode".to_owned()));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut signers = Vec::new();
        for SignerEntry { name, key, tenants, tiers } in document.signers {
            signers.push(Signer { name, key: PublicKey::from_file(&folder.join(key))?, tenants, tiers });
        }
        let mut reviewers = Vec::new();
        for ReviewerEntry { name, key } in document.reviewers {
            reviewers.push((name, PublicKey::from_file(&folder.join(key))?));
        }
        let waivers = match document.waivers {
            Some(place) => waiver::read_all(&folder.join(place), &reviewers, document.waiver_days)?,
            None => Vec::new(),
        };
        Ok(Self {
            digest: Sha256::of(text.as_bytes()),
            place: path.display().to_string(),
            lifetime: Duration::from_secs(document.permit_lifetime_seconds),
            signers,
            plugins: document.plugins,
            basic: document.tiers.basic.unwrap_or_else(|| TierRules::of(Tier::Basic)),
            verified,
            waivers,
            reviewers,
            waiver_days: document.waiver_days,
        })
    }

    /// SHA-256 of the file; of its canonical form where it is built in.
    pub fn digest(&self) -> Sha256 {
        self.digest
    }

    /// Where it is, for people.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What a tier asks for.
    pub fn tier(&self, tier: Tier) -> &TierRules {
        match tier {
            Tier::Basic => &self.basic,
            Tier::Verified => &self.verified,
        }
    }

    /// Records of findings that reviewers accept.
    pub fn waivers(&self) -> &[Waiver] {
        &self.waivers
    }

    /// Who may sign waivers, with what.
    pub fn reviewers(&self) -> &[(Name, PublicKey)] {
        &self.reviewers
    }

    /// Whether a waiver with these terms would count that is signed now with this key.
    ///
    /// # Errors
    /// Why not, in one sentence.
    pub fn admits(&self, terms: &WaiverTerms, key: &PublicKey, now: OffsetDateTime) -> Result<(), String> {
        match self.reviewers.iter().find(|(name, _)| *name == terms.reviewer) {
            None => Err(format!("the policy names no reviewer `{}`", terms.reviewer)),
            Some((name, known)) if known != key => Err(format!("the policy knows `{name}` by another key")),
            Some(_) => self.waiver_days.map_or(Ok(()), |days| terms.assert_length(days, now)),
        }
    }

    /// The keys that scans may be signed with: the policy's own, or all of `known` where it names none.
    pub fn anchors(&self, known: &KeySet) -> KeySet {
        let mut keys = known.clone();
        self.signers.iter().for_each(|signer| keys.insert(signer.key.clone()));
        keys
    }

    /// Whether `key` may have signed a scan of `tenant` that is to be published in `tier`; its name, where it has one.
    ///
    /// # Errors
    /// Why not, in one sentence.
    pub fn signer(&self, key: Sha256, tenant: &TenantId, tier: Tier) -> Result<Option<&Name>, String> {
        if self.signers.is_empty() {
            return Ok(None);
        }
        let Some(signer) = self.signers.iter().find(|signer| signer.key.key_id() == key) else {
            return Err(format!(
                "the policy names no signer with the key {key}; add it, or sign with one that it names"
            ));
        };
        if !signer.tenants.is_empty() && !signer.tenants.contains(tenant) {
            return Err(format!("the policy does not let the signer `{}` sign for the tenant `{tenant}`", signer.name));
        }
        if !signer.tiers.is_empty() && !signer.tiers.contains(&tier) {
            return Err(format!("the policy does not let the signer `{}` sign for the tier `{tier}`", signer.name));
        }
        Ok(Some(&signer.name))
    }

    /// Whether a scan may have run this plugin.
    pub fn accepts_plugin(&self, id: &PluginId, digest: Sha256) -> bool {
        let accepts = |plugin: &AcceptedPlugin| {
            plugin.id == *id && (plugin.digests.is_empty() || plugin.digests.contains(&digest))
        };
        self.plugins.is_empty() || self.plugins.iter().any(accepts)
    }
}

fn one_line(text: &str) -> String {
    certus_model::escape::one_line(text, 300)
}
