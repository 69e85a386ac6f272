//! Threads that help the one that writes, which everything waits for.

use std::thread::JoinHandle;

/// How far behind the writer a helper stands, as `nice` counts: it is given a sixth of a processor that both want.
#[cfg(target_os = "linux")]
const NICER: i32 = 7;

/// Works on a thread of its own, which leaves the processor to the writer where there are too few for both.
pub fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    std::thread::spawn(|| {
        // Elsewhere than on Linux it would be the whole program that stands back.
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::nice(NICER) {
            tracing::debug!(%error, "a thread of the import does not stand back");
        }
        work()
    })
}
