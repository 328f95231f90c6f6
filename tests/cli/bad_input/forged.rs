//! Names, requests and certificates that two readers could take for two things. Kubernetes is Go: crypto/x509
//! reads T61String and BMPString, takes the last of several common names, and refuses a certificate with one
//! byte of BER.

use std::fs;

use kpki::facts::CertificateFacts;

use super::forge::{
    BMP, CN, Forger, IS_CA, IS_CLIENT, O, OU, PRINTABLE, Pair, SIGNS, T61, UTF8, Wish, name, pem,
    plain, replaced, tlv,
};
use super::project::{BASE, DESCRIPTION, Damaged, PKI};

const REQUEST: &str = "CERTIFICATE REQUEST";
const DEV: Pair<'_> = (O, UTF8, b"dev");
const EVE: Pair<'_> = (CN, UTF8, b"eve");

fn asks(project: &Damaged, via: &str, request: Vec<u8>) {
    let user = format!("user \"eve\" via=\"{via}\" csr=\"eve.csr\" group=\"dev\"\n");
    project.write("cluster.kdl", format!("{DESCRIPTION}{user}"));
    project.write("eve.csr", pem(REQUEST, request));
}

/// Each is a mistake of the description with its line, whoever signs.
#[test]
fn a_request_is_a_user_and_groups_or_it_is_refused() {
    let forger = Forger::new();
    let project = Damaged::copy_of(&BASE);
    let masters: &[u8] = b"kubeadm:cluster-admins";
    let unread = "eve.csr holds a name that cannot be read: its ";
    for (subject, says) in [
        // The two faces: dev and eve to whoever skips what it does not know.
        (
            plain(&[DEV, (O, T61, masters), EVE, (CN, BMP, b"\0r\0o\0o\0t")]),
            "asks for O=kubeadm:cluster-admins as a T61String",
        ),
        (plain(&[DEV, EVE, (CN, BMP, b"\0r")]), "asks for CN=r beside another common name"),
        (plain(&[DEV, (CN, BMP, b"\0e\0v\0e")]), "asks for CN=eve as a BMPString"),
        (plain(&[DEV, (CN, 0x16, b"eve")]), "asks for CN=eve as an IA5String"),
        (plain(&[DEV, (CN, UTF8, b"root"), EVE]), "asks for CN=eve beside another common name"),
        (plain(&[DEV, EVE, EVE]), "asks for CN=eve twice"),
        (plain(&[DEV, DEV, EVE]), "asks for O=dev twice"),
        (plain(&[DEV, EVE, (OU, UTF8, b"ops")]), "asks for OU=ops"),
        (name(&[&[DEV], &[EVE, (OU, UTF8, b"ops")]]), "asks for OU=ops"),
        // 1.3.6.1.4.1.57683.2, from which Kubernetes takes the user's UID.
        (
            plain(&[DEV, EVE, (&[0x2b, 6, 1, 4, 1, 0x83, 0xc2, 0x53, 2], UTF8, b"0")]),
            "asks for 1.3.6.1.4.1.57683.2=0",
        ),
        (plain(&[DEV, EVE, (&[0x55, 4, 5], PRINTABLE, b"7")]), "asks for SERIALNUMBER=7"),
        (plain(&[DEV, EVE, (O, 0x1c, b"\0\0\0x")]), "O is a UniversalString"),
        (plain(&[DEV, EVE, (O, 0x1a, masters)]), "O is a VisibleString"),
        (plain(&[DEV, EVE, (O, 4, masters)]), "O is an OCTET STRING"),
        (plain(&[DEV, EVE, (O, UTF8, b"\xff")]), "O is a UTF8String with"),
        (plain(&[DEV, EVE, (O, PRINTABLE, b"a@b")]), "O is a PrintableString with"),
        (plain(&[DEV, EVE, (O, T61, b"\xe9")]), "O is a T61String beyond ASCII"),
        (plain(&[DEV, EVE, (O, BMP, b"\0a\0")]), "O is a BMPString with"),
        (plain(&[DEV, EVE, (OU, 0x1b, b"x")]), "OU is a GeneralString"),
        (plain(&[DEV, (CN, UTF8, b"")]), "has the common name \"\""),
        (plain(&[DEV]), "has the common name \"\""),
        (plain(&[]), "has the common name \"\""),
        (plain(&[DEV, (O, UTF8, b""), EVE]), "asks for the groups \"\", \"dev\""),
        (plain(&[DEV, (CN, UTF8, b"eve\0")]), "has the common name"),
        (plain(&[DEV, (CN, UTF8, b"e\x1bve")]), "has the common name"),
        (name(&[&[DEV], &[], &[EVE]]), "malformed"),
    ] {
        for via in ["csr", "ca"] {
            asks(&project, via, forger.request(&subject, &[]));
            let ended = project.kpki(&["plan"]);
            ended.expect(1, &["--> cluster.kdl:", says]);
            if says.contains(" is a") && !says.starts_with("asks") {
                ended.expect(1, &[unread]);
            }
        }
        let ended = project.kpki(&["apply", "--allow", "escalation:eve"]);
        ended.expect(1, &[says, "nothing was written"]);
    }
}

