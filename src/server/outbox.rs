//! Gathers outgoing lines and writes them from one task, so that replies that become ready
//! together leave in one write, and a single one leaves at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// From this many unwritten bytes on the outbox counts as full.
const FULL_BYTES: usize = 256 * 1024;

/// A buffer that large replies have grown beyond this is given back.
const KEPT_BYTES: usize = 64 * 1024;

/// The lines that wait to be written. Clones share one outbox.
#[derive(Clone)]
pub(super) struct Outbox {
    shared: Arc<Shared>,
}

/// The task that empties an outbox.
pub(super) struct Writer {
    outbox: Outbox,
    task: JoinHandle<()>,
}

impl Writer {
    /// Closes the outbox and waits until all that it held is written.
    pub(super) async fn finish(self) {
        self.outbox.close();
        let _ = self.task.await;
    }
}

struct Shared {
    state: Mutex<State>,
    /// There is something to write, or the outbox was closed.
    work: Notify,
    /// Something was written.
    room: Notify,
}

#[derive(Default)]
struct State {
    queued: Vec<u8>,
    /// Bytes that the writer has taken and not yet written.
    writing: usize,
    /// Nothing more will come, or nobody reads any more.
    closed: bool,
}

impl Outbox {
    /// Starts the task that writes. When writing fails, because nobody reads any more, `broken`
    /// is cancelled and everything further is dropped.
    pub(super) fn start<W>(writer: W, broken: CancellationToken) -> (Self, Writer)
    where
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let shared = Shared { state: Mutex::default(), work: Notify::new(), room: Notify::new() };
        let outbox = Self { shared: Arc::new(shared) };
        let task = tokio::spawn(write_batches(outbox.clone(), writer, broken));
        (outbox.clone(), Writer { outbox, task })
    }

    /// Appends a line, which `encode` writes whole, its newline included.
    pub(super) fn push(&self, encode: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        encode(&mut state.queued);
        drop(state);
        self.shared.work.notify_one();
    }

    /// Whether the reader of the stream has fallen so far behind that nothing new should be begun.
    pub(super) fn is_full(&self) -> bool {
        let state = self.lock();
        !state.closed && state.queued.len() + state.writing >= FULL_BYTES
    }

    /// Waits until something was written; may return early.
    pub(super) async fn room(&self) {
        self.shared.room.notified().await;
    }

    /// Lets the writing task end once everything is written.
    fn close(&self) {
        self.lock().closed = true;
        self.shared.work.notify_one();
    }

    /// Swaps what is queued into `batch`. `None` once the outbox is closed and empty.
    fn take(&self, batch: &mut Vec<u8>) -> Option<usize> {
        let mut state = self.lock();
        std::mem::swap(&mut state.queued, batch);
        state.writing = batch.len();
        (state.writing > 0 || !state.closed).then_some(state.writing)
    }

    fn written(&self) {
        self.lock().writing = 0;
        self.shared.room.notify_one();
    }

    fn abandon(&self) {
        *self.lock() = State { closed: true, ..State::default() };
        self.shared.room.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write_batches<W>(outbox: Outbox, mut writer: W, broken: CancellationToken)
where
    W: AsyncWrite + Unpin,
{
    let mut batch = Vec::new();
    while let Some(length) = outbox.take(&mut batch) {
        if length == 0 {
            outbox.shared.work.notified().await;
            continue;
        }
        let result = async {
            writer.write_all(&batch).await?;
            writer.flush().await
        };
        if result.await.is_err() {
            outbox.abandon();
            broken.cancel();
            return;
        }
        batch.clear();
        batch.shrink_to(KEPT_BYTES);
        outbox.written();
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn everything_pushed_before_the_close_is_written() {
        let (near, mut far) = tokio::io::duplex(8);
        let (outbox, writer) = Outbox::start(near, CancellationToken::new());
        for line in ["one\n", "two\n", "a longer third line\n"] {
            outbox.push(|buffer| buffer.extend_from_slice(line.as_bytes()));
        }
        let mut written = String::new();
        let reading = far.read_to_string(&mut written);
        let ((), read) = tokio::join!(writer.finish(), reading);
        read.unwrap();
        assert_eq!(written, "one\ntwo\na longer third line\n");
    }

    #[tokio::test]
    async fn an_outbox_that_nobody_reads_becomes_full_and_one_that_broke_does_not() {
        let (near, far) = tokio::io::duplex(8);
        let broken = CancellationToken::new();
        let (outbox, writer) = Outbox::start(near, broken.clone());
        outbox.push(|buffer| buffer.resize(FULL_BYTES, b'x'));
        tokio::task::yield_now().await;
        assert!(outbox.is_full());
        drop(far);
        writer.finish().await;
        assert!(broken.is_cancelled());
        assert!(!outbox.is_full());
    }
}
