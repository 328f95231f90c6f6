//! What a certificate is for: by where kubeadm puts it, by the flag that names it, by the kubeconfig around
//! it.

use super::{Rule, error, warning};

const PKI_DOC: &str = "Kubernetes documentation, PKI certificates and requirements";

pub const WRONG_CA: Rule = error("wrong-ca", "signed by another CA than its readers trust")
    .because("whoever it is shown to refuses it. The cluster has several CAs so that a client of one (etcd, the front proxy) is nobody to the others")
    .fix("issue it again from the CA that belongs there, or put the CA that signed it into the file that the reader loads")
    .source(PKI_DOC);

pub const CA_REUSE: Rule = error("ca-reuse", "one CA for clients and for the front proxy")
    .because("any client certificate of the cluster could then pretend to be the front proxy and name itself whatever user it likes")
    .fix("make a CA of its own for the front proxy (--requestheader-client-ca-file)")
    .source("Kubernetes documentation, Configure the Aggregation Layer, \"Reusing a CA\"");

pub const ETCD_SHARES_CA: Rule = warning("etcd-shares-ca", "one CA for etcd and for the cluster")
    .because("etcd takes every client of its CA: each node's kubelet can then read and write all that the cluster stores, past the API server and every rule of RBAC")
    .fix("give etcd a CA of its own (--trusted-ca-file, --etcd-cafile)")
    .source(PKI_DOC);

pub const LEAF_IS_CA: Rule = error("leaf-is-ca", "a leaf that is a CA")
    .because("whoever has its key can sign for any name that the real CA is trusted for")
    .fix("issue it again with basicConstraints CA:FALSE and a new key")
    .source("RFC 5280 4.2.1.9");

pub const NO_SERVER_USAGE: Rule =
    error("no-server-usage", "a serving certificate without server authentication")
        .because("every client refuses it")
        .fix("issue it again with extendedKeyUsage serverAuth")
        .source("RFC 5280 4.2.1.12");

pub const NO_CLIENT_USAGE: Rule =
    error("no-client-usage", "a client's certificate without client authentication")
        .because("every server refuses it")
        .fix("issue it again with extendedKeyUsage clientAuth")
        .source("RFC 5280 4.2.1.12");

pub const ETCD_NO_CLIENT_USAGE: Rule =
    error("etcd-no-client-usage", "an etcd certificate without client authentication")
        .because("etcd members dial each other with the peer certificate, and etcd's own gateway dials its server with the serving one: incompatible key usage")
        .fix("issue it again with extendedKeyUsage serverAuth and clientAuth")
        .source("etcd documentation, Transport security model; etcd-io/etcd#9785");

pub const NO_ALTERNATIVE_NAME: Rule =
    error("no-alternative-name", "a serving certificate without alternative names")
        .because("clients in Go have not looked at the common name since 1.15")
        .fix("issue it again with the server's names and addresses as subjectAltName")
        .source("RFC 6125 6.4.4; Go 1.15 release notes");

pub const APISERVER_NAMES: Rule = error("apiserver-names", "an API server certificate without the names that pods dial")
    .because("pods reach the API server as kubernetes, kubernetes.default, kubernetes.default.svc and with the cluster's domain behind")
    .fix("issue it again with these names")
    .source(PKI_DOC);

pub const APISERVER_MISSPELT_NAME: Rule = error(
    "apiserver-misspelt-name",
    "kubernetes.svc instead of kubernetes.default.svc",
)
.because("the service kubernetes is in the namespace default, so no such name exists")
.fix("issue it again with kubernetes.default.svc and kubernetes.default.svc.DOMAIN")
.source(
    "Kubernetes documentation, DNS for Services and Pods; seen in kubernetes-the-hard-way and k0s",
);

pub const SERVICE_ADDRESS: Rule = error("service-address", "an API server certificate without the service address")
    .because("pods find the API server at the first address of the first service network, which KUBERNETES_SERVICE_HOST names")
    .fix("issue it again with that address")
    .source(PKI_DOC);

pub const WRONG_IDENTITY: Rule = error("wrong-identity", "a name that Kubernetes has no role for")
    .because("RBAC binds system:kube-controller-manager, system:kube-scheduler and system:kube-proxy; the node authorizer knows system:node:NAME in the group system:nodes, and neither without the other")
    .fix("issue it again with that common name, and for a kubelet the organization")
    .source("Kubernetes documentation, Using Node Authorization; PKI certificates and requirements");

pub const COMPONENT_MASTERS: Rule =
    error("component-masters", "a component in a group that may do everything")
        .because("each component has a role of its own, with what it needs alone. In system:masters no rule of RBAC and no node authorizer holds for it: whoever reads this one file, on a kubelet's node for instance, has the whole cluster")
        .fix("issue it again without that organization")
        .source("Kubernetes documentation, Using RBAC Authorization, Default roles and role bindings; PKI certificates and requirements");

pub const MISSPELT_IDENTITY: Rule = error("misspelt-identity", "a name that is almost one of Kubernetes' own")
    .because("names are compared byte for byte: with a letter more, less or other, it is another user or group, which no role is bound to")
    .fix("issue it again with the name that is meant")
    .source("Kubernetes documentation, Using RBAC Authorization, Default roles and role bindings");

pub const FRONT_PROXY_NAME: Rule = error("front-proxy-name", "a front-proxy client that is not an allowed name")
    .because("--requestheader-allowed-names lists the common names that may speak for others; this one is refused")
    .fix("add its common name to the flag, or issue it again as front-proxy-client")
    .source("Kubernetes documentation, Configure the Aggregation Layer");

