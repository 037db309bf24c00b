//! The fuzz targets in every test run: seeds, mutated by a generator with a fixed start, a bounded number of
//! times. `make fuzz` looks longer and deeper; this needs no other toolchain and keeps the targets honest.

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::path::{Path, PathBuf};

use targets::TARGETS;

/// Inputs tried for each target, where nothing else is said.
const ROUNDS: u64 = 1500;

/// Inputs tried for each target. `HALLMARK_FUZZ_ROUNDS` asks for others, and with them for another start: the
/// number itself.
fn rounds() -> (u64, Generator) {
    let asked = std::env::var("HALLMARK_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let rounds = asked.unwrap_or(ROUNDS);
    (rounds, Generator(0x9E37_79B9_7F4A_7C15 ^ asked.unwrap_or(0)))
}
/// Longer inputs are cut: what matters is at the front.
const MAX_INPUT: usize = 16 * 1024;

const REFERENCES: &[&str] = &[
    "alpine",
    "registry.example/a/b:v1",
    "[::1]:5000/x@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "localhost:5000/a__b/c.d-e:tag_1.0",
    "docker.io/library/nginx:1@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
];

const IDENTITIES: &[&str] =
    &["C=US, ST=WA, O=Hallmark Demo", "C=DE,S=BE,O=A\\, B,OU=x+y", "C=US;ST=\\57A;O=\"a,b\""];

const HEADERS: &[&str] = &[
    "Bearer realm=\"https://auth.example/token\",service=\"registry.example\",scope=\"repository:a/b:pull\"",
    "Basic realm=\"x, y\", Bearer realm=https://auth.example/token",
    "</v2/a/referrers/x?n=1>; rel=\"next\"; title=\"a, b\"",
];

const DOCKER_CONFIGS: &[&str] = &[
    r#"{"auths":{"registry.example":{"auth":"dTpw"},"https://index.docker.io/v1/":{"identitytoken":"t"}}}"#,
    r#"{"credHelpers":{"registry.example":"x"},"credsStore":"y","auths":{"registry.example/team":{"username":"u","password":"p"}}}"#,
];

const REQUESTS: &[&str] = &[
    r#"{"apiVersion":"externaldata.gatekeeper.sh/v1beta1","kind":"ProviderRequest","request":{"keys":["alpine","[team-a]registry.example/a:1","\u003c","[]x"]}}"#,
    r#"{"apiVersion":"externaldata.gatekeeper.sh/v1beta1","kind":"ProviderRequest","request":{}}"#,
];

const TRUST_POLICIES: &[&str] = &[
    r#"{"version":"1.0","trustPolicies":[{"name":"a","registryScopes":["*"],"signatureVerification":{"level":"strict","override":{"revocation":"log"},"verifyTimestamp":"afterCertExpiry"},"trustStores":["ca:x","tsa:y"],"trustedIdentities":["x509.subject: C=US, ST=WA, O=Acme"]}]}"#,
    r#"{"version":"1.0","trustPolicies":[{"name":"a","globalPolicy":true,"signatureVerification":{"level":"skip"}}]}"#,
];

const RESOURCES: &[&str] = &[
    "apiVersion: config.ratify.sh/v2alpha1\nkind: Executor\nmetadata: {name: e, annotations: {hallmark.io/mandatory: \"true\"}}\nspec:\n  scopes: [r.example, \"*.example.com\", r.example/a/b]\n  concurrency: 3\n  verifiers:\n  - {name: notation, type: notation, parameters: {scopes: [r.example/a], certificates: [{type: ca, files: [/a]}]}}\n  stores: [{type: registry-store, parameters: {plainHttp: true, caBase64: QQ==, credential: {provider: static, username: u, password: p}}}]\n  policyEnforcer: {type: threshold-policy, parameters: {policy: {threshold: 1, rules: [{verifierName: notation}]}}}\n",
    "apiVersion: config.ratify.sh/v2alpha1\nkind: NamespacedExecutor\nmetadata: {name: e, namespace: team}\nspec:\n  scopes: [r.example]\n  verifiers: []\n  stores: [{type: registry-store, parameters: {credential: {provider: static, secretName: s}}}]\n",
    "apiVersion: config.ratify.deislabs.io/v1beta1\nkind: NamespacedStore\nmetadata: {name: s, namespace: team}\nspec: {name: oras, parameters: {authProvider: {name: k8Secrets, serviceAccountName: a, secrets: [{secretName: b, namespace: team}]}}}\n---\napiVersion: config.ratify.deislabs.io/v1beta1\nkind: KeyManagementProvider\nmetadata: {name: k}\nspec: {type: secret, parameters: {name: a, key: ca.crt, contentType: certificate}}\n",
];

/// id-pkix-ocsp-basic, DER.
const OCSP_BASIC: &[u8] = &[0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];
/// An empty SEQUENCE.
const EMPTY: &[u8] = &[0x30, 0x00];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file that may serve as a seed: the fixtures, and the vectors where they are beside the checkout.
fn files() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for folder in ["tests/fixtures", "../shared/conformance/notation", "../shared/examples"] {
        read_below(&root().join(folder), &mut files);
    }
    files
}

