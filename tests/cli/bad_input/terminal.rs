//! Texts of other people on the reader's terminal: what acts on it or shows nothing never gets there, what
//! may be a key is not quoted, and a printed command means what it says when it is pasted into a shell.

use std::fs;
use std::process::Command;

use super::project::{ADMIN, BASE, DESCRIPTION, Damaged, Ended};
use crate::testkit::{printed, tool};

/// By hand, from the code charts: what a terminal obeys, what turns the order of a line, what shows nothing.
const HOSTILE: &str = "\u{1}\u{7}\u{8}\u{b}\u{c}\u{1b}\u{7f}\u{80}\u{84}\u{85}\u{90}\u{9b}\u{9d}\u{9f}\u{ad}\u{34f}\
    \u{61c}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180e}\u{180f}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{2028}\
    \u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\u{2061}\u{2064}\u{2066}\u{2067}\u{2068}\u{2069}\u{206a}\
    \u{206f}\u{2800}\u{3164}\u{fe00}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\u{fffa}\u{fffb}\u{13430}\u{1343f}\u{1bca0}\
    \u{1bca3}\u{1d173}\u{1d17a}\u{e0001}\u{e0020}\u{e0041}\u{e007f}\u{e0100}\u{e01ef}\u{e0fff}\u{f0000}\u{10fffd}";

/// Nothing but lines of what can be seen.
fn assert_harmless(ended: &Ended, what: &str) {
    let text = ended.text();
    let bad = text.chars().find(|c| HOSTILE.contains(*c) || c.is_control() && *c != '\n');
    assert!(bad.is_none(), "{what}: {bad:?} in {text:?}");
}

/// What is wrong, and nothing of it as it is.
fn refused(project: &Damaged, arguments: &[&str], says: &[&str]) {
    let ended = project.kpki(arguments);
    assert_harmless(&ended, &arguments.join(" "));
    ended.expect(1, says);
}

#[test]
fn no_text_of_a_description_acts_on_the_terminal() {
    // The whole alphabet is tried on the library, in tests/core/bad_descriptions.rs.
    for c in ['\u{1b}', '\u{9b}', '\u{202e}', '\u{3164}', '\u{e0041}', '\0', '\r'] {
        let project = Damaged::empty();
        for text in [
            format!("{DESCRIPTION}user \"x\" {{ group \"a{c}31mRED\" }}\n"),
            format!("{DESCRIPTION}user x{c}y\n"),
            format!("{DESCRIPTION}{c}user \"y\"\n"),
            format!("{DESCRIPTION}// a comment {c} user \"y\"\n"),
            format!("{DESCRIPTION}user \"y\" /* {c} */\n"),
            format!("{DESCRIPTION}user \\ // {c} z\n \"y\"\n"),
            format!("{DESCRIPTION}/- user \"y{c}\" // {c}\n"),
        ] {
            project.write("cluster.kdl", &text);
            let code = match c {
                '\0' => "NUL byte in line 5".to_owned(),
                '\r' => "carriage return".to_owned(),
                _ => format!("U+{:04X} is not allowed", u32::from(c)),
            };
            // Where a text must end with its line, that is what is wrong.
            let says = if c == '\r' && text.contains("a\r31") { "not closed" } else { &code };
            refused(&project, &["plan"], &[says, "cluster.kdl"]);
            if c != '\0' {
                refused(&project, &["plan"], &["cluster.kdl:5:"]);
            }
        }
        // Text as escapes of the language: refused by its type, and shown as escapes.
        let escaped = format!("\"a\\u{{{:x}}}b\"", u32::from(c));
        for line in [
            format!("user {escaped}"),
            format!("user \"x\" {{ group {escaped} }}"),
            format!("include {escaped}"),
            format!("ca \"kubernetes\" certificate={escaped}"),
            format!("manifests {escaped}"),
            format!("secrets {{ recipient {escaped} }}"),
            format!("secrets {{ recipients-file {escaped} }}"),
            format!("user \"x\" via=\"csr\" csr={escaped}"),
            format!("component \"apiserver\" {{ san {escaped}; }}"),
            format!("component \"apiserver\" {{ flag \"v\" {escaped}; }}"),
            format!("reproducible seed-file={escaped} not-before=\"2026-01-01T00:00:00Z\""),
        ] {
            project.write("cluster.kdl", format!("{DESCRIPTION}{line}\n"));
            let ended = project.kpki(&["plan"]);
            assert_harmless(&ended, &line);
            assert!(!ended.0.status.success() || line.starts_with("repro"), "{line}");
        }
    }
}

