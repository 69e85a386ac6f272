//! When the server stops, and that it does.

use std::process;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long calls under way may go on once the server is asked to stop.
pub(super) const GRACE: Duration = Duration::from_millis(1500);

/// When the process ends whatever else happens, counted from the end of [`GRACE`].
const LAST_RESORT: Duration = Duration::from_millis(300);

/// The two steps of stopping.
#[derive(Clone)]
pub(super) struct Shutdown {
    /// Cancelled: nothing more is read. This starts the clock too.
    pub(super) reading: CancellationToken,
    clock: CancellationToken,
}

impl Shutdown {
    pub(super) fn new() -> Self {
        let reading = CancellationToken::new();
        Self { clock: reading.child_token(), reading }
    }

    /// From now on [`GRACE`] remains, even if reading goes on.
    pub(super) fn start_clock(&self) {
        self.clock.cancel();
    }

    /// Completes when the time of the calls under way is up.
    pub(super) async fn time_is_up(&self) {
        self.clock.cancelled().await;
        let _watchdog = Watchdog::start();
        tokio::time::sleep(GRACE).await;
    }

    /// Stops reading when the process is asked to terminate.
    #[cfg(unix)]
    pub(super) async fn on_signal(self) {
        use tokio::signal::unix::{SignalKind, signal};
        let streams = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
        let (Ok(mut terminate), Ok(mut interrupt)) = streams else {
            tracing::warn!("signals cannot be watched; they will end the process at once");
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        self.reading.cancel();
    }

    /// Stops reading when the process is asked to terminate.
    #[cfg(not(unix))]
    pub(super) async fn on_signal(self) {
        if tokio::signal::ctrl_c().await.is_ok() {
            self.reading.cancel();
        }
    }
}

/// Ends the process when a call blocks the very thread that would end it.
struct Watchdog {
    /// Dropping it calls the watchdog off.
    _called_off: Sender<()>,
}

impl Watchdog {
    fn start() -> Self {
        let (sender, receiver) = mpsc::channel::<()>();
        let watch = move || {
            if receiver.recv_timeout(GRACE + LAST_RESORT) == Err(RecvTimeoutError::Timeout) {
                process::exit(0);
            }
        };
        // Without the thread the ordinary way out remains.
        let _ = thread::Builder::new().name("watchdog".to_owned()).spawn(watch);
        Self { _called_off: sender }
    }
}
