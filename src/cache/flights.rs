//! Questions under way: whoever asks the same meanwhile shares the answer.

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::Shared;

use crate::telemetry;

type Answer<V> = Pin<Box<dyn Future<Output = Option<V>> + Send>>;

/// Questions under way, by what is asked. An answer is not kept: who asks later asks anew.
///
/// A question runs in a task of its own: it is answered, and what it learns is kept, even where those
/// who asked no longer wait.
pub struct Flights<K, V>(Arc<Mutex<Open<K, V>>>);

struct Open<K, V> {
    asked: HashMap<K, (u64, Shared<Answer<V>>)>,
    next: u64,
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// None.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Open { asked: HashMap::new(), next: 0 })))
    }

    /// The answer to this question, which `ask` finds out unless that is under way; `None` where its
    /// task was lost.
    pub async fn join<F>(&self, question: K, ask: impl FnOnce() -> F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let answer = {
            let mut open = lock(&self.0);
            match open.asked.get(&question) {
                Some((_, answer)) => answer.clone(),
                None => {
                    let number = open.next;
                    open.next += 1;
                    let end = End { open: Arc::clone(&self.0), question: question.clone(), number };
                    let asking = ask();
                    let task = tokio::spawn(telemetry::inherit(async move {
                        let _end = end;
                        asking.await
                    }));
                    let answer: Answer<V> = Box::pin(async move { task.await.ok() });
                    let answer = answer.shared();
                    open.asked.insert(question, (number, answer.clone()));
                    answer
                }
            }
        };
        answer.await
    }

    /// Questions under way are answered to those who wait, and to nobody else: something changed.
    pub fn forget(&self) {
        lock(&self.0).asked.clear();
    }
}

/// Takes a question off the list when its task ends, however it ends.
struct End<K: Eq + Hash, V> {
    open: Arc<Mutex<Open<K, V>>>,
    question: K,
    number: u64,
}

impl<K: Eq + Hash, V> Drop for End<K, V> {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        if open.asked.get(&self.question).is_some_and(|(number, _)| *number == self.number) {
            open.asked.remove(&self.question);
        }
    }
}

fn lock<K, V>(open: &Mutex<Open<K, V>>) -> MutexGuard<'_, Open<K, V>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn those_who_ask_at_once_share_one_answer() {
        let (flights, asked) = (Flights::<&str, usize>::new(), Arc::new(AtomicUsize::new(0)));
        let ask = || {
            let asked = Arc::clone(&asked);
            flights.join("Ann", move || async move {
                tokio::task::yield_now().await;
                asked.fetch_add(1, Ordering::SeqCst) + 1
            })
        };
        assert_eq!(tokio::join!(ask(), ask(), ask()), (Some(1), Some(1), Some(1)));
        assert_eq!(ask().await, Some(2));
    }

    #[tokio::test]
    async fn after_a_change_nobody_joins_an_older_question() {
        let flights = Flights::<&str, u32>::new();
        let (tell, told) = tokio::sync::oneshot::channel::<u32>();
        let old = flights.join("Ann", || async move { told.await.unwrap_or_default() });
        let both = async {
            tokio::task::yield_now().await;
            flights.forget();
            let new = flights.join("Ann", || async { 2 }).await;
            tell.send(1).expect("somebody waits");
            new
        };
        assert_eq!(tokio::join!(old, both), (Some(1), Some(2)));
    }

    #[tokio::test]
    async fn a_question_goes_on_when_nobody_waits_for_it() {
        let flights = Flights::<&str, u32>::new();
        let (tell, told) = tokio::sync::oneshot::channel::<u32>();
        let (done, is_done) = tokio::sync::oneshot::channel::<u32>();
        let asking = flights.join("Ann", || async move {
            let answer = told.await.unwrap_or_default();
            done.send(answer).expect("the test waits");
            answer
        });
        // Asked, and given up at once.
        assert!(asking.now_or_never().is_none());
        tell.send(7).expect("the task waits");
        assert_eq!(is_done.await, Ok(7));
    }
}
