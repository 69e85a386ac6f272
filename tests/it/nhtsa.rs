//! A fake of NHTSA's vPIC service, which can also be slow, down or broken.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpSocket;
use wiremock::matchers::{method, path_regex, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// The elements that a decoded VIN of [`Nhtsa::honda`] has.
pub const HONDA: &[(&str, &str)] = &[
    ("Error Code", "0"),
    ("Make", "HONDA"),
    ("Manufacturer Name", "EXAMPLE MOTORS OF OHIO, INC."),
    ("Model", "Accord"),
    ("Model Year", "2003"),
    ("Plant City", "LIMA"),
    ("Plant Country", "UNITED STATES (USA)"),
    ("Trim", "EX-V6"),
    ("Vehicle Type", "PASSENGER CAR"),
    ("Body Class", "Coupe"),
    ("Doors", "2"),
    ("Gross Vehicle Weight Rating From", "Class 1C: 4,001 - 5,000 lb (1,814 - 2,268 kg)"),
    ("Engine Number of Cylinders", "6"),
    ("Displacement (L)", "2.9965"),
    ("Engine Brake (hp) From", "238"),
    ("Fuel Type - Primary", "Gasoline"),
    ("Transmission Style", "Automatic"),
];

/// Elements that an answer always has a row for, in the order of NHTSA's rows.
const ALWAYS_PRESENT: &[&str] = &[
    "Suggested VIN",
    "Error Code",
    "Possible Values",
    "Additional Error Text",
    "Error Text",
    "Make",
    "Manufacturer Name",
    "Model",
    "Model Year",
    "Series",
    "Trim",
    "Drive Type",
];

/// A running fake.
pub struct Nhtsa {
    base_url: String,
    backend: Backend,
}

enum Backend {
    Http(MockServer),
    /// Bytes that no HTTP server would send.
    Raw(Arc<AtomicUsize>),
    /// A port that is taken, so that nobody else gets it, but where nobody listens.
    Nothing {
        _port: TcpSocket,
    },
}

impl Nhtsa {
    /// Answers every VIN with these elements; all others are there without a value.
    pub async fn answering(elements: &[(&str, &str)]) -> Self {
        Self::responding(ResponseTemplate::new(200).set_body_json(body(elements))).await
    }

    /// Answers every VIN with a Honda Accord of 2003.
    pub async fn honda() -> Self {
        Self::answering(HONDA).await
    }

    /// Knows no vehicle: the manufacturer is not registered.
    pub async fn knowing_nothing() -> Self {
        Self::answering(&[("Error Code", "1,7"), ("Error Text", "7 - not registered")]).await
    }

    /// Answers with a status and nothing else.
    pub async fn failing(status: u16) -> Self {
        Self::responding(ResponseTemplate::new(status)).await
    }

    /// Answers with status 429 and this `Retry-After`.
    pub async fn limiting(retry_after: &str) -> Self {
        let template = ResponseTemplate::new(429).insert_header("Retry-After", retry_after);
        Self::responding(template).await
    }

    /// Answers so many times with a status, then with a Honda Accord.
    pub async fn recovering(status: u16, times: u64) -> Self {
        let fake = Self::honda().await;
        if let Backend::Http(server) = &fake.backend {
            decode_vin()
                .respond_with(ResponseTemplate::new(status))
                .up_to_n_times(times)
                .with_priority(1)
                .mount(server)
                .await;
        }
        fake
    }

    /// Answers with a web page and status 200, as proxies and login pages do.
    pub async fn sending_html() -> Self {
        let page = "<!DOCTYPE html><title>Down for maintenance</title>";
        Self::responding(ResponseTemplate::new(200).set_body_raw(page, "text/html")).await
    }

    /// Answers with JSON that is not NHTSA's.
    pub async fn sending_other_json() -> Self {
        let other = json!({"Count": 1, "Results": "none", "Message": "ok"});
        Self::responding(ResponseTemplate::new(200).set_body_json(other)).await
    }

    /// Answers with nothing.
    pub async fn sending_nothing() -> Self {
        Self::responding(ResponseTemplate::new(200)).await
    }

    /// Answers with JSON that is as deep as it is long.
    pub async fn sending_deep_json() -> Self {
        let body = format!("{{\"Results\": {}", "[".repeat(500_000));
        Self::responding(ResponseTemplate::new(200).set_body_raw(body, "application/json")).await
    }

    /// Answers about another VIN than it was asked about.
    pub async fn sending_another_vin() -> Self {
        let mut body = body(&[("Make", "FORD"), ("Model", "Mustang")]);
        body["SearchCriteria"] = json!("VIN:1ZVBP8KM6D5000123");
        Self::responding(ResponseTemplate::new(200).set_body_json(body)).await
    }

    /// Answers in NHTSA's shape but without a row.
    pub async fn sending_no_rows() -> Self {
        let empty = json!({"Count": 0, "Message": "ok", "Results": []});
        Self::responding(ResponseTemplate::new(200).set_body_json(empty)).await
    }

    /// Answers with two mebibytes.
    pub async fn sending_too_much() -> Self {
        let body = " ".repeat(2 * 1024 * 1024);
        Self::responding(ResponseTemplate::new(200).set_body_raw(body, "application/json")).await
    }

    /// Sends elsewhere.
    pub async fn redirecting(location: &str) -> Self {
        Self::responding(ResponseTemplate::new(302).insert_header("Location", location)).await
    }

    /// Takes requests and answers after half a minute, which is never.
    pub async fn silent() -> Self {
        let template = ResponseTemplate::new(200).set_body_json(body(HONDA));
        Self::responding(template.set_delay(Duration::from_secs(30))).await
    }

    /// Breaks off in the middle of an answer.
    pub fn breaking_off() -> Self {
        let half = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\
                    \r\n{\"Count\": 136, \"Results\": [{\"Value\": ";
        Self::sending_raw(half.as_bytes())
    }

    /// Sends chunks without end.
    pub fn never_ending() -> Self {
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        // Twice as much as any client of ours reads, then the connection just ends.
        Self::sending_raw(format!("{head}{}", chunk.repeat(32)).as_bytes())
    }

    /// Sends the beginning of an answer, and then nothing more on a connection that stays open.
    pub fn stalling(beginning: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base_url = url_of(listener.local_addr());
        // The thread, and the connections that it holds, end with the test program.
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(beginning);
                held.push(stream);
            }
        });
        Self { base_url, backend: Backend::Raw(Arc::default()) }
    }

    /// Answers in plain text where TLS is expected.
    pub fn speaking_no_tls() -> Self {
        let plain = Self::sending_raw(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        Self { base_url: plain.base_url.replace("http://", "https://"), ..plain }
    }

    /// Refuses every connection.
    pub fn refusing() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let base_url = url_of(socket.local_addr());
        Self { base_url, backend: Backend::Nothing { _port: socket } }
    }

    /// What the client is configured with.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// How many requests came in.
    pub async fn requests(&self) -> usize {
        match &self.backend {
            Backend::Http(server) => server.received_requests().await.map_or(0, |all| all.len()),
            Backend::Raw(count) => count.load(Ordering::SeqCst),
            Backend::Nothing { .. } => 0,
        }
    }

    async fn responding(template: ResponseTemplate) -> Self {
        let server = MockServer::start().await;
        decode_vin().respond_with(template).mount(&server).await;
        Self { base_url: format!("{}/api", server.uri()), backend: Backend::Http(server) }
    }

    fn sending_raw(answer: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let (base_url, answer) = (url_of(listener.local_addr()), answer.to_vec());
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        // The thread ends with the test program.
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(&answer);
            }
        });
        Self { base_url, backend: Backend::Raw(count) }
    }
}