/// What Go's own tools write is taken: all groups in one RDN, and either of two string types.
#[test]
fn a_plain_request_is_taken_in_every_usual_form() {
    let forger = Forger::new();
    let project = Damaged::copy_of(&BASE);
    let ops: Pair<'_> = (O, PRINTABLE, b"ops");
    for subject in [
        plain(&[DEV, ops, EVE]),
        plain(&[EVE, ops, DEV]),
        name(&[&[DEV, ops], &[(CN, PRINTABLE, b"eve")]]),
        name(&[&[EVE, DEV, ops]]),
    ] {
        for via in ["csr", "ca"] {
            asks(&project, via, forger.request(&subject, &[]));
            project
                .change("cluster.kdl", |text| text.trim_end().to_owned() + " { group \"ops\" }\n");
            project.change("cluster.kdl", |text| {
                text.replace(" group=\"dev\" {", " { group \"dev\"; ")
            });
            project.kpki(&["plan"]).expect(0, &["eve"]);
        }
    }
}

/// RFC 2986 attributes: the cluster's signer would read some of them, and a reader of the description none.
#[test]
fn a_request_via_csr_asks_for_nothing_beside_its_subject() {
    let forger = Forger::new();
    let project = Damaged::copy_of(&BASE);
    let subject = plain(&[DEV, EVE]);
    let attribute =
        |oid: &[u8], values: &[u8]| tlv(0x30, &[&tlv(6, &[oid]), &tlv(0x31, &[values])]);
    let pkcs9 = |last: u8| [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, last];
    let san = tlv(4, &[&tlv(0x30, &[&tlv(0x82, &[b"evil.lab"])])]);
    let san = tlv(0x30, &[&tlv(6, &[&[0x55, 0x1d, 0x11]]), &san]);
    let extensions = tlv(0x30, &[&san]);
    let nothing = tlv(0x30, &[]);
    for (attributes, says) in [
        (attribute(&pkcs9(14), &extensions), "asks for the SANs evil.lab"),
        (attribute(&pkcs9(14), &nothing), "asks for extensions"),
        // A second list behind the first, in one attribute and in two.
        (
            attribute(&pkcs9(14), &[nothing.clone(), extensions.clone()].concat()),
            "asks for extensions",
        ),
        (
            [attribute(&pkcs9(14), &nothing), attribute(&pkcs9(14), &extensions)].concat(),
            "asks for extensions",
        ),
        (
            attribute(&pkcs9(7), &tlv(UTF8, &[b"secret"])),
            "asks for the attribute challengePassword",
        ),
        // Microsoft's own number for extensions, which OpenSSL reads as well.
        (
            attribute(&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 14], &extensions),
            "asks for the attribute 1.3.6.1.4.1.311.2.1.14",
        ),
    ] {
        asks(&project, "csr", forger.request(&subject, &attributes));
        let ended = project.kpki(&["plan"]);
        ended.expect(1, &["--> cluster.kdl:", says]);
        assert!(!ended.text().contains("secret"), "{}", ended.text());
        // Whoever signs here writes what the description says, and tells.
        asks(&project, "ca", forger.request(&subject, &attributes));
        project.kpki(&["plan"]).expect(0, &[says, "left out"]);
    }
    // Something behind the attributes, and a version that there is not.
    let info = |version: u8, rest: &[u8]| {
        tlv(0x30, &[&[2, 1, version], &subject, &forger.spki, &[0xa0, 0], rest])
    };
    for info in [info(0, &[0xa1, 0]), info(1, &[])] {
        asks(&project, "csr", forger.signed(&info));
        let malformed = "eve.csr holds a malformed certificate request";
        project.kpki(&["plan"]).expect(1, &["--> cluster.kdl:", malformed]);
    }
}

