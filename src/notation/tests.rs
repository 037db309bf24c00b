use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for media_type in [JWS_MEDIA_TYPE, COSE_MEDIA_TYPE] {
            prop_assert!(UnverifiedEnvelope::parse(media_type, bytes.clone().into()).is_err());
        }
    }
}
