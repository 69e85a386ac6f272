//! rmcp's transport over a pair of byte streams, one JSON-RPC message a line.
//!
//! It differs from rmcp's own in what a client can rely on: every line that is not a usable
//! message gets an error instead of silence, reading stops while too much is unanswered or
//! unread, and nothing that comes before the handshake ends the server.

use std::io;
use std::ops::Range;

use rmcp::RoleServer;
use rmcp::model::{
    CancelledNotification, CancelledNotificationParam, ClientJsonRpcMessage, ClientNotification,
    ErrorCode, JsonRpcMessage, RequestId, ServerJsonRpcMessage,
};
use rmcp::transport::Transport;
use tokio::io::{AsyncRead, AsyncWrite};

use super::encode;
use super::in_flight::InFlight;
use super::lines::{Found, Lines, MAX_LINE_BYTES};
use super::outbox::{Outbox, Writer};
use super::parse::{Incoming, Refusal, parse};
use super::shutdown::Shutdown;
use super::stdio::Hangup;

const TOO_LONG: &str = "Invalid Request: a line may hold at most 1048576 bytes (1 MiB)";
const _: () = assert!(MAX_LINE_BYTES == 1_048_576, "the message above names the limit");

/// Reads requests from one stream and writes replies to another.
pub(super) struct LineTransport<R> {
    lines: Lines<R>,
    outbox: Outbox,
    in_flight: InFlight,
    /// Requests of ours that the client has not answered.
    asked: usize,
    shutdown: Shutdown,
    hangup: Hangup,
}

impl<R: AsyncRead + Send + Unpin + 'static> LineTransport<R> {
    /// The transport, and the task that writes for it, to be finished once the session is over,
    /// however it ended. Needs a running tokio runtime.
    pub(super) fn new<W>(reader: R, writer: W, shutdown: Shutdown, hangup: Hangup) -> (Self, Writer)
    where
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let (outbox, writer) = Outbox::start(writer, shutdown.reading.clone());
        let transport = Self {
            lines: Lines::new(reader),
            outbox,
            in_flight: InFlight::default(),
            asked: 0,
            shutdown,
            hangup,
        };
        (transport, writer)
    }

    /// Waits while as much is unanswered or unwritten as memory is meant to hold.
    ///
    /// When the client goes away meanwhile, the end of its stream cannot be read, since the
    /// requests before it are not read either; the time to finish then starts at once.
    async fn wait_for_room(&mut self) {
        while self.in_flight.is_full() || self.outbox.is_full() {
            tokio::select! {
                // Answers pass through `send`, after which this function is called anew.
                () = self.outbox.room() => {}
                () = self.hangup.wait() => self.shutdown.start_clock(),
                () = self.shutdown.reading.cancelled() => return,
            }
        }
    }

    async fn next_line(&mut self) -> io::Result<Found> {
        tokio::select! {
            biased;
            found = self.lines.next() => found,
            () = self.shutdown.reading.cancelled() => Ok(Found::End),
        }
    }

    fn accept(&mut self, line: Range<usize>) -> Option<ClientJsonRpcMessage> {
        let bytes = line.len();
        match parse(self.lines.bytes(line)) {
            Incoming::Request(id, request) => match self.in_flight.begin(&id, bytes) {
                Some(number) => Some(JsonRpcMessage::request(request, number)),
                None => {
                    self.refuse(Some(id), "Invalid Request: a request with this id is unanswered");
                    None
                }
            },
            Incoming::Cancel(id) => self.cancel(&id),
            Incoming::Reply(reply) if self.asked > 0 => {
                self.asked -= 1;
                Some(reply)
            }
            Incoming::Reply(_) | Incoming::Nothing => None,
            Incoming::Refused(refusal) => {
                tracing::debug!(code = refusal.code.0, "refused a line");
                self.outbox.push(|buffer| encode::refusal(buffer, &refusal));
                None
            }
        }
    }

    /// Only the cancellation of an unanswered request reaches the service. All other
    /// notifications would change nothing, and before the handshake they would end it.
    fn cancel(&mut self, id: &RequestId) -> Option<ClientJsonRpcMessage> {
        let number = self.in_flight.number(id)?;
        self.in_flight.end(&number);
        let params = CancelledNotificationParam::new(Some(number), None);
        let cancelled = CancelledNotification::new(params);
        Some(JsonRpcMessage::notification(ClientNotification::CancelledNotification(cancelled)))
    }

    fn refuse(&self, id: Option<RequestId>, message: &'static str) {
        let refusal = Refusal { id, code: ErrorCode::INVALID_REQUEST, message };
        self.outbox.push(|buffer| encode::refusal(buffer, &refusal));
    }
}

impl<R: AsyncRead + Send + Unpin + 'static> Transport<RoleServer> for LineTransport<R> {
    type Error = io::Error;

    /// Queues the message; what it returns is ready, and writing happens elsewhere.
    fn send(
        &mut self,
        mut item: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let number = match &mut item {
            JsonRpcMessage::Response(response) => Some(&mut response.id),
            JsonRpcMessage::Error(error) => error.id.as_mut(),
            JsonRpcMessage::Request(_) => {
                self.asked += 1;
                None
            }
            JsonRpcMessage::Notification(_) => None,
        };
        if let Some(number) = number
            && let Some(id) = self.in_flight.end(number)
        {
            *number = id;
        }
        self.outbox.push(|buffer| encode::message(buffer, &item));
        std::future::ready(Ok(()))
    }

    /// May be dropped at any await without losing a message: the service loop does so.
    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            // Lines that are already here must not keep the calls that they start from running.
            tokio::task::consume_budget().await;
            self.wait_for_room().await;
            if self.shutdown.reading.is_cancelled() {
                return None;
            }
            match self.next_line().await {
                Ok(Found::Line(line)) => {
                    if let Some(message) = self.accept(line) {
                        return Some(message);
                    }
                }
                Ok(Found::TooLong) => self.refuse(None, TOO_LONG),
                Ok(Found::End) | Err(_) => {
                    self.shutdown.reading.cancel();
                    return None;
                }
            }
        }
    }

    /// Nothing: the writer is finished where the session ends.
    async fn close(&mut self) -> Result<(), io::Error> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
