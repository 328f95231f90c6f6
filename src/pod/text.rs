//! What is refused before the parser sees it.

use super::PodError;

/// A static pod has about 3 KiB.
const LIMIT: usize = 1024 * 1024;

/// YAML 1.1, which Kubernetes reads, ends a line and a comment there; YAML 1.2 does not.
const OTHER_BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

pub(super) struct Text {
    pub text: String,
    /// Must stay JSON: everything quoted.
    pub json: bool,
}

pub(super) fn read(source: &[u8]) -> Result<Text, PodError> {
    if source.len() > LIMIT {
        return Err(PodError::whole("the manifest is larger than 1 MiB")
            .help("a static pod has a few KiB; is this the right file?"));
    }
    let text = std::str::from_utf8(source).map_err(|error| {
        let before = source.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        PodError::at(line, "the manifest is not UTF-8").help("save it as UTF-8")
    })?;
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    let json = bare.trim_start().starts_with('{')
        && serde_json::from_str::<serde::de::IgnoredAny>(bare).is_ok();
    for (number, line) in text.lines().enumerate() {
        let content = line.trim_start();
        if !content.starts_with('#')
            && (content.contains("{{") || content.starts_with("{%"))
            && !json
        {
            return Err(PodError::at(number + 1, "this is a template, not a manifest")
                .help("render the template first, or put the change into the template by hand"));
        }
        if line.starts_with('%') && !json {
            return Err(PodError::at(number + 1, "a directive (%) changes what follows it")
                .help("remove it; a static pod needs none"));
        }
        if line.contains(OTHER_BREAKS) && !json {
            let message =
                "a line break that not every reader takes for one (U+0085, U+2028 or U+2029)";
            return Err(
                PodError::at(number + 1, message).help("write an ordinary one, or remove it")
            );
        }
        let indent = line.len() - content.len();
        let tabbed = line.get(..indent).unwrap_or_default().contains('\t');
        if tabbed && !json {
            return Err(PodError::at(number + 1, "a tab in the indentation")
                .help("YAML is indented with spaces only"));
        }
    }
    Ok(Text { text: text.to_owned(), json })
}
