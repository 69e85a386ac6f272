use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::config::Secret;

const KEY: &str = "key-hunter2";

const LIMITS: Limits = Limits {
    total: Duration::from_secs(4),
    patience: Duration::from_secs(4),
    connect: Duration::from_secs(2),
    body_bytes: 1024,
    retries: 2,
    retry_delay: Duration::from_millis(1),
    longest_retry_after: Duration::from_millis(500),
};

fn http(base_url: &str, limits: Limits) -> Http {
    let key = Credentials::Bearer(Secret::new(KEY));
    Http::new(Upstream::Crm, base_url, Some(key), limits)
}

fn patch() -> Request {
    Request::new(Method::PATCH, ["customers", "1"]).json(&json!({"name": "Ann"}))
}

async fn answering(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/customers/1")).respond_with(template).mount(&server).await;
    server
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.map_or(0, |all| all.len())
}

/// What a call ends with, in words.
async fn outcome(http: &Http, request: &Request) -> String {
    let status = |answer: &Answer| Ok(answer.status());
    match http.call(request, status).await {
        Ok(status) => status.as_u16().to_string(),
        Err(error) => error.to_string(),
    }
}

/// A service that serves each connection by one step, the last one for ever.
fn scripted(steps: &'static [&'static [u8]]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    // The thread ends with the test program.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let number = counter.fetch_add(1, Ordering::SeqCst);
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            let _ = std::io::Write::write_all(&mut stream, steps[number.min(steps.len() - 1)]);
        }
    });
    (url, count)
}

#[tokio::test]
async fn a_change_goes_out_with_method_body_and_key() {
    let server = MockServer::start().await;
    Mock::given(method("PATCH"))
        .and(path("/v1/customers/1"))
        .and(header("authorization", format!("Bearer {KEY}").as_str()))
        .and(header("content-type", "application/json"))
        .and(header("if-match", "\"7\""))
        .and(body_json(json!({"name": "Ann"})))
        .respond_with(
            ResponseTemplate::new(200)
                .insert_header("ETag", "\"8\"")
                .set_body_json(json!({"ok": 1})),
        )
        .mount(&server)
        .await;
    let read = |answer: &Answer| Ok((answer.etag().map(str::to_owned), answer.json::<Value>()?));
    let http = http(&format!("{}/v1", server.uri()), LIMITS);
    let answer = http.call(&patch().if_match("\"7\""), read).await.expect("an answer");
    assert_eq!(answer, (Some("\"8\"".to_owned()), json!({"ok": 1})));
}

#[tokio::test]
async fn a_name_and_a_password_do_as_well() {
    let server = MockServer::start().await;
    Mock::given(header("authorization", "Basic YW5uOmh1bnRlcjI="))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let password = Secret::new("hunter2");
    let ann = Credentials::Basic { username: "ann".to_owned(), password };
    let http = Http::new(Upstream::Crm, &server.uri(), Some(ann), LIMITS);
    assert_eq!(outcome(&http, &Request::get(["health"])).await, "204");
    assert!(!format!("{http:?}").contains("hunter2"), "{http:?}");
}

#[tokio::test]
async fn a_change_is_sent_once() {
    for status in [408, 429, 500, 502, 503, 504] {
        let server = answering(ResponseTemplate::new(status)).await;
        outcome(&http(&server.uri(), LIMITS), &patch()).await;
        assert_eq!(requests(&server).await, 1, "{status}");
    }
    let (url, count) = scripted(&[b""]);
    let broke = "the connection broke off before the answer was complete";
    assert_eq!(outcome(&http(&url, LIMITS), &patch()).await, broke);
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_change_that_is_safe_to_repeat_is_repeated() {
    for request in [patch().if_match("\"7\""), patch().idempotency_key("k"), patch().repeatable()] {
        let server = answering(ResponseTemplate::new(503)).await;
        outcome(&http(&server.uri(), LIMITS), &request).await;
        assert_eq!(requests(&server).await, 3);
    }
}

#[tokio::test]
async fn a_change_that_was_sent_before_is_in_doubt_whatever_is_said_then() {
    const NONE: &[u8] = b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    const LOCKED: &[u8] = b"HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    const TAKEN: &[u8] = b"HTTP/1.1 409 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let request = || patch().accepting(&[StatusCode::NOT_FOUND, StatusCode::CONFLICT]);
    let check = async |steps: &'static [&'static [u8]], request, expected, may_be_done| {
        let (url, _) = scripted(steps);
        let answer = http(&url, LIMITS).call(&request, |answer| Ok(answer.status())).await;
        assert_eq!(answer.as_ref().is_err_and(UpstreamError::may_be_done), may_be_done);
        let told = answer.map_or_else(|error| error.to_string(), |status| status.to_string());
        assert_eq!(told, expected);
    };
    let (no_record, no_key) =
        ("the service answered with status 404", "the service refused the credentials");
    let once = || request().idempotency_key("k");
    check(&[b"", NONE], once(), no_record, true).await;
    check(&[b"", LOCKED], once(), no_key, true).await;
    check(&[b"", TAKEN], once(), "409 Conflict", false).await;
    // What was not sent before is not in doubt, and what was deleted is not there.
    check(&[NONE], once(), "404 Not Found", false).await;
    check(&[LOCKED], once(), no_key, false).await;
    check(&[b"", NONE], request().if_match("\"7\""), "404 Not Found", false).await;
}

