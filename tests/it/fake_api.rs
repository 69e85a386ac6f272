//! A fake of one of the shop's own systems: JSON over HTTP/1.1, and every way in which that fails.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The key that the fake's callers have to bring.
pub const KEY: &str = "key-of-the-tests-3f9c";

/// A way to fail.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Takes the request and says nothing.
    Silence,
    /// Breaks the connection in the middle of the body.
    Reset,
    /// A status with a body that is no JSON.
    Status(u16),
    /// 429, and how long to wait.
    Limited(&'static str),
    /// Sends the caller to another host.
    Redirect(String),
    /// A body without end.
    Endless,
    /// A head, and then a byte now and then.
    Trickle,
    /// Success with this body.
    Says(&'static str),
}

/// What was asked.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `GET`, `PATCH` or `POST`.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The parameters behind it.
    pub query: BTreeMap<String, String>,
    /// The headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; null where there is none.
    pub body: Value,
}

/// A status and a body.
pub type Answer = (u16, Value);
type Answering = dyn Fn(&Seen) -> Answer + Send + Sync;

/// A running fake; it ends with the test's runtime.
pub struct FakeApi {
    address: SocketAddr,
    state: Arc<State>,
    listening: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

struct State {
    answer: Box<Answering>,
    seen: Mutex<Vec<Seen>>,
    fault: Mutex<Option<Fault>>,
    delay: Mutex<Duration>,
}

impl FakeApi {
    /// Answers whoever brings the key with what `answer` makes of the request.
    pub async fn start(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            answer: Box::new(answer),
            seen: Mutex::default(),
            fault: Mutex::default(),
            delay: Mutex::default(),
        });
        let listening = tokio::spawn(listen(listener, Arc::clone(&state)));
        Self { address, state, listening: tokio::sync::Mutex::new(Some(listening)) }
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}/api/v1", self.address)
    }

    /// Fails in this way from now on; `None`: answers well.
    pub fn fail(&self, fault: Option<Fault>) {
        *self.state.fault.lock().unwrap() = fault;
    }

    /// Answers so much later from now on.
    pub fn delay(&self, delay: Duration) {
        *self.state.delay.lock().unwrap() = delay;
    }

    /// Refuses every connection from now on.
    pub async fn close(&self) {
        if let Some(listening) = self.listening.lock().await.take() {
            listening.abort();
            let _ = listening.await;
        }
    }

    /// Takes connections again.
    pub async fn reopen(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let listening = tokio::spawn(listen(listener, Arc::clone(&self.state)));
        *self.listening.lock().await = Some(listening);
    }

    /// What was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// How often something was asked so far.
    pub fn count(&self) -> usize {
        self.state.seen.lock().unwrap().len()
    }
}

async fn listen(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let _ = serve(stream, &state).await;
        });
    }
}

/// Answers one request and closes the connection.
async fn serve(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    let Some(seen) = read(&mut stream).await? else { return Ok(()) };
    state.seen.lock().unwrap().push(seen.clone());
    let delay = *state.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    let fault = state.fault.lock().unwrap().clone();
    match fault {
        None => {
            let is_known = seen.headers.get("authorization") == Some(&format!("Bearer {KEY}"));
            let (status, body) = if is_known { (state.answer)(&seen) } else { (401, Value::Null) };
            let body = if body.is_null() { String::new() } else { body.to_string() };
            say(&mut stream, status, "", &body).await
        }
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Reset) => {
            let half = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"id\": \"C-";
            stream.write_all(half.as_bytes()).await?;
            // A socket that is closed with a linger of nothing is reset.
            stream.set_zero_linger()?;
            Ok(())
        }
        Some(Fault::Status(status)) => {
            say(&mut stream, status, "", "<html><h1>Bad Gateway</h1></html>").await
        }
        Some(Fault::Limited(wait)) => {
            say(&mut stream, 429, &format!("Retry-After: {wait}\r\n"), "").await
        }
        Some(Fault::Redirect(place)) => {
            say(&mut stream, 302, &format!("Location: {place}\r\n"), "").await
        }
        Some(Fault::Endless) => {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await?;
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
            loop {
                stream.write_all(chunk.as_bytes()).await?;
            }
        }
        Some(Fault::Trickle) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n").await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Some(Fault::Says(body)) => say(&mut stream, 200, "", body).await,
    }
}

async fn say(
    stream: &mut TcpStream,
    status: u16,
    headers: &str,
    body: &str,
) -> std::io::Result<()> {
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nConnection: close\r\n\
         {headers}Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// The next request of a connection; `None` where none comes.
async fn read(stream: &mut TcpStream) -> std::io::Result<Option<Seen>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).expect("a head in UTF-8");
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let (method, target) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    let body = &bytes[head + 4..head + 4 + length];
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(body).unwrap() };
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok(Some(Seen { method, path: path.to_owned(), query, headers, body }))
}
