//! A TCP proxy in front of Postgres that breaks the connection at a chosen word.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
}

impl Proxy {
    /// Forwards to `upstream` until armed.
    pub async fn start(upstream: String, at: At) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let armed = Arc::new(AtomicBool::new(false));
        let trigger = Arc::clone(&armed);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&upstream).await.unwrap();
                tokio::spawn(forward(client, server, at, Arc::clone(&trigger)));
            }
        });
        Self { address, armed }
    }

    /// The next commit breaks its connection.
    pub fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }
}

async fn forward(client: TcpStream, server: TcpStream, at: At, armed: Arc<AtomicBool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
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