/// Windows' line ends, tabs, letters and the one byte order mark at the start are nobody's trick.
#[test]
fn what_a_person_writes_in_a_comment_may_stand_there() {
    let text = format!(
        "\u{feff}// Straße, Привет, 東京, שלום, مرحبا, हिन्दी, e\u{301}, \u{a0}→ ✓ 🚀\r\n\t{DESCRIPTION}/* é */\n"
    );
    Damaged::described(&text).kpki(&["plan"]).expect(0, &["to create"]);
}

#[test]
fn the_mark_stands_under_what_it_marks() {
    // Each character of a line takes the room of one: the second mistake stands in column 10.
    let project =
        Damaged::described(&format!("{DESCRIPTION}user \"é\u{9b}x\u{202e}\" // \u{e0041}\n"));
    let text = project.kpki(&["plan"]).text();
    let at = text.find("cluster.kdl:5:10\n").unwrap_or_else(|| panic!("{text}"));
    let lines: Vec<&str> = text[at..].lines().collect();
    assert!(lines[2].ends_with("user \"é\u{fffd}x\u{fffd}\" // \u{fffd}"), "{text}");
    let marked = lines[3].chars().position(|c| c == '^').unwrap();
    assert_eq!(lines[2].chars().take(marked).filter(|c| *c == '\u{fffd}').count(), 1, "{text}");
    assert_eq!(lines[2].chars().nth(marked), Some('\u{fffd}'), "{text}");
}

#[test]
fn no_other_file_acts_on_the_terminal() {
    let hostile = HOSTILE;
    // A manifest: the line that is shown, and a value in a message.
    let project = Damaged::copy_of(&BASE);
    fs::create_dir(project.path("m")).unwrap();
    let c1: String =
        hostile.chars().filter(|c| !c.is_control() || ('\u{80}'..='\u{9f}').contains(c)).collect();
    project.change("cluster.kdl", |text| text + "manifests \"m\"\n");
    for text in [
        format!("apiVersion: v1 # {c1}\nkind: [{c1}\n"),
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{ name: \"{c1}\" }} # {c1}\nspec: {{ containers: [] }}\n"
        ),
        format!("apiVersion: v1\nkind: \"{c1}\" # {c1}\n"),
        format!("{hostile}\n"),
    ] {
        project.write("m/kube-apiserver.yaml", text);
        let ended = project.kpki(&["plan"]);
        assert_harmless(&ended, "a manifest");
        assert!(!ended.0.status.success());
    }

    // Rules of a reviewer, recipients, a lock, a saved plan.
    let project = Damaged::copy_of(&BASE);
    project.write("policy.kdl", format!("policy {{ max-validity \"400d\" }} // {hostile}\n"));
    refused(&project, &["plan", "--policy", "policy.kdl"], &["is not allowed", "policy.kdl:1:"]);
    project.write("team.txt", format!("# {}{hostile}\nage1x\n", "x"));
    project.change("cluster.kdl", |text| text + "secrets { recipients-file \"team.txt\"; }\n");
    refused(&project, &["plan"], &["U+0001 in line 1, column 4"]);
    let project = Damaged::copy_of(&BASE);
    project.change("cluster.lock", |text| text + "{\"name\":\"" + &hostile[6..] + "\"}\n");
    refused(&project, &["plan"], &["cluster.lock"]);
    project.write("saved", hostile);
    refused(&project, &["apply", "saved"], &["saved"]);

    // Names of files, which nobody chose.
    let project = Damaged::copy_of(&BASE);
    fs::write(project.path(&format!("out/{hostile}")), "x").unwrap();
    fs::copy(project.path(ADMIN), project.path(&format!("out/{hostile}.conf"))).unwrap();
    for arguments in [
        &["plan"][..],
        &["plan", "--format", "json"],
        &["plan", "--format", "markdown"],
        &["status"],
        &["status", "--format", "json"],
        &["verify"],
        &["verify", "out", "--format", "json"],
        &["check", "--no-plaintext"],
        &["check", "--no-plaintext", "--format", "json"],
    ] {
        let ended = project.kpki(arguments);
        assert_harmless(&ended, &arguments.join(" "));
        if arguments.contains(&"json") {
            serde_json::from_slice::<serde_json::Value>(&ended.0.stdout).unwrap();
        }
    }
}