fn decode_vin() -> wiremock::MockBuilder {
    Mock::given(method("GET"))
        .and(path_regex("^/api/vehicles/DecodeVin/[A-HJ-NPR-Z0-9]{17}$"))
        .and(query_param("format", "json"))
}

fn url_of(address: std::io::Result<SocketAddr>) -> String {
    format!("http://{}/api", address.expect("an address"))
}

/// NHTSA's array form: a row for each element, those without a value as `null` or an empty text.
fn body(elements: &[(&str, &str)]) -> serde_json::Value {
    let is_given = |name: &str| elements.iter().any(|(given, _)| *given == name);
    let empty = ALWAYS_PRESENT.iter().filter(|name| !is_given(name)).map(|name| (*name, None));
    let given = elements.iter().map(|(name, value)| (*name, Some(*value)));
    let rows: Vec<_> = empty.chain(given).map(row).collect();
    json!({
        "Count": rows.len(),
        "Message": "Results returned successfully",
        "SearchCriteria": "VIN:",
        "Results": rows,
    })
}

/// NHTSA's numbers of the elements.
const NUMBERS: &[(&str, u32)] = &[
    ("Body Class", 5),
    ("Engine Number of Cylinders", 9),
    ("Displacement (L)", 13),
    ("Doors", 14),
    ("Drive Type", 15),
    ("Fuel Type - Primary", 24),
    ("Gross Vehicle Weight Rating From", 25),
    ("Make", 26),
    ("Manufacturer Name", 27),
    ("Model", 28),
    ("Model Year", 29),
    ("Plant City", 31),
    ("Series", 34),
    ("Transmission Style", 37),
    ("Trim", 38),
    ("Vehicle Type", 39),
    ("Engine Brake (hp) From", 71),
    ("Plant Country", 75),
    ("Suggested VIN", 142),
    ("Error Code", 143),
    ("Possible Values", 144),
    ("Additional Error Text", 156),
    ("Error Text", 191),
];

fn row((name, value): (&str, Option<&str>)) -> serde_json::Value {
    let number = NUMBERS.iter().find(|(known, _)| *known == name);
    let id = number.map(|(_, number)| *number).expect("an element of NHTSA");
    let is_text = id % 2 == 0;
    let value = value.or(is_text.then_some(""));
    json!({"Value": value, "ValueId": is_text.then_some(""), "Variable": name, "VariableId": id})
}
