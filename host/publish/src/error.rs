//! Why something was not published.

use certus_model::{ScanId, Sha256, TenantId};

/// A refusal or a failure. After any of them there is no marker, or there is the one that was there before.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The permit is somebody else's.
    #[error("the permit is for tenant `{permitted}`, the scan is of `{given}`; ask Trust for one of its own")]
    OtherTenant {
        /// Whom it permits.
        permitted: TenantId,
        /// Whose scan it is.
        given: TenantId,
    },
    /// The permit is for another scan.
    #[error("the permit is for {permitted} and not for {given}; ask Trust for one of its own")]
    OtherScan {
        /// What it permits.
        permitted: ScanId,
        /// What is to be published.
        given: ScanId,
    },
    /// The permit is for another place.
    #[error("the permit is for `{permitted}` and not for `{given}`; ask Trust for another one")]
    OtherDestination {
        /// Where it permits to publish.
        permitted: String,
        /// Where that is to be.
        given: String,
    },
    /// The permit has run out.
    #[error("the permit has run out at {expires_at}; ask Trust for another one")]
    Expired {
        /// When.
        expires_at: String,
    },
    /// The permit is none for a bundle.
    #[error("the permit {0}; ask Trust for another one")]
    Unfit(String),
    /// Another bundle is published under this scan's name.
    #[error("{scan} is published already, with index {published} and not {wanted}; nothing published is replaced")]
    Conflict {
        /// Which scan.
        scan: ScanId,
        /// The digest of the index that is there.
        published: Sha256,
        /// The digest of the index that is permitted.
        wanted: Sha256,
    },
    /// A document that Trust does not issue, or that the bundle has already.
    #[error("`{0}` is no document of Trust's, or stands in the permit as well; only those go along unlisted")]
    Document(String),
    /// The proof is none.
    #[error("the verification proof is no JSON object with `chain_verified`; take it from Trust's answer")]
    Proof,
    /// A file is not the one that was permitted.
    #[error("`{path}` is not the file that was permitted; ask Trust again, or restore the bundle")]
    Differs {
        /// Which.
        path: String,
    },
    /// Another permit is being used for the same scan.
    #[error(
        "{scan} is being published with another permit, which is valid until {until}; use that one, or try again then"
    )]
    Busy {
        /// Which scan.
        scan: ScanId,
        /// Until when, at the latest.
        until: String,
    },
    /// Another permit has taken the scan over.
    #[error("{scan} was taken over meanwhile, by another publication of it; try again later")]
    Overtaken {
        /// Which scan.
        scan: ScanId,
    },
    /// What came in was not let through.
    #[error(
        "{} held back: `{key}`{} in quarantine; see what was found, then release the content or scan again without it",
        if *others == 0 { "an object is".to_owned() } else { format!("{} objects are", others + 1) },
        if *others == 0 { " lies" } else { " and others lie" }
    )]
    HeldBack {
        /// The first of them.
        key: String,
        /// How many more there are.
        others: usize,
    },
    /// Nobody could say whether what came in may be let through.
    #[error("what came in could not be looked at: {0}")]
    Unscreened(String),
    /// The marker cannot be read.
    #[error("the marker {uri} is none that this program writes; see who wrote it, and move it away")]
    Marker {
        /// Where.
        uri: String,
    },
    /// A store failed.
    #[error(transparent)]
    Store(#[from] certus_store::Error),
    /// The registry refused or failed.
    #[error("the registry did not take the artifact")]
    Registry(#[from] certus_outbound::Error),
    /// The mirror failed.
    #[error("`{what}` could not be written to the mirror; see that its folder has room and belongs to this user")]
    Mirror {
        /// Which file or folder.
        what: String,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// What is to be written cannot be.
    #[error("what is to be published cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl Error {
    /// Whether the same may go well later without anybody's doing, while the permit is valid.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Registry(error) => error.is_temporary(),
            Self::Busy { .. } | Self::Overtaken { .. } | Self::Mirror { .. } | Self::Unscreened(_) => true,
            _ => false,
        }
    }
}
