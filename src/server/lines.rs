//! Splits a byte stream into lines, with a bound on the memory that one line can take.

use std::io;
use std::ops::Range;

use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest line that is read, in bytes, its end not counted.
pub(super) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// How much is asked of the stream at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// A buffer that one long line has grown beyond this is given back.
const KEPT_BYTES: usize = 4 * CHUNK_BYTES;

/// What the stream brought next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A line without its newline: [`Lines::bytes`] until the next call of [`Lines::next`].
    Line(Range<usize>),
    /// A line beyond [`MAX_LINE_BYTES`]; the rest of it is skipped.
    TooLong,
    /// The stream has ended.
    End,
}

/// The lines of a stream. A last line without a newline counts as a line.
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Where the first line that was not yet handed out begins.
    start: usize,
    /// Up to here there is no newline after `start`.
    scanned: usize,
    /// The rest of a line that was too long is being skipped.
    skipping: bool,
    ended: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), start: 0, scanned: 0, skipping: false, ended: false }
    }

    /// The next line. A call that is dropped half-way loses nothing.
    pub(super) async fn next(&mut self) -> io::Result<Found> {
        loop {
            if let Some(found) = self.buffered() {
                return Ok(found);
            }
            if self.ended {
                return Ok(Found::End);
            }
            self.make_room();
            self.ended = self.reader.read_buf(&mut self.buffer).await? == 0;
        }
    }

    /// The bytes of a line that [`Lines::next`] found.
    pub(super) fn bytes(&self, line: Range<usize>) -> &[u8] {
        self.buffer.get(line).unwrap_or_default()
    }

    fn buffered(&mut self) -> Option<Found> {
        loop {
            let unseen = self.buffer.get(self.scanned..)?;
            let Some(offset) = memchr::memchr(b'\n', unseen) else {
                return self.without_newline();
            };
            let end = self.scanned + offset;
            let line = self.start..end;
            self.start = end + 1;
            self.scanned = self.start;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            return Some(if line.len() > MAX_LINE_BYTES {
                Found::TooLong
            } else {
                Found::Line(line)
            });
        }
    }

    fn without_newline(&mut self) -> Option<Found> {
        let line = self.start..self.buffer.len();
        self.scanned = line.end;
        if self.skipping {
            self.start = line.end;
            return None;
        }
        if line.len() > MAX_LINE_BYTES {
            self.start = line.end;
            self.skipping = true;
            return Some(Found::TooLong);
        }
        if self.ended && !line.is_empty() {
            self.start = line.end;
            return Some(Found::Line(line));
        }
        None
    }

    /// Drops what was handed out and makes room for the next read.
    fn make_room(&mut self) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.buffer.shrink_to(KEPT_BYTES);
        } else {
            self.buffer.drain(..self.start);
        }
        self.scanned -= self.start;
        self.start = 0;
        self.buffer.reserve(CHUNK_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(chunks: &[&[u8]], expected: &[Option<&str>]) {
        let mut mock = tokio_test_reader(chunks);
        let mut lines = Lines::new(&mut mock);
        let mut seen = Vec::new();
        loop {
            match lines.next().await.unwrap() {
                Found::Line(line) => {
                    let text = std::str::from_utf8(lines.bytes(line)).unwrap();
                    seen.push(Some(text.to_owned()));
                }
                Found::TooLong => seen.push(None),
                Found::End => break,
            }
        }
        let seen: Vec<_> = seen.iter().map(Option::as_deref).collect();
        assert_eq!(seen, expected);
        assert!(lines.buffer.capacity() <= 2 * MAX_LINE_BYTES + 2 * CHUNK_BYTES);
    }

    /// A reader that hands out one chunk per read.
    fn tokio_test_reader(chunks: &[&[u8]]) -> impl AsyncRead + Unpin {
        let (mut near, far) = tokio::io::duplex(CHUNK_BYTES);
        let chunks: Vec<Vec<u8>> = chunks.iter().map(|chunk| chunk.to_vec()).collect();
        tokio::spawn(async move {
            for chunk in chunks {
                tokio::io::AsyncWriteExt::write_all(&mut near, &chunk).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        far
    }

    #[tokio::test]
    async fn lines_are_split_wherever_the_reads_fall() {
        check(&[b"one\ntwo\n"], &[Some("one"), Some("two")]).await;
        check(&[b"on", b"e\nt", b"wo\n"], &[Some("one"), Some("two")]).await;
        check(&[b"\n\n"], &[Some(""), Some("")]).await;
        check(&[], &[]).await;
    }

    #[tokio::test]
    async fn a_last_line_needs_no_newline() {
        check(&[b"one\nlast"], &[Some("one"), Some("last")]).await;
    }

    #[tokio::test]
    async fn a_line_at_the_limit_is_read_and_one_beyond_it_is_reported_once() {
        let longest = "x".repeat(MAX_LINE_BYTES);
        let ended = format!("{longest}\nnext\n");
        check(&[ended.as_bytes()], &[Some(&longest), Some("next")]).await;
        let beyond = format!("{longest}x\nnext\n");
        check(&[beyond.as_bytes()], &[None, Some("next")]).await;
        let far_beyond = format!("{}\nnext\n", "x".repeat(5 * MAX_LINE_BYTES));
        check(&[far_beyond.as_bytes()], &[None, Some("next")]).await;
        let unended = "x".repeat(3 * MAX_LINE_BYTES);
        check(&[unended.as_bytes()], &[None]).await;
    }
}
