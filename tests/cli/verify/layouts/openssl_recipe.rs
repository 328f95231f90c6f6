//! The Kubernetes documentation's "Generate Certificates Manually", openssl: its own commands. The CA has no
//! key usage, the server's certificate no digital signature; Go takes both.

use crate::testkit::Desk;

use super::super::tree::{ids, verify};

const CSR_CONF: &str = "[ req ]
prompt = no
default_md = sha256
req_extensions = req_ext
distinguished_name = dn
[ dn ]
C = US
ST = Oregon
L = Portland
O = example
OU = cluster
CN = 192.168.5.11
[ req_ext ]
subjectAltName = @alt_names
[ alt_names ]
DNS.1 = kubernetes
DNS.2 = kubernetes.default
DNS.3 = kubernetes.default.svc
DNS.4 = kubernetes.default.svc.cluster
DNS.5 = kubernetes.default.svc.cluster.local
IP.1 = 192.168.5.11
IP.2 = 10.96.0.1
[ v3_ext ]
authorityKeyIdentifier=keyid,issuer:always
basicConstraints=CA:FALSE
keyUsage=keyEncipherment,dataEncipherment
extendedKeyUsage=serverAuth,clientAuth
subjectAltName=@alt_names
";

fn recipe(desk: &Desk, conf: &str) {
    desk.put("csr.conf", conf);
    for command in [
        "genrsa -out ca.key 2048",
        "req -x509 -new -nodes -key ca.key -subj /CN=192.168.5.11 -days 10000 -out ca.crt",
        "genrsa -out server.key 2048",
        "req -new -key server.key -out server.csr -config csr.conf",
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 9999 \
         -extensions v3_ext -extfile csr.conf -sha256",
    ] {
        desk.openssl(command);
    }
}

#[test]
fn the_documentations_recipe() {
    let desk = Desk::new();
    recipe(&desk, CSR_CONF);
    let (report, code) = verify(&desk.path(""), &[]);
    assert_eq!((code, &report["errors"]), (0, &0.into()), "{report:#}");
    assert_eq!(report["certificates"], 2);
    assert_eq!(report["keys"], 2);

    let wrong = [
        ("DNS.3 = kubernetes.default.svc\n", "DNS.3 = kubernetes.svc\n", "apiserver-names"),
        (
            "extendedKeyUsage=serverAuth,clientAuth",
            "extendedKeyUsage=clientAuth",
            "no-server-usage",
        ),
        ("basicConstraints=CA:FALSE", "basicConstraints=critical,CA:TRUE", "leaf-is-ca"),
    ];
    for (old, new, id) in wrong {
        let desk = Desk::new();
        assert!(CSR_CONF.contains(old));
        recipe(&desk, &CSR_CONF.replace(old, new));
        let (report, code) = verify(&desk.path(""), &[]);
        assert_eq!(code, 2, "{id}: {report:#}");
        assert!(ids(&report).contains(&id.to_owned()), "{id}: {report:#}");
    }
    // Another CA of the same name: each run of the recipe makes one.
    let (desk, other) = (Desk::new(), Desk::new());
    recipe(&desk, CSR_CONF);
    recipe(&other, CSR_CONF);
    desk.put("ca.crt", other.read("ca.crt"));
    desk.put("ca.key", other.read("ca.key"));
    let (report, code) = verify(&desk.path(""), &[]);
    assert_eq!((code, ids(&report)[0].as_str()), (2, "unknown-issuer"), "{report:#}");
}
