//! What the provider answered, read as a template reads it.

use serde_json::Value;

/// A ProviderResponse.
#[derive(Clone, Debug)]
pub(super) struct Answers(Value);

/// What it says of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// One of the five words.
    pub(super) verdict: String,
    /// The subjects of those whose signatures count; empty where none does.
    pub(super) signed_by: String,
    /// The reason's code.
    pub(super) code: String,
    /// The reason in words.
    pub(super) message: String,
}

impl Answers {
    pub(super) fn new(response: Value) -> Self {
        Self(response)
    }

    /// The item of one image; none where it is undecided.
    pub(super) fn item(&self, image: &str) -> Option<&Value> {
        let items = self.0.pointer("/response/items")?.as_array()?;
        items.iter().find(|item| item.get("key").is_some_and(|key| key == image))
    }

    pub(super) fn verdict(&self, image: &str) -> Verdict {
        match self.item(image) {
            Some(item) => decided(item),
            None => self.undecided(image),
        }
    }

    /// An image without an item is named in `systemError`: `CODE image; CODE image`.
    fn undecided(&self, image: &str) -> Verdict {
        let error = self.0.pointer("/response/systemError").and_then(Value::as_str).unwrap_or_default();
        let code = error.split("; ").find_map(|part| part.strip_suffix(image)).map_or("", str::trim);
        Verdict {
            verdict: crate::outcome::Verdict::Inconclusive.as_str().to_owned(),
            signed_by: String::new(),
            code: code.to_owned(),
            message: "no item: undecided, and named in systemError, so that Gatekeeper does not keep it"
                .to_owned(),
        }
    }
}

fn decided(item: &Value) -> Verdict {
    let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let message = match text("/error") {
        error if error.is_empty() => text("/value/reason/message"),
        error => error,
    };
    let signatures = item.pointer("/value/signatures").and_then(Value::as_array);
    let valid = signatures.into_iter().flatten().filter(|signature| is_valid(signature));
    let signers: Vec<&str> =
        valid.filter_map(|signature| signature.pointer("/signer/subject").and_then(Value::as_str)).collect();
    Verdict {
        verdict: text("/value/verdict"),
        signed_by: signers.join("; "),
        code: text("/value/reason/code"),
        message,
    }
}

fn is_valid(signature: &Value) -> bool {
    signature.get("result").is_some_and(|result| result == crate::outcome::SignatureResult::Valid.as_str())
}
