//! Graph, metrics, calendar and page, held against their formats: the exposition format, RFC 5545, HTML.
//! `tests/browser.sh` opens the page in a real browser.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;

use crate::testkit::json_schema::Validator;
use crate::testkit::{FolderProject, refused, set_mode};

/// With a seed.
fn lab(description: &str) -> FolderProject {
    let lab = FolderProject::described(description);
    lab.write("lab.seed", std::fs::read("examples/lab/lab.seed").unwrap());
    set_mode(lab.path("lab.seed"), 0o600);
    lab
}

/// tests/pictures/cluster.kdl, applied.
fn drawn() -> FolderProject {
    lab(&fixture("cluster.kdl")).applied()
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(format!("tests/pictures/{name}")).unwrap()
}

#[test]
fn graphs_are_the_written_ones_before_and_after_an_apply() {
    let lab = lab(&fixture("cluster.kdl"));
    let before = lab.says("graph");
    assert_eq!(before, fixture("graph.mmd"));
    lab.says("apply");
    assert_eq!(lab.says("graph --format mermaid"), before);
    assert_eq!(lab.says("graph --format dot"), fixture("graph.dot"));
}

/// Of ten thousand nodes only a number and two names are drawn.
#[test]
fn a_graph_does_not_grow_with_its_nodes() {
    let mut text = "cluster \"big\" { endpoint \"api.big\" }\n\
        node \"cp1\" role=\"control-plane\" address=\"10.0.0.1\"\n"
        .to_owned();
    for number in 0..10_000 {
        writeln!(text, "node \"w{number}\"").unwrap();
    }
    let graph = lab(&text).says("graph");
    assert!(graph.contains("kubelet<br/>cp1 … w9999: 10001 nodes"), "{graph}");
    assert!(graph.len() < 4000, "{}", graph.len());
}

/// A sample of the text format: name, labels, value.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: i64,
}

/// The exposition format 0.0.4 as its page has it, and what `promtool check metrics` asks beyond.
fn samples(text: &str) -> Vec<Sample> {
    assert!(text.ends_with('\n') && !text.contains('\r'));
    let mut samples: Vec<Sample> = Vec::new();
    let mut families = BTreeSet::new();
    let mut family = String::new();
    let mut described = String::new();
    let mut seen = BTreeSet::new();
    let name_rule = |name: &str| {
        let mut bytes = name.bytes();
        bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
            && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.is_empty() && !help.contains('\\'), "{line}");
            assert!(families.insert(name.to_owned()), "{name} twice");
            name.clone_into(&mut described);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!((name, kind), (described.as_str(), "gauge"));
            assert!(name_rule(name) && !name.ends_with("_total"), "{name}");
            name.clone_into(&mut family);
        } else {
            let (name, rest) = line.split_once('{').unwrap();
            assert_eq!(name, family, "families stand together");
            let mut labels = BTreeMap::new();
            let mut rest = rest;
            loop {
                let (label, after) = rest.split_once("=\"").unwrap();
                assert!(name_rule(label) && !label.starts_with("__"), "{label}");
                let mut value = String::new();
                let mut chars = after.char_indices();
                let end = loop {
                    match chars.next().unwrap() {
                        (_, '\\') => value.push(match chars.next().unwrap().1 {
                            'n' => '\n',
                            c @ ('\\' | '"') => c,
                            c => panic!("no escape: \\{c} in {line}"),
                        }),
                        (at, '"') => break at,
                        (_, c) => value.push(c),
                    }
                };
                assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
                rest = &after[end + 1..];
                match rest.strip_prefix(',') {
                    Some(more) => rest = more,
                    None => break,
                }
            }
            let value = rest.strip_prefix("} ").unwrap().parse().unwrap();
            assert!(seen.insert((name.to_owned(), labels.clone())), "twice: {line}");
            let name = name.to_owned();
            samples.push(Sample { name, labels, value });
        }
    }
    samples
}