/// X.690: one value has one form, and Go reads no other.
#[test]
fn ber_is_refused_where_it_is_brought() {
    let forger = Forger::new();
    let project = Damaged::copy_of(&BASE);
    let subject = plain(&[(CN, PRINTABLE, b"corp")]);
    let serial: &[u8] = &[2, 1, 7];
    let of_version = |version: u8, serial: &[u8], extensions: &[&[u8]]| {
        forger.certificate(&Wish {
            version,
            serial,
            issuer: &subject,
            subject: &subject,
            spki: None,
            extensions,
        })
    };
    let make = |serial: &[u8], extensions: &[&[u8]]| of_version(2, serial, extensions);
    let good = make(serial, &[IS_CA, SIGNS]);
    let body = &good[4..];
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let long = [&[0x30, 0x83, 0], &length[..], body].concat();
    let open = [&[0x30, 0x80], body, &[0, 0]].concat();
    let trailing = [&good[..], &[0]].concat();
    let true_is_one = replaced(IS_CA, &[1, 1, 0xff], &[1, 1, 1]);
    let critical_is_one = replaced(IS_CA, &[0x13, 1, 1, 0xff], &[0x13, 1, 1, 1]);
    let padded_oid = tlv(0x30, &[&[6, 5, 0x2a, 0x80, 3, 4, 5], &[4, 2, 5, 0]]);
    // Of the certificate, or of one of its extensions.
    let not_der = "so Kubernetes does not read it: ";
    for (der, says) in [
        (make(&[2, 2, 0, 7], &[IS_CA, SIGNS]), not_der),
        (make(serial, &[&true_is_one, SIGNS]), not_der),
        (make(serial, &[&critical_is_one, SIGNS]), not_der),
        (make(serial, &[IS_CA, SIGNS, &padded_oid]), not_der),
        (long, not_der),
        (open, not_der),
        (
            make(&[2, 1, 0xff], &[IS_CA, SIGNS]),
            "corp.crt holds a certificate with a negative serial number",
        ),
        (of_version(1, serial, &[IS_CA, SIGNS]), "that is not of version 3"),
        (of_version(5, serial, &[IS_CA, SIGNS]), "that is not of version 3"),
        (trailing, "corp.crt holds bytes after its certificate"),
    ] {
        brings(&project, "corp.crt", der);
        project.kpki(&["plan"]).expect(1, &["--> cluster.kdl:", says]);
    }
    // The same without a fault is judged by what it is.
    brings(&project, "corp.crt", good);
    project.kpki(&["plan"]).expect(0, &["corp.crt holds another key than the CA on record"]);

    let request = forger.request(&plain(&[DEV, EVE]), &[]);
    let body = &request[3..];
    let short = [&[0x30, 0x82, 0, request[2]], body].concat();
    asks(&project, "csr", short);
    let not_der = "eve.csr holds a certificate request that is not DER";
    project.kpki(&["plan"]).expect(1, &["--> cluster.kdl:", not_der]);
}

fn brings(project: &Damaged, file: &str, certificate: Vec<u8>) {
    let ca = format!("ca \"kubernetes\" certificate=\"{file}\"\n");
    project.write("cluster.kdl", format!("{DESCRIPTION}{ca}"));
    project.write(file, pem("CERTIFICATE", certificate));
}

