use super::*;

/// What a line is refused with: the id, as JSON, and the code.
fn check(line: &str, id: &str, code: i32) {
    match parse(line.as_bytes()) {
        Incoming::Refused(refusal) => {
            let read = serde_json::to_string(&refusal.id).unwrap();
            assert_eq!((read.as_str(), refusal.code.0), (id, code), "{line:.200}");
        }
        other => panic!("{line:.200} was read as {other:?}"),
    }
}

fn call_of(line: &str) -> (RequestId, CallToolRequest) {
    match parse(line.as_bytes()) {
        Incoming::Request(id, ClientRequest::CallToolRequest(request)) => (id, request),
        other => panic!("{line} was read as {other:?}"),
    }
}

#[test]
fn what_is_no_json_is_a_parse_error() {
    for line in ["nonsense", "{", r#"{"id":1"#, "[1,", r#"{"method":5, oh"#, "{}{}"] {
        check(line, "null", -32700);
    }
    match parse(b"{\"id\":\"\xFF\"}") {
        Incoming::Refused(refusal) => assert_eq!(refusal.code.0, -32700),
        other => panic!("{other:?}"),
    }
    let surrogate = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\ud800"}}"#;
    check(surrogate, "1", -32700);
}

#[test]
fn json_of_another_shape_is_an_invalid_request_with_the_id_where_there_is_one() {
    for line in
        ["[]", "5", "null", r#""text""#, "{}", r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#]
    {
        check(line, "null", -32600);
    }
    check(r#"{"jsonrpc":"2.0","id":1}"#, "1", -32600);
    check(r#"{"jsonrpc":"2.0","id":"a","method":5}"#, r#""a""#, -32600);
    check(r#"{"id":2,"method":"ping"}"#, "2", -32600);
    check(r#"{"jsonrpc":"1.0","id":2,"method":"ping"}"#, "2", -32600);
    check(r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, "null", -32600);
    check(r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, "null", -32600);
    check(r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, "null", -32600);
    check(r#"{"jsonrpc":"2.0","id":3,"method":"ping","result":{}}"#, "3", -32600);
    check(r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, "null", -32600);
}

#[test]
fn a_call_without_a_usable_name_has_invalid_params() {
    for params in [
        "",
        r#","params":null"#,
        r#","params":[]"#,
        r#","params":{}"#,
        r#","params":{"name":5}"#,
        r#","params":{"name":"a","_meta":5}"#,
    ] {
        check(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call"{params}}}"#), "1", -32602);
    }
}

#[test]
fn deep_nesting_is_refused_before_it_endangers_the_stack() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let call = |depth| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"a","arguments":{}}}}}"#,
            deep(depth)
        )
    };
    call_of(&call(100));
    check(&call(200), "1", -32600);
    check(&call(200_000), "1", -32600);
    check(
        &format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{}}}"#, deep(100_000)),
        "1",
        -32600,
    );
    check(&deep(200_000), "null", -32600);
    check(&"[".repeat(200_000), "null", -32700);
}

#[test]
fn a_call_is_read_with_its_arguments_and_its_meta() {
    let (id, call) = call_of(
        r#"{"jsonrpc":"2.0","id":7,"method":"tools\/call","params":{"_meta":{"progressToken":"t"},"name":"a\u0062","arguments":{"x":1}}}"#,
    );
    assert_eq!(id, RequestId::Number(7));
    assert_eq!(call.params.name, "ab");
    assert_eq!(Value::Object(call.params.arguments.unwrap()), serde_json::json!({"x": 1}));
    let meta = call.extensions.get::<RequestMetaObject>().unwrap();
    assert_eq!(meta.0.0.get("progressToken").unwrap(), "t");
}

#[test]
fn arguments_that_are_no_object_reach_the_tool() {
    let (_, call) = call_of(
        r#"{"jsonrpc":"2.0","id":"s","method":"tools/call","params":{"name":"a","arguments":[1]}}"#,
    );
    assert_eq!(call.params.arguments, None);
    assert_eq!(call.extensions.get::<OddArguments>().unwrap().0, serde_json::json!([1]));
}

#[test]
fn empty_lines_and_notifications_are_passed_over_and_the_ends_of_lines_forgiven() {
    for line in [
        "",
        "  ",
        "\r",
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
        r#"{"jsonrpc":"2.0","method":"what/ever","params":7}"#,
    ] {
        assert!(matches!(parse(line.as_bytes()), Incoming::Nothing), "{line}");
    }
    let ping = "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r";
    assert!(matches!(parse(ping.as_bytes()), Incoming::Request(_, ClientRequest::PingRequest(_))));
    let cancelled = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":4,"reason":"x"}}"#;
    assert!(matches!(parse(cancelled.as_bytes()), Incoming::Cancel(RequestId::Number(4))));
}