fn read_below(folder: &Path, files: &mut Vec<Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("entry").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read_below(&path, files);
        } else {
            files.push(std::fs::read(&path).expect("seed"));
        }
    }
}

/// What a target reads: which dictionary and which nesting make sense to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Cbor,
    Der,
    Yaml,
    Text,
}

impl Format {
    fn of(target: &str) -> Self {
        match target {
            "envelope_cose" => Self::Cbor,
            "certificate" | "certificates_file" | "ocsp_answer" | "revocation_list" | "timestamp_token" => {
                Self::Der
            }
            "resources" => Self::Yaml,
            "challenge" | "reference" | "trusted_identity" => Self::Text,
            _ => Self::Json,
        }
    }

    fn dictionary(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Cbor => "cbor",
            Self::Der => "der",
            Self::Yaml => "yaml",
            Self::Text => "text",
        }
    }

    /// What opens a level, and what closes it.
    fn brackets(self) -> &'static [(&'static [u8], &'static [u8])] {
        match self {
            Self::Json => &[(b"[", b"]"), (b"{\"a\":", b"}")],
            // A list, a map, a tag.
            Self::Cbor => &[(b"\x81", b""), (b"\xa1\x61a", b""), (b"\xc6", b"")],
            // BER, of indefinite length.
            Self::Der => &[(b"\x30\x80", b"\0\0"), (b"\xa0\x80", b"\0\0"), (b"\x24\x80", b"\0\0")],
            Self::Yaml => &[
                (b"[", b"]"),
                (b"{a: ", b"}"),
                (b"- ", b""),
                (b"? ", b""),
                (b"!a ", b""),
                (b"&a [*a, ", b"]"),
            ],
            Self::Text => &[(b"\"", b"\""), (b"<", b">"), (b"\\", b"")],
        }
    }

    /// `inner` in so many levels.
    fn nest(self, bracket: usize, levels: usize, inner: &[u8]) -> Vec<u8> {
        let brackets = self.brackets();
        let (open, close) = brackets[bracket % brackets.len()];
        [open.repeat(levels), inner.to_vec(), close.repeat(levels)].concat()
    }
}