/// FIPS 186-5 A.1.1: odd and at least 65537. Signers that ring has refuse less, in apply at the latest.
#[test]
fn weak_rsa_keys_are_refused_where_they_are_brought() {
    let project = Damaged::copy_of(&BASE);
    for (bits, exponent, kind) in [
        ("2048", "3", "rsa-2048 with the public exponent 3"),
        ("2048", "257", "rsa-2048 with the public exponent 257"),
        ("1024", "65537", "rsa-1024"),
    ] {
        let size = format!("rsa_keygen_bits:{bits}");
        let public = format!("rsa_keygen_pubexp:{exponent}");
        project.openssl(&format!(
            "genpkey -algorithm RSA -pkeyopt {size} -pkeyopt {public} -out weak.key"
        ));
        project.openssl("req -new -key weak.key -subj /O=dev/CN=eve -out eve.csr");
        let request = ::pem::parse(project.get("eve.csr")).unwrap();
        for via in ["csr", "ca"] {
            asks(&project, via, request.contents().to_vec());
            project.kpki(&["plan"]).expect(1, &["--> cluster.kdl:", "eve.csr has a key", kind]);
        }
        project.openssl("req -new -x509 -key weak.key -subj /CN=corp -addext keyUsage=keyCertSign -out corp.crt");
        let certificate = ::pem::parse(project.get("corp.crt")).unwrap();
        brings(&project, "corp.crt", certificate.into_contents());
        let says = "corp.crt has a key that kpki cannot sign with";
        project.kpki(&["plan"]).expect(1, &["--> cluster.kdl:", says, kind]);
    }
}

/// Over the right key and signed by the right CA: what it says decides.
#[test]
fn an_answer_in_another_form_is_not_accepted() {
    let forger = Forger::new();
    let project = Damaged::copy_of(&BASE);
    asks(&project, "csr", forger.request(&plain(&[DEV, EVE]), &[]));
    project.kpki(&["apply", "--allow", "escalation:eve"]).expect(0, &["eve"]);
    let ca = Forger::of(project.path("out/ca/kubernetes.key"));
    let issuer = plain(&[(CN, PRINTABLE, b"kubernetes")]);
    let answer = |serial: &[u8], subject: &[u8]| {
        let der = ca.certificate(&Wish {
            version: 2,
            serial,
            issuer: &issuer,
            subject,
            spki: Some(&forger.spki),
            extensions: &[IS_CLIENT],
        });
        project.write("answer.crt", pem("CERTIFICATE", der));
        project.kpki(&["accept", "users/eve", "answer.crt"])
    };
    let serial: &[u8] = &[2, 1, 7];
    for (subject, says) in [
        (plain(&[DEV, EVE, (CN, BMP, b"\0r")]), "CN=r beside another common name"),
        (plain(&[DEV, (CN, UTF8, b"root"), EVE]), "CN=eve beside another common name"),
        (plain(&[DEV, EVE, EVE]), "CN=eve twice"),
        (plain(&[DEV, (O, T61, b"ops"), EVE]), "O=ops as a T61String"),
        (plain(&[DEV, EVE, (OU, UTF8, b"x")]), "OU=x"),
        (plain(&[DEV, EVE, (O, 0x1c, b"\0\0\0x")]), "its O is a UniversalString"),
        (plain(&[DEV, EVE, (O, 0x1a, b"ops")]), "its O is a VisibleString"),
    ] {
        answer(serial, &subject).expect(1, &[says, "nothing was written"]);
    }
    let subject = plain(&[DEV, EVE]);
    answer(&[2, 2, 0, 7], &subject).expect(1, &["is not DER", "nothing was written"]);
    answer(serial, &name(&[&[DEV], &[EVE]])).expect(0, &["eve"]);
}

/// Nobody is told that nothing is there where something cannot be read.
#[test]
fn a_name_that_cannot_be_read_is_told_as_such() {
    let forger = Forger::new();
    let project = Damaged::copy_of(&BASE);
    let subject = plain(&[EVE, (O, 0x1c, b"\0\0\0x")]);
    let der = forger.certificate(&Wish {
        version: 2,
        serial: &[2, 1, 7],
        issuer: &subject,
        subject: &subject,
        spki: None,
        extensions: &[IS_CLIENT],
    });
    let says = "holds a name that cannot be read: its O is a UniversalString";
    project.write("eve.der", &der);
    let pem = pem("CERTIFICATE", der);
    project.write("eve.crt", &pem);
    for file in ["eve.crt", "eve.der"] {
        project.kpki(&["show", file]).expect(1, &[says]);
        let known = format!("{PKI}/apiserver.crt");
        let ended = project.kpki(&["diff", &known, file]);
        assert!(ended.text().contains(says), "{}", ended.text());
    }
    fs::create_dir(project.path("tree")).unwrap();
    project.write("tree/eve.crt", &pem);
    project.kpki(&["verify", "tree"]).expect(2, &["unreadable-certificate", says]);
}

