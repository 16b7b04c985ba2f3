//! The hash tree of a transparency log (RFC 6962, section 2.1): hashes, and what proofs prove.

use certus_model::Sha256;
use sigstore_types::Sha256Hash;

use crate::note::Error;

/// The root of a log without entries.
pub fn empty_root() -> Sha256 {
    Sha256::of(b"")
}

/// The hash of an entry.
pub fn leaf_hash(entry: &[u8]) -> Sha256 {
    Sha256::of(&[&[0x00], entry].concat())
}

/// The hash over two neighbours.
pub fn node_hash(left: &Sha256, right: &Sha256) -> Sha256 {
    let mut bytes = [0x01; 65];
    bytes[1..33].copy_from_slice(left.as_bytes());
    bytes[33..].copy_from_slice(right.as_bytes());
    Sha256::of(&bytes)
}

/// Checks that the entry with hash `leaf` is the one at `index` of a log with `size` entries and this root.
///
/// # Errors
/// If the proof does not show it.
pub fn verify_inclusion(leaf: &Sha256, index: u64, size: u64, proof: &[Sha256], root: &Sha256) -> Result<(), Error> {
    sigstore_merkle::verify_inclusion_proof(&hash(leaf), index, size, &hashes(proof), &hash(root))
        .map_err(|_| Error::NotIncluded { index, size })
}

/// Checks that a log which had `from` entries and the root `old` has grown into one with `to` entries and the root
/// `new`, keeping what it had.
///
/// # Errors
/// If the proof does not show it.
pub fn verify_consistency(from: u64, to: u64, proof: &[Sha256], old: &Sha256, new: &Sha256) -> Result<(), Error> {
    let empty = from == 0 && *old != empty_root() || to == 0 && *new != empty_root();
    match sigstore_merkle::verify_consistency_proof(from, to, &hashes(proof), &hash(old), &hash(new)) {
        Ok(()) if !empty => Ok(()),
        _ => Err(Error::Inconsistent { from, to }),
    }
}

fn hash(hash: &Sha256) -> Sha256Hash {
    Sha256Hash::new(*hash.as_bytes())
}

fn hashes(hashes: &[Sha256]) -> Vec<Sha256Hash> {
    hashes.iter().map(hash).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seven-leaf tree that RFC 6962 draws in section 2.1.3.
    #[test]
    fn the_tree_of_the_document_proves_what_it_says() {
        let leaf = (0..7).map(|i| leaf_hash(format!("d{i}").as_bytes())).collect::<Vec<_>>();
        let node = |pair: (&Sha256, &Sha256)| node_hash(pair.0, pair.1);
        let [g, h, i] = [0, 2, 4].map(|at| node((&leaf[at], &leaf[at + 1])));
        let (k, l) = (node((&g, &h)), node((&i, &leaf[6])));
        let root = node((&k, &l));
        verify_inclusion(&leaf[0], 0, 7, &[leaf[1], h, l], &root).unwrap();
        verify_inclusion(&leaf[4], 4, 7, &[leaf[5], leaf[6], k], &root).unwrap();
        verify_inclusion(&leaf[6], 6, 7, &[i, k], &root).unwrap();
        for (index, proof) in [(1, [leaf[1], h, l]), (0, [leaf[0], h, l]), (0, [leaf[1], l, h])] {
            assert!(verify_inclusion(&leaf[0], index, 7, &proof, &root).is_err(), "{index}");
        }
        let three = node((&g, &leaf[2]));
        verify_consistency(3, 7, &[leaf[2], leaf[3], g, l], &three, &root).unwrap();
        verify_consistency(4, 7, &[l], &k, &root).unwrap();
        assert!(verify_consistency(4, 7, &[l], &three, &root).is_err(), "another past");
        assert!(verify_consistency(7, 4, &[l], &root, &k).is_err(), "backwards");
    }

    #[test]
    fn an_empty_log_has_one_root() {
        let root = leaf_hash(b"x");
        verify_consistency(0, 1, &[], &empty_root(), &root).unwrap();
        verify_consistency(0, 0, &[], &empty_root(), &empty_root()).unwrap();
        assert!(verify_consistency(0, 1, &[], &root, &root).is_err());
        assert!(verify_consistency(0, 0, &[], &root, &root).is_err());
        assert!(verify_inclusion(&root, 0, 0, &[], &empty_root()).is_err());
    }
}
