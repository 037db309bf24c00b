//! Logs, to standard error: text or a JSON object a line.
//!
//! Libraries log headers and frames below `info`, and those hold credentials; so below `info` only events of
//! this crate are let through, whatever the filter says.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, LogSettings};

/// Starts logging for the whole process; calling it again does nothing.
pub fn init(settings: &LogSettings) {
    let color = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let ansi = color && io::stderr().is_terminal();
    // An error means that logging has started already.
    let _ = subscriber(settings, io::stderr, ansi).try_init();
}

fn subscriber<W>(settings: &LogSettings, writer: W, ansi: bool) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let wanted: Targets =
        settings.filter.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let filter = without_chatter(wanted, &settings.filter).and(filter_fn(may_be_logged));
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(ansi);
    match settings.format {
        LogFormat::Text => Box::new(Registry::default().with(lines.with_filter(filter))),
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_span_list(false);
            Box::new(Registry::default().with(lines.with_filter(filter)))
        }
    }
}

/// The HTTP server tells of each of its threads at `info`; only who asks for that by name hears it.
fn without_chatter(wanted: Targets, filter: &str) -> Targets {
    const CHATTY: &str = "actix_server";
    if filter.contains(CHATTY) {
        return wanted;
    }
    let level = wanted.default_level().unwrap_or(LevelFilter::OFF).min(LevelFilter::WARN);
    wanted.with_target(CHATTY, level)
}

fn may_be_logged(event: &Metadata<'_>) -> bool {
    let ours = event.target() == "hallmark" || event.target().starts_with("hallmark::");
    ours || *event.level() <= Level::INFO
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was written.
    #[derive(Clone, Default)]
    pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("lock").clone()).expect("utf-8")
        }
    }

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("lock").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What `events` logs under these settings.
    pub(crate) fn logged(format: LogFormat, filter: &str, events: impl FnOnce()) -> String {
        let written = Written::default();
        let writer = written.clone();
        let settings = LogSettings { format, filter: filter.to_owned() };
        tracing::subscriber::with_default(subscriber(&settings, move || writer.clone(), false), events);
        written.text()
    }

    #[test]
    fn the_http_servers_chatter_is_heard_only_by_who_asks_for_it() {
        let chatter = || {
            tracing::info!(target: "actix_server::worker", "idle");
            tracing::warn!(target: "actix_server::accept", "trouble");
        };
        let usual = logged(LogFormat::Text, "info", chatter);
        assert!(usual.contains("trouble") && !usual.contains("idle"), "{usual}");
        assert!(logged(LogFormat::Text, "info,actix_server=info", chatter).contains("idle"));
        assert!(!logged(LogFormat::Text, "error", chatter).contains("trouble"));
    }

    #[test]
    fn json_is_one_object_a_line() {
        let text = logged(LogFormat::Json, "info", || {
            tracing::warn!(target: "hallmark::server", code = "UNSIGNED", "two\nlines");
            tracing::info!(target: "hallmark", "ready");
        });
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("json")).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["level"], "WARN");
        assert_eq!(lines[0]["code"], "UNSIGNED");
        assert_eq!(lines[0]["message"], "two\nlines");
        assert_eq!(lines[1]["target"], "hallmark");
    }

    #[test]
    fn text_has_no_escape_sequences_unless_for_a_terminal() {
        let text = logged(LogFormat::Text, "info", || tracing::warn!(target: "hallmark", code = 1, "said"));
        assert!(text.contains("WARN hallmark: said code=1"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn the_filter_names_levels_and_targets() {
        let events = || {
            tracing::debug!(target: "hallmark::engine", "one");
            tracing::debug!(target: "hallmark::server", "two");
            tracing::info!(target: "actix_server", "three");
        };
        let text = logged(LogFormat::Text, "warn,hallmark::engine=debug", events);
        assert!(text.contains("one") && !text.contains("two") && !text.contains("three"), "{text}");
    }

    #[test]
    fn what_libraries_say_below_info_is_never_logged() {
        for filter in ["trace", "h2=trace,reqwest=debug,hallmarks=trace"] {
            let text = logged(LogFormat::Text, filter, || {
                tracing::trace!(target: "h2::codec", "authorization: Bearer hush");
                tracing::debug!(target: "reqwest::connect", "hush");
                tracing::debug!(target: "hallmarks", "hush");
                tracing::info!(target: "h2", "fine");
            });
            assert!(!text.contains("hush"), "{text}");
            assert!(text.contains("fine") || !filter.starts_with("trace"), "{text}");
        }
    }
}
