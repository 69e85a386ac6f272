//! The MCP server over standard input and output.
//!
//! A line is read (`lines`), understood (`parse`) and handed to rmcp's service loop
//! (`transport`), which runs it (`handler`) and hands the reply back to be written
//! (`encode`, `outbox`). One thread does all of it; the tools' databases and upstreams have
//! their own.

mod asking;
mod encode;
mod handler;
mod in_flight;
mod lines;
pub mod logging;
mod outbox;
mod parse;
mod reading;
mod shutdown;
mod stdio;
#[cfg(test)]
mod test_tools;
mod toolbox;
mod transport;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use tokio::io::AsyncRead;
use tokio::time::timeout;

use crate::tools::Engine;
use handler::Handler;
use outbox::Writer;
use shutdown::Shutdown;
use stdio::Hangup;
use toolbox::Toolbox;
use transport::LineTransport;

/// How long the services' counters may take to be written down at the end.
const COUNTING_LIMIT: Duration = Duration::from_millis(100);

/// Serves MCP on standard input and output until the input ends or the process is asked to
/// terminate; calls under way then have 1.5 seconds to finish.
///
/// Success unless the runtime cannot be started or the handshake breaks.
pub fn serve(engine: Arc<Engine>) -> ExitCode {
    logging::hide_panic_messages();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the runtime could not be started");
            return finish(ExitCode::FAILURE);
        }
    };
    let code = runtime.block_on(run(engine));
    runtime.shutdown_background();
    finish(code)
}

fn finish(code: ExitCode) -> ExitCode {
    logging::finish();
    code
}

async fn run(engine: Arc<Engine>) -> ExitCode {
    let shutdown = Shutdown::new();
    tokio::spawn(shutdown.clone().on_signal());
    let (input, output) = (stdio::input(), stdio::output());
    let (transport, writer) =
        LineTransport::new(input, output, shutdown.clone(), Hangup::default());
    let counting = Arc::clone(&engine);
    tokio::spawn(async move { counting.keep_counting().await });
    let code = tokio::select! {
        code = session(Arc::clone(&engine), transport, writer) => code,
        () = shutdown.time_is_up() => {
            tracing::warn!("stopped with calls or replies outstanding");
            ExitCode::SUCCESS
        }
    };
    // Else the counts of the last minute are lost, which is better than to be late.
    let _ = timeout(COUNTING_LIMIT, engine.keep_counts()).await;
    code
}

async fn session<T, R>(tools: Arc<T>, transport: LineTransport<R>, writer: Writer) -> ExitCode
where
    T: Toolbox,
    R: AsyncRead + Send + Unpin + 'static,
{
    tools.start();
    let code = match Handler::new(Arc::clone(&tools)).serve(transport).await {
        Ok(running) => {
            let _ = running.waiting().await;
            ExitCode::SUCCESS
        }
        // A client that only looks whether the program starts.
        Err(ServerInitializeError::ConnectionClosed(_)) => ExitCode::SUCCESS,
        Err(_) => {
            tracing::error!("the handshake with the client failed");
            ExitCode::FAILURE
        }
    };
    writer.finish().await;
    tools.finish().await;
    code
}
