//! What a page tells its test to do, in the page's order.

/// A fenced block.
pub struct Block {
    /// Of the line that opens it, from 1.
    pub line: usize,
    pub info: String,
    pub text: String,
}

pub enum Part {
    Block(Block),
    /// `<!-- setup: … -->`: a script that no reader needs to see.
    Setup {
        line: usize,
        script: String,
    },
    /// `<!-- again -->`: a fresh folder, with the files that the page has written so far.
    Again,
}

/// Blocks of an indented list count, too; a fence of four backticks may hold one of three.
pub fn parts(page: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        let info = bare.trim_start_matches('`');
        let fence = &bare[..bare.len() - info.len()];
        if fence.len() >= 3 {
            let mut text = String::new();
            loop {
                let (_, line) = lines.next().unwrap_or_else(|| panic!("line {index}: not closed"));
                if line.trim() == fence {
                    break;
                }
                text.push_str(line.get(indent..).unwrap_or_default());
                text.push('\n');
            }
            parts.push(Part::Block(Block { line: index + 1, info: info.to_owned(), text }));
        } else if line == "<!-- again -->" {
            parts.push(Part::Again);
        } else if let Some(begin) = line.strip_prefix("<!-- setup:") {
            let mut script = begin.to_owned();
            while !script.ends_with("-->") {
                let (_, line) = lines.next().unwrap_or_else(|| panic!("line {index}: not closed"));
                script.push('\n');
                script.push_str(line);
            }
            let script = script.trim_end_matches("-->").to_owned();
            parts.push(Part::Setup { line: index + 1, script });
        } else {
            // A word of ours that is written otherwise would be passed over.
            let word = bare.trim_start_matches("<!--").trim_start().to_lowercase();
            let ours = ["setup", "again"].iter().any(|known| word.starts_with(known));
            assert!(!(bare.starts_with("<!--") && ours), "line {}: {line}", index + 1);
        }
    }
    parts
}

pub fn blocks(page: &str) -> Vec<Block> {
    let blocks = parts(page).into_iter().filter_map(|part| match part {
        Part::Block(block) => Some(block),
        _ => None,
    });
    blocks.collect()
}
