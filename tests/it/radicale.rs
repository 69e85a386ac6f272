//! A real CalDAV server of a test's own.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, StatusCode};
use tempfile::TempDir;

const USER: &str = "shop";
const PASSWORD: &str = "pass word 7";
const PATH: &str = "/shop/visits/";
/// How long a server may take to start on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running Radicale with one calendar; killed when dropped.
pub struct Radicale {
    child: Option<Child>,
    address: SocketAddr,
    folder: TempDir,
    client: Client,
}

impl Radicale {
    /// Starts one on a free port, with a calendar in it.
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("servicebay-radicale.").tempdir().unwrap();
        std::fs::write(folder.path().join("users"), format!("{USER}:{PASSWORD}\n")).unwrap();
        // An error means that a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let mut radicale = Self { child: None, address: free_address(), folder, client };
        while !radicale.try_run() {
            radicale.address = free_address();
        }
        let body = r#"<C:mkcalendar xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"/>"#;
        let status = radicale.send("MKCALENDAR", "", &[], body).await.0;
        assert_eq!(status, StatusCode::CREATED);
        radicale
    }

    /// The settings that connect a shop to the calendar.
    pub fn settings(&self) -> [(&'static str, String); 3] {
        [
            ("CALDAV_URL", self.url("")),
            ("CALDAV_USERNAME", USER.to_owned()),
            ("CALDAV_PASSWORD", PASSWORD.to_owned()),
        ]
    }

    /// Ends the server at once; its files stay.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again where it was.
    pub fn resume(&mut self) {
        assert!(self.try_run(), "Radicale starts on its old port");
    }

    /// All events, as iCalendar.
    pub async fn events(&self) -> Vec<String> {
        let query = r#"<C:calendar-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">
            <prop><C:calendar-data/></prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter>
            </C:calendar-query>"#;
        let (status, text) = self.send("REPORT", "", &[("Depth", "1")], query).await;
        assert_eq!(status, StatusCode::MULTI_STATUS, "{text}");
        let pieces = text.split("BEGIN:VCALENDAR").skip(1);
        let unfolded = pieces.map(|piece| piece.replace("\r\n ", "").replace("\n ", ""));
        unfolded.map(|piece| piece.replace("&amp;", "&").replace("&lt;", "<")).collect()
    }

    /// How many calendars it keeps.
    pub fn calendars(&self) -> usize {
        let home = self.folder.path().join("collections/collection-root").join(USER);
        let entries = std::fs::read_dir(home).unwrap().map(|entry| entry.unwrap().file_name());
        entries.filter(|name| !name.to_string_lossy().starts_with('.')).count()
    }

    /// Puts an event into the calendar, as staff do: lines between its `BEGIN` and `END`.
    pub async fn put(&self, name: &str, lines: &[&str]) {
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//staff//EN\r\nBEGIN:VEVENT\r\n{}\r\n\
             DTSTAMP:20260101T000000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            lines.join("\r\n")
        );
        let headers = [("Content-Type", "text/calendar; charset=utf-8")];
        let (status, answer) = self.send("PUT", &format!("{name}.ics"), &headers, &text).await;
        assert!(status.is_success(), "{status}: {answer}");
    }

    /// Takes an event out of the calendar, as staff do.
    pub async fn delete(&self, name: &str) {
        let (status, answer) = self.send("DELETE", &format!("{name}.ics"), &[], "").await;
        assert!(status.is_success(), "{status}: {answer}");
    }

    /// Starts it again and takes an event out.
    pub async fn delete_when_back(&mut self, name: &str) {
        self.resume();
        self.delete(name).await;
    }

    fn url(&self, resource: &str) -> String {
        format!("http://{}{PATH}{resource}", self.address)
    }

    async fn send(
        &self,
        method: &str,
        resource: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (StatusCode, String) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, self.url(resource));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.basic_auth(USER, Some(PASSWORD)).body(body.to_owned());
        let answer = request.send().await.expect("Radicale answers");
        (answer.status(), answer.text().await.unwrap())
    }

    /// Whether it runs now; not where somebody else has taken the port.
    fn try_run(&mut self) -> bool {
        let folder = self.folder.path();
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let child = Command::new(program())
            .args(["--config", "", "--server-hosts", &self.address.to_string()])
            .args(["--auth-type", "htpasswd", "--auth-htpasswd-encryption", "plain"])
            .arg("--auth-htpasswd-filename")
            .arg(folder.join("users"))
            .arg("--storage-filesystem-folder")
            .arg(folder.join("collections"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("Radicale starts: run scripts/test, which installs it");
        self.child = Some(child);
        let started = Instant::now();
        while started.elapsed() < START_LIMIT {
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                let log = std::fs::read_to_string(folder.join("log")).unwrap();
                assert!(log.contains("Address already in use"), "{log}");
                return false;
            }
            if TcpStream::connect(self.address).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("Radicale does not listen");
    }
}

impl Drop for Radicale {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// What `RADICALE_BIN` names, else what is in `PATH`, else what `scripts/test` has installed.
fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("RADICALE_BIN").filter(|path| !path.is_empty()) {
        return path.into();
    }
    let installed = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let installed = installed.join("radicale/bin/radicale");
    if installed.exists() { installed } else { "radicale".into() }
}
