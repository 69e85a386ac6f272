//! The XML of WebDAV and CalDAV: what is asked, and what is read of the answers.

use roxmltree::{Document, Node, ParsingOptions};

use super::super::UpstreamError;
use crate::domain::calendar::EventId;
use crate::domain::icalendar::uid;
use crate::domain::time::{Interval, Timestamp};

const DAV: &str = "DAV:";
const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
const CALENDAR_SERVER: &str = "http://calendarserver.org/ns/";
/// The most elements of an answer.
const NODES: u32 = 2_000_000;

/// Asks what the collection is, and where it is now.
pub(super) const STATE: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?>"#,
    r#"<propfind xmlns="DAV:" xmlns:CS="http://calendarserver.org/ns/">"#,
    r#"<prop><resourcetype/><sync-token/><CS:getctag/></prop></propfind>"#
);

/// Asks what has changed since this token was given.
pub(super) fn sync(token: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><sync-collection xmlns=\"DAV:\">\
         <sync-token>{}</sync-token><sync-level>1</sync-level><prop><getetag/></prop>\
         </sync-collection>",
        escape(token)
    )
}

/// How events are asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Question {
    /// Those in a time, each time of a repeating one by itself.
    Expanded,
    /// Those in a time, repeating ones as they were written.
    Written,
    /// All of them.
    All,
}

/// Asks for events.
pub(super) fn events_in(window: Interval, question: Question) -> String {
    let (start, end) = (utc(window.start), utc(window.end));
    let data = match question {
        Question::Expanded => format!(
            "<C:calendar-data><C:expand start=\"{start}\" end=\"{end}\"/></C:calendar-data>"
        ),
        Question::Written | Question::All => "<C:calendar-data/>".to_owned(),
    };
    let time = match question {
        Question::Expanded | Question::Written => {
            format!("<C:time-range start=\"{start}\" end=\"{end}\"/>")
        }
        Question::All => String::new(),
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <C:calendar-query xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><prop><getetag/>\
         {data}</prop><C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\">\
         {time}</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    )
}

/// Asks for a visit's event, wherever it lies.
pub(super) fn with_uid(id: &EventId) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <C:calendar-query xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><prop><getetag/>\
         <C:calendar-data/></prop><C:filter><C:comp-filter name=\"VCALENDAR\">\
         <C:comp-filter name=\"VEVENT\"><C:prop-filter name=\"UID\">\
         <C:text-match>{}</C:text-match></C:prop-filter></C:comp-filter>\
         </C:comp-filter></C:filter></C:calendar-query>",
        escape(&uid(id))
    )
}

fn utc(at: Timestamp) -> String {
    at.to_utc().format("%Y%m%dT%H%M%SZ").to_string()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What a server says of many resources.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Multistatus {
    pub responses: Vec<Response>,
    /// From where on to ask the next time.
    pub token: Option<String>,
    /// Whether there is more that it did not tell.
    pub is_cut_off: bool,
}

/// What a server says of one resource.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Response {
    pub href: String,
    /// What its server says of it as a whole.
    pub status: Option<u16>,
    /// What its version is called; `None`: it is gone.
    pub etag: Option<String>,
    pub calendar: Option<String>,
    pub is_calendar: bool,
    pub sync_token: Option<String>,
    pub tag: Option<String>,
}

impl Multistatus {
    /// Reads an answer.
    pub fn read(body: &[u8]) -> Result<Self, UpstreamError> {
        let malformed =
            || UpstreamError::Malformed { reason: "it is not WebDAV's XML", source: None };
        // One entry with letters that XML does not allow, which some servers hand over as they are,
        // must not take the others along.
        let text = String::from_utf8_lossy(body);
        let is_stray = |letter: char| letter < ' ' && !matches!(letter, '\t' | '\n' | '\r');
        let text = if text.contains(is_stray) { text.replace(is_stray, " ").into() } else { text };
        let options = ParsingOptions { nodes_limit: NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(&text, options).map_err(|_| malformed())?;
        let root = document.root_element();
        if !root.has_tag_name((DAV, "multistatus")) {
            return Err(malformed());
        }
        let mut read = Self { token: text_of(root, "sync-token"), ..Self::default() };
        for node in root.children().filter(|node| node.has_tag_name((DAV, "response"))) {
            match text_of(node, "status").as_deref().and_then(status_code) {
                Some(507) => read.is_cut_off = true,
                status => read.responses.push(Response::read(node, status)),
            }
        }
        Ok(read)
    }
}

impl Response {
    fn read(node: Node<'_, '_>, status: Option<u16>) -> Self {
        let href = text_of(node, "href").unwrap_or_default();
        let mut response = Self { href, status, ..Self::default() };
        if status.is_some_and(|status| status >= 400) {
            return response;
        }
        let is_found = |node: &Node<'_, '_>| {
            let status = text_of(*node, "status").as_deref().and_then(status_code);
            node.has_tag_name((DAV, "propstat")) && status.is_none_or(|status| status < 400)
        };
        for prop in node.children().filter(is_found).flat_map(|node| node.children()) {
            for property in prop.children() {
                response.take(property);
            }
        }
        response
    }

    fn take(&mut self, property: Node<'_, '_>) {
        let name = property.tag_name();
        let text = || all_text(property).filter(|text| !text.is_empty());
        match (name.namespace(), name.name()) {
            (Some(DAV), "getetag") => self.etag = text(),
            (Some(CALDAV), "calendar-data") => self.calendar = text(),
            (Some(DAV), "sync-token") => self.sync_token = text(),
            (Some(CALENDAR_SERVER), "getctag") => self.tag = text(),
            (Some(DAV), "resourcetype") => {
                self.is_calendar =
                    property.children().any(|kind| kind.has_tag_name((CALDAV, "calendar")));
            }
            _ => {}
        }
    }
}

fn text_of(node: Node<'_, '_>, name: &str) -> Option<String> {
    all_text(node.children().find(|node| node.has_tag_name((DAV, name)))?)
}

/// The text of a node, whatever pieces it comes in, without the space around it.
fn all_text(node: Node<'_, '_>) -> Option<String> {
    let pieces: Vec<&str> =
        node.children().filter(|node| node.is_text()).filter_map(|node| node.text()).collect();
    (!pieces.is_empty()).then(|| pieces.concat().trim().to_owned())
}

/// `HTTP/1.1 404 Not Found`.
fn status_code(line: &str) -> Option<u16> {
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}