/// Where a document of a target may hold anything: the nested thing stands between the two.
fn surroundings(target: &str) -> &'static [(&'static str, &'static str)] {
    match target {
        "envelope_jws" => &[
            (r#"{"payload":"","protected":"","signature":"","header":{"x5c":"#, "}}"),
            (r#"{"payload":"#, "}"),
        ],
        "manifest" => {
            &[(r#"{"schemaVersion":2,"layers":"#, "}"), (r#"{"layers":[],"annotations":{"a":"#, "}}")]
        }
        "index" => &[(r#"{"schemaVersion":2,"manifests":"#, "}"), (r#"{"manifests":[],"x":"#, "}")],
        "docker_config" => &[(r#"{"auths":{"registry.example":"#, "}}")],
        "provider_request" => &[(
            r#"{"apiVersion":"externaldata.gatekeeper.sh/v1beta1","kind":"ProviderRequest","request":{"keys":"#,
            "}}",
        )],
        "trust_policy" => &[(r#"{"version":"1.0","trustPolicies":"#, "}")],
        "resources" => &[(
            "apiVersion: config.ratify.deislabs.io/v1beta1\nkind: Policy\nmetadata: {name: ratify-policy}\nspec:\n  parameters:\n    policy: ",
            "\n",
        )],
        _ => &[],
    }
}

/// Levels that seeds are nested: beyond each limit of ours, and beyond what a stack bears that nobody limits.
const LEVELS: [usize; 3] = [20, 200, 6000];

/// Names under which serde_json takes a text for JSON of its own, each with a new bound on depth.
const PRIVATE_NAMES: [&str; 2] = ["$serde_json::private::RawValue", "$serde_json::private::Number"];

/// Deeply nested documents: what a mutation of bytes hardly ever makes.
fn nested(target: &str) -> Vec<Vec<u8>> {
    let format = Format::of(target);
    let mut seeds = Vec::new();
    for levels in LEVELS {
        for bracket in 0..format.brackets().len() {
            let inner = format.nest(bracket, levels, b"");
            for (before, after) in surroundings(target) {
                seeds.push([before.as_bytes(), &inner, after.as_bytes()].concat());
            }
            seeds.push(inner);
        }
        match format {
            Format::Json => {
                for (before, after) in surroundings(target) {
                    for name in PRIVATE_NAMES {
                        let hidden = text_in_text(name, levels.min(200));
                        seeds.push([before, &*hidden, after].concat().into_bytes());
                    }
                }
            }
            Format::Cbor => seeds.push(countersigned(levels)),
            Format::Der => seeds.push(sequences(levels)),
            Format::Yaml => seeds.push(indented(levels.min(150))),
            Format::Text => {}
        }
    }
    if format == Format::Der && target == "ocsp_answer" {
        let certificate = certificates_in(
            &std::fs::read(root().join("tests/fixtures/demo/config.yaml")).unwrap_or_default(),
        );
        seeds.extend(
            certificate.first().map(|certificate| [certificate.as_slice(), &sequences(200)].concat()),
        );
    }
    seeds
}

/// `{"name":"{\"name\":…}"}`: lists in a text in an object in a text. Escapes double with each level, so only the
/// innermost levels are texts.
fn text_in_text(name: &str, levels: usize) -> String {
    let mut text = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for _ in 0..8 {
        text = format!("{{{:?}:{}}}", name, serde_json::Value::from(text));
    }
    text
}

/// A COSE_Sign1 message whose protected header has a countersignature, whose header has one, and so on.
fn countersigned(levels: usize) -> Vec<u8> {
    let mut header = Vec::new();
    for _ in 0..levels {
        let length = u32::try_from(header.len()).expect("length").to_be_bytes();
        header = [&[0xa1, 0x07, 0x83, 0x5a], length.as_slice(), &header, &[0xa0, 0x40]].concat();
    }
    let length = u32::try_from(header.len()).expect("length").to_be_bytes();
    [&[0xd2, 0x84, 0x5a], length.as_slice(), &header, &[0xa0, 0x40, 0x40]].concat()
}

/// SEQUENCE in SEQUENCE, DER.
fn sequences(levels: usize) -> Vec<u8> {
    let mut inner = Vec::new();
    for _ in 0..levels {
        let length = u32::try_from(inner.len()).expect("length").to_be_bytes();
        let header: Vec<u8> = match inner.len() {
            short @ 0..0x80 => vec![0x30, u8::try_from(short).expect("short")],
            0x80..0x100 => vec![0x30, 0x81, length[3]],
            0x100..0x1_0000 => vec![0x30, 0x82, length[2], length[3]],
            _ => [&[0x30, 0x84], length.as_slice()].concat(),
        };
        inner = [header, inner].concat();
    }
    inner
}

/// A mapping in a mapping, each a space further in.
fn indented(levels: usize) -> Vec<u8> {
    let lines: Vec<String> = (0..levels).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    lines.concat().into_bytes()
}

/// The files that a target understands something of, and what is nested too deeply for it.
fn seeds(target: &str, files: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut seeds = plain_seeds(target, files);
    seeds.append(&mut nested(target));
    seeds
}

fn plain_seeds(target: &str, files: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let has = |file: &[u8], text: &str| file.windows(text.len()).any(|window| window == text.as_bytes());
    let is_json = |file: &[u8]| file.first() == Some(&b'{');
    let is_der = |file: &[u8]| file.first() == Some(&0x30);
    let wanted = |file: &[u8]| match target {
        "envelope_jws" => is_json(file) && has(file, "\"payload\"") && has(file, "\"protected\""),
        "envelope_cose" => file.first() == Some(&0xd2),
        "manifest" => is_json(file) && has(file, "\"layers\""),
        "index" => is_json(file) && has(file, "\"manifests\""),
        "certificates_file" => has(file, "BEGIN CERTIFICATE") || is_der(file),
        _ => false,
    };
    match target {
        "challenge" => texts(HEADERS),
        "docker_config" => texts(DOCKER_CONFIGS),
        "provider_request" => texts(REQUESTS),
        "reference" => texts(REFERENCES),
        "trust_policy" => texts(TRUST_POLICIES),
        "trusted_identity" => texts(IDENTITIES),
        "resources" => {
            let files = files.iter().filter(|file| has(file, "apiVersion:")).cloned();
            texts(RESOURCES).into_iter().chain(files).collect()
        }
        "revocation_list" => {
            files.iter().filter(|file| is_der(file)).cloned().chain([EMPTY.to_vec()]).collect()
        }
        "timestamp_token" => {
            files.iter().filter_map(|file| timestamp_in(file)).chain([EMPTY.to_vec()]).collect()
        }
        "ocsp_answer" => answers(files),
        "certificate" => files.iter().flat_map(|file| certificates_in(file)).collect(),
        _ => files.iter().filter(|file| wanted(file)).cloned().collect(),
    }
}

/// The answers among the files, each after a certificate.
fn answers(files: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let certificate = files.iter().find_map(|file| certificates_in(file).into_iter().next());
    let certificate = certificate.expect("the fixtures hold a certificate");
    let is_answer = |file: &&Vec<u8>| file.windows(OCSP_BASIC.len()).any(|window| window == OCSP_BASIC);
    let after = files.iter().filter(is_answer).map(|answer| [certificate.as_slice(), answer].concat());
    after.chain([certificate.clone()]).collect()
}

/// The timestamp token of a JWS envelope.
fn timestamp_in(file: &[u8]) -> Option<Vec<u8>> {
    let envelope: serde_json::Value = serde_json::from_slice(file).ok()?;
    let token = envelope.get("header")?.get("io.cncf.notary.timestampSignature")?.as_str()?;
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, token).ok()
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn certificates_in(file: &[u8]) -> Vec<Vec<u8>> {
    let found = hallmark::x509::certificates_from_pem_or_der(file).unwrap_or_default();
    found.iter().map(|certificate| certificate.der().to_vec()).collect()
}

/// xorshift64*: the same inputs in every run, so that a failure can be repeated.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).expect("below a usize")
    }

    fn mutate(&mut self, format: Format, input: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(input.len() + 1);
        let to = at + self.below((input.len() - at).min(32) + 1);
        match self.below(8) {
            7 => {
                let (bracket, levels) = (self.below(8), 1 + self.below(300));
                let inner = format.nest(bracket, levels, &input[at..to]);
                drop(input.splice(at..to, inner));
            }
            0 => input.truncate(at),
            1 => drop(input.drain(at..to)),
            2 => input.insert(at, [0, 0x7f, 0x80, 0xff, b'"', b'{', b'[', b'.'][self.below(8)]),
            3 => drop(input.splice(at..at, input[at..to].to_vec())),
            4 if !other.is_empty() => {
                let from = self.below(other.len());
                let part = &other[from..(from + 64).min(other.len())];
                drop(input.splice(at..to, part.iter().copied()));
            }
            _ if at < input.len() => input[at] ^= 1 << self.below(8),
            _ => {}
        }
    }

    fn input(&mut self, format: Format, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = seeds[self.below(seeds.len())].clone();
        input.truncate(MAX_INPUT);
        for _ in 0..self.below(6) {
            let other = &seeds[self.below(seeds.len())];
            self.mutate(format, &mut input, other);
        }
        input
    }
}

#[test]
fn every_parser_returns_whatever_it_is_given() {
    let files = files();
    for (name, target) in TARGETS {
        let seeds = seeds(name, &files);
        let (rounds, mut generator) = rounds();
        for seed in &seeds {
            target(seed);
        }
        for round in 0..rounds {
            let input = generator.input(Format::of(name), &seeds);
            let outcome = std::panic::catch_unwind(|| target(&input));
            if outcome.is_err() {
                let path = std::env::temp_dir().join(format!("hallmark-fuzz-{name}-{round}"));
                std::fs::write(&path, &input).expect("input is kept");
                panic!("target {name} panics; the input is {}", path.display());
            }
        }
    }
}

#[test]
fn every_target_has_seeds_and_a_file_of_its_name() {
    let folder = root().join("tests/fuzz/fuzz_targets");
    let mut listed: Vec<_> = std::fs::read_dir(folder)
        .expect("folder of targets")
        .map(|entry| entry.expect("entry").path().file_stem().expect("name").to_string_lossy().into_owned())
        .collect();
    listed.sort();
    assert_eq!(listed, TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>());
    let files = files();
    for (name, _) in TARGETS {
        assert!(!plain_seeds(name, &files).is_empty(), "{name} has no seed among the fixtures");
    }
}

/// libFuzzer reads `"token"` with `\\`, `\"` and `\xAB` alone as escapes; a line that it cannot read ends the run.
#[test]
fn every_target_has_a_dictionary_that_the_fuzzer_can_read() {
    let folder = root().join("tests/fuzz/dictionaries");
    let run = std::fs::read_to_string(root().join("tests/fuzz/run.sh")).expect("run.sh");
    for (name, _) in TARGETS {
        let dictionary = Format::of(name).dictionary();
        let named = format!("{name}) echo {dictionary} ;;");
        assert!(run.contains(&named), "run.sh has no line {named}");
        let text = std::fs::read_to_string(folder.join(format!("{dictionary}.dict"))).expect("dictionary");
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            assert!(is_token(line), "{dictionary}.dict: {line}");
        }
    }
}

fn is_token(line: &str) -> bool {
    let Some(mut rest) = line.strip_prefix('"').and_then(|line| line.strip_suffix('"')) else { return false };
    let mut is_empty = true;
    while let Some(character) = rest.chars().next() {
        let length = match (character, rest.as_bytes()) {
            ('"', _) => return false,
            ('\\', [_, b'\\' | b'"', ..]) => 2,
            ('\\', [_, b'x', high, low, ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => 4,
            ('\\', _) => return false,
            _ => character.len_utf8(),
        };
        rest = &rest[length..];
        is_empty = false;
    }
    !is_empty
}

/// Writes the seeds where `make fuzz` asks for them; otherwise only finds them.
#[test]
fn seeds_are_written_for_the_fuzzer() {
    let Some(corpus) = std::env::var_os("HALLMARK_FUZZ_CORPUS").map(PathBuf::from) else { return };
    let files = files();
    for (name, _) in TARGETS {
        let folder = corpus.join(name);
        std::fs::create_dir_all(&folder).expect("folder");
        for (number, seed) in seeds(name, &files).iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed).expect("seed is written");
        }
    }
}
