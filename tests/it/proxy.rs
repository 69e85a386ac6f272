//! A TCP proxy in front of Postgres that breaks the connection at a chosen word, falls silent, and
//! counts round trips.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens once armed, when the client sends a commit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum At {
    /// The commit reaches the server, its answer is lost, and the client is cut off.
    AfterCommit,
    /// The commit is lost, the client is cut off, and the server hears nothing of it.
    BeforeCommit,
}

/// A running proxy; it ends with the test's runtime.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    armed: Arc<AtomicBool>,
    round_trips: Arc<AtomicUsize>,
    /// Connections of an earlier generation than this carry nothing any more.
    generation: Arc<AtomicUsize>,
}

impl Proxy {
    /// Forwards to `upstream` until armed.
    pub async fn start(upstream: String, at: At) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let armed = Arc::new(AtomicBool::new(false));
        let trigger = Arc::clone(&armed);
        let round_trips = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&round_trips);
        let generation = Arc::new(AtomicUsize::new(0));
        let present = Arc::clone(&generation);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&upstream).await.unwrap();
                let messages = Messages { counter: Arc::clone(&counter), ..Messages::default() };
                let own = present.load(Ordering::SeqCst);
                let present = Arc::clone(&present);
                let is_silent = move || present.load(Ordering::SeqCst) != own;
                let armed = Arc::clone(&trigger);
                tokio::spawn(forward(client, server, at, armed, messages, is_silent));
            }
        });
        Self { address, armed, round_trips, generation }
    }

    /// The connections that there are stay open and say nothing any more, as after a cable was
    /// pulled; new ones work.
    pub fn fall_silent(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// How often a client has waited for an answer.
    pub fn round_trips(&self) -> usize {
        self.round_trips.load(Ordering::SeqCst)
    }

    /// The next commit breaks its connection.
    pub fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }
}

/// The protocol version that the startup message names.
const PROTOCOL_3_0: [u8; 4] = [0, 3, 0, 0];

/// What one client sends, message by message
/// (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).
#[derive(Default)]
struct Messages {
    pending: Vec<u8>,
    is_past_startup: bool,
    asked: bool,
    counter: Arc<AtomicUsize>,
}

impl Messages {
    /// Counts those after which a client waits for an answer: Query, and Sync with something to
    /// answer before it. A bare Sync is a pool looking whether a connection lives that it takes back.
    fn count(&mut self, kind: u8) {
        let waits = kind == b'Q' || (kind == b'S' && self.asked);
        self.counter.fetch_add(usize::from(waits), Ordering::SeqCst);
        self.asked = kind != b'S';
    }

    fn read(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        loop {
            // The first message of a connection has no type.
            let kind = usize::from(self.is_past_startup);
            let Some(length) = self.pending.get(kind..kind + 4) else { return };
            let length = u32::from_be_bytes(length.try_into().unwrap()) as usize + kind;
            if self.pending.len() < length {
                return;
            }
            if self.is_past_startup {
                self.count(self.pending[0]);
            }
            // Before the startup message, a client may ask for TLS.
            self.is_past_startup |= self.pending[kind + 4..].starts_with(&PROTOCOL_3_0);
            self.pending.drain(..length);
        }
    }
}

async fn forward(
    client: TcpStream,
    server: TcpStream,
    at: At,
    armed: Arc<AtomicBool>,
    mut messages: Messages,
    is_silent: impl Fn() -> bool,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        messages.read(&buffer[..length]);
        if is_silent() {
            return std::future::pending().await;
        }
        // In capitals as the statement is; the connection's options speak of commits, too.
        let is_commit = buffer[..length].windows(6).any(|word| word == b"COMMIT");
        if is_commit && armed.swap(false, Ordering::SeqCst) {
            back.abort();
            if at == At::AfterCommit {
                let _ = to_server.write_all(&buffer[..length]).await;
            }
            drop(from_client);
            // The server's side stays open, as after a power cut.
            return std::future::pending().await;
        }
        if to_server.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    back.abort();
}
