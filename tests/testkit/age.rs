//! Keys of age and of ssh, made when a test runs, and the `age` command as the second opinion.

use std::path::PathBuf;

use super::commands::{fed, printed, said, tool};

/// A key pair in files.
pub struct Key {
    folder: tempfile::TempDir,
    /// As a description names it.
    pub recipient: String,
}

impl Key {
    pub fn age() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("identity");
        printed(tool("age-keygen").arg("-o").arg(&file));
        let recipient = printed(tool("age-keygen").arg("-y").arg(&file));
        Key { folder, recipient: recipient.trim_end().to_owned() }
    }

    /// `kind`: ed25519, rsa. An empty passphrase is none.
    pub fn ssh(kind: &str, comment: &str, passphrase: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("identity");
        let mut make = tool("ssh-keygen");
        make.args(["-q", "-t", kind, "-C", comment, "-N", passphrase, "-f"]);
        if kind == "rsa" {
            make.args([file.to_str().unwrap(), "-b", "2048"]);
        } else {
            make.arg(&file);
        }
        printed(&mut make);
        let recipient = std::fs::read_to_string(folder.path().join("identity.pub")).unwrap();
        Key { folder, recipient: recipient.trim_end().to_owned() }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("identity")
    }

    pub fn secret(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }
}

/// What `age` finds inside, or what it says.
pub fn open(sealed: &[u8], key: &Key) -> Result<Vec<u8>, String> {
    let mut age = tool("age");
    let output = fed(age.arg("-d").arg("-i").arg(key.file()), sealed);
    if output.status.success() { Ok(output.stdout) } else { Err(said(&output)) }
}

/// A file that `age` made.
pub fn seal(secret: &[u8], recipients: &[&Key]) -> Vec<u8> {
    let mut age = tool("age");
    for key in recipients {
        age.args(["-r", &key.recipient]);
    }
    let output = fed(&mut age, secret);
    assert!(output.status.success(), "{}", said(&output));
    output.stdout
}
