use std::io::Read;

use kpki::machine::Machine;
use kpki::sources::node::{NodeCopy, Source, read_archive};
use proptest::prelude::*;

use super::text;

/// Entries by hand, so that hostile ones can be made.
#[derive(Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn entry(mut self, kind: u8, name: &[u8], link: &[u8], size: u64, bytes: &[u8]) -> Self {
        let mut header = [0u8; 512];
        header[..name.len()].copy_from_slice(name);
        header[100..108].copy_from_slice(b"0000644\0");
        header[108..116].copy_from_slice(b"0000000\0");
        header[116..124].copy_from_slice(b"0000000\0");
        if size < 1 << 33 {
            header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        } else {
            // In base 256, as GNU tar writes what is too large for digits.
            header[124] = 0x80;
            header[128..136].copy_from_slice(&size.to_be_bytes());
        }
        header[136..148].copy_from_slice(b"00000000000\0");
        header[156] = kind;
        header[157..157 + link.len()].copy_from_slice(link);
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend(header);
        self.0.extend(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, bytes: &[u8]) -> Self {
        self.entry(b'0', name.as_bytes(), b"", bytes.len() as u64, bytes)
    }

    fn link(self, name: &str, target: &str) -> Self {
        self.entry(b'2', name.as_bytes(), target.as_bytes(), 0, b"")
    }

    fn pax(self, records: &str) -> Self {
        self.entry(b'x', b"pax", b"", records.len() as u64, records.as_bytes())
    }

    fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

fn read(mut bytes: &[u8]) -> Result<NodeCopy, String> {
    read_archive(&mut bytes, &Source::StandardInput)
        .map_err(|error| format!("{error} | {}", error.help.as_deref().unwrap_or_default()))
}

fn refused(bytes: &[u8]) -> String {
    read(bytes).err().unwrap()
}

const CA: &str = "etc/kubernetes/pki/ca.crt";

#[test]
fn whatever_folder_it_is_made_of_paths_are_from_the_root() {
    for name in [
        "etc/kubernetes/pki/ca.crt",
        "./etc/kubernetes/pki/ca.crt",
        "/etc/kubernetes/pki/ca.crt",
        "kubernetes/pki/ca.crt",
        "./pki/ca.crt",
        "pki/ca.crt",
    ] {
        let copy = read(&Tar::default().file(name, b"ca").end()).unwrap();
        assert_eq!(text(copy.machine(), CA).as_deref(), Some("ca"), "{name}");
    }
    // What else lies in the root of a machine changes nothing.
    let both = Tar::default().file("pki/ca.crt", b"other").file(CA, b"ca").end();
    assert_eq!(text(read(&both).unwrap().machine(), CA).as_deref(), Some("ca"));
}

#[test]
fn only_what_belongs_to_kubernetes_is_taken_and_more_is_asked_for() {
    let tar = Tar::default()
        .file(CA, b"ca")
        .file("etc/shadow", b"root:x")
        .file("opt/encryption.yaml", b"keys")
        .link("etc/encryption", "../opt/encryption.yaml")
        .link("lib", "usr/lib")
        .file("usr/lib/systemd/system/kubelet.service", b"[Service]")
        .file("etc/kubernetes.bak/ca.key", b"old")
        .end();
    let mut copy = read(&tar).unwrap();
    let files = |machine: &Machine| -> Vec<String> {
        machine.files().map(|(path, _)| path.to_owned()).collect()
    };
    let unit = "usr/lib/systemd/system/kubelet.service";
    assert_eq!(files(copy.machine()), ["etc/kubernetes.bak/ca.key", CA, unit]);
    assert_eq!(
        copy.machine().file("lib/systemd/system/kubelet.service").map(|(path, _)| path),
        Some(unit)
    );
    copy.also(["/etc/encryption", "not/there"]).unwrap();
    assert_eq!(text(copy.machine(), "etc/encryption").as_deref(), Some("keys"));
    assert!(!files(copy.machine()).contains(&"etc/shadow".to_owned()));
}

