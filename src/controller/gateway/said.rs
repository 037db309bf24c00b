//! Saying a thing once: tasks try again and again, and a log is for changes.

/// What was said last about one thing.
#[derive(Debug, Default)]
pub(super) struct Said(Option<String>);

impl Said {
    /// True where this is not what was said last.
    pub(super) fn is_news(&mut self, text: &str) -> bool {
        let is_news = self.0.as_deref() != Some(text);
        if is_news {
            self.0 = Some(text.to_owned());
        }
        is_news
    }

    /// All is well. True where it was not before.
    pub(super) fn clear(&mut self) -> bool {
        self.0.take().is_some()
    }
}