pub const KUBECONFIG_OTHER_CA: Rule =
    error("kubeconfig-other-ca", "a kubeconfig that does not trust the API server")
        .because("the API server that is here shows a certificate of a CA that the kubeconfig does not hold: its client refuses the connection")
        .fix("make the kubeconfig again with the CA that signed the API server's certificate")
        .source("Kubernetes documentation, Organizing Cluster Access Using kubeconfig Files");

pub const KUBECONFIG_CA_DIFFERS: Rule =
    warning("kubeconfig-ca-differs", "a kubeconfig that trusts another CA than pki/ca.crt")
        .because("no API server's certificate is here to tell which is right. Where servers and clients have a CA of their own each, the two differ by design; elsewhere its client refuses the API server")
        .fix("compare it with the certificate that the API server shows: openssl s_client -connect HOST:6443 -showcerts")
        .source("Kubernetes documentation, Organizing Cluster Access Using kubeconfig Files");

pub const KUBECONFIG_CLIENT_CA: Rule = error(
    "kubeconfig-client-ca",
    "a kubeconfig whose client the API server does not take",
)
.because("its client certificate is of no CA in the API server's client CA file (--client-ca-file, pki/ca.crt), so the API server does not know who it is")
.fix("issue the client certificate again from the cluster's client CA")
.source("Kubernetes documentation, Authenticating, X509 client certificates");

pub const KUBECONFIG_SERVER_NAME: Rule = error(
    "kubeconfig-server-name",
    "a kubeconfig that dials a name which no API server certificate has",
)
.because("its client refuses the connection: the certificate is not valid for that name")
.fix("dial another name, or issue the API server's certificate with this one")
.source("RFC 6125 6");

pub const KUBECONFIG_PLAIN_HTTP: Rule =
    error("kubeconfig-plain-http", "a kubeconfig that does not dial https")
        .because("client certificates exist in TLS alone, and the API server serves nothing else; an address without https:// in front is dialled as http")
        .fix("write https:// in server")
        .source("Kubernetes documentation, Controlling Access to the Kubernetes API");

pub const KUBECONFIG_INSECURE: Rule = error("kubeconfig-insecure", "a kubeconfig that believes any server")
    .because("with insecure-skip-tls-verify its client takes whoever answers for the API server, shows its token there and does what it is told. Beside a CA, client-go refuses to connect at all")
    .fix("take the line out, and give the CA that signed the API server's certificate as certificate-authority-data")
    .source("k8s.io/client-go/transport, TLSConfigFor; kubernetes/kubernetes#15359");

pub const KUBECONFIG_HALF_PAIR: Rule = error("kubeconfig-half-pair", "a kubeconfig with half of a key pair")
    .because("client-go refuses to use a client certificate without its key; with a key alone it shows no certificate, and the API server takes it for nobody (system:anonymous)")
    .fix("add the other half, or make the kubeconfig again")
    .source("k8s.io/client-go/tools/clientcmd, ConfirmUsable; transport, HasCertAuth");

pub const KUBECONFIG_PROXY: Rule = warning("kubeconfig-proxy", "a kubeconfig that dials through a proxy")
    .because("proxy-url sends every connection there: it fails when the proxy does, and the proxy learns who is dialled")
    .fix("nothing, where the proxy is meant; else take the line out")
    .source("Kubernetes documentation, Organizing Cluster Access Using kubeconfig Files, Proxy");

pub const FLAG_MISSING_FILE: Rule =
    error("flag-missing-file", "a flag that names a file which is not there")
        .because("the process exits at once")
        .fix("put the file there, or correct the flag")
        .source(PKI_DOC);

pub const FLAG_FILE_ELSEWHERE: Rule =
    warning("flag-file-elsewhere", "a flag that names a file which lies on the node alone")
        .because("out/ has what kpki puts on a node. A file of the operator's own is not in it, so nobody can tell from here whether the process finds it; without it the process exits at once")
        .fix("nothing, where the file is on the node: kpki verify /etc/kubernetes tells there; else put it there, or correct the flag")
        .source(PKI_DOC);

pub const FLAG_HIDDEN_FILE: Rule =
    error("flag-hidden-file", "a flag that names a file which no mount shows")
        .because("the container does not see the host's file, so the process exits at once")
        .fix("add a hostPath volume and a volumeMount for it")
        .source("Kubernetes documentation, Volumes, hostPath");

pub const FLAG_CONFLICT: Rule = error(
    "flag-conflict",
    "flags that the process does not take together",
)
.because("it checks its command line before anything else, and exits at once")
.fix("keep one of the two flags")
.source(
    "kubernetes/kubernetes, Validate of each component's options; etcd, server/embed/config.go",
);

pub const FLAG_INCOMPLETE: Rule = error("flag-incomplete", "a flag without the one that it needs")
    .because("the process checks its command line before anything else, and exits at once")
    .fix("give the other flag as well")
    .source(
        "kubernetes/kubernetes, Validate of each component's options; etcd, server/embed/config.go",
    );

pub const FLAG_OTHER_CA: Rule =
    error("flag-other-ca", "a flag that names another CA than the one needed")
        .because("the process then refuses those whom it has to trust")
        .fix("name the CA that signed the certificates of the other side")
        .source(PKI_DOC);
