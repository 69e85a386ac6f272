//! Standard input and output without a thread hand-off for each read and write.
//!
//! Hosts connect them in two ways: as pipes, or, where Node starts the server, as Unix sockets.
//! Both are driven by the runtime's event loop. Anything else (a file, a terminal) goes through
//! tokio's blocking threads, which cost several times as much.

use tokio::io::{AsyncRead, AsyncWrite};

/// Standard input.
pub(super) type Input = Box<dyn AsyncRead + Send + Unpin>;

/// Standard output.
pub(super) type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// Standard input; needs a running tokio runtime.
pub(super) fn input() -> Input {
    #[cfg(target_os = "linux")]
    if let Some(pipe) = pipes::input() {
        return Box::new(pipe);
    }
    #[cfg(unix)]
    if let Some(socket) = sockets::open(&std::io::stdin()) {
        return Box::new(socket);
    }
    Box::new(tokio::io::stdin())
}

/// Standard output; needs a running tokio runtime.
pub(super) fn output() -> Output {
    #[cfg(target_os = "linux")]
    if let Some(pipe) = pipes::output() {
        return Box::new(pipe);
    }
    #[cfg(unix)]
    if let Some(socket) = sockets::open(&std::io::stdout()) {
        return Box::new(socket);
    }
    Box::new(tokio::io::stdout())
}

/// Notices that the client has closed its end of standard input, without reading.
#[derive(Default)]
pub(super) enum Hangup {
    /// Not watched yet: watching costs a little for each message, and is seldom needed.
    #[default]
    Unwatched,
    /// It cannot be watched, or has happened already.
    Never,
    #[cfg(target_os = "linux")]
    Pipe(tokio::net::unix::pipe::Receiver),
    #[cfg(target_os = "linux")]
    Socket(tokio::net::UnixStream),
}

impl Hangup {
    /// Completes once, when the client has hung up; may be dropped and called again before.
    pub(super) async fn wait(&mut self) {
        if matches!(self, Self::Unwatched) {
            *self = Self::watch();
        }
        let known = match self {
            Self::Unwatched | Self::Never => false,
            // Nothing is ever urgent on these, so only the closing remains to be reported.
            #[cfg(target_os = "linux")]
            Self::Pipe(pipe) => pipe.ready(tokio::io::Interest::PRIORITY).await.is_ok(),
            #[cfg(target_os = "linux")]
            Self::Socket(socket) => socket.ready(tokio::io::Interest::PRIORITY).await.is_ok(),
        };
        if !known {
            std::future::pending::<()>().await;
        }
        *self = Self::Never;
    }

    #[cfg(target_os = "linux")]
    fn watch() -> Self {
        let socket = || sockets::open(&std::io::stdin()).map(Self::Socket);
        pipes::input().map(Self::Pipe).or_else(socket).unwrap_or(Self::Never)
    }

    #[cfg(not(target_os = "linux"))]
    fn watch() -> Self {
        Self::Never
    }
}

/// Pipes are opened a second time, so that the streams which the process shares with others stay
/// blocking.
#[cfg(target_os = "linux")]
mod pipes {
    use tokio::net::unix::pipe::{OpenOptions, Receiver, Sender};

    pub(super) fn input() -> Option<Receiver> {
        OpenOptions::new().open_receiver("/proc/self/fd/0").ok()
    }

    pub(super) fn output() -> Option<Sender> {
        OpenOptions::new().open_sender("/proc/self/fd/1").ok()
    }
}

#[cfg(unix)]
mod sockets {
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream as BlockingStream;

    use tokio::net::UnixStream;

    pub(super) fn open(stream: &impl AsFd) -> Option<UnixStream> {
        let stream = BlockingStream::from(stream.as_fd().try_clone_to_owned().ok()?);
        // Answers only for what is a Unix socket.
        stream.local_addr().ok()?;
        stream.set_nonblocking(true).ok()?;
        UnixStream::from_std(stream).ok()
    }
}
