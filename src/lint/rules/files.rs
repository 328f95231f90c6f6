//! Files: what cannot be read, who may read it, what belongs together.

use super::{Rule, error, warning};

const PKI_DOC: &str = "Kubernetes documentation, PKI certificates and requirements";
const STATIC_PODS: &str = "Kubernetes documentation, Create static Pods";
const GO_PEM: &str = "RFC 7468; Go's crypto/x509 and crypto/tls";

pub const UNREADABLE_CERTIFICATE: Rule =
    error("unreadable-certificate", "not a certificate in PEM that can be read")
        .because("a process that is given this file does not start, or skips the certificate without a word")
        .fix("issue the certificate again, or put back the file; DER becomes PEM with `openssl x509 -inform DER`")
        .source(GO_PEM);

pub const UNREADABLE_KEY: Rule =
    error("unreadable-key", "not a private or public key that can be read")
        .because("Kubernetes reads keys in PEM: PKCS#8, PKCS#1 or SEC1, never encrypted ones")
        .fix("put back the key, or decrypt it with `openssl pkey -in OLD -out NEW`")
        .source(GO_PEM);

pub const UNREADABLE_KUBECONFIG: Rule = error(
    "unreadable-kubeconfig",
    "not a kubeconfig that can be used",
)
.because(
    "a client needs the cluster and user of its context, and certificates that can be read; where a component reads the file, it needs a current context, too",
)
.fix("make the file again, for example with `kubeadm kubeconfig user`")
.source("Kubernetes documentation, Organizing Cluster Access Using kubeconfig Files");

pub const KUBECONFIG_MISSING_FILE: Rule = error(
    "kubeconfig-missing-file",
    "a kubeconfig that names a file which is not there",
)
.because("its client stops before it dials anybody: unable to read client-cert")
.fix(
    "put the file there, or correct the path; a relative one starts at the kubeconfig's own folder",
)
.source("k8s.io/client-go/tools/clientcmd, ResolveLocalPaths");

pub const WRONG_CONTENT: Rule = error("wrong-content", "a file that does not hold what it is loaded for")
    .because("Go takes CERTIFICATE blocks alone as certificates and PRIVATE KEY blocks alone as keys and passes over all others, so the process that loads the file does not start or trusts nobody")
    .fix("put the right file there: a .crt holds certificates, a .key the private key, sa.pub a public key")
    .source(GO_PEM);

pub const UNREADABLE_MANIFEST: Rule = error("unreadable-manifest", "not a Pod in the manifests folder")
    .because("the kubelet tries every file there as one Pod of apiVersion v1 and does not start it if it is none")
    .fix("correct the file, or move it out of the folder")
    .source(STATIC_PODS);

pub const SECRET_READABLE_BY_OTHERS: Rule = error("secret-readable-by-others", "a secret that every user can read")
    .because("whoever reads a private key or token has the power of its owner, and no certificate can be revoked")
    .fix("chmod 600 the file; if others had access to the machine, make a new key")
    .source("CIS Kubernetes Benchmark 1.1; kubeadm writes keys and kubeconfigs with mode 0600");

pub const SECRET_READABLE_BY_GROUP: Rule = warning(
    "secret-readable-by-group",
    "a secret that a group can read",
)
.because(
    "it may be meant so, for a process that is not root; every member of the group has the key",
)
.fix("chmod 600 the file where no process of that group needs it")
.source("CIS Kubernetes Benchmark 1.1; kubeadm writes keys and kubeconfigs with mode 0600");

pub const SECRET_OF_ANOTHER_USER: Rule =
    warning("secret-of-another-user", "a secret that belongs to another user")
        .because("its owner reads and changes it, whatever its mode; it may be meant so, for a process that is not root")
        .fix("chown root the file where no process of that user needs it")
        .source("chmod(2), inode(7); CIS Kubernetes Benchmark 1.1");

pub const WRITABLE_BY_OTHERS: Rule =
    error("writable-by-others", "a file that every user can change")
        .because(
            "whoever can change a CA file decides whom the cluster trusts; a manifest runs as root",
        )
        .fix("chmod o-w the file, and compare it with a copy that you trust")
        .source("CIS Kubernetes Benchmark 1.1");

