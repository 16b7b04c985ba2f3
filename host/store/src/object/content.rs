use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;

use certus_model::Sha256;
use sha2::Digest as _;

use super::Meta;
use crate::blob::PART;

/// What is to be written: read from its start, as often as it takes.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// A file.
    File(&'a File),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl Content<'_> {
    /// Writes all of it into `to`.
    ///
    /// # Errors
    /// What `meta` does not say, with [`io::ErrorKind::InvalidData`]; a file that cannot be read, and whatever `to`
    /// answers.
    pub fn copy_to(self, to: &mut impl Write, meta: &Meta) -> io::Result<()> {
        let (mut hash, mut size) = (sha2::Sha256::new(), 0);
        let mut pass = |part: &[u8]| {
            hash.update(part);
            size += part.len() as u64;
            to.write_all(part)
        };
        match self {
            Self::Bytes(bytes) => pass(bytes)?,
            Self::File(file) => {
                let (mut part, mut at) = (vec![0; PART], 0);
                loop {
                    let read = file.read_at(&mut part, at)?;
                    if read == 0 {
                        break;
                    }
                    pass(&part[..read])?;
                    at += read as u64;
                }
            }
        }
        match (Sha256::from_bytes(hash.finalize().into()), size) == (meta.sha256(), meta.size()) {
            true => Ok(()),
            false => Err(io::Error::new(io::ErrorKind::InvalidData, "it is not what its digest says")),
        }
    }
}
