//! What `hallmark verify` can be asked about: an image of a registry, or one of an OCI image layout.

use std::path::PathBuf;

use crate::reference::Digest;

/// One image as named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ImageArgument {
    /// In a registry; the text is judged later, so that a wrong one is an answer like any other.
    Registry(String),
    /// In an image layout folder.
    Layout {
        /// The folder.
        folder: PathBuf,
        /// `:TAG` or `@DIGEST`.
        suffix: String,
    },
}

/// What is wrong with a layout's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text} names no image of a layout: write oci-layout:FOLDER:TAG or oci-layout:FOLDER@DIGEST")]
pub(super) struct ImageArgumentError {
    text: String,
}

impl ImageArgument {
    const LAYOUT: &str = "oci-layout:";

    pub(super) fn parse(text: &str) -> Result<Self, ImageArgumentError> {
        let Some(rest) = text.strip_prefix(Self::LAYOUT) else {
            return Ok(Self::Registry(text.to_owned()));
        };
        let wrong = || ImageArgumentError { text: text.to_owned() };
        let layout = |folder: &str, suffix: String| {
            if folder.is_empty() { Err(wrong()) } else { Ok(Self::Layout { folder: folder.into(), suffix }) }
        };
        if let Some((folder, digest)) = rest.rsplit_once('@') {
            let digest: Digest = digest.parse().map_err(|_| wrong())?;
            return layout(folder, format!("@{digest}"));
        }
        match rest.rsplit_once(':') {
            Some((folder, tag)) if !tag.is_empty() && !tag.contains('/') => layout(folder, format!(":{tag}")),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_told_from_registries() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let layout = |folder: &str, suffix: &str| ImageArgument::Layout {
            folder: folder.into(),
            suffix: suffix.to_owned(),
        };
        assert_eq!(ImageArgument::parse("oci-layout:./a:v1"), Ok(layout("./a", ":v1")));
        assert_eq!(ImageArgument::parse("oci-layout:/a:b/c:v1"), Ok(layout("/a:b/c", ":v1")));
        assert_eq!(
            ImageArgument::parse(&format!("oci-layout:a@{digest}")),
            Ok(layout("a", &format!("@{digest}")))
        );
        let registry = "registry.example/app:v1";
        assert_eq!(ImageArgument::parse(registry), Ok(ImageArgument::Registry(registry.to_owned())));
    }

    #[test]
    fn a_layout_needs_a_folder_and_a_tag_or_digest() {
        for text in
            ["oci-layout:", "oci-layout:a", "oci-layout::v1", "oci-layout:a@sha256:00", "oci-layout:a:b/c"]
        {
            assert!(ImageArgument::parse(text).is_err(), "{text}");
        }
    }
}