#[test]
fn metrics_say_of_every_certificate_what_openssl_says() {
    let lab = drawn();
    let samples = samples(&lab.says("status --format prometheus --now 2026-12-15"));
    let of = |name: &'static str| samples.iter().filter(move |sample| sample.name == name);
    let mut checked = 0;
    for sample in of("x509_cert_not_after") {
        let path = &sample.labels["filepath"];
        let said = lab.openssl(&format!(
            "x509 -noout -serial -startdate -enddate -dateopt iso_8601 -in {path}"
        ));
        let fact = |name: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.to_owned()
        };
        let unix = |date: String| {
            let date: kpki::time::Timestamp = date.replace(' ', "T").parse().unwrap();
            date.unix()
        };
        let same = |name| of(name).find(|other| other.labels == sample.labels).unwrap().value;
        assert_eq!(sample.value, unix(fact("notAfter=")), "{path}");
        let serial = u128::from_str_radix(&fact("serial="), 16).unwrap();
        assert_eq!(sample.labels["serial_number"], serial.to_string(), "{path}");
        assert_eq!(sample.labels["filename"], path.rsplit('/').next().unwrap());
        // Only jane's ninety days are over.
        let expired = i64::from(sample.labels["kpki_artifact"] == "users/jane");
        assert_eq!(same("x509_cert_expired"), expired, "{path}");
        checked += 1;
    }
    let witnesses = lab.says("status --format json");
    let witnesses: serde_json::Value = serde_json::from_str(&witnesses).unwrap();
    assert_eq!(checked, witnesses["certificates"].as_array().unwrap().len());

    // The names of x509-certificate-exporter's labels, and texts as they stand in the certificate.
    let jane = of("x509_cert_expired").find(|sample| sample.value == 1).unwrap();
    let labels: Vec<&str> = jane.labels.keys().map(String::as_str).collect();
    assert_eq!(
        labels,
        [
            "filename",
            "filepath",
            "issuer_CN",
            "kpki_artifact",
            "kpki_cluster",
            "serial_number",
            "subject_CN",
            "subject_O"
        ]
    );
    assert_eq!(jane.labels["subject_O"], "</script><script>alert(1)</script>");
    assert_eq!(jane.labels["issuer_CN"], "kubernetes");
    let front = of("x509_cert_not_after").find(|s| s.labels["kpki_artifact"] == "ca/front-proxy");
    assert_eq!(front.unwrap().labels["subject_CN"], "a\"b<c>&d\\n#35;");

    let attention =
        |code: &str| of("kpki_attention").find(|s| s.labels["code"] == code).unwrap().value;
    assert_eq!([attention("expired"), attention("expiring"), attention("drift")], [1, 29, 0]);
    let one = |name| of(name).next().unwrap().value;
    assert_eq!(one("kpki_waiting"), 1);
    assert_eq!(one("kpki_changes"), 0);
    assert_eq!(one("kpki_status_timestamp_seconds"), 1_797_292_800); // date -u -d 2026-12-15 +%s
    let renewal =
        of("kpki_renewal_timestamp_seconds").find(|s| s.labels["kpki_artifact"] == "users/jane");
    assert_eq!(renewal.unwrap().value, 1_772_409_600); // date -u -d 2026-03-02 +%s
}

#[test]
fn before_the_first_apply_there_are_metrics_and_no_calendar() {
    let lab = lab(&fixture("cluster.kdl"));
    let samples = samples(&lab.says("status --format prometheus"));
    assert!(samples.iter().all(|sample| sample.name.starts_with("kpki_")));
    let changes = samples.iter().find(|sample| sample.name == "kpki_changes");
    assert!(changes.unwrap().value > 30);
    let why = refused(&lab.typed("status --format ics").output().unwrap(), 1);
    assert!(why.contains("no certificate is here yet"), "{why}");
}

/// RFC 5545 3.1: long lines are unfolded by removing a line break and the white space after it.
fn unfolded(calendar: &str) -> String {
    assert!(calendar.ends_with("\r\n"));
    for line in calendar.split_terminator("\r\n") {
        assert!(line.len() <= 75, "{line}");
        assert!(!line.contains(['\n', '\r']), "{line}");
    }
    calendar.replace("\r\n ", "").replace("\r\n", "\n")
}

