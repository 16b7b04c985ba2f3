use std::collections::VecDeque;
use std::time::Duration;

use reqwest::Response;
use serde_json::Value;

use super::{SILENCE, Server};
use crate::error::Error;
use crate::fetch::{in_time, silent};

/// Largest event that is read, in bytes.
const EVENT: usize = 1 << 20;
/// How often in a row a stream that breaks is opened again before it is given up.
const TRIES: u32 = 8;
/// The pause before it is opened again, times the number of tries so far.
const PAUSE: Duration = Duration::from_millis(500);

/// The events of a scan. A stream that breaks is opened again where it broke, so each event comes once.
#[derive(Debug)]
pub struct Events {
    server: Server,
    path: String,
    last: Option<u64>,
    stream: Option<Stream>,
    failures: u32,
    is_complete: bool,
}

impl Events {
    pub(super) fn new(server: Server, path: &str, from: u64) -> Self {
        let last = from.checked_sub(1);
        Self { server, path: path.to_owned(), last, stream: None, failures: 0, is_complete: false }
    }

    /// The next event; none where the service has ended the stream. After `scan_complete` there is nothing more.
    /// Without it the scan may have ended otherwise or the service be about to stop: ask for the scan, and again
    /// here if it goes on.
    ///
    /// # Errors
    /// As [`Server::get`], once the stream could not be opened again eight times in a row.
    pub async fn next(&mut self) -> Result<Option<Value>, Error> {
        if self.is_complete {
            return Ok(None);
        }
        loop {
            match self.try_next().await {
                Ok(Some((id, event))) => {
                    self.failures = 0;
                    self.last = id.or(self.last);
                    self.is_complete = event.get("type").and_then(Value::as_str) == Some("scan_complete");
                    return Ok(Some(event));
                }
                Ok(None) => {
                    self.stream = None;
                    return Ok(None);
                }
                Err(error) if error.is_temporary() && self.failures < TRIES => {
                    self.stream = None;
                    self.failures += 1;
                    tokio::time::sleep(PAUSE * self.failures).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_next(&mut self) -> Result<Option<(Option<u64>, Value)>, Error> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            closed => {
                let response = self.server.stream(&self.path, self.last).await?;
                let url = self.server.url.at(&self.path, &[]);
                closed.insert(Stream { url, response, lines: Lines::default() })
            }
        };
        stream.next().await
    }
}

/// An open stream.
#[derive(Debug)]
struct Stream {
    url: String,
    response: Response,
    lines: Lines,
}

impl Stream {
    async fn next(&mut self) -> Result<Option<(Option<u64>, Value)>, Error> {
        loop {
            if let Some((id, data)) = self.lines.whole.pop_front() {
                let foreign = |_| Error::Foreign { url: self.url.clone(), problem: "sends an event that is no JSON" };
                return Ok(Some((id, serde_json::from_str(&data).map_err(foreign)?)));
            }
            let piece = async { self.response.chunk().await.map_err(|cause| silent(&self.url, cause)) };
            let Some(piece) = in_time(&self.url, SILENCE, piece).await? else { return Ok(None) };
            if !self.lines.take(&piece) {
                return Err(Error::TooLarge { url: self.url.clone(), limit: EVENT });
            }
        }
    }
}

/// What has arrived, cut into events as server-sent events are (HTML, section 9.2). Kinds are not kept: they stand
/// in the data.
#[derive(Debug, Default)]
struct Lines {
    rest: Vec<u8>,
    id: Option<u64>,
    data: String,
    whole: VecDeque<(Option<u64>, String)>,
}

impl Lines {
    /// Whether it fits.
    fn take(&mut self, piece: &[u8]) -> bool {
        self.rest.extend_from_slice(piece);
        while let Some(end) = self.rest.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            self.line(line.trim_end_matches(['\n', '\r']));
        }
        self.rest.len() + self.data.len() <= EVENT
    }

    fn line(&mut self, line: &str) {
        if line.is_empty() {
            let (id, data) = (self.id.take(), std::mem::take(&mut self.data));
            if !data.is_empty() {
                self.whole.push_back((id, data));
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.id = value.parse().ok(),
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            // A comment shows that the stream lives; other fields have no meaning here.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_whole_wherever_the_network_cuts_them() {
        let text =
            ": alive\n\nid: 7\nevent: phase\ndata: {\"a\":1}\n\nid:8\r\ndata: {\r\ndata: }\r\n\r\ndata: x\n\ndata: cut";
        let expected = [(Some(7), "{\"a\":1}"), (Some(8), "{\n}"), (None, "x")];
        for size in [1, 2, 3, 7, text.len()] {
            let mut lines = Lines::default();
            assert!(text.as_bytes().chunks(size).all(|piece| lines.take(piece)));
            let whole: Vec<_> = lines.whole.iter().map(|(id, data)| (*id, data.as_str())).collect();
            assert_eq!(whole, expected, "{size}");
        }
        let mut lines = Lines::default();
        assert!(!(0..2000).all(|_| lines.take(&[b'x'; 1000])), "a line without an end is refused");
    }
}
