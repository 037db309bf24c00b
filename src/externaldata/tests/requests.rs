//! Reading requests.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const LIMITS: RequestLimits = RequestLimits { body_bytes: 4096, keys: 5 };

fn keys(body: &str) -> Result<Vec<String>, RequestError> {
    let read = decode(body.as_bytes(), &LIMITS)?;
    Ok(read.keys.into_iter().map(|key| key.into_owned()).collect())
}

fn request(request: &str) -> String {
    format!(r#"{{"apiVersion":"{API_VERSION}","kind":"ProviderRequest","request":{request}}}"#)
}

#[test]
fn keys_are_read_in_order_and_repeated_ones_once() {
    let read = keys(&request(r#"{"keys":["b","a","b","","a"]}"#));
    assert_eq!(read, Ok(vec!["b".to_owned(), "a".to_owned(), String::new()]));
}

#[test]
fn no_keys_are_an_empty_list_however_it_is_written() {
    for none in ["{}", r#"{"keys":null}"#, r#"{"keys":[]}"#] {
        assert_eq!(keys(&request(none)), Ok(Vec::new()), "{none}");
    }
}

#[test]
fn escapes_are_what_they_stand_for() {
    let read = keys(&request(r#"{"keys":["a\u003cb\u20ac\n"]}"#));
    assert_eq!(read, Ok(vec!["a<b€\n".to_owned()]));
}

#[test]
fn members_that_are_not_known_are_passed_over() {
    let body = r#"{"apiVersion":"externaldata.gatekeeper.sh/v1beta1","kind":"ProviderRequest","metadata":{"a":1},"request":{"keys":["a"],"hint":[{}]}}"#;
    assert_eq!(keys(body), Ok(vec!["a".to_owned()]));
}

#[test]
fn what_is_no_request_is_told_so() {
    let api = API_VERSION;
    for body in [
        String::new(),
        "nonsense".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        format!("{} trailing", request("{}")),
        request("null"),
        request("[]"),
        format!(r#"["{api}","ProviderRequest",{{"keys":[]}}]"#),
        request(r#"{"keys":"a"}"#),
        request(r#"{"keys":{}}"#),
        request(r#"{"keys":[1]}"#),
        request(r#"{"keys":[null]}"#),
        request(r#"{"keys":["\ud800"]}"#),
        request(r#"{"keys":[],"keys":["a"]}"#),
        format!(r#"{{"apiVersion":"{api}","kind":"ProviderRequest"}}"#),
        r#"{"kind":"ProviderRequest","request":{}}"#.to_owned(),
        "[".repeat(4000),
    ] {
        assert!(matches!(keys(&body), Err(RequestError::Malformed { .. })), "{body}: {:?}", keys(&body));
    }
    assert!(matches!(decode(b"\xff\xfe", &LIMITS), Err(RequestError::Malformed { .. })));
}

#[test]
fn another_kind_or_version_is_no_request() {
    for (api_version, kind) in [
        (API_VERSION, "ProviderResponse"),
        (API_VERSION, ""),
        ("externaldata.gatekeeper.sh/v2", "ProviderRequest"),
        ("v1", &"x".repeat(3000)),
    ] {
        let body = json!({"apiVersion": api_version, "kind": kind, "request": {"keys": []}}).to_string();
        let error = keys(&body).expect_err("refused");
        assert!(matches!(error, RequestError::OtherKind { .. }), "{error}");
        assert!(error.to_string().len() < 500, "{error}");
    }
}

#[test]
fn more_keys_or_bytes_than_the_limits_are_refused() {
    let five = request(r#"{"keys":["1","2","3","4","5"]}"#);
    assert_eq!(keys(&five).map(|keys| keys.len()), Ok(5));
    let six = request(r#"{"keys":["1","1","1","1","1","1"]}"#);
    assert_eq!(keys(&six), Err(RequestError::TooManyKeys { count: 6, limit: 5 }));
    let long = request(&format!(r#"{{"keys":["{}"]}}"#, "a".repeat(4096)));
    assert_eq!(keys(&long), Err(RequestError::TooLarge { limit: 4096 }));
}

#[test]
fn the_schema_of_requests_takes_what_is_read() {
    let schema = include_str!("../../../docs/schemas/request.json");
    for body in [request("{}"), request(r#"{"keys":null}"#), request(r#"{"keys":["a","[ns]b"]}"#)] {
        assert!(keys(&body).is_ok());
        assert_matches_schema(schema, &parsed(body.as_bytes()));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&body, &LIMITS);
    }

    #[test]
    fn any_keys_are_read_as_they_were_written(keys in proptest::collection::vec(".{0,20}", 0..20)) {
        let limits = RequestLimits { body_bytes: usize::MAX, keys: 20 };
        let body = json!({"apiVersion": API_VERSION, "kind": "ProviderRequest", "request": {"keys": keys}});
        let body = body.to_string();
        let read = decode(body.as_bytes(), &limits).expect("a request");
        prop_assert!(read.keys.iter().all(|key| keys.iter().any(|asked| asked == key)));
        prop_assert!(keys.iter().all(|asked| read.keys.iter().filter(|key| *key == asked).count() == 1));
    }

    #[test]
    fn a_damaged_request_never_breaks_the_reader(at in 0usize..120, byte in any::<u8>()) {
        let mut body = request(r#"{"keys":["registry.example/a:1","[ns]b"]}"#).into_bytes();
        if let Some(place) = body.get_mut(at) { *place = byte; }
        if let Ok(read) = decode(&body, &LIMITS) {
            for key in &read.keys {
                let _ = (parse_key(key, 100), parse_mutation_key(key, 100));
            }
        }
    }
}
