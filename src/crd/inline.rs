//! Certificates and keys that are written into a resource.

use jiff::Timestamp;

use super::field::{Field, Notes};
use crate::engine::diagnostic::Severity;
use crate::trust::key_source::{Key, KeyContent, KeySourceSettings, MaterialError, read_material};
use crate::trust::store::StoreType;
use crate::x509::{BundleError, Certificate};

/// Converts the parameters of an inline source.
pub(super) fn convert(
    parameters: &Field<'_>,
    content: KeyContent,
    now: Timestamp,
    notes: &mut Notes,
) -> Option<KeySourceSettings> {
    parameters.only(&["contentType", "value"], &[], notes);
    let pem = parameters.required_text("value", notes, "paste the PEM text below `value: |`")?;
    material(&parameters.member("value")?, pem, content, now, notes)
}

/// A text as it is written at `value`, checked.
pub(super) fn material(
    value: &Field<'_>,
    pem: &str,
    content: KeyContent,
    now: Timestamp,
    notes: &mut Notes,
) -> Option<KeySourceSettings> {
    match read_material(pem.as_bytes(), content, "inline value") {
        Ok(keys) => say_validity(value, pem, &keys, now, notes),
        Err(error) => {
            let line = error.position().and_then(|position| block_line(value, pem, position));
            let place = Field { line: line.or(value.line), ..value.clone() };
            notes.error(&place, error.to_string(), remedy(&error, content));
            return None;
        }
    }
    Some(KeySourceSettings::Inline { pem: pem.to_owned(), content })
}

fn remedy(error: &MaterialError, content: KeyContent) -> &'static str {
    match (error, content) {
        (MaterialError::PrivateKey, _) => "remove it and make a new key",
        (_, KeyContent::Keys) => "paste -----BEGIN PUBLIC KEY----- and all that follows, unchanged",
        (MaterialError::Certificates(BundleError::Certificate { .. }), _) => {
            "is it a public key? then write contentType: key; else paste the certificate again, unchanged"
        }
        (_, KeyContent::Certificates) => "paste -----BEGIN CERTIFICATE----- and all that follows, unchanged",
    }
}

/// The line of the file where a PEM block of a block of text begins. Text that is folded into one line has
/// no lines of its own.
fn block_line(value: &Field<'_>, pem: &str, position: usize) -> Option<u32> {
    let start = value.line?;
    if !pem.contains('\n') {
        return Some(start);
    }
    let mut begins = pem.lines().enumerate().filter(|(_, line)| line.trim().starts_with("-----BEGIN "));
    let (offset, _) = begins.nth(position.checked_sub(1)?)?;
    u32::try_from(offset).ok().map(|offset| start.saturating_add(1).saturating_add(offset))
}

fn say_validity(value: &Field<'_>, pem: &str, keys: &[Key], now: Timestamp, notes: &mut Notes) {
    for (index, key) in keys.iter().enumerate() {
        let (Some(certificate), Some((not_before, not_after))) = (key.certificate(), key.validity()) else {
            continue;
        };
        let subject = certificate.subject();
        let (text, remedy) = if now > not_after {
            let remedy = "signatures under it count only where a trusted timestamp covers them";
            (format!("certificate {subject} expired on {}", day(not_after)), remedy)
        } else if now < not_before {
            let remedy = "until then no signature under it counts; keep the certificate before it as well";
            (format!("certificate {subject} is not valid before {}", day(not_before)), remedy)
        } else {
            continue;
        };
        let line = block_line(value, pem, index.saturating_add(1));
        let place = Field { node: value.node, path: value.path.clone(), line };
        notes.warning(&place, text, remedy);
    }
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// What is said of the certificates of a key source that are no anchors of a trust store; or, where none is
/// one, that.
pub(super) type Anchors = Result<Vec<String>, String>;

/// Checks that a key source gives at least one anchor of a trust store of `kind`, as far as that is known
/// before anything is read.
pub(super) fn anchors(settings: &KeySourceSettings, kind: StoreType) -> Anchors {
    let KeySourceSettings::Inline { pem, content } = settings else { return Ok(Vec::new()) };
    let keys = read_material(pem.as_bytes(), *content, "inline value").map_err(|error| error.to_string())?;
    let certificates: Vec<_> = keys.iter().filter_map(Key::certificate).collect();
    let wanted = kind.wanted();
    if !certificates.iter().any(|certificate| kind.admits(certificate)) {
        return Err(format!("none of its certificates is {wanted}, so {kind} has no anchor"));
    }
    let others = certificates.iter().filter(|certificate| !kind.admits(certificate));
    let said = |certificate: &&Certificate| {
        format!("certificate {} is not {wanted} and is no anchor", certificate.subject())
    };
    Ok(others.map(said).collect())
}

/// Says what `anchors` found of the certificates that are none.
pub(super) fn say_others(others: &[String], place: (Option<u32>, &str), notes: &mut Notes) {
    for message in others {
        notes.say(Severity::Warning, place, message, "remove it from the key source");
    }
}
