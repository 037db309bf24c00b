//! What the API's failures mean to a watch.

use kube::core::Status;
use kube::runtime::watcher;

use super::client::one_line;

/// Why a watch shows nothing at present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The API knows no such kind.
    NotInstalled,
    /// What was known is too old to be followed; everything is listed anew.
    Expired,
    /// The API does not allow it.
    Forbidden(String),
    /// It cannot be asked, or answers something else.
    Unreachable(String),
}

impl From<&watcher::Error> for Failure {
    fn from(error: &watcher::Error) -> Self {
        match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => error.into(),
            watcher::Error::WatchError(status) => (&**status).into(),
            watcher::Error::NoResourceVersion => Self::Unreachable(one_line(error)),
        }
    }
}

impl From<&kube::Error> for Failure {
    fn from(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => (&**status).into(),
            // The outermost text repeats the kind of the error, and says nothing.
            other => {
                Self::Unreachable(std::error::Error::source(other).map_or_else(|| one_line(other), one_line))
            }
        }
    }
}

impl From<&Status> for Failure {
    fn from(status: &Status) -> Self {
        let message = || one_line(&std::io::Error::other(status.message.clone()));
        match status.code {
            404 => Self::NotInstalled,
            410 => Self::Expired,
            403 => Self::Forbidden(message()),
            code => Self::Unreachable(format!("{code} {}: {}", status.reason, message())),
        }
    }
}
