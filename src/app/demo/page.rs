//! What the demo shows, at most a hundred columns wide wherever the line is ours to break.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use super::answers::Answers;
use super::registry::REPOSITORY;
use super::sample::{SAMPLES, Sample};

const COLUMNS: u16 = 100;
/// The sample whose answer is shown in whole.
const SHOWN: &str = "signed-cose";

/// What is running, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    /// `https://host:port` of the provider.
    pub(super) provider: &'a str,
    pub(super) registry: SocketAddr,
    /// The provider's own authority, PEM.
    pub(super) ca: &'a Path,
    /// What it trusts.
    pub(super) configuration: &'a Path,
    /// How this program is called.
    pub(super) program: &'a str,
    /// Why the revocation list is missing, where it is.
    pub(super) missing_list: Option<&'a str>,
}

impl Scene<'_> {
    /// An image of the registry, as it is asked about.
    pub(super) fn image(&self, tag: &str) -> String {
        format!("{}/{REPOSITORY}:{tag}", self.registry)
    }

    /// Everything, in reading order.
    pub(super) fn page(&self, asked: &Value, answers: &Answers) -> String {
        let (provider, registry) = (self.provider, self.registry);
        let mut page = format!(
            "A real provider listens at {provider}, a registry of sample images at {registry}.\n\
             It is asked now what Gatekeeper asks before these images may run.\n\n"
        );
        if let Some(why) = self.missing_list {
            page.push_str(&missing_list(why));
        }
        // Writing to a String cannot fail.
        let _ = writeln!(page, "The request, POST {provider}/verify:\n\n{asked:#}\n");
        let _ = writeln!(page, "The answers:\n\n{}\n", self.table(answers));
        if let Some(item) = answers.item(&self.image(SHOWN)) {
            let _ = writeln!(page, "One of them as Gatekeeper receives it:\n\n{item:#}\n");
        }
        let _ = writeln!(page, "Ask it yourself, in another terminal:\n\n{}\n", self.curl("signed-jws"));
        page.push_str(&self.what_next());
        page
    }

    fn table(&self, answers: &Answers) -> Table {
        let mut table = Table::new();
        table
            .load_style(presets::UTF8_HORIZONTAL_ONLY)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(COLUMNS)
            .set_header(["IMAGE", "VERDICT", "SIGNED BY", "REASON"]);
        for sample in &SAMPLES {
            let answer = answers.verdict(&self.image(sample.tag));
            let signed_by = if answer.signed_by.is_empty() { "-".to_owned() } else { answer.signed_by };
            let reason = format!("{}: {}", answer.code, shortened(&answer.message));
            table.add_row([sample.name(), answer.verdict, signed_by, reason]);
        }
        table
    }

    fn curl(&self, tag: &str) -> String {
        format!(
            "  curl --noproxy '*' --cacert {ca} {provider}/verify \\\n    \
             -H 'Content-Type: application/json' \\\n    \
             -d '{{\"apiVersion\": \"externaldata.gatekeeper.sh/v1beta1\", \"kind\": \"ProviderRequest\",\n         \
             \"request\": {{\"keys\": [\"{image}\"]}}}}'",
            ca = self.ca.display(),
            provider = self.provider,
            image = self.image(tag),
        )
    }

    fn what_next(&self) -> String {
        let (program, configuration) = (self.program, self.configuration.display());
        let (tampered, cose, expired) =
            (self.image("tampered"), self.image("signed-cose"), format!("{REPOSITORY}:expired"));
        format!(
            "What to try next, while this runs:\n\n  \
             Every check of one image, and each request to the registry:\n    \
             {program} verify {tampered} \\\n      --config {configuration}\n\n  \
             The same where a list of revoked certificates is asked for, here on loopback:\n    \
             {program} verify {cose} \\\n      --revocation-private-addresses --config {configuration}\n\n  \
             What the provider was told to trust, in plain words:\n    \
             {program} config check {configuration}\n\n  \
             In that file, change level: strict to level: audit, and ask again about {expired}:\n  \
             the provider follows the file, and admits what its policy now only logs.\n\n\
             Then give it images and a configuration of your own: README.md, \"Use it\".\n"
        )
    }
}

fn missing_list(why: &str) -> String {
    let names: Vec<String> = Sample::needing_list().map(Sample::name).collect();
    format!(
        "NOTE: {why}.\n\
         The certificates behind {} name a revocation list there, and\n\
         it cannot be served. Whether they are revoked cannot be found out, so both stay undecided.\n\n",
        names.join(" and ")
    )
}

/// Digests as people compare them: by their first digits.
fn shortened(text: &str) -> String {
    const DIGITS: usize = 64;
    const SHORT: usize = 12;
    let mut parts = text.split("sha256:");
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        short.push_str("sha256:");
        if part.chars().take_while(char::is_ascii_hexdigit).count() == DIGITS {
            short.extend(part.chars().take(SHORT));
            short.push('…');
            short.extend(part.chars().skip(DIGITS));
        } else {
            short.push_str(part);
        }
    }
    short
}
