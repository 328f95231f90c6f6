use super::*;

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    der::element(tag, parts)
}

fn says(id: &str, value: &[u8]) -> Vec<String> {
    read(id, value).unwrap_or_else(|| vec!["unreadable".to_owned()])
}

/// By hand, from the ASN.1 of RFC 5280, RFC 7633 and RFC 6962.
#[test]
fn values_are_told() {
    let uri = element(0x86, &[b"http://a"]);
    let names = element(der::SEQUENCE, &[&uri, &element(0x88, &[&[0x2a, 3, 4]])]);
    assert_eq!(says(ISSUER_ALTERNATIVE_NAMES, &names), ["URI:http://a", "registered id 1.2.3.4"]);

    let subtree = |tag: u8, base: &[u8]| element(der::SEQUENCE, &[&element(tag, &[base])]);
    let permitted = element(0xa0, &[&subtree(0x87, &[10, 0, 0, 0, 255, 0, 0, 0])]);
    let excluded = element(0xa1, &[&subtree(0x82, b"x\x1b")]);
    let constraints = element(der::SEQUENCE, &[&permitted, &excluded]);
    assert_eq!(says(NAME_CONSTRAINTS, &constraints), ["only IP:10.0.0.0/8", "not DNS:x\\u{1b}"]);

    let any = element(der::OID, &[&[0x55, 0x1d, 0x20, 0]]);
    let policies = element(der::SEQUENCE, &[&element(der::SEQUENCE, &[&any])]);
    assert_eq!(says(POLICIES, &policies), ["2.5.29.32.0 (any policy)"]);
    let number = [element(0x80, &[&[3]]), element(0x81, &[&[0]])].concat();
    assert_eq!(
        says(POLICY_CONSTRAINTS, &element(der::SEQUENCE, &[&number])),
        ["a policy is required after 3 certificates", "no mapping after 0 certificates"]
    );
    assert_eq!(says(INHIBIT_ANY_POLICY, &[2, 1, 2]), ["after 2 certificates"]);

    let ocsp = element(der::OID, &[&[0x2b, 6, 1, 5, 5, 7, 0x30, 1]]);
    let access = element(der::SEQUENCE, &[&element(der::SEQUENCE, &[&ocsp, &uri])]);
    assert_eq!(says(AUTHORITY_ACCESS, &access), ["OCSP URI:http://a"]);
    let point = element(der::SEQUENCE, &[&element(0xa0, &[&element(0xa0, &[&uri])])]);
    assert_eq!(says(DISTRIBUTION_POINTS, &element(der::SEQUENCE, &[&point])), ["URI:http://a"]);
    assert_eq!(says(TLS_FEATURE, &[0x30, 3, 2, 1, 5]), ["status_request (must staple)"]);
    assert_eq!(says(PRECERTIFICATE, &[5, 0]), [""; 0]);

    let mut sct = vec![0];
    sct.extend([0xab; 32]);
    sct.extend(1_700_000_000_000_u64.to_be_bytes());
    sct.extend([0, 0, 4, 3, 0, 0]);
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_be_bytes();
    let one = [&length(&sct)[..], &sct].concat();
    let list = [&length(&one)[..], &one].concat();
    assert_eq!(
        says("1.3.6.1.4.1.11129.2.4.2", &element(der::OCTET_STRING, &[&list])),
        ["log abababababababab... at 2023-11-14T22:13:20Z"]
    );
    assert_eq!(
        says("2.16.840.1.113730.1.1", &[3, 2, 0, 0xc4]),
        ["SSL client", "SSL server", "SSL CA"]
    );
    assert_eq!(says("1.3.6.1.4.1.311.21.1", &[2, 3, 1, 0, 1]), ["V1.1"]);
}

#[test]
fn what_is_cut_is_unreadable_and_never_a_panic() {
    let known = [
        NAME_CONSTRAINTS,
        POLICIES,
        POLICY_MAPPINGS,
        POLICY_CONSTRAINTS,
        INHIBIT_ANY_POLICY,
        AUTHORITY_KEY_ID,
        AUTHORITY_ACCESS,
        DISTRIBUTION_POINTS,
        ISSUER_ALTERNATIVE_NAMES,
        DIRECTORY_ATTRIBUTES,
        KEY_USAGE_PERIOD,
        TLS_FEATURE,
        "2.16.840.1.113730.1.1",
        "1.3.6.1.4.1.311.21.7",
        "1.3.6.1.4.1.11129.2.4.2",
        "1.2.3",
    ];
    for id in known {
        for bytes in
            [&[][..], &[0x30], &[0x30, 2, 0x30, 1], &[0x30, 2, 0xa0, 9], &[3, 1, 0], &[4, 2, 0, 9]]
        {
            assert_eq!(read(id, bytes), None, "{id} {bytes:02x?}");
        }
    }
}