#[test]
fn a_file_with_two_names_is_both() {
    let tar = Tar::default()
        .file(CA, b"ca")
        .entry(b'1', b"etc/kubernetes/copy.crt", CA.as_bytes(), 0, b"")
        .entry(b'1', b"etc/kubernetes/gone.crt", b"etc/passwd", 0, b"")
        .end();
    let copy = read(&tar).unwrap();
    assert_eq!(text(copy.machine(), "etc/kubernetes/copy.crt").as_deref(), Some("ca"));
    let unread: Vec<_> = copy.machine().unread().collect();
    assert_eq!(unread.len(), 1);
    assert!(unread[0].1.contains("another name of etc/passwd"), "{unread:?}");
}

#[test]
fn long_names_are_read_as_gnu_and_posix_write_them() {
    let long = format!("etc/kubernetes/{}/ca.crt", "a".repeat(120));
    let gnu = Tar::default()
        .entry(b'L', b"././@LongLink", b"", long.len() as u64 + 1, format!("{long}\0").as_bytes())
        .file("etc/kubernetes/cut", b"ca")
        .end();
    let record = |keyword: &str, value: &str| {
        let rest = format!(" {keyword}={value}\n");
        let mut length = rest.len() + 2;
        while format!("{length}{rest}").len() != length {
            length += 1;
        }
        format!("{length}{rest}")
    };
    let pax = Tar::default().pax(&record("path", &long)).file("cut", b"ca").end();
    for tar in [gnu, pax] {
        assert_eq!(text(read(&tar).unwrap().machine(), &long).as_deref(), Some("ca"));
    }
    let size = Tar::default().pax(&record("size", "0000000001")).file(CA, b"ca").end();
    assert!(refused(&size).contains("two sizes"), "{}", refused(&size));
    let sparse =
        Tar::default().pax(&record("GNU.sparse.name", "xxxxxxxxxxx")).file(CA, b"ca").end();
    assert!(refused(&sparse).contains("sparse"));
    let global = record("path", "xxxxxxxxxxxxxxxxxxxxxxxxxx");
    let global = Tar::default()
        .entry(b'g', b"g", b"", global.len() as u64, global.as_bytes())
        .file(CA, b"ca")
        .end();
    assert!(refused(&global).contains("global"));
}

#[test]
fn what_is_no_file_and_what_is_too_large_is_said() {
    let large = vec![b'x'; (1 << 20) + 1];
    let tar = Tar::default()
        .entry(b'6', b"etc/kubernetes/fifo", b"", 0, b"")
        .entry(b'3', b"etc/kubernetes/null", b"", 0, b"")
        .entry(b'0', b"etc/kubernetes/\xff", b"", 1, b"x")
        .file("etc/kubernetes/large", &large)
        .file(CA, b"ca")
        .end();
    let copy = read(&tar).unwrap();
    let unread: Vec<&str> = copy.machine().unread().map(|(_, why)| why).collect();
    assert_eq!(unread.len(), 4, "{unread:?}");
    assert!(unread.contains(&"larger than 1 MiB") && unread.contains(&"its name is not UTF-8"));
    assert_eq!(text(copy.machine(), CA).as_deref(), Some("ca"));
}

/// A file of 10 GB that is not there takes no memory, and is told as cut off.
struct Zeros(Vec<u8>, u64);

impl Read for Zeros {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if !self.0.is_empty() {
            let most = buffer.len().min(self.0.len());
            buffer[..most].copy_from_slice(&self.0[..most]);
            self.0.drain(..most);
            return Ok(most);
        }
        let most = buffer.len().min(usize::try_from(self.1).unwrap());
        self.1 -= most as u64;
        buffer[..most].fill(0);
        Ok(most)
    }
}

