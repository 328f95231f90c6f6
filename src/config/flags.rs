//! `flag "NAME" "VALUE"` and `image "…"` of a component that runs as a static pod.

use crate::visible::is_hidden;
use std::collections::BTreeMap;

use super::block::Block;
use super::problem::{At, Problem, quoted};
use super::reader::Reader;
use super::shape::{Many, One, one, pairs, word};
use super::tree::{Scalar, Value};
use crate::spec::FlagSetting;

pub const FLAG: Many<String> = pairs(
    word("flag")
        .means("A flag of the process, and its value; #null takes one away that it would have.")
        .text("a flag's name without dashes, and a text, a number, #true, #false or #null")
        .sample("\"v\" 2"),
);
/// As a value: the flag is not given.
pub const NOTHING: &str = "#null";
pub const IMAGE: One<String> = one(word("image")
    .means("The image of its static pods.")
    .text("the name of an image, with a tag or digest")
    .follows("Kubernetes' own of the version, from registry.k8s.io")
    .sample("\"mirror.lab.internal/kube-apiserver:v1.36.2\""));

/// By name without dashes, each with the place of its name.
pub fn flags(block: &Block<'_>, reader: &mut Reader<'_>) -> BTreeMap<String, (FlagSetting, At)> {
    let mut flags: BTreeMap<String, (FlagSetting, At)> = BTreeMap::new();
    for pair in block.many(FLAG).chunks(2) {
        let [name, value] = pair else { continue };
        let (Some(text), Some(setting)) = (reader.text(name, FLAG.word()), value_of(value, reader))
        else {
            continue;
        };
        if let Some(problem) = refused_name(text, name.at) {
            reader.problem(problem);
        } else if let Some((_, first)) = flags.get(text) {
            let problem = Problem::new(name.at, format!("flag {} is given twice", quoted(text)))
                .label("again")
                .first(*first)
                .help("delete one of the two");
            reader.problem(problem);
        } else {
            flags.insert(text.to_owned(), (setting, name.at));
        }
    }
    flags
}

fn refused_name(name: &str, at: At) -> Option<Problem> {
    let plain =
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if name.starts_with('-') {
        let bare = name.trim_start_matches('-');
        return Some(
            Problem::new(at, "a flag is written without its dashes")
                .help(format!("write flag \"{bare}\" \"…\"")),
        );
    }
    if name.is_empty() || !plain {
        return Some(
            Problem::new(at, format!("{} is not a flag's name", quoted(name)))
                .help("write flag \"audit-log-path\" \"/var/log/audit.log\""),
        );
    }
    None
}

/// A flag's value is a text on a command line; numbers and booleans may be written as such.
fn value_of(value: &Value, reader: &mut Reader<'_>) -> Option<FlagSetting> {
    let text = match &value.scalar {
        Scalar::Null => return Some(FlagSetting::Absent),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Bool(value) => value.to_string(),
        _ => reader.text(value, FLAG.word())?.to_owned(),
    };
    // The kubelet would put a variable in the place of $(NAME).
    if text.contains(is_hidden) || text.contains("$(") {
        reader.problem(
            Problem::new(value.at, "a flag's value has a control or invisible character, or `$(`")
                .help("write the value out, in one line"),
        );
        return None;
    }
    Some(FlagSetting::Value(text))
}

pub fn image(block: &Block<'_>, reader: &mut Reader<'_>) -> Option<String> {
    let value = block.one(IMAGE)?;
    let text = reader.text(value, IMAGE.word())?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte);
    if text.is_empty() || !text.bytes().all(plain) {
        reader.problem(
            Problem::new(value.at, format!("{} is not an image", quoted(text)))
                .help("write image \"registry.k8s.io/kube-apiserver:v1.36.2\""),
        );
        return None;
    }
    Some(text.to_owned())
}
