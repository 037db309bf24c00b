//! The code blocks of a page, and a shell in which they are run as they are written.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::chart::{KUBERNETES, project};
use crate::kubectl::Said;
use crate::support::parts::part;
use crate::world::World;

/// Programs of which a line is a command.
const PROGRAMS: [&str; 5] = ["docker", "hallmark", "helm", "kubectl", "notation"];

/// A part of a page, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A command, its continued lines with it; also one that stands in a sentence.
    Command(String),
    /// YAML to save, or a part of an object.
    Yaml(String),
    /// What the command before it is said to print.
    Output(String),
}

/// The blocks of a page of `docs/`.
pub fn blocks(page: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(project("docs").join(page)).expect("the page");
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        // Tables name commands, and have a sign of their own for `|`.
        if line.starts_with('|') {
            continue;
        }
        let Some(language) = line.trim_start().strip_prefix("```") else {
            blocks.extend(in_sentence(line));
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let content: Vec<&str> = lines
            .by_ref()
            .take_while(|line| !line.trim_start().starts_with("```"))
            .map(|line| line.get(indent..).unwrap_or_default())
            .collect();
        blocks.extend(fenced(language, &content));
    }
    blocks
}

fn fenced(language: &str, lines: &[&str]) -> Vec<Block> {
    let text = lines.join("\n");
    match language {
        "yaml" => vec![Block::Yaml(format!("{text}\n"))],
        "" | "sh" if is_command(&text) => {
            let joined = text.replace("\\\n", " ");
            joined
                .lines()
                .filter(|line| !line.is_empty())
                .map(|line| Block::Command(line.to_owned()))
                .collect()
        }
        "" => vec![Block::Output(text)],
        other => panic!("a block of {other}: {text}"),
    }
}

/// Commands between backticks that could be typed as they are.
fn in_sentence(line: &str) -> Vec<Block> {
    let texts = line.split('`').skip(1).step_by(2);
    let typed = texts.filter(|text| is_command(text) && text.contains(" --") && !text.contains('…'));
    typed.map(|text| Block::Command(text.to_owned())).collect()
}

fn is_command(text: &str) -> bool {
    text.split_whitespace().next().is_some_and(|word| PROGRAMS.contains(&word))
}

/// Whether `said` has everything of `words`, in which … stands for anything.
pub fn has_words(said: &str, words: &str) -> bool {
    let mut rest = said;
    words.split('…').map(str::trim).all(|part| {
        let found = rest.find(part);
        rest = found.map_or("", |at| &rest[at + part.len()..]);
        found.is_some()
    })
}

/// bash in a checkout of the project, with the programs on its path.
pub struct Shell {
    folder: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Shell {
    /// `hallmark` reads this registry over plain HTTP, as the cluster's does here; `helm` gives the chart what every
    /// installation here needs.
    pub fn new(world: &World, name: &str, registry: &str) -> Self {
        let folder = world.folder.join(name);
        let (programs, home) = (folder.join("bin"), folder.join("home"));
        for folder in [&programs, &home] {
            std::fs::create_dir_all(folder).expect("folder");
        }
        for link in ["helm", "templates", "gatekeeper"] {
            symlink(project(link), folder.join(link)).expect("link");
        }
        symlink(part("kubectl"), programs.join("kubectl")).expect("link");
        symlink(part("notation"), programs.join("notation")).expect("link");
        symlink(env!("CARGO_BIN_EXE_hallmark"), programs.join("hallmark")).expect("link");
        let values: Vec<String> = world.helm.values().iter().map(|value| format!("'{value}'")).collect();
        let helm = format!(
            "#!/bin/sh
case $1 in
  install|upgrade) exec '{helm}' \"$@\" {} ;;
  template) exec '{helm}' \"$@\" --kube-version {KUBERNETES} ;;
  *) exec '{helm}' \"$@\" ;;
esac
",
            values.join(" "),
            helm = part("helm").display(),
        );
        write_program(&programs.join("helm"), &helm);
        let path = format!("{}:/usr/bin:/bin", programs.display());
        let variables = vec![
            ("PATH", path),
            ("HOME", home.display().to_string()),
            ("KUBECONFIG", world.cluster.kubeconfig().display().to_string()),
            ("HALLMARK_REGISTRY__PLAIN_HTTP_HOSTS", registry.to_owned()),
        ];
        Self { folder, variables }
    }

    /// Runs a command, in the folder where files are saved.
    pub fn run(&self, command: &str) -> Said {
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", command])
            .current_dir(&self.folder)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        let output = tokio::task::block_in_place(|| bash.output()).expect("bash runs");
        Said::of(&output)
    }

    pub fn save(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).expect("file");
    }

    /// A file of the home folder.
    pub fn read_home(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join("home").join(name)).expect("file")
    }
}

fn write_program(path: &Path, text: &str) {
    std::fs::write(path, text).expect("program");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("program");
}
