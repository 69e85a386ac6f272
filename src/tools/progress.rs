//! How far a long call has come, for clients that want to know.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

/// How far a call has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Step {
    /// What is done.
    pub done: usize,
    /// Of how many.
    pub total: usize,
}

/// Tells a client how far its call has come; does nothing where the client did not ask.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<dyn Fn(Step) -> BoxFuture<'static, ()> + Send + Sync>>);

impl Progress {
    /// One that tells each step to `send`.
    pub fn new(send: impl Fn(Step) -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(send)))
    }

    /// Tells a step.
    pub async fn report(&self, step: Step) {
        if let Some(send) = &self.0 {
            send(step).await;
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Progress").field(&self.0.is_some()).finish()
    }
}