#[tokio::test]
async fn a_change_is_sent_again_where_nobody_listened() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let url = format!("http://{}", socket.local_addr().expect("an address"));
    let limits = Limits { retry_delay: Duration::from_millis(100), ..LIMITS };
    let http = http(&url, limits);
    let request = patch();
    let (outcome, ()) = tokio::join!(outcome(&http, &request), async {
        // The first attempt is refused: nobody listens on the port yet.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let listener = socket.listen(1).expect("a listener");
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let read = stream.read(&mut [0; 4096]).await.expect("a request");
        assert!(read > 0);
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("an answer");
    });
    assert_eq!(outcome, "204");
}

#[tokio::test]
async fn a_question_is_asked_again_where_the_connection_ended_before_the_answer() {
    let (url, count) = scripted(&[b"", b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"]);
    assert_eq!(outcome(&http(&url, LIMITS), &Request::get(["health"])).await, "204");
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_status_is_an_answer_where_the_caller_takes_it_for_one() {
    let server = answering(ResponseTemplate::new(404).set_body_json(json!({"code": "none"}))).await;
    let http = http(&server.uri(), LIMITS);
    let request = Request::get(["customers", "1"]);
    assert_eq!(outcome(&http, &request).await, "the service answered with status 404");
    let request = request.accepting(&[StatusCode::NOT_FOUND, StatusCode::GONE]);
    let read = |answer: &Answer| Ok((answer.status(), answer.json::<Value>()?));
    let answer = http.call(&request, read).await.expect("an answer");
    assert_eq!(answer, (StatusCode::NOT_FOUND, json!({"code": "none"})));
}

#[tokio::test]
async fn nothing_is_sent_where_the_path_would_be_another() {
    let server = answering(ResponseTemplate::new(200)).await;
    let http = http(&server.uri(), LIMITS);
    for id in ["", "..", "."] {
        let outcome = outcome(&http, &Request::get(["customers", "1", id])).await;
        assert_eq!(outcome, "the request holds a value that HTTP cannot carry");
    }
    assert_eq!(requests(&server).await, 0);
}

#[tokio::test]
async fn a_redirect_takes_the_key_nowhere() {
    let other = answering(ResponseTemplate::new(200)).await;
    for status in [301, 302, 307, 308] {
        let location = format!("{}/customers/1", other.uri());
        let template = ResponseTemplate::new(status).insert_header("Location", location);
        let server = answering(template).await;
        let outcome = outcome(&http(&server.uri(), LIMITS), &patch()).await;
        let told =
            format!("the service redirects elsewhere (status {status}), which is not followed");
        assert_eq!(outcome, told);
    }
    assert_eq!(requests(&other).await, 0);
}

#[tokio::test]
async fn five_failures_open_the_circuit_of_their_service_alone() {
    let failing = answering(ResponseTemplate::new(500)).await;
    let working = answering(ResponseTemplate::new(200)).await;
    let [broken, whole] = [&failing, &working].map(|server| http(&server.uri(), LIMITS));
    for _ in 0..5 {
        outcome(&broken, &patch()).await;
    }
    let open = "the service failed repeatedly and is not asked for a while";
    assert_eq!(outcome(&broken, &patch()).await, open);
    assert_eq!(requests(&failing).await, 5);
    assert_eq!(outcome(&whole, &patch()).await, "200");
}

/// A service that takes a while for each answer, and the most requests that it had at once.
fn slow() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let greatest = Arc::clone(&most);
    // The threads end with the test program.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            std::thread::spawn(move || {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
                std::thread::sleep(Duration::from_millis(100));
                now.fetch_sub(1, Ordering::SeqCst);
                let answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
                let _ = std::io::Write::write_all(&mut stream, answer);
            });
        }
    });
    (url, greatest)
}

#[tokio::test]
async fn ten_requests_at_most_are_under_way_and_the_others_wait() {
    let (url, most) = slow();
    let (http, request) = (http(&url, LIMITS), patch());
    let outcomes = join_all((0..15).map(|_| outcome(&http, &request))).await;
    assert!(outcomes.iter().all(|outcome| outcome == "204"), "{outcomes:?}");
    assert_eq!(most.load(Ordering::SeqCst), 10);
}

#[tokio::test]
async fn nothing_printed_holds_a_key_or_a_word_of_an_answer() {
    let server = answering(ResponseTemplate::new(200).set_body_json(json!({"id": "Ann"}))).await;
    let http = http(&server.uri(), LIMITS);
    let read = |answer: &Answer| {
        assert_eq!(format!("{answer:?}"), "Answer { status: 200, .. }");
        answer.json::<std::collections::HashMap<String, u64>>()
    };
    let error = http.call(&patch(), read).await.expect_err("another shape");
    let source = std::error::Error::source(&error).expect("a cause").to_string();
    assert_eq!(source, "another value than expected at line 1, column 11");
    for text in [format!("{error:?} {error} {source}"), format!("{http:?}")] {
        assert!(!text.contains("Ann") && !text.contains(KEY), "{text}");
    }
}
