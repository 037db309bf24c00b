//! TSTInfo (RFC 3161 §2.4.2): what a timestamp authority states. Own reader, because authorities write
//! fractions of a second.

use der::asn1::ObjectIdentifier;
use der::{Result, Tag};
use jiff::{SignedDuration, Timestamp};

use crate::x509::asn1::{Fields, constructed, generalized_time, primitive, refuse, unsigned};
use crate::x509::signature::Hash;

/// A statement that something existed at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TstInfo<'a> {
    /// The content of the authority's policy, an OBJECT IDENTIFIER.
    policy: &'a [u8],
    /// Which hash function `hashed` is of.
    pub(super) hash: ObjectIdentifier,
    /// The hash of what existed.
    pub(super) hashed: &'a [u8],
    /// The time.
    pub(super) time: Timestamp,
    /// How far `time` may be off either way, as far as the authority says.
    stated_accuracy: SignedDuration,
}

impl<'a> TstInfo<'a> {
    /// Reads the whole of `der`. Ordering, nonce, the authority's name and extensions are read over.
    pub(super) fn read(der: &'a [u8]) -> Result<Self> {
        let mut fields = Fields::document(der)?;
        if fields.integer()? != V1 {
            return Err(refuse(Tag::Integer));
        }
        let policy = fields.expect(Tag::ObjectIdentifier)?;
        let mut imprint = fields.sequence()?;
        let hash = imprint.algorithm()?.oid;
        let hashed = imprint.expect(Tag::OctetString)?;
        imprint.finish()?;
        fields.integer()?;
        let time = fields.expect(Tag::GeneralizedTime)?;
        let time = generalized_time(time).ok_or_else(|| refuse(Tag::GeneralizedTime))?;
        let stated_accuracy = accuracy(fields.optional(Tag::Sequence)?.unwrap_or_default())?;
        fields.optional(Tag::Boolean)?;
        fields.optional(Tag::Integer)?;
        fields.optional(constructed(0))?;
        fields.optional(constructed(1))?;
        fields.finish()?;
        Ok(Self { policy, hash, hashed, time, stated_accuracy })
    }

    /// How far `time` may be off either way: what is stated, else one second under the baseline policy of
    /// ETSI EN 319 421, else nothing.
    pub(super) fn accuracy(&self) -> SignedDuration {
        if self.stated_accuracy.is_zero() && self.policy == BASELINE_POLICY.as_bytes() {
            SignedDuration::from_secs(1)
        } else {
            self.stated_accuracy
        }
    }

    /// Whether the statement is about `data`: `None` where its hash function is not one of SHA-2.
    pub(super) fn is_about(&self, data: &[u8]) -> Option<bool> {
        Hash::from_oid(self.hash).map(|hash| hash.matches(data, self.hashed))
    }
}

fn accuracy(content: &[u8]) -> Result<SignedDuration> {
    let mut fields = Fields::of(content)?;
    let seconds = part(fields.optional(Tag::Integer)?, MAX_SECONDS)?;
    let millis = part(fields.optional(primitive(0))?, 999)?;
    let micros = part(fields.optional(primitive(1))?, 999)?;
    fields.finish()?;
    Ok(SignedDuration::from_secs(seconds)
        + SignedDuration::from_millis(millis)
        + SignedDuration::from_micros(micros))
}

fn part(content: Option<&[u8]>, limit: i64) -> Result<i64> {
    let Some(content) = content else { return Ok(0) };
    let value = unsigned(content).and_then(|value| i64::try_from(value).ok());
    value.filter(|value| *value <= limit).ok_or_else(|| refuse(Tag::Integer))
}

const V1: &[u8] = &[1];
/// An authority that is unsure by more than a year says nothing.
const MAX_SECONDS: i64 = 366 * 24 * 60 * 60;
const BASELINE_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.2023.1.1");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASELINE: &[u8] = &[0x06, 0x06, 0x04, 0x00, 0x8f, 0x67, 0x01, 0x01];
    const OTHER: &[u8] = &[0x06, 0x02, 0x2a, 0x03];

    fn tst_info(policy: &[u8], accuracy: &[u8]) -> Vec<u8> {
        let imprint = [
            &[0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01][..],
            &[0x05, 0x00, 0x04, 0x20],
            &openssl::sha::sha256(b"signature"),
        ]
        .concat();
        let time = [&[0x18, 0x12][..], b"20240102030405.06Z"].concat();
        let content = [&[0x02, 0x01, 0x01], policy, &imprint, &[0x02, 0x01, 0x07], &time, accuracy].concat();
        [&[0x30, u8::try_from(content.len()).unwrap()][..], &content].concat()
    }

    #[test]
    fn fractions_of_a_second_count() {
        let der = tst_info(OTHER, &[]);
        let info = TstInfo::read(&der).unwrap();
        assert_eq!(info.time.to_string(), "2024-01-02T03:04:05.06Z");
        assert_eq!(info.is_about(b"signature"), Some(true));
        assert_eq!(info.is_about(b"another"), Some(false));
        assert_eq!(info.accuracy(), SignedDuration::ZERO);
    }

    #[test]
    fn the_baseline_policy_means_one_second_unless_more_is_said() {
        let one_milli = [0x30, 0x03, 0x80, 0x01, 0x01];
        let zero = [0x30, 0x03, 0x02, 0x01, 0x00];
        let of = |accuracy: &[u8]| TstInfo::read(&tst_info(BASELINE, accuracy)).unwrap().accuracy();
        assert_eq!(of(&[]), SignedDuration::from_secs(1));
        assert_eq!(of(&zero), SignedDuration::from_secs(1));
        assert_eq!(of(&one_milli), SignedDuration::from_millis(1));
    }

    #[test]
    fn accuracies_add_up() {
        let accuracy = [0x30, 0x0a, 0x02, 0x01, 0x02, 0x80, 0x02, 0x01, 0xf4, 0x81, 0x01, 0x05];
        let der = tst_info(OTHER, &accuracy);
        assert_eq!(TstInfo::read(&der).unwrap().accuracy(), SignedDuration::from_micros(2_500_005));
    }

    #[test]
    fn impossible_accuracies_are_refused() {
        for accuracy in [&[0x30, 0x04, 0x80, 0x02, 0x03, 0xe8][..], &[0x30, 0x03, 0x02, 0x01, 0xff]] {
            assert!(TstInfo::read(&tst_info(OTHER, accuracy)).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = TstInfo::read(&bytes);
        }

        #[test]
        fn no_damage_makes_it_panic(at in 0_usize..80, byte in any::<u8>()) {
            let mut der = tst_info(BASELINE, &[0x30, 0x03, 0x80, 0x01, 0x01]);
            if let Some(place) = der.get_mut(at) {
                *place = byte;
            }
            let _ = TstInfo::read(&der);
        }
    }
}