pub const FOLDER_OF_ANOTHER_USER: Rule = error(
    "folder-of-another-user",
    "a folder that belongs to neither this user nor root",
)
.because("its owner can exchange every file in it, whoever owns the file; a manifest runs as root")
.fix("chown root the folder, and compare what lies in it with a copy that you trust")
.source("unlink(2), rename(2); CIS Kubernetes Benchmark 1.1");

pub const FOLDER_WRITABLE_BY_OTHERS: Rule = error(
    "folder-writable-by-others",
    "a folder that every user can write to",
)
.because("whoever can write to a folder exchanges the files in it or puts a manifest beside them")
.fix("chmod go-w the folder, and compare what lies in it with a copy that you trust")
.source("unlink(2), rename(2); CIS Kubernetes Benchmark 1.1");

pub const FOLDER_WRITABLE_BY_GROUP: Rule =
    warning("folder-writable-by-group", "a folder that a group can write to")
        .because("every member of the group can exchange the files in it; with a umask of 002 Git makes such folders")
        .fix("chmod g-w the folder; in out/ the next kpki apply does it")
        .source("unlink(2), rename(2); umask(2)");

pub const KEY_MISMATCH: Rule = error("key-mismatch", "a key that does not belong to its certificate or public key")
    .because("a process refuses to start with such a pair; tokens signed by another sa.key are refused everywhere")
    .fix("find the key that belongs to it, or issue the certificate again over this key")
    .source("Go's crypto/tls X509KeyPair; Kubernetes documentation, Managing Service Accounts");

pub const STRAY_MANIFEST: Rule = error("stray-manifest", "a stray file in the manifests folder")
    .because("the kubelet reads every file there whose name does not start with a dot, whatever it ends in: a backup is a second pod")
    .fix("move it out of the folder; a dot in front of its name hides it, too")
    .source(STATIC_PODS);

pub const DUPLICATE_POD: Rule = error("duplicate-pod", "two manifests of one process")
    .because("the kubelet runs one of the two, and which one may change at every start")
    .fix("keep one of the files and move the other out of the folder")
    .source(STATIC_PODS);

pub const MISSING_COUNTERPART: Rule =
    warning("missing-counterpart", "a file without the one that belongs to it")
        .because("the other pairs of this folder are whole, and a process that loads a certificate without its key or its CA does not start")
        .fix("put the file back, or name the folder that this one was copied from")
        .source(PKI_DOC);

pub const KEY_IN_TWO_ROLES: Rule = error("key-in-two-roles", "one key for two roles")
    .because("whoever is given the key for one of them can act in the other, and neither can be replaced without the other")
    .fix("make a new key for one of the two, and issue its certificate again")
    .source("Kubernetes documentation, PKI certificates and requirements; NIST SP 800-57 part 1, 5.2");

pub const UNREAD: Rule = warning("unread", "not read, so not checked")
    .because("it may not be read by this user, is too large, lies too deep, or is a link that leads out of the tree, where it is not followed")
    .fix("run as a user who may read it, or name the folder that really holds the files")
    .source("kpki");

pub const UNREAD_PLACE: Rule = error("unread-place", "a file that a component loads, not read")
    .because("it lies where kubeadm puts a key, certificate or kubeconfig, and nothing about it could be checked")
    .fix("run as a user who may read it; a link must lead to a file in this tree")
    .source(PKI_DOC);

pub const UNCHECKED_MANIFEST: Rule = warning("unchecked-manifest", "a manifest whose flags cannot be told")
    .because("the command is a line for a shell or hides its flags in another way, so that they are not compared with the files")
    .fix("write the command as a list of flags")
    .source(STATIC_PODS);

pub const SERVICE_ACCOUNT_KEY_KIND: Rule =
    error("service-account-key-kind", "a service-account key that Kubernetes does not load")
        .because("kube-apiserver and kube-controller-manager sign with RSA keys and with ECDSA keys on P-256, P-384 and P-521 alone, and exit at once with another one")
        .fix("make an RSA or ECDSA key; tokens signed by the old one end with it")
        .source("k8s.io/client-go/util/keyutil; kubernetes/kubernetes, pkg/serviceaccount/jwt.go");

pub const SIGNING_BUNDLE: Rule = error("signing-bundle", "several certificates where the signer needs one")
    .because("--cluster-signing-cert-file is the certificate that signs, never a bundle; with one the controller-manager fails")
    .fix("name a file that holds the one CA whose key signs")
    .source(PKI_DOC);
