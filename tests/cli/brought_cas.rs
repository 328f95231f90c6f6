//! A company's CA, made by openssl: what it is given, what is written, and what the clients of it say.

use crate::testkit::FolderProject;

const LAB: &str = "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n\
    node \"w1\" address=\"10.0.0.21\"\nuser \"jane\" { group \"dev\" }\n";

const COMPANY: &str = r#"
set -e
ca() {
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
    openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
    printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,digitalSignature\nsubjectKeyIdentifier=hash\n' > ext
    if test -n "$3"; then
        openssl x509 -req -in "$1.csr" -CA "$3.crt" -CAkey "$3.key" -CAcreateserial -days 3000 -extfile ext -out "$1.crt"
    else
        openssl x509 -req -in "$1.csr" -signkey "$1.key" -days 3650 -extfile ext -out "$1.crt"
    fi
}
mkdir company out out/ca && cd company
ca root "/DC=example/DC=acme/CN=ACME Root" ""
ca issuing "/O=ACME, Inc./CN=ACME Issuing/emailAddress=pki@acme.example" root
ca kubernetes "/O=ACME, Inc./CN=Kubernetes CA" issuing
cat kubernetes.crt issuing.crt root.crt > chain.crt
cat kubernetes.crt issuing.crt > without-root.crt
"#;

#[test]
fn what_is_built_below_a_companys_ca_is_what_clients_take() {
    for (file, key, notes_root) in [
        ("root.crt", "root.key", false),
        ("kubernetes.crt", "kubernetes.key", true),
        ("without-root.crt", "kubernetes.key", true),
        ("chain.crt", "kubernetes.key", false),
    ] {
        let project = FolderProject::described(&format!(
            "{LAB}ca \"kubernetes\" certificate=\"company/{file}\"\n"
        ));
        let script = format!("{COMPANY}install -m 0600 {key} ../out/ca/kubernetes.key\n");
        crate::testkit::done(project.shell(&script).output().unwrap());
        let planned = project.done(&["plan"]);
        let is_noted = planned.contains("clients based on OpenSSL (Python, say) want a root");
        assert_eq!(is_noted, notes_root, "{file}\n{planned}");
        project.done(&["apply"]);
        // Nothing is found in what kpki made itself.
        project.done(&["verify"]);
        let again = project.done(&["plan"]);
        assert!(again.contains("nothing to do"), "{file}\n{again}");
        let pki = "out/nodes/cp1/etc/kubernetes/pki";
        if file == "chain.crt" {
            // As a client with OpenSSL's rules, which wants a root.
            let apiserver =
                format!("verify -CAfile {pki}/ca-chain.crt -purpose sslserver {pki}/apiserver.crt");
            project.openssl(&apiserver);
            assert_eq!(
                project.read("nodes/cp1/etc/kubernetes/pki/ca-chain.crt"),
                project.text("company/chain.crt")
            );
        }
        // As Go, which takes the CA for an anchor.
        for leaf in ["apiserver.crt", "apiserver-kubelet-client.crt"] {
            project.openssl(&format!("verify -partial_chain -CAfile {pki}/ca.crt {pki}/{leaf}"));
        }
    }
}
