//! What Gatekeeper makes of a provider's answer before Rego sees it, as seen of its own code: the status is
//! only passed on, an item with an error has no value, and a failure leaves `null` where lists are expected.

use serde_json::{Value, json};

/// A provider's answer on the wire, or why there is none.
#[derive(Clone, Debug)]
pub enum Wire {
    Answered { status: u16, body: Vec<u8> },
    Failed(&'static str),
}

impl Wire {
    pub fn ok(body: Vec<u8>) -> Self {
        Self::Answered { status: 200, body }
    }
}

/// The value of `external_data`.
pub fn external_data(wire: &Wire) -> Value {
    match wire {
        Wire::Failed(why) => failure(&format!("failed to send external data request: {why}")),
        Wire::Answered { status, body } => match parse(body) {
            Ok((responses, errors, system_error)) => json!({
                "responses": responses,
                "errors": errors,
                "status_code": status,
                "system_error": system_error,
            }),
            Err(why) => failure(&format!("failed to unmarshal external data response: {why}")),
        },
    }
}

fn failure(why: &str) -> Value {
    json!({"responses": null, "errors": null, "status_code": 500, "system_error": why})
}

type Parsed = (Vec<Value>, Vec<Value>, String);

/// Gatekeeper looks at no version and no kind; what is absent or null is empty.
fn parse(body: &[u8]) -> Result<Parsed, String> {
    let document: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let (mut responses, mut errors) = (Vec::new(), Vec::new());
    let response = object(&document, "response")?;
    for item in response["items"].as_array().unwrap_or(&Vec::new()) {
        let (key, error) = (text(item, "key")?, text(item, "error")?);
        if error.is_empty() {
            responses.push(json!([key, item["value"]]));
        } else {
            errors.push(json!([key, error]));
        }
    }
    Ok((responses, errors, text(&response, "systemError")?))
}

fn object(holder: &Value, field: &str) -> Result<Value, String> {
    match holder.get(field) {
        None | Some(Value::Null) => Ok(json!({})),
        Some(value @ Value::Object(_)) => Ok(value.clone()),
        Some(other) => Err(format!("{field} is {other}")),
    }
}

fn text(holder: &Value, field: &str) -> Result<String, String> {
    match holder.get(field) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(format!("{field} is {other}")),
    }
}