fn certificate(project: &Damaged, path: &str) -> (Vec<u8>, CertificateFacts) {
    let der = ::pem::parse(project.get(path)).unwrap().into_contents();
    let facts = CertificateFacts::from_der(&der).unwrap();
    (der, facts)
}

/// `openssl req` writes UTF8String where kubeadm and kpki write PrintableString: for a chain that is another
/// name (Go compares bytes), for a description the same.
#[test]
fn a_ca_in_another_string_type_is_the_one_described_and_keeps_its_bytes() {
    const CA: &str = "out/ca/kubernetes.crt";
    const LEAF: &str = "out/nodes/cp1/etc/kubernetes/pki/apiserver.crt";
    let forger = Forger::new();
    let project = Damaged::empty();
    let describe = |validity: &str| {
        let ca = format!("ca \"kubernetes\" validity=\"{validity}\"\n");
        project.write("cluster.kdl", format!("{DESCRIPTION}{ca}"));
    };
    // From 2026-01-01 to 2049-12-31.
    describe("8765d");
    let subject = plain(&[(CN, UTF8, b"kubernetes")]);
    let der = forger.certificate(&Wish {
        version: 2,
        serial: &[2, 1, 7],
        issuer: &subject,
        subject: &subject,
        spki: None,
        extensions: &[IS_CA, SIGNS],
    });
    fs::create_dir_all(project.path("out/ca")).unwrap();
    project.write(CA, pem("CERTIFICATE", der.clone()));
    forger.give_key(&project.path("out/ca/kubernetes.key"));
    let plan = project.kpki(&["plan"]);
    plan.expect(0, &["= ca/kubernetes"]);
    assert!(!plan.text().contains("CN=kubernetes, "), "{}", plan.text());
    let apply = "apply --allow escalation:cluster --allow escalation:kubernetes";
    let apply: Vec<&str> = apply.split(' ').collect();
    let settles = || {
        project.kpki(&apply).expect(0, &[]);
        project.kpki(&["plan", "--detailed-exitcode"]).expect(0, &[]);
        let (ca, leaf) = (certificate(&project, CA), certificate(&project, LEAF));
        assert_eq!(ca.1.subject.der(), subject);
        assert_eq!(leaf.1.issuer.der(), subject);
        (ca.0, leaf.0)
    };
    let first = settles();
    assert_eq!(first.0, der);
    // Issued again over the same key it is the same issuer to all that it issued.
    describe("9000d");
    let second = settles();
    assert_ne!(second.0, first.0);
    assert_eq!(second.1, first.1);
    // So it is where only what it issued tells its bytes.
    project.remove(CA);
    project.remove(&format!("{PKI}/ca.crt"));
    let third = settles();
    assert_ne!(third.0, second.0);
    assert_eq!(third.1, second.1);
}

#[test]
fn a_leaf_in_another_string_type_is_kept_and_one_of_another_issuer_says_so() {
    let project = Damaged::copy_of(&BASE);
    let leaf = format!("{PKI}/front-proxy-client.crt");
    let ca = Forger::of(project.path("out/ca/front-proxy.key"));
    let der = certificate(&project, &leaf).0;
    let name: &[u8] = b"\x13\x12front-proxy-client";
    let other = ca.resigned(&der, name, &[&[UTF8], &name[1..]].concat());
    project.write(&leaf, pem("CERTIFICATE", other.clone()));
    let plan = project.kpki(&["plan"]);
    plan.expect(0, &["= nodes/cp1/front-proxy-client  record"]);
    assert!(!plan.text().contains("reissue"), "{}", plan.text());
    project.kpki(&["apply"]).expect(0, &[]);
    assert_eq!(certificate(&project, &leaf).0, other);

    let issuer: &[u8] = b"\x13\x0efront-proxy-ca";
    let another = ca.resigned(&der, issuer, &[&[UTF8], &issuer[1..]].concat());
    project.write(&leaf, pem("CERTIFICATE", another));
    let reason = "issuer: CN=front-proxy-ca -> CN=front-proxy-ca in other string types";
    project.kpki(&["plan"]).expect(0, &[reason]);
}
