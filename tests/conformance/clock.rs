//! The instant at which every case is judged.

use jiff::Timestamp;

/// Cases hold at any instant from 2026-01-01 to 2033-01-19; this is the first of May 2027.
pub fn now() -> Timestamp {
    Timestamp::constant(1_809_129_600, 0)
}