#[test]
fn a_calendar_has_one_entry_a_day_and_keeps_it() {
    let lab = drawn();
    let calendar = lab.says("status --format ics --now 2026-02-01");
    let plain = unfolded(&calendar);
    let mut ids = Vec::new();
    let mut numbered = String::new();
    for line in plain.lines() {
        match line.strip_prefix("UID:") {
            Some(id) => {
                ids.push(id.to_owned());
                writeln!(numbered, "UID:{}", ids.len()).unwrap();
            }
            None => writeln!(numbered, "{line}").unwrap(),
        }
    }
    assert_eq!(numbered, fixture("status.ics"));
    let different: BTreeSet<_> = ids.iter().collect();
    assert_eq!(different.len(), ids.len());
    // Who subscribed sees nothing move by itself.
    assert_eq!(lab.says("status --format ics --now 2026-08-01"), calendar);
}

/// What is not text: the tags of a page, with their attributes.
fn tags(html: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let mut end = 0;
        let mut quoted = false;
        for (at, c) in rest.char_indices() {
            match c {
                '"' => quoted = !quoted,
                '>' if !quoted => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        let tag = rest[..end].trim_end_matches('/');
        rest = &rest[end + 1..];
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut all = BTreeMap::new();
        while !attributes.trim().is_empty() {
            attributes = attributes.trim_start();
            let word = attributes.find([' ', '=']).unwrap_or(attributes.len());
            let (key, after) = attributes.split_at(word);
            let value = if let Some(value) = after.strip_prefix("=\"") {
                let (value, after) = value.split_once('"').unwrap();
                attributes = after;
                value
            } else {
                let after = after.strip_prefix('=').unwrap_or(after);
                attributes = after.split_once(' ').map_or("", |(_, after)| after);
                ""
            };
            all.insert(key.to_owned(), value.to_owned());
        }
        if name == "script" || name == "style" {
            let (_, after) = rest.split_once(&format!("</{name}>")).unwrap();
            rest = after;
        }
        tags.push((name.to_lowercase(), all));
    }
    tags
}

const ELEMENTS: &[&str] = &[
    "!doctype", "html", "meta", "title", "style", "a", "header", "h1", "h2", "h3", "p", "time",
    "dl", "div", "dt", "dd", "main", "section", "ul", "li", "code", "table", "caption", "thead",
    "tbody", "tr", "th", "td", "span", "svg", "rect", "path", "text", "defs", "marker", "form",
    "label", "input", "button", "noscript", "footer", "script",
];

#[test]
fn a_page_holds_what_kpki_wrote_and_no_markup_of_others() {
    let lab = drawn();
    for now in ["2026-02-01", "2026-12-15", "2060-01-01"] {
        let html = lab.says(&format!("report -o - --now {now}"));
        let tags = tags(&html);
        let scripts = tags.iter().filter(|(name, _)| name == "script");
        let scripts: Vec<_> = scripts.map(|(_, attributes)| attributes.clone()).collect();
        assert_eq!(scripts.len(), 2, "the data and the one script");
        assert_eq!(scripts[0]["type"], "application/json");
        assert!(scripts[1].is_empty());
        for (name, attributes) in &tags {
            let name = name.trim_start_matches('/');
            assert!(ELEMENTS.contains(&name), "<{name}>");
            for (key, value) in attributes {
                assert!(!key.starts_with("on") && key != "style" && key != "src", "<{name} {key}>");
                assert!(!value.contains("://"), "<{name} {key}={value}>");
                if key == "href" {
                    assert_eq!(value, "#certificates");
                }
            }
        }
        let policy =
            tags.iter().find_map(|(_, a)| a.get("content").filter(|c| c.contains("default-src")));
        assert!(policy.unwrap().starts_with("default-src 'none';"), "{policy:?}");
        assert!(!policy.unwrap().contains("unsafe"), "{policy:?}");
        let (_, json) = html.split_once("id=\"data\">").unwrap();
        let (json, _) = json.split_once("</script>").unwrap();
        let data: serde_json::Value = serde_json::from_str(json).unwrap();
        let subjects = data["subjects"].as_array().unwrap();
        let has = |text: &str| subjects.iter().any(|subject| subject == text);
        assert!(has("O=</script><script>alert(1)</script>, CN=jane"), "{subjects:?}");
        assert!(has("CN=\"><img src=x onerror=alert(1)>{{7*7}}"), "{subjects:?}");
        assert_eq!(Validator::of("report").errors(&data), [""; 0]);
        // Every opened element is closed, but those without an end and those whose text `tags` leaves out.
        let mut open: BTreeMap<&str, i32> = BTreeMap::new();
        for (name, _) in &tags {
            match name.strip_prefix('/') {
                Some(name) => *open.entry(name).or_default() -= 1,
                None => *open.entry(name).or_default() += 1,
            }
        }
        let left: Vec<_> =
            open.iter().filter(|(_, count)| **count != 0).map(|(name, _)| *name).collect();
        assert_eq!(left, ["!doctype", "input", "meta", "path", "rect", "script", "style"]);
    }
}

/// A brought CA's subject may be any text.
#[test]
fn a_brought_authority_cannot_write_into_any_picture() {
    let lab =
        lab("cluster \"lab\" { endpoint \"api.lab\" }\nca \"etcd\" certificate=\"etcd.crt\"\n\
         node \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n");
    std::fs::create_dir_all(lab.path("out/ca")).unwrap();
    let done = Command::new("openssl")
        .args(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 900 -utf8"
                .split(' '),
        )
        .args(
            "-addext keyUsage=critical,keyCertSign -keyout out/ca/etcd.key -out etcd.crt -subj"
                .split(' '),
        )
        .arg("/C=DE/ST=a\"];b/O=<img src=x onerror=alert(1)>/CN=<\\/title>\"\n}<svg onload=x>é")
        .current_dir(lab.folder())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    lab.says("apply");
    for (name, _) in tags(&lab.says("report -o -")) {
        assert!(ELEMENTS.contains(&name.trim_start_matches('/')), "<{name}>");
    }
    for line in lab.says("graph").lines().skip(1) {
        assert!(line.starts_with("  "), "{line}");
        assert!(!line.replace("<br/>", "").contains(['<', '\\']), "{line}");
    }
    let dot = lab.says("graph --format dot");
    let head = dot.lines().find(|line| line.starts_with("  ca_etcd [")).unwrap();
    assert!(head.contains("ST=a\\\"];b, O=<img") && head.ends_with("shape=box3d];"), "{head}");
    let samples = samples(&lab.says("status --format prometheus"));
    let etcd = samples.iter().find(|sample| sample.labels.contains_key("issuer_C")).unwrap();
    assert_eq!(etcd.labels["issuer_C"], "DE");
    assert_eq!(etcd.labels["issuer_ST"], "a\"];b");
    assert_eq!(etcd.labels["issuer_O"], "<img src=x onerror=alert(1)>");
    unfolded(&lab.says("status --format ics"));
}

#[test]
fn a_report_is_written_whole_and_over_nothing_else() {
    let lab = drawn();
    let listing = || {
        let names = std::fs::read_dir(lab.folder()).unwrap();
        names.map(|entry| entry.unwrap().file_name()).collect::<BTreeSet<_>>()
    };
    let mut before = listing();
    lab.says("report -o report.html --now 2026-02-01");
    before.insert("report.html".into());
    assert_eq!(listing(), before, "nothing is left beside it");
    let first = lab.text("report.html");
    assert_eq!(first, lab.says("report -o - --now 2026-02-01"));
    lab.says("report --output report.html --now 2026-12-15");
    assert_ne!(lab.text("report.html"), first);

    std::os::unix::fs::symlink("cluster.kdl", lab.path("link")).unwrap();
    std::fs::write(lab.path("cluster.kdl.old"), "mine").unwrap();
    for (to, why) in [
        ("cluster.kdl", "is a file of a project's own"),
        ("cluster.kdl.old", "is there and is no report of kpki"),
        ("link", "is a symbolic link"),
        ("/dev/null", "is there and is no plain file"),
        ("out", "is there and is no plain file"),
        ("out/report.html", "is inside of out/"),
        ("out/../out/ca/report.html", "is inside of out/"),
        ("missing/report.html", "missing"),
        ("..", "is no name of a file"),
    ] {
        let output = lab.typed(&format!("report -o {to}")).output().unwrap();
        let code = if to.starts_with("missing") { 1 } else { 64 };
        assert_eq!(output.status.code(), Some(code), "{to}");
        assert!(output.stdout.is_empty(), "{to}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(why), "{to}: {said}");
    }
    assert_eq!(lab.text("cluster.kdl"), fixture("cluster.kdl"));
    // Nor does any of it touch what is applied.
    assert!(lab.says("plan --format json").contains("\"empty\": true"));
}
