use serde_json::json;

use super::*;

fn server() -> Map<String, Value> {
    let server = json!({ "command": "/bin/servicebay", "args": ["serve"] });
    server.as_object().cloned().unwrap_or_default()
}

/// Holds the text with the server under "bay" against what is expected, takes the server out again,
/// and returns what is left.
fn check(text: &str, expected: &str) -> String {
    let document = Document::read(text, "mcpServers").unwrap();
    let written = document.with("bay", &server()).unwrap();
    assert_eq!(written, expected);
    let document = Document::read(&written, "mcpServers").unwrap();
    assert_eq!(document.with("bay", &server()).unwrap(), written, "the second time");
    document.without("bay").unwrap()
}

fn refusal(text: &str) -> String {
    let refused = Document::read(text, "mcpServers")
        .and_then(|document| document.with("bay", &server()).map(drop));
    refused.unwrap_err().to_string()
}

#[test]
fn an_empty_file_gets_all_that_is_needed() {
    let expected = r#"{
  "mcpServers": {
    "bay": {
      "command": "/bin/servicebay",
      "args": ["serve"]
    }
  }
}
"#;
    check("", expected);
    assert_eq!(check("{}\n", expected), "{\n  \"mcpServers\": {}\n}\n");
}

#[test]
fn comments_order_and_other_servers_stay() {
    let text = r#"// Mine.
{
    "zeta": 1, // first
    "mcpServers": {
        /* the old one */
        "other": { "command": "x", "args": [ "a",  "b" ] },
    },
    "alpha": [1.50, 2e3]
}"#;
    let expected = r#"// Mine.
{
    "zeta": 1, // first
    "mcpServers": {
        /* the old one */
        "other": { "command": "x", "args": [ "a",  "b" ] },
        "bay": {
            "command": "/bin/servicebay",
            "args": ["serve"],
        },
    },
    "alpha": [1.50, 2e3]
}"#;
    assert_eq!(check(text, expected), text);
}

#[test]
fn tabs_line_ends_and_the_mark_of_windows_stay() {
    let text = "\u{feff}{\r\n\t\"mcpServers\": {\r\n\t\t\"other\": {}\r\n\t}\r\n}\r\n";
    let expected = "\u{feff}{\r\n\t\"mcpServers\": {\r\n\t\t\"other\": {},\r\n\t\t\"bay\": {\r\n\
                    \t\t\t\"command\": \"/bin/servicebay\",\r\n\t\t\t\"args\": [\"serve\"]\r\n\t\t}\
                    \r\n\t}\r\n}\r\n";
    assert_eq!(check(text, expected), text);
}

#[test]
fn a_file_of_comments_alone_keeps_them() {
    let document = Document::read("// Settings.\n", "mcpServers").unwrap();
    let written = document.with("bay", &server()).unwrap();
    assert!(written.starts_with("// Settings.\n{"), "{written}");
}

#[test]
fn an_earlier_entry_is_changed_where_it_differs() {
    let text = r#"{ "mcpServers": { "bay": {
  "args": [], // none
  "disabled": true,
  "command": "/old/servicebay"
} } }"#;
    let document = Document::read(text, "mcpServers").unwrap();
    let mut wanted = document.server("bay").and_then(Value::as_object).cloned().unwrap();
    wanted.extend(server());
    let expected = r#"{ "mcpServers": { "bay": {
  "args": ["serve"], // none
  "disabled": true,
  "command": "/bin/servicebay"
} } }"#;
    assert_eq!(document.with("bay", &wanted).unwrap(), expected);
}

#[test]
fn texts_are_escaped() {
    let odd = json!({ "command": "C:\\Program Files\\\"bay\"\\servicebay.exe\u{1}ü", "args": [] });
    let odd = odd.as_object().cloned().unwrap();
    let document = Document::read("{}", "mcpServers").unwrap();
    let written = document.with("bay\"", &odd).unwrap();
    let read = Document::read(&written, "mcpServers").unwrap();
    assert_eq!(read.server("bay\"").and_then(Value::as_object), Some(&odd));
    let strict: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(strict["mcpServers"]["bay\""], Value::Object(odd));
}

#[test]
fn what_is_no_json_is_refused() {
    assert!(refusal("{ \"a\": 1, ").contains("line 1"), "{}", refusal("{ \"a\": 1, "));
    assert!(refusal("{ a: 1 }").contains("no JSON"));
    assert!(refusal("{ 'a': 1 }").contains("no JSON"));
    assert!(refusal("{} {}").contains("no JSON"));
    assert!(refusal("[]").contains("should be an object"));
    assert!(refusal("null").contains("should be an object"));
    assert!(refusal(r#"{ "mcpServers": [] }"#).contains("\"mcpServers\""));
}

#[test]
fn a_file_that_says_the_same_twice_is_refused() {
    let twice = r#"{ "mcpServers": {}, "mcpServers": { "other": {} } }"#;
    assert!(refusal(twice).contains("occur twice"), "{}", refusal(twice));
}
