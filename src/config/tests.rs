//! Settings: one table, three spellings, and everything that is refused.

mod cluster;
mod registries;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Command;
use config::Config;

use super::gather::Gathered;
use super::kind::{Item, Kind};
use super::raw::Raw;
use super::table::{Preset, SETTINGS, Setting};
use super::*;
use crate::engine::{EngineSettings, Overflow};
use crate::registry::http::RegistryLimits;
use crate::transport::{ProxySettings, TrustedRoots};
use crate::trust::revocation::CheckerSettings;

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A folder with a settings file, and what loading it with an environment and flags gives.
struct Case {
    folder: tempfile::TempDir,
    sources: Sources,
}

impl Case {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("folder"), sources: Sources::default() }
    }

    fn yaml(text: &str) -> Self {
        Self::new().with_file("settings.yaml", text)
    }

    fn with_file(mut self, name: &str, text: &str) -> Self {
        let path = self.write(name, text);
        self.sources.file = Some(path);
        self
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("file");
        path
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.sources.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn flag(mut self, path: &str, value: &str) -> Self {
        self.sources.flags.set(path, [value]);
        self
    }

    fn load(&self) -> Result<Settings, SettingsError> {
        Settings::load(self.sources.clone())
    }

    fn settings(&self) -> Settings {
        self.load().expect("settings that can be used")
    }

    /// What is said, with the folder's name left out.
    fn said(&self) -> String {
        let folder = format!("{}/", self.folder.path().display());
        self.load().expect_err("settings that are refused").to_string().replace(&folder, "")
    }
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_modules() {
    let settings = Settings::load(Sources::default()).expect("defaults");
    assert_eq!(format!("{:?}", settings.engine), format!("{:?}", EngineSettings::default()));
    assert_eq!(settings.registry.limits, RegistryLimits::default());
    assert_eq!(settings.registry.roots, TrustedRoots::System);
    assert_eq!(settings.registry.proxy, ProxySettings::Environment);
    assert_eq!(format!("{:?}", settings.revocation.checker), format!("{:?}", CheckerSettings::default()));
    let server = ServerSettings { state_dir: settings.server.state_dir.clone(), ..Default::default() };
    assert_eq!(settings.server, server);
    assert_eq!(settings.log, LogSettings::default());
    assert_eq!(settings.plugins, PluginSettings::default());
    assert_eq!(settings.kubernetes, None);
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
}

#[test]
fn every_default_is_of_its_kind_and_no_name_is_taken_twice() {
    for setting in SETTINGS {
        if let Preset::Text(text) = setting.default {
            assert!(setting.kind.read(text, None).is_ok(), "{}: {text}", setting.path);
        }
        for spelling in [Setting::flag, Setting::variable] {
            let same = SETTINGS.iter().filter(|other| spelling(other) == spelling(setting)).count();
            assert_eq!(same, 1, "{}", spelling(setting));
        }
    }
}

/// A text that is not the default of the setting.
fn another(setting: &Setting) -> String {
    let text = match setting.kind {
        Kind::Address => "127.0.0.1:7001",
        Kind::Path | Kind::List(Item::Path) => "/somewhere/else",
        Kind::Count { .. } => "7",
        Kind::Bytes { .. } => "3MiB",
        Kind::Duration { .. } => "1500ms",
        Kind::Choice(words) => words.last().expect("words"),
        Kind::Switch if setting.default == Preset::Text("true") => "false",
        Kind::Switch => "true",
        Kind::LogLevels => "warn,hallmark::engine=debug",
        Kind::Proxy => "http://proxy.example:3128",
        Kind::HttpsBase => "https://hallmark.example:6001",
        Kind::ObjectName | Kind::Namespace => "another",
        Kind::NamespacedName => "some/name",
        Kind::List(_) => "one.example",
        Kind::Nested | Kind::MirrorUrl | Kind::UrlPath => panic!("not by three spellings"),
    };
    match setting.path {
        "limits.key_bytes" => "3KiB".to_owned(),
        "limits.overflow" => "refuse".to_owned(),
        _ => text.to_owned(),
    }
}

fn raw(fill: impl FnOnce(&mut Gathered)) -> String {
    let mut gathered = Gathered::default();
    gathered.add_defaults();
    fill(&mut gathered);
    assert_eq!(gathered.problems, []);
    let mut builder = Config::builder();
    for layer in gathered.layers {
        builder = builder.add_source(layer);
    }
    let raw: Raw = builder.build().and_then(Config::try_deserialize).expect("raw settings");
    format!("{raw:?}")
}

#[test]
fn each_setting_means_the_same_in_its_three_spellings() {
    let unset = raw(|_| {});
    for setting in SETTINGS.iter().filter(|setting| !setting.is_file_only()) {
        let text = another(setting);
        let document = match setting.path.split_once('.') {
            Some((section, key)) => format!("{section}:\n  {key}: {text:?}\n"),
            None => format!("{}: {text:?}\n", setting.path),
        };
        let node = document::read(&document).expect("yaml").expect("content");
        let file = raw(|gathered| gathered.add_file("f", Path::new("/"), &node));
        let variable =
            raw(|gathered| gathered.add_environment(&environment(&[(&setting.variable(), &text)])));
        let flag = format!("--{}={text}", setting.flag());
        let matches = Command::new("serve").args(arguments()).get_matches_from(["serve", &flag]);
        let flag = raw(|gathered| gathered.add_flags(&flags(&matches)));
        assert_ne!(file, unset, "{}", setting.path);
        assert_eq!(file, variable, "{}", setting.path);
        assert_eq!(file, flag, "{}", setting.path);
    }
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let case = Case::yaml("limits: {unique_signatures: 1, keys: 1, key_bytes: 64}\n")
        .env("HALLMARK_LIMITS__UNIQUE_SIGNATURES", "2")
        .env("HALLMARK_LIMITS__KEYS", "2")
        .flag("limits.unique_signatures", "3");
    let settings = case.settings();
    assert_eq!(settings.engine.unique_signatures, 3);
    assert_eq!((settings.server.max_keys, settings.server.max_key_bytes), (2, 64));
}

#[test]
fn the_flags_of_the_issue_are_spelled_as_it_says() {
    let command = Command::new("serve").args(arguments());
    command.clone().debug_assert();
    let line = "serve --config a b --config c --listen 127.0.0.1:0 --health-listen 127.0.0.1:0 \
        --client-ca ca.pem --client-san gatekeeper.svc,other.svc --state-dir s --tls-san one --tls-san 10.0.0.1 \
        --plugin-folder p --plugin-allow com.example.one --log-format json --log-level debug \
        --limits-overflow refuse --revocation-private-addresses --mutation-format digest --timeouts-verify 2.25s";
    let matches = command.get_matches_from(line.split_whitespace());
    let settings =
        Settings::load(Sources { flags: flags(&matches), ..Sources::default() }).expect("settings");
    assert_eq!(settings.config, ["a", "b", "c"].map(PathBuf::from));
    assert_eq!(settings.server.listen.port(), 0);
    assert_eq!(settings.server.client_ca, Some("ca.pem".into()));
    assert_eq!(settings.server.client_san, ["gatekeeper.svc", "other.svc"]);
    assert_eq!(settings.server.tls_san, ["one", "10.0.0.1"]);
    assert_eq!(settings.server.state_dir, PathBuf::from("s"));
    assert_eq!(settings.server.mutation_format, MutationFormat::Digest);
    assert_eq!(settings.server.verify_deadline, Duration::from_millis(2250));
    assert_eq!(settings.plugins.allow, ["com.example.one"]);
    assert_eq!(settings.log, LogSettings { format: LogFormat::Json, filter: "debug".to_owned() });
    assert_eq!(settings.engine.overflow, Overflow::Refuse);
    assert!(settings.revocation.private_addresses);
}

#[test]
fn verify_takes_the_flags_that_mean_something_without_a_server() {
    let names: Vec<String> =
        verify_arguments().iter().filter_map(|argument| argument.get_long().map(str::to_owned)).collect();
    for taken in ["settings", "config", "proxy", "cache-verified-ttl", "plugin-folder", "log-level"] {
        assert!(names.iter().any(|name| name == taken), "{taken}");
    }
    for other in ["listen", "cert-dir", "timeouts-verify", "limits-keys", "mutation-format"] {
        assert!(!names.iter().any(|name| name == other), "{other}");
    }
    let matches = Command::new("verify").args(verify_arguments()).get_matches_from(["verify"]);
    assert_eq!(flags(&matches), FlagValues::default());
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_all_at_once() {
    let case = Case::yaml(
        "listen: 6001\n\
         timeouts:\n  verify: 2.5\n  mutate: 2 s\n\
         limits:\n  uniqe_signatures: 3\n  overflow: drop\n  keys: -1\n\
         cache: 5\n\
         colour: blue\nlimits.keys: 5\n\
         log: {level: inof}\n\
         tls_san: [good.example, {bad: 1}]\n\
         registry:\n  plain_http_hosts: [\"a b\"]\n",
    )
    .env("HALLMARK_LIMITS__BODY_BYTES", "1TB")
    .env("HALLMARK_LIMIT__KEYS", "5")
    .env("HALLMARK_REGISTRY__HOSTS", "x")
    .flag("listen", "localhost");
    let said = case.said();
    let wanted = [
        "settings.yaml:1: listen: \"6001\" is not an address and port, such as 0.0.0.0:6001 or [::]:6001",
        "settings.yaml:3: timeouts.verify: \"2.5\" is not a duration of 1ms to 1m with its unit, such as 800ms, \
         2.5s or 1h",
        "settings.yaml:6: there is no setting limits.uniqe_signatures (did you mean limits.unique_signatures?)",
        "settings.yaml:7: limits.overflow: \"drop\" is not one of evict, refuse",
        "settings.yaml:8: limits.keys: \"-1\" is not a whole number of 1 to 10000",
        "settings.yaml:9: cache: a single value is not a mapping of settings",
        "settings.yaml:10: there is no setting colour (docs/settings.md lists them all)",
        "settings.yaml:11: there is no setting limits.keys (write each step as a mapping of its own)",
        "settings.yaml:12: log.level: \"inof\" is not off, error, warn, info, debug or trace, or a list such as \
         info,hallmark::registry=debug",
        "settings.yaml:13: tls_san: a mapping is not a DNS name or address",
        "settings.yaml:15: registry.plain_http_hosts: \"a b\" is not a host, such as registry.example or 10.0.0.7:5000",
        "HALLMARK_LIMITS__BODY_BYTES: limits.body_bytes: \"1TB\" is not a size of 1KiB to 64MiB, such as 512KiB or \
         16MiB",
        "environment: there is no setting HALLMARK_LIMIT__KEYS (did you mean HALLMARK_LIMITS__KEYS?)",
        "HALLMARK_REGISTRY__HOSTS: there is no setting HALLMARK_REGISTRY__HOSTS (only the settings file can say \
         registry.hosts)",
        "--listen: listen: \"localhost\" is not an address and port, such as 0.0.0.0:6001 or [::]:6001",
    ];
    for line in wanted {
        assert!(said.lines().any(|said| said == line), "missing: {line}\nsaid:\n{said}");
    }
    assert_eq!(said.lines().count(), wanted.len(), "{said}");
    let documented = wanted.iter().filter(|line| reference_markdown().contains(**line)).count();
    assert_eq!(documented, 2, "the examples of the document are what is said");
}

#[test]
fn a_file_that_is_no_settings_file_is_refused_with_its_line() {
    for (text, wanted) in [
        ("limits:\n  keys: 1\n  keys: 2\n", "settings.yaml:3: the settings file cannot be read: "),
        ("- a\n", "settings.yaml:1: the settings file cannot be read: a mapping is wanted, not a list"),
        ("limits: {keys: 1\n", "settings.yaml:"),
    ] {
        let said = Case::yaml(text).said();
        assert!(said.starts_with(wanted), "{said}");
    }
    let mut missing = Case::new();
    missing.sources.file = Some(missing.folder.path().join("absent.yaml"));
    assert_eq!(missing.said(), "absent.yaml: the settings file cannot be read: No such file or directory");
    let long = Case::yaml(&"#".repeat(2 << 20)).said();
    assert!(long.contains("longer than 1048576 bytes"), "{long}");
}

#[test]
fn the_file_of_the_command_line_is_the_one_that_counts() {
    let command = Command::new("serve").args(arguments());
    let matches = command.get_matches_from(["serve", "--settings", "given.yaml"]);
    assert_eq!(Sources::of_process(flags(&matches)).file, Some("given.yaml".into()));
}

#[test]
fn json_an_empty_file_and_an_empty_section_are_files_too() {
    let json = Case::new().with_file("settings.json", "{\n\t\"limits\": {\n\t\t\"keys\": 12\n\t}\n}\n");
    assert_eq!(json.settings().server.max_keys, 12);
    for text in ["", "# nothing\n", "limits:\n# keys: 5\n"] {
        assert_eq!(Case::yaml(text).settings().server.max_keys, 500, "{text:?}");
    }
    let said = Case::yaml("limits:\n  keys:\n").said();
    assert_eq!(said, "settings.yaml:2: limits.keys: nothing is not a whole number of 1 to 10000");
}

#[test]
fn relative_paths_of_the_file_begin_at_its_folder() {
    let case = Case::yaml("config: [trust, /etc/trust]\ncert_dir: tls\n").env("HALLMARK_CLIENT_CA", "ca.pem");
    let settings = case.settings();
    assert_eq!(settings.config, [case.folder.path().join("trust"), PathBuf::from("/etc/trust")]);
    assert_eq!(settings.server.cert_dir, Some(case.folder.path().join("tls")));
    assert_eq!(settings.server.client_ca, Some("ca.pem".into()));
}

#[test]
fn durations_and_sizes_are_read_as_people_write_them() {
    for (text, milliseconds) in [("2.5s", 2500), ("1m", 60_000), ("1s 500ms", 1500), ("0.25s", 250)] {
        let settings = Case::new().flag("timeouts.mutate", "1ms").flag("timeouts.load", "1h");
        let settings = settings.flag("timeouts.verify", text).settings();
        assert_eq!(settings.server.verify_deadline, Duration::from_millis(milliseconds), "{text}");
    }
    for (text, bytes) in [("2048", 2048), ("2Ki", 2048), ("2 KiB", 2048), ("2kB", 2000), ("1MiB", 1 << 20)] {
        let settings = Case::new().env("HALLMARK_LIMITS__BODY_BYTES", text).settings();
        assert_eq!(settings.server.max_body_bytes, bytes, "{text}");
    }
    let off = Case::new().env("HALLMARK_CACHE__STALE_MAX_AGE", "0").settings();
    assert_eq!(off.engine.stale_max_age, Duration::ZERO);
    for text in ["", "5", "2h", "-1s", "1 fortnight", "99999999999999999999s"] {
        assert!(Case::new().env("HALLMARK_TIMEOUTS__VERIFY", text).load().is_err(), "{text}");
    }
    for text in ["", "1", "1.5MiB", "MiB", "99999999999999999999", "18446744073709551615GiB"] {
        assert!(Case::new().env("HALLMARK_LIMITS__BODY_BYTES", text).load().is_err(), "{text}");
    }
}

#[test]
fn variables_that_kubernetes_writes_for_a_service_of_our_name_are_no_settings() {
    let links = [
        "HALLMARK_SERVICE_HOST",
        "HALLMARK_SERVICE_PORT",
        "HALLMARK_SERVICE_PORT_HTTPS",
        "HALLMARK_PORT",
        "HALLMARK_PORT_6001_TCP",
        "HALLMARK_PORT_6001_TCP_ADDR",
        "HALLMARK_PORT_6001_TCP_PORT",
        "HALLMARK_PORT_6001_TCP_PROTO",
        "HALLMARK_METRICS_SERVICE_HOST",
        "HALLMARK_METRICS_PORT_9099_TCP",
    ];
    for name in links {
        assert!(Case::new().env(name, "tcp://10.0.0.1:6001").load().is_ok(), "{name}");
    }
    for name in ["HALLMARK_PORT_X_TCP", "HALLMARK_TCP", "HALLMARK_PORTS", "HALLMARK_"] {
        assert!(Case::new().env(name, "x").load().is_err(), "{name}");
    }
    assert!(Case::new().env("PATH", "x").env("HALLMARKS", "x").load().is_ok());
    for setting in SETTINGS {
        let mut gathered = Gathered::default();
        gathered.add_environment(&environment(&[(&setting.variable(), "\0")]));
        assert_eq!(gathered.problems.len(), 1, "{} is looked at", setting.variable());
    }
}

#[test]
fn what_cannot_both_be_meant_is_refused_with_a_remedy() {
    for (setting, text, said) in [
        ("client_san", "a.example", "(set client_ca too)"),
        ("plugin.allow", "one", "(set plugin.folder too)"),
        ("no_proxy", "a.example", "has no effect while proxy is environment"),
        ("registry.system_roots", "false", "(set registry.ca_file, or leave the system's roots on)"),
        ("health_listen", "127.0.0.1:6001", "127.0.0.1:6001 is taken by listen (0.0.0.0:6001)"),
        ("timeouts.verify", "31s", "31s is longer than timeouts.load (30s)"),
        ("timeouts.mutate", "31s", "31s is longer than timeouts.load (30s)"),
    ] {
        let error = Case::new().flag(setting, text).said();
        assert!(error.starts_with("--") && error.contains(said), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    assert!(Case::new().flag("listen", "127.0.0.1:0").flag("health_listen", "127.0.0.1:0").load().is_ok());
    assert!(Case::new().flag("listen", "127.0.0.1:80").flag("health_listen", "127.0.0.2:80").load().is_ok());
}

#[test]
fn what_is_odd_is_warned_about() {
    let case = Case::yaml("cert_dir: tls\ntls_san: [a.example]\n")
        .flag("plugin.folder", "/p")
        .flag("timeouts.keep_alive", "90s")
        .flag("cache.stale_max_age", "1m")
        .flag("limits.keys", "1000")
        .flag("proxy", "http://user:hush@proxy.example:3128");
    let warnings = case.settings().warnings;
    for (line, setting) in warnings.iter().zip([
        "tls_san",
        "plugin.folder",
        "timeouts.keep_alive",
        "cache.stale_max_age",
        "limits.keys",
        "proxy",
    ]) {
        assert!(line.contains(&format!(": {setting}: ")), "{line}");
    }
    assert_eq!(warnings.len(), 6, "{warnings:?}");
    assert!(warnings[0].contains("settings.yaml:2: tls_san: has no effect"), "{}", warnings[0]);
}

#[test]
fn a_proxy_is_environment_direct_or_a_url() {
    let direct = Case::new().env("HALLMARK_PROXY", "direct").settings();
    assert_eq!(direct.registry.proxy, ProxySettings::Direct);
    let case =
        Case::yaml("proxy: http://user:hush@proxy.example:3128\nno_proxy: [.svc, 10.0.0.0/8, localhost]\n");
    let ProxySettings::Explicit { url, bypass } = case.settings().registry.proxy else {
        panic!("an explicit proxy");
    };
    assert_eq!(url.0.password(), Some("hush"));
    assert_eq!(bypass, ".svc,10.0.0.0/8,localhost");
}

#[test]
fn no_message_and_no_debug_text_holds_a_password() {
    for text in ["ftp://user:hush@proxy.example", "user:hush@proxy.example:3128", "http://user:hush@"] {
        for case in [
            Case::yaml(&format!("proxy: {text:?}\n")),
            Case::new().env("HALLMARK_PROXY", text),
            Case::new().flag("proxy", text),
        ] {
            let said = case.said();
            assert!(said.contains("is not environment, direct, or a URL"), "{said}");
            assert!(!said.contains("hush"), "{said}");
            assert!(!format!("{:?}", case.sources).contains("hush"));
        }
    }
    let mirror = "registry: {hosts: {r.example: {mirrors: [{url: \"https://user:hush@m.example\"}]}}}\n";
    let said = Case::yaml(mirror).said();
    assert!(said.contains("https://m.example/") && !said.contains("hush"), "{said}");
    let good = Case::new().flag("proxy", "http://user:hush@proxy.example:3128").settings();
    assert!(!format!("{good:?}").contains("hush"));
}

#[test]
fn state_is_kept_where_it_can_be_written() {
    let user = environment(&[("HOME", "/home/a"), ("XDG_STATE_HOME", "/state")]);
    let home = environment(&[("HOME", "/home/a"), ("XDG_STATE_HOME", "relative")]);
    let choose = |environment, writable| sources::state_dir(environment, &|_| writable);
    assert_eq!(choose(&user, true), PathBuf::from("/var/lib/hallmark"));
    assert_eq!(choose(&user, false), PathBuf::from("/state/hallmark"));
    assert_eq!(choose(&home, false), PathBuf::from("/home/a/.local/state/hallmark"));
    assert_eq!(choose(&BTreeMap::new(), false), PathBuf::from("/var/lib/hallmark"));
}