#[test]
fn no_subject_or_kubeconfig_acts_on_the_terminal() {
    let project = Damaged::copy_of(&BASE);
    let alphabet: Vec<char> = HOSTILE.chars().filter(|c| *c >= '\u{80}').collect();
    let mut shown = 0;
    // ub-common-name is 64 characters; a UTF8String holds any.
    for part in alphabet.chunks(20) {
        let name: String = part.iter().collect();
        let subject = format!("/O={name}/CN=a{name}b");
        let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -utf8";
        let more = "-keyout /dev/null -out odd.crt -days 9 -addext subjectAltName=email:ax@b -subj";
        let words = new.split(' ').chain(more.split(' ')).chain([subject.as_str()]);
        printed(tool("openssl").args(words).current_dir(project.folder()));
        let escapes: String = part.iter().map(|c| format!("\\U{:08x}", u32::from(*c))).collect();
        let config = project.text(ADMIN);
        let user = config.lines().find_map(|line| line.trim().strip_prefix("user: ")).unwrap();
        let config = config.replace(user, &format!("\"a{escapes}b\""));
        assert!(config.contains(&escapes));
        project.write("odd.conf", &config);
        fs::create_dir_all(project.path("tree/pki")).unwrap();
        fs::copy(project.path("odd.crt"), project.path("tree/pki/front-proxy-client.crt")).unwrap();
        project.write(
            "tree/admin.conf",
            config.replace("https://10.0.0.11:6443", &format!("\"http://{escapes}\"")),
        );
        for arguments in [
            &["show", "odd.crt"][..],
            &["show", "odd.crt", "--format", "json"],
            &["show", "odd.conf"],
            &["show", "odd.conf", "--format", "json"],
            &["textconv", "odd.crt"],
            &["diff", "odd.crt", "odd.crt"],
            &["diff", "odd.crt", "out/ca/kubernetes.crt"],
            &["verify", "tree"],
            &["verify", "tree", "--format", "json"],
        ] {
            let ended = project.kpki(arguments);
            assert_harmless(&ended, &arguments.join(" "));
            // YAML's reader refuses some characters even as escapes.
            shown += usize::from(!ended.0.stdout.is_empty());
        }
    }
    assert!(shown > 20, "{shown}");
}

#[test]
fn no_word_of_a_command_line_acts_on_the_terminal() {
    let project = Damaged::copy_of(&BASE);
    for word in [HOSTILE, "a\u{1b}[8mb", "x\nhelp: run this", "\u{9b}2J"] {
        for arguments in [
            &[word][..],
            &["plan", word],
            &["plan", "--renew", word],
            &["plan", "--allow", word],
            &["plan", "--policy", word],
            &["plan", "--out", &format!("no/{word}")],
            &["apply", word],
            &["-C", word, "plan"],
            &["-C", word, "init", "--lab"],
            &["show", word],
            &["why", word],
            &["diff", word],
            &["diff", word, word],
            &["verify", word],
            &["explain", word],
            &["check", "--no-plaintext", word],
            &["accept", word, word],
            &["install", word],
            &["install", "cp1", "--root", word],
            &["install", "cp1", "--root", word, "--allow", word],
            &["export", word, "-o", "x"],
            &["export", "cp1", "-o", word, "--recipient", word],
            &["export", "cp1", "-o", "x", "--recipients-file", word],
            &["apply", "--identity", word],
            &["report", "-o", &format!("no/{word}")],
            &["textconv", word],
            &["merge-lock", word, word, word, word],
            &["completions", word],
        ] {
            let ended = project.kpki(arguments);
            let what = format!("{arguments:?}");
            assert_harmless(&ended, &what);
            let forged = ended.text().lines().any(|line| line.starts_with("help: run this"));
            assert!(!forged, "{what}: {}", ended.text());
        }
    }
}

