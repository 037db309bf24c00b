//! Saying a thing once: files are looked at each second, and a log is for changes.

/// The last complaint about one thing.
#[derive(Debug, Default)]
pub(super) struct Complaint(Option<String>);

impl Complaint {
    /// Logs a complaint, unless it is what was said last. `consequence` says what goes on meanwhile.
    pub(super) fn raise(&mut self, what: &dyn std::fmt::Display, consequence: &str) {
        let what = what.to_string();
        if self.0.as_ref() != Some(&what) {
            tracing::warn!("{what}: {consequence}");
            self.0 = Some(what);
        }
    }

    /// Forgets the complaint, so that the next one is said even if it is the same.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    /// What is wrong now.
    pub(super) fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }
}
