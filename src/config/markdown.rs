//! `docs/settings.md`, written from the table.

use std::fmt::{self, Write};

use super::gatekeeper::PROVIDER_FIELDS;
use super::hosts::{HOST_FIELDS, MIRROR_FIELDS};
use super::kind::Kind;
use super::nested::Field;
use super::table::{Preset, Reader, SECTIONS, SETTINGS, Setting};

/// The document of every setting, in Markdown: `docs/settings.md`.
pub fn reference_markdown() -> String {
    let mut text = String::from(OPENING);
    // Writing to a String does not fail.
    let _ = sections(&mut text);
    let _ = hosts(&mut text);
    let _ = providers(&mut text);
    text.push_str(CLOSING);
    text
}

fn sections(out: &mut String) -> fmt::Result {
    for section in SECTIONS {
        writeln!(out, "## {}\n", section.title)?;
        writeln!(out, "| setting, flag, environment | default | takes | what it does |")?;
        writeln!(out, "| --- | --- | --- | --- |")?;
        for setting in SETTINGS.iter().filter(|setting| setting.section() == section.prefix) {
            row(out, setting)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn row(out: &mut String, setting: &Setting) -> fmt::Result {
    let Setting { path, kind, help, .. } = setting;
    let spellings = if setting.is_file_only() {
        format!("`{path}`<br>only in the file")
    } else {
        let repeatable = if matches!(kind, Kind::List(_)) { "…" } else { "" };
        let between = if *kind == Kind::Switch { "=" } else { " " };
        let value = format!("{between}{}{repeatable}", kind.value_name());
        format!("`{path}`<br>`--{}{value}`<br>`{}`", setting.flag(), setting.variable())
    };
    let default = match setting.default {
        Preset::Text(text) => format!("`{text}`"),
        Preset::Nothing(words) => words.to_owned(),
    };
    let server = if setting.reader == Reader::Server { " (`serve` only)" } else { "" };
    writeln!(out, "| {spellings} | {default} | {} | {help}{server} |", kind.expected())
}

fn hosts(out: &mut String) -> fmt::Result {
    writeln!(out, "## Single registries\n\n{HOSTS}")?;
    fields(out, HOST_FIELDS)?;
    writeln!(out, "\nA mirror has:\n")?;
    fields(out, MIRROR_FIELDS)?;
    writeln!(out)
}

fn providers(out: &mut String) -> fmt::Result {
    writeln!(out, "## Provider objects\n\n{PROVIDERS}")?;
    fields(out, PROVIDER_FIELDS)?;
    writeln!(out)
}

fn fields(out: &mut String, fields: &[Field]) -> fmt::Result {
    writeln!(out, "| field | takes | what it does |")?;
    writeln!(out, "| --- | --- | --- |")?;
    for Field { name, kind, help, .. } in fields {
        let expected = if *kind == Kind::Nested { "a list of mappings".to_owned() } else { kind.expected() };
        writeln!(out, "| `{name}` | {expected} | {help} |")?;
    }
    Ok(())
}

const OPENING: &str = "\
<!-- Written by `UPDATE_DOCS=1 cargo test --test it settings::`; change src/config/table.rs instead. -->
# Settings

How to run Hallmark. What to trust is not here: that is in the resources that `config` names.

Every setting has one name and three spellings:

| where | `limits.unique_signatures` as an example |
| --- | --- |
| the settings file (`--settings FILE` or `HALLMARK_SETTINGS`), YAML or JSON | `limits: {unique_signatures: 200}` |
| the environment | `HALLMARK_LIMITS__UNIQUE_SIGNATURES=200` |
| a flag | `--limits-unique-signatures 200` |

A flag wins over the environment, the environment over the file, the file over the default. A list that is
set replaces the weaker one as a whole. In the environment, and in flags other than `--config`, the items of
a list have commas between them; a flag may also be given several times. Relative paths of the file begin at
the file's folder, all others at the working directory.

An unknown name is refused, in the file and among variables that begin with `HALLMARK_`, except for those
that Kubernetes writes into Pods beside a Service of that name (`HALLMARK_SERVICE_HOST`,
`HALLMARK_PORT_6001_TCP` …). Every value is checked in every place, also where a stronger one hides it.
Hallmark says everything that is wrong at once, with its place, and does not start:

```
settings.yaml:3: timeouts.verify: \"2.5\" is not a duration of 1ms to 1m with its unit, such as 800ms, 2.5s or 1h
settings.yaml:6: there is no setting limits.uniqe_signatures (did you mean limits.unique_signatures?)
HALLMARK_CLIENT_SAN: client_san: names a client certificate that is never asked for (set client_ca too)
```

Sizes take `B`, `KiB`, `MiB`, `GiB`, `kB`, `MB`, `GB`, and Kubernetes' `Ki`, `Mi`, `Gi`. Durations take `ms`,
`s`, `m`, `h` and `days`, with fractions.

";

const HOSTS: &str = "\
`registry.hosts` is a mapping from hosts, with their port where they have one, to what is different for them:

```yaml
registry:
  hosts:
    registry.example:5000:
      ca_file: ca.pem
      mirrors:
        - url: https://mirror.example/docker
          resolves_tags: false
      allowed_realm_hosts: [auth.example]
```

There is no way to skip the verification of a registry's certificate. A mirror that has a CA of its own needs
an entry of its own; the credentials of the mirrored registry are not sent to it.
";

const PROVIDERS: &str = "\
`gatekeeper.providers` is the list of the Provider objects that Hallmark creates and keeps; each needs all
three fields:

```yaml
kubernetes:
  enabled: true
gatekeeper:
  url: https://hallmark.hallmark-system:6001
  providers:
    - {name: hallmark, path: /verify, timeout_seconds: 3}
    - {name: hallmark-mutation, path: /mutate, timeout_seconds: 1}
```
";

const CLOSING: &str = "\
## What contradicts itself

Refused: `client_san` where no client certificate is asked for; `plugin.allow` without `plugin.folder`; `no_proxy` while `proxy`
is no URL; `registry.system_roots: false` without `registry.ca_file`; one port for `listen` and
`health_listen`; `timeouts.verify` or `timeouts.mutate` longer than `timeouts.load`; half of a client
certificate and key, or two that do not belong together; certificates for a host that is asked over plain
HTTP; a host that is written twice (`docker.io`, `index.docker.io` and `registry-1.docker.io` are one);
anything of `kubernetes` or `gatekeeper` without `kubernetes.enabled`; `gatekeeper.providers` without
`gatekeeper.url`, with the same name twice, or with an own authority beside `cert_dir`; `gatekeeper.ca: secret`
without `gatekeeper.ca_secret` or `cert_dir`; `gatekeeper.client_ca: secret` without
`gatekeeper.client_ca_secret`, `file` without `client_ca`, or `client_ca` without `file`; a Secret that nothing
uses.

Warned about at the start: `tls_san` beside `cert_dir`; `plugin.folder` without `plugin.allow`;
`timeouts.keep_alive` of 90 seconds or less; `cache.stale_max_age` below `cache.verified_ttl`; more
`limits.keys` than `limits.concurrent_loads`; a proxy's password on the command line; a Provider whose timeout
is not longer than the deadline of its path; `gatekeeper.url`, `gatekeeper.owner` or `gatekeeper.adopt` without
`gatekeeper.providers`.

Passwords appear in no message and no log: of a proxy's URL only scheme, host and port are shown.
";