/// No key is kept in a repository, not even the shape of one: they are made here.
#[test]
fn what_may_be_a_key_is_not_shown() {
    let project = Damaged::empty();
    project.openssl("genpkey -algorithm ED25519 -out k.pem");
    project.openssl("rand -hex -out k.hex 32");
    project.openssl("rand -base64 -out k.b64 32");
    let pem = project.text("k.pem");
    let bare = pem.lines().nth(1).unwrap().to_owned();
    let token = format!(
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.{}",
        bare.replace('+', "-").replace('/', "_")
    );
    let age = format!("AGE-SECRET-KEY-1{}", bare.to_uppercase().replace(['+', '/'], "Q"));
    fs::remove_file(project.path("k.pem")).unwrap();
    let keys = [bare.clone(), project.text("k.hex"), project.text("k.b64"), token];
    for key in &keys {
        let key = key.trim();
        for line in [
            key.to_owned(),
            format!("\"{key}\""),
            format!("user \"{key}\""),
            format!("user \"x\" {{ group \"{key} {key}\" }}"),
            format!("nonsense \"x\" // {key}"),
            format!("secrets {{ recipient \"{key}\"; }}"),
            format!("component \"apiserver\" {{ flag \"v\" \"{key}\" \"x\"; }}"),
            format!("certificate \"a\" folder=\"/{key}/..\" san=\"{key}\""),
        ] {
            project.write("cluster.kdl", format!("{DESCRIPTION}{line}\n"));
            let ended = project.kpki(&["plan"]);
            let text = ended.text();
            assert!(!ended.0.status.success(), "{line}");
            let pieces: Vec<char> = key.chars().collect();
            for piece in pieces.windows(12) {
                let piece: String = piece.iter().collect();
                assert!(!text.contains(&piece), "{piece} in {text}");
            }
            assert!(text.contains("it may be a key"), "{text}");
        }
    }
    // An identity stops the reading of the file.
    project.write("cluster.kdl", format!("{DESCRIPTION}user \"{age}\"\n"));
    let text = project.kpki(&["plan"]).text();
    assert!(text.contains("age identity in line 5") && !text.contains(&age[20..]), "{text}");
    // The body of a PEM file in a manifest, the short last line, too.
    let project = Damaged::copy_of(&BASE);
    fs::create_dir(project.path("m")).unwrap();
    project.change("cluster.kdl", |text| text + "manifests \"m\"\n");
    project.write(
        "m/etcd.yaml",
        format!("apiVersion: v1\nkind: Pod\n{bare}\n{}\n  - ]\n", &bare[..20]),
    );
    let text = project.kpki(&["plan"]).text();
    assert!(!text.contains(&bare[..12]), "{text}");
}

const NAMES: [&str; 24] = [
    "$(touch x)",
    "`touch x`",
    "a'b",
    "a\"b",
    "a b",
    "-rf",
    "*",
    "~",
    "#a",
    "!a",
    "a;touch x",
    "a|touch x",
    "a&touch x",
    "a>x",
    "<a",
    "(touch x)",
    "${HOME}",
    "$HOME",
    "a\\",
    "a\\'; touch x;'",
    "a/b+c",
    "a=b",
    "{a,b}",
    "[a-z]?",
];

/// What a shell runs when a line of ours is pasted: the words that arrive, of programs that only say them.
fn pasted(project: &Damaged, line: &str) -> Vec<String> {
    let programs = "kpki kubectl openssl tar etcdctl chmod age git systemctl base64";
    let tell: String = programs
        .split(' ')
        .map(|name| format!("{name}() {{ printf '%s\\0' {name} \"$@\"; }}\n"))
        .collect();
    let folder = project.path("shell");
    fs::create_dir_all(&folder).unwrap();
    for check in [&["-n"][..], &[]] {
        let ran = Command::new("/bin/sh")
            .args(check)
            .args(["-c", &format!("PATH=/nowhere; {tell}{line}\n")])
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{line}: {ran:?}");
        assert!(ran.stderr.is_empty(), "{line}: {ran:?}");
        assert!(fs::read_dir(&folder).unwrap().next().is_none(), "{line} ran something");
        if check.is_empty() {
            let words = String::from_utf8(ran.stdout).unwrap();
            return words.split_terminator('\0').map(str::to_owned).collect();
        }
    }
    panic!("the loop ends with the second run")
}