#[test]
fn hostile_archives_are_refused() {
    let one = || Tar::default().file(CA, b"ca");
    for (tar, says) in [
        (one().file("etc/kubernetes/../../x", b"").end(), "a name with .."),
        (one().file(CA, b"other").end(), "two different entries"),
        (one().link(CA, "/x").end(), "two different entries"),
        (
            one().link("etc/kubernetes/x", "/tmp").file("etc/kubernetes/x/y", b"").end(),
            "below what is no folder",
        ),
        (one().file(&format!("{CA}/x"), b"").end(), "below what is no folder"),
        (one().entry(b'2', b"etc/kubernetes/l", b"x", 1, b"x").end(), "with contents"),
        (one().entry(b'5', b"etc/kubernetes/d", b"", 1, b"x").end(), "with contents"),
        (one().entry(b'S', b"etc/kubernetes/s", b"", 0, b"").end(), "sparse"),
        (one().entry(b'M', b"etc/kubernetes/s", b"", 0, b"").end(), "several archives"),
        (one().entry(b'L', b"x", b"", 1 << 40, b"").end(), "larger than 65536"),
        (one().entry(b'x', b"x", b"", 1 << 32, b"").end(), "larger than 65536"),
        (one().pax("junk").file("x", b"").end(), "damaged pax"),
        (one().pax("9999999 path=x\n").file("x", b"").end(), "damaged pax"),
        (one().pax("+9 path=x\n").file("x", b"").end(), "damaged pax"),
        (one().pax("5 =\n").end(), "damaged pax"),
        (one().0, "ends too early"),
        (one().0[..700].to_vec(), "ends too early"),
        (one().0[..512].to_vec(), "ends too early"),
        ([one().end(), one().end()].concat(), "behind its end"),
        ([one().end(), b"\n".to_vec()].concat(), "behind its end"),
        (Vec::new(), "is empty"),
        (b"hello".to_vec(), "not a tar archive"),
        (vec![b'x'; 4096], "not a tar archive"),
        (b"\x1f\x8b\x08\0".to_vec(), "gzip -dc"),
        ([b"\x28\xb5\x2f\xfd".to_vec(), vec![1; 600]].concat(), "zstd -dc"),
        (Tar::default().file("home/jane/x", b"").end(), "nothing of a node"),
        (vec![0; 1024], "nothing of a node"),
    ] {
        let said = refused(&tar);
        assert!(said.contains(says), "{said}\n{says}");
    }
    // The same entry twice is what `tar etc/kubernetes etc/kubernetes/pki` writes.
    assert!(read(&one().file(CA, b"ca").end()).is_ok());
    let begin = one().entry(b'0', b"etc/kubernetes/db", b"", 10 << 30, b"").0;
    let mut short = Zeros(begin.clone(), 1 << 20);
    let error = read_archive(&mut short, &Source::StandardInput).err().unwrap();
    assert!(error.to_string().contains("ends too early"), "{error}");
    assert!(error.to_string().contains("etc/kubernetes/db"), "{error}");
}

#[test]
fn the_memory_is_bounded() {
    let mib = vec![b'x'; 1 << 20];
    let mut tar = Tar::default();
    for n in 0..65 {
        tar = tar.file(&format!("etc/kubernetes/{n}"), &mib);
    }
    assert!(refused(&tar.end()).contains("64 MiB"));
    // Besides Kubernetes' own files it is passed by.
    let mut tar = Tar::default().file(CA, b"ca");
    for n in 0..17 {
        tar = tar.file(&format!("var/{n}"), &mib);
    }
    let mut copy = read(&tar.end()).unwrap();
    copy.also(["var/0"]).unwrap();
    assert_eq!(text(copy.machine(), CA).as_deref(), Some("ca"));
    assert!(copy.machine().unread().any(|(path, why)| path == "var/0" && why.contains("too much")));
    let mut tar = Tar::default();
    for n in 0..20_001 {
        tar = tar.link(&format!("etc/kubernetes/{n}"), "x");
    }
    assert!(refused(&tar.end()).contains("20000"));
}

proptest! {
    #[test]
    fn no_damage_stops_the_reader(
        at in proptest::collection::vec((0_usize..4096, any::<u8>()), 1..8),
        cut in 0_usize..4096,
        mend in any::<bool>(),
    ) {
        let mut tar = Tar::default()
            .pax("15 path=abcdefg\n")
            .file("pki/ca.crt", b"ca")
            .link("pki/x", "/etc/kubernetes/pki/ca.crt")
            .entry(b'L', b"x", b"", 10, b"manifests/")
            .file("y", &[b'x'; 600])
            .end();
        for (at, byte) in at {
            let length = tar.len();
            tar[at % length] = byte;
        }
        if mend {
            for block in tar.chunks_mut(512).filter(|block| block.len() == 512) {
                if block[257..262] == *b"ustar" {
                    block[148..156].fill(b' ');
                    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
                    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
                }
            }
        }
        tar.truncate(tar.len().saturating_sub(cut));
        if let Ok(mut copy) = read(&tar) {
            let _ = copy.also(["a", "/etc/kubernetes/pki/x"]);
            for (path, _) in copy.machine().files() {
                prop_assert!(!path.split('/').any(|part| part == ".." || part.is_empty()));
            }
        }
    }
}
