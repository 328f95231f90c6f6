//! Documents against a committed JSON Schema. Python's jsonschema is the judge: another implementation than
//! the one that wrote the schema, and nothing to compile.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::Value;

use super::commands::python;

/// A document a line in, its errors a line out.
const JUDGE: &str = "\
import json, sys
from jsonschema import Draft202012Validator as Validator
schema = json.load(open(sys.argv[1]))
Validator.check_schema(schema)
judge = Validator(schema)
for line in sys.stdin:
    print(json.dumps([error.message for error in judge.iter_errors(json.loads(line))]), flush=True)
";

pub struct Validator(RefCell<Judge>);

struct Judge {
    child: Child,
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{name}.schema.json"))
}

impl Validator {
    pub fn of(name: &str) -> Self {
        let mut child = python()
            .args(["-c", JUDGE])
            .arg(file(name))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Validator(RefCell::new(Judge {
            asks: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        }))
    }

    pub fn errors(&self, document: &Value) -> Vec<String> {
        let mut judge = self.0.borrow_mut();
        writeln!(judge.asks.as_mut().unwrap(), "{document}").unwrap();
        let mut answer = String::new();
        judge.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        self.asks = None;
        let ended = self.child.wait();
        if !std::thread::panicking() {
            assert!(ended.unwrap().success());
        }
    }
}