/// From where a command begins to the end of its line, or to what stands behind it.
fn command<'t>(text: &'t str, begins: &str, ends: &str) -> &'t str {
    let at = text.find(begins).unwrap_or_else(|| panic!("no {begins} in {text}"));
    let line = text[at..].lines().next().unwrap();
    line.find(ends).filter(|_| !ends.is_empty()).map_or(line, |end| &line[..end])
}

#[test]
fn a_request_is_made_again_with_the_line_that_is_printed() {
    let project = Damaged::empty();
    project.openssl("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -subj /CN=joe -out jane.csr");
    for name in NAMES {
        let text = name.replace('\\', "\\\\").replace('"', "\\\"");
        project.write(
            "cluster.kdl",
            format!("{DESCRIPTION}user \"u\" via=\"csr\" csr=\"jane.csr\" common-name=\"joe\" {{ group \"{text}\" \"z\" }}\n"),
        );
        let said = project.kpki(&["plan"]).text();
        let words = pasted(&project, command(&said, "openssl req", ""));
        assert_eq!(words[..4], ["openssl", "req", "-new", "-subj"], "{said}");
        assert_eq!(words.len(), 5, "{said}");
        // openssl takes it for these groups and no others, and then the request is right.
        printed(
            tool("openssl")
                .args(&words[1..])
                .args(["-key", "k.pem", "-out", "jane2.csr"])
                .current_dir(project.folder()),
        );
        project.change("cluster.kdl", |text| text.replace("csr=\"jane.csr\"", "csr=\"jane2.csr\""));
        project.kpki(&["plan"]).expect(0, &["to create"]);
    }
}

#[test]
fn every_printed_command_is_one_that_a_shell_reads_as_it_was_meant() {
    let project = Damaged::copy_of(&BASE);
    for name in NAMES.into_iter().filter(|name| !name.contains('/')) {
        let expected = if name.starts_with('-') { format!("./{name}") } else { name.to_owned() };
        let out = format!("--out={name}");
        let said = project.kpki(&["plan", &out]).text();
        assert_eq!(
            pasted(
                &project,
                command(&said[said.find("saved as").unwrap()..], "kpki apply", " does exactly")
            ),
            ["kpki", "apply", &expected]
        );
        let said = project.kpki(&["verify", "--", name]).text();
        assert_eq!(
            pasted(&project, command(&said, "kpki show", " tells what")),
            ["kpki", "show", &expected]
        );
        fs::remove_file(project.path(name)).unwrap();
        let said = project.kpki(&["export", "cp1", &format!("--output={name}")]).text();
        assert_eq!(
            pasted(&project, command(&said, "tar -xpf", "")),
            ["tar", "-xpf", &expected, "-C", "/"]
        );
        fs::remove_file(project.path(name)).unwrap();

        // The seed is somebody's choice in the description, where a path has no backslash.
        if name.contains('\\') {
            continue;
        }
        let seeded = Damaged::described(&format!(
            "{DESCRIPTION}reproducible {{ seed-file \"{}\"; not-before \"2026-01-01T00:00:00Z\"; }}\n",
            name.replace('\\', "\\\\").replace('"', "\\\"")
        ));
        seeded.write(name, "00".repeat(32));
        seeded.mode(name, 0o644);
        let said = seeded.kpki(&["apply"]).text();
        assert_eq!(
            pasted(&seeded, command(&said, "chmod 600", "; or commit")),
            ["chmod", "600", &expected]
        );
    }
}

#[test]
fn mistakes_outside_of_a_description_say_what_to_do() {
    let project = Damaged::copy_of(&BASE);
    for root in ["/nonexistent/x", "cluster.kdl"] {
        let ended = project.kpki(&["install", "cp1", "--root", root]);
        ended.expect(1, &["cannot open the folder", "--root names a folder that is there"]);
    }
    let project = Damaged::described(&format!(
        "{DESCRIPTION}reproducible {{ seed-file \"lab.seed\"; not-before \"2026-01-01T00:00:00Z\"; }}\n"
    ));
    project.write("lab.seed", "0".repeat(5000));
    project.kpki(&["apply"]).expect(1, &["64 hexadecimal digits", "openssl rand -hex 32"]);
}
