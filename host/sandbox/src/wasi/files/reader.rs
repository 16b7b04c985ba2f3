//! Reading the content of a regular file, which is always there to be read.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use wasmtime_wasi::p2::{InputStream, Pollable, StreamError, StreamResult};

/// The most bytes that one read returns.
const CHUNK: u64 = 64 << 10;

/// Up to `length` bytes of `file` from `offset`; none at its end and beyond.
pub(super) fn read(file: &File, length: u64, offset: u64) -> io::Result<Vec<u8>> {
    let room = file.metadata()?.len().saturating_sub(offset).min(length).min(CHUNK);
    if room == 0 {
        return Ok(Vec::new());
    }
    let mut content = vec![0; usize::try_from(room).unwrap_or(0)];
    let filled = file.read_at(&mut content, offset)?;
    content.truncate(filled);
    Ok(content)
}

/// The content of a file as a stream. It reads at once: were another thread to do it, how often a guest
/// is told that nothing is there yet would depend on the machine.
pub(super) struct Reader {
    file: Arc<File>,
    offset: u64,
}

impl Reader {
    pub(super) fn new(file: Arc<File>, offset: u64) -> Self {
        Self { file, offset }
    }
}

impl InputStream for Reader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        let content = read(&self.file, size as u64, self.offset)
            .map_err(|error| StreamError::LastOperationFailed(error.into()))?;
        if content.is_empty() {
            return Err(StreamError::Closed);
        }
        self.offset += content.len() as u64;
        Ok(content.into())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Reader {
    async fn ready(&mut self) {}
}
