//! As much of GitHub's API as comments on an issue need, for the real `gh`, which can speak through a socket
//! in the file system.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

type Comments = Arc<Mutex<Vec<Value>>>;

pub struct GitHub {
    comments: Comments,
}

impl GitHub {
    /// `config` is a folder for GH_CONFIG_DIR.
    pub fn start(config: &Path) -> Self {
        let socket = config.join("socket");
        fs::write(config.join("config.yml"), format!("http_unix_socket: {}\n", socket.display()))
            .unwrap();
        let listener = UnixListener::bind(socket).unwrap();
        let github = GitHub { comments: Comments::default() };
        let comments = github.comments.clone();
        // Its thread ends with the process: it owns nothing that outlives it.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &comments);
            }
        });
        github
    }

    pub fn comment(&self, login: &str, body: &str) {
        add(&mut self.comments.lock().unwrap(), login, body);
    }

    /// Who wrote it, and what.
    pub fn comments(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let comments = self.comments.lock().unwrap();
        let comments = comments.iter();
        comments.map(|comment| (text(&comment["user"]["login"]), text(&comment["body"]))).collect()
    }
}

fn add(comments: &mut Vec<Value>, login: &str, body: &str) {
    let id = 1000 + comments.len();
    comments.push(json!({ "id": id, "user": { "login": login }, "body": body }));
}

fn answer(stream: UnixStream, comments: &Comments) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push(line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (code, body) = respond(head[0].trim(), &sent, &mut comments.lock().unwrap());
    let body = body.to_string();
    let length = body.len();
    let mut stream = stream;
    let _ = write!(
        stream,
        "HTTP/1.1 {code}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
}

fn respond(request: &str, sent: &Value, comments: &mut Vec<Value>) -> (&'static str, Value) {
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let path = target.split('?').next().unwrap();
    // https://docs.github.com/en/rest/issues/comments
    match (method, path) {
        ("GET", "/repos/acme/pki/issues/7/comments") => ("200 OK", Value::Array(comments.clone())),
        ("POST", "/repos/acme/pki/issues/7/comments") => {
            add(comments, "github-actions[bot]", sent["body"].as_str().unwrap());
            ("201 Created", json!({}))
        }
        ("PATCH", path) => {
            let id = path
                .strip_prefix("/repos/acme/pki/issues/comments/")
                .and_then(|id| id.parse::<u64>().ok());
            let comment = comments.iter_mut().find(|comment| comment["id"].as_u64() == id);
            match comment {
                Some(comment) => {
                    comment["body"] = sent["body"].clone();
                    ("200 OK", json!({}))
                }
                None => ("404 Not Found", json!({ "message": "Not Found" })),
            }
        }
        _ => ("404 Not Found", json!({ "message": format!("no {request}") })),
    }
}
