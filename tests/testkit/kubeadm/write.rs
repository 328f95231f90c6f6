//! From a cluster's description to the files of its nodes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::cluster::{Cluster, Etcd, Kubelet, Leaf, Node, Role, Super, in_url};
use super::kubeconfigs::{Client, Names, kubeconfig};
use super::kubelet;
use super::mint::{Certificate, Key, Keys, Texts};
use super::node_tree::{Entry, NodeTree};
use super::pods::{Pod, Probe, Volume};
use crate::testkit::made::{CLIENT, SERVER};

const CURRENT: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";
const DAY: i64 = 86_400;

/// The trees of a cluster's nodes by their names.
pub type NodeTrees = BTreeMap<String, NodeTree>;

/// Where a CA lies below the PKI's folder, and its name.
const AUTHORITIES: [(&str, &str); 3] =
    [("ca", "kubernetes"), ("etcd/ca", "etcd-ca"), ("front-proxy-ca", "front-proxy-ca")];

/// The same second in the whole run, so that certificates of one kind are made once.
fn now() -> i64 {
    static NOW: std::sync::LazyLock<i64> = std::sync::LazyLock::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(since.as_secs()).unwrap()
    });
    *NOW
}

/// Days from now; kubeadm writes dates 5 minutes early.
fn day(days: i64) -> i64 {
    now() + days * DAY - 300
}

impl Cluster {
    pub fn authority(&self, stem: &str) -> Certificate {
        let (_, common_name) = AUTHORITIES.iter().find(|(at, _)| *at == stem).unwrap();
        let (from, until) = self.authority_days;
        Certificate {
            common_name: (*common_name).to_owned(),
            organization: None,
            texts: self.authority_texts,
            usages: Vec::new(),
            is_key_encipherment: true,
            sans: vec![format!("DNS:{common_name}")],
            from: day(from),
            until: day(until),
            key: (format!("{}/{stem}", self.material), self.keys),
            issuer: None,
        }
    }

    /// What all lines about a leaf say together.
    fn wish(&self, node: &Node, name: &str) -> Leaf {
        let mut all = Leaf::default();
        for leaf in &self.leaves {
            let concerns = leaf.node.is_none_or(|of| of == node.name)
                && (leaf.name.is_empty() || leaf.name == name);
            if concerns {
                all.group = leaf.group.or(all.group);
                all.days = leaf.days.or(all.days);
                all.renewal = leaf.renewal.or(all.renewal);
                all.keys = leaf.keys.or(all.keys);
                all.sans = leaf.sans.clone().or(all.sans);
            }
        }
        all
    }

    pub fn leaf(
        &self,
        node: &Node,
        name: &str,
        issuer: &str,
        (common_name, group): (&str, Option<&str>),
        usages: &[&'static str],
        sans: Vec<String>,
    ) -> Certificate {
        let wish = self.wish(node, name);
        let issuer = self.authority(issuer);
        let group = wish.group.or(group);
        let (from, until) = wish.days.unwrap_or((self.authority_days.0, 165));
        let renewal = wish.renewal.map_or(String::new(), |count| format!(" renewed {count}"));
        Certificate {
            common_name: common_name.to_owned(),
            organization: group.map(str::to_owned),
            texts: Texts::Printable,
            usages: usages.to_vec(),
            is_key_encipherment: true,
            sans: wish.sans.map_or(sans, |all| all.into_iter().map(str::to_owned).collect()),
            from: day(from),
            until: day(until),
            key: (
                format!("{}/{}/{name}{renewal}", self.material, node.name),
                wish.keys.unwrap_or(self.keys),
            ),
            issuer: Some(Box::new(issuer)),
        }
    }

    /// All nodes' files.
    pub fn trees(&self) -> NodeTrees {
        self.nodes.iter().map(|node| (node.name.to_owned(), self.tree(node))).collect()
    }

    pub fn tree(&self, node: &Node) -> NodeTree {
        let mut tree = NodeTree::default();
        tree.folder("etc/kubernetes", 0o755);
        tree.folder("etc/kubernetes/manifests", 0o700);
        match node.role {
            Role::ControlPlane => self.control_plane(node, &mut tree),
            Role::Etcd => self.etcd_node(node, &mut tree),
            Role::Worker => {
                let ca = self.authority("ca").pem();
                tree.file(&self.pki("ca.crt"), 0o644, ca);
            }
        }
        if node.role != Role::Etcd {
            self.kubelet(node, &mut tree);
        }
        if node.without_var {
            tree.0.retain(|path, _| path.starts_with("etc/kubernetes"));
        }
        tree
    }

    fn pki(&self, path: &str) -> String {
        format!("{}/{path}", self.certificates_dir.trim_start_matches('/'))
    }

    fn put_authority(&self, stem: &str, tree: &mut NodeTree) {
        let authority = self.authority(stem);
        tree.file(&self.pki(&format!("{stem}.crt")), 0o644, authority.pem());
        if !self.without_key.contains(&stem) {
            tree.file(&self.pki(&format!("{stem}.key")), 0o600, &authority.key().pem);
        }
    }

    fn put(&self, name: &str, certificate: &Certificate, tree: &mut NodeTree) {
        tree.file(&self.pki(&format!("{name}.crt")), 0o644, certificate.pem());
        tree.file(&self.pki(&format!("{name}.key")), 0o600, &certificate.key().pem);
    }

    fn control_plane(&self, node: &Node, tree: &mut NodeTree) {
        let (minor, patch) = self.minor_of(node);
        self.put_authority("ca", tree);
        self.put_authority("front-proxy-ca", tree);
        let sa = Key::named(&format!("{}/sa", self.material), self.keys);
        tree.file(&self.pki("sa.key"), 0o600, &sa.pem);
        tree.file(&self.pki("sa.pub"), 0o600, &sa.public_pem);
        let client = |name, issuer, common_name, group| {
            self.leaf(node, name, issuer, (common_name, group), &[CLIENT], Vec::new())
        };
        let server = self.leaf(
            node,
            "apiserver",
            "ca",
            ("kube-apiserver", None),
            &[SERVER],
            self.api_server_names(node),
        );
        self.put("apiserver", &server, tree);
        // k/k#138957, and the patches that have it.
        let has_no_group = minor > 36 || (minor == 36 && patch >= 1) || (minor == 35 && patch >= 5);
        let group = (!has_no_group).then_some("kubeadm:cluster-admins");
        let name = "apiserver-kubelet-client";
        self.put(name, &client(name, "ca", "kube-apiserver-kubelet-client", group), tree);
        let name = "front-proxy-client";
        self.put(name, &client(name, "front-proxy-ca", "front-proxy-client", None), tree);
        if self.etcd == Etcd::External {
            // Copied from a machine of etcd, as its documentation says.
            let member = self.of(Role::Etcd).next();
            tree.file(&self.pki("etcd/ca.crt"), 0o644, self.authority("etcd/ca").pem());
            self.put_etcd_client(member.unwrap_or(node), tree);
        } else {
            self.put_authority("etcd/ca", tree);
            self.put_etcd_client(node, tree);
            self.put_member(node, tree);
            tree.file("etc/kubernetes/manifests/etcd.yaml", 0o600, self.etcd_pod(node).yaml());
        }
        for pod in [self.api_server(node), self.controller_manager(node), self.scheduler(node)] {
            let path = format!("etc/kubernetes/manifests/{}.yaml", pod.component);
            tree.file(&path, 0o600, pod.yaml());
        }
        let local = self.server_of(node);
        let endpoint = self.server_for(node);
        let admins = Some("kubeadm:cluster-admins");
        let mut config = |file: &'static str, user: &str, group, server: &str| {
            self.put_kubeconfig(node, file, user, group, server, tree);
        };
        config("admin.conf", "kubernetes-admin", admins, &endpoint);
        config("controller-manager.conf", "system:kube-controller-manager", None, &local);
        config("scheduler.conf", "system:kube-scheduler", None, &local);
        let first = self.of(Role::ControlPlane).next().unwrap().name;
        let has_super = match self.super_admin {
            Super::First => node.name == first,
            Super::Nobody => false,
            Super::On(name) => node.name == name,
        };
        if has_super {
            let group = Some("system:masters");
            config("super-admin.conf", "kubernetes-super-admin", group, &endpoint);
        }
    }

    /// Without an endpoint each node of kubeadm's names itself, and a worker the first.
    fn server_for(&self, node: &Node) -> String {
        if self.endpoint.is_none() && node.role == Role::ControlPlane {
            self.server_of(node)
        } else {
            self.server()
        }
    }

    fn put_etcd_client(&self, node: &Node, tree: &mut NodeTree) {
        let name = "apiserver-etcd-client";
        let user = "kube-apiserver-etcd-client";
        let leaf = self.leaf(node, name, "etcd/ca", (user, None), &[CLIENT], Vec::new());
        self.put(name, &leaf, tree);
    }

    fn put_member(&self, node: &Node, tree: &mut NodeTree) {
        let names = || {
            let mut names = vec![
                format!("DNS:{}", node.name),
                "DNS:localhost".to_owned(),
                format!("IP:{}", node.address),
                "IP:127.0.0.1".to_owned(),
                "IP:::1".to_owned(),
            ];
            names.extend(node.etcd_address.map(|address| format!("IP:{address}")));
            names
        };
        for name in ["etcd/server", "etcd/peer"] {
            let usages = [SERVER, CLIENT];
            let leaf = self.leaf(node, name, "etcd/ca", (node.name, None), &usages, names());
            self.put(name, &leaf, tree);
        }
        let (name, user) = ("etcd/healthcheck-client", "kube-etcd-healthcheck-client");
        let leaf = self.leaf(node, name, "etcd/ca", (user, None), &[CLIENT], Vec::new());
        self.put(name, &leaf, tree);
    }

    /// "Set up a high availability etcd cluster with kubeadm": the first machine alone has the CA's key.
    fn etcd_node(&self, node: &Node, tree: &mut NodeTree) {
        self.put_authority("etcd/ca", tree);
        if self.of(Role::Etcd).next().unwrap().name != node.name
            && !self.without_key.contains(&"etcd/ca")
        {
            tree.remove(&self.pki("etcd/ca.key"));
        }
        self.put_member(node, tree);
        self.put_etcd_client(node, tree);
        tree.file("etc/kubernetes/manifests/etcd.yaml", 0o600, self.etcd_pod(node).yaml());
    }

    /// DNS names sorted, addresses in this order (`GetAPIServerAltNames`).
    fn api_server_names(&self, node: &Node) -> Vec<String> {
        let mut names = vec![
            node.name.to_owned(),
            "kubernetes".to_owned(),
            "kubernetes.default".to_owned(),
            "kubernetes.default.svc".to_owned(),
            format!("kubernetes.default.svc.{}", self.dns_domain),
        ];
        let mut addresses = vec![self.service_address.to_owned(), node.address.to_owned()];
        let more = self.endpoint_host().into_iter();
        for name in more.chain(self.sans.iter().copied()).chain(node.sans.iter().copied()) {
            let is_address = name.parse::<std::net::IpAddr>().is_ok();
            let list = if is_address { &mut addresses } else { &mut names };
            if !list.iter().any(|known| known == name) {
                list.push(name.to_owned());
            }
        }
        names.sort();
        let names = names.into_iter().map(|name| format!("DNS:{name}"));
        names.chain(addresses.into_iter().map(|address| format!("IP:{address}"))).collect()
    }

    fn put_kubeconfig(
        &self,
        node: &Node,
        file: &'static str,
        user: &str,
        group: Option<&str>,
        server: &str,
        tree: &mut NodeTree,
    ) {
        let leaf = self.leaf(node, file, "ca", (user, group), &[CLIENT], Vec::new());
        let context = format!("{user}@{}", self.name);
        let names = Names { cluster: self.name, user, context: &context, namespace: None };
        let (certificate, key) = (leaf.pem(), leaf.key());
        let client = Client::Embedded(&certificate, &key.pem);
        let authority = self.authority("ca").pem();
        let omits = self.minor_of(node).0 >= 34;
        let text = kubeconfig(&names, &authority, server, &client, omits);
        tree.file(&format!("etc/kubernetes/{file}"), 0o600, text);
    }

    fn kubelet(&self, node: &Node, tree: &mut NodeTree) {
        let user = format!("system:node:{}", node.name);
        let group = Some("system:nodes");
        let is_worker = node.role == Role::Worker;
        // ControlPlaneKubeletLocalMode (k/k#129956).
        let is_local = !is_worker && self.minor_of(node).0 >= 33;
        let server = match node.kubelet_server {
            Some(server) => server.to_owned(),
            None if is_local => self.server_of(node),
            None => self.server_for(node),
        };
        tree.file("var/lib/kubelet/config.yaml", 0o644, kubelet::config(self, node));
        tree.file("var/lib/kubelet/kubeadm-flags.env", 0o644, kubelet::flags_file(self, node));
        if self.minor_of(node).0 >= 36 {
            let path = "var/lib/kubelet/instance-config.yaml";
            tree.file(path, 0o644, kubelet::INSTANCE_CONFIG);
        }
        tree.file(kubelet::DROP_IN_PATH, 0o644, kubelet::DROP_IN);
        tree.folder("var/lib/kubelet/pki", 0o755);
        self.put_own_serving(node, tree);
        if node.kubelet == Kubelet::Embedded {
            self.put_kubeconfig(node, "kubelet.conf", &user, group, &server, tree);
            return;
        }
        let mut leaf = self.leaf(node, "kubelet.conf", "ca", (&user, group), &[CLIENT], Vec::new());
        leaf.of_a_kubelet();
        let file = "kubelet-client-2026-10-18-09-00-00.pem";
        let pair = format!("{}{}", leaf.pem(), leaf.key().pem);
        tree.file(&format!("var/lib/kubelet/pki/{file}"), 0o600, pair);
        tree.link(CURRENT.trim_start_matches('/'), &format!("/var/lib/kubelet/pki/{file}"));
        // The first node's file is kubeadm's, a joined node's is its kubelet's own (bootstrap.go).
        let is_first = self.of(Role::ControlPlane).next().unwrap().name == node.name;
        let context = format!("{user}@{}", self.name);
        let names = if is_first {
            Names { cluster: self.name, user: &user, context: &context, namespace: None }
        } else {
            Names {
                cluster: "default-cluster",
                user: "default-auth",
                context: "default-context",
                namespace: Some("default"),
            }
        };
        let authority = self.authority("ca").pem();
        let omits = self.minor_of(node).0 >= 34;
        let text = kubeconfig(&names, &authority, &server, &Client::File(CURRENT), omits);
        tree.file("etc/kubernetes/kubelet.conf", 0o600, text);
    }

    /// kubelet.crt, by a CA of the kubelet's own that is kept nowhere; or one that the cluster signed.
    fn put_own_serving(&self, node: &Node, tree: &mut NodeTree) {
        let wish = "kubelet serving";
        let sans = vec![format!("DNS:{}", node.name), format!("IP:{}", node.address)];
        if node.kubelet_serving {
            let user = format!("system:node:{}", node.name);
            let group = Some("system:nodes");
            let mut leaf = self.leaf(node, wish, "ca", (&user, group), &[SERVER], sans);
            leaf.of_a_kubelet();
            let file = "kubelet-server-2026-10-18-09-00-01.pem";
            let pair = format!("{}{}", leaf.pem(), leaf.key().pem);
            tree.file(&format!("var/lib/kubelet/pki/{file}"), 0o600, pair);
            let current = "var/lib/kubelet/pki/kubelet-server-current.pem";
            tree.link(current, &format!("/var/lib/kubelet/pki/{file}"));
            return;
        }
        let mut leaf = self.leaf(node, wish, "ca", (node.name, None), &[SERVER], vec![]);
        leaf.common_name = format!("{}@1790000000", node.name);
        leaf.sans = vec![format!("DNS:{}", node.name)];
        // RSA in every version (client-go's GenerateSelfSignedCertKey); one pair will do for all nodes here.
        leaf.key = ("a kubelet's own".to_owned(), Keys::Rsa2048);
        let mut issuer = self.authority("ca");
        issuer.common_name = format!("{}-ca@1790000000", node.name);
        issuer.key = ("a kubelet's own CA".to_owned(), Keys::Rsa2048);
        issuer.sans = Vec::new();
        leaf.issuer = Some(Box::new(issuer.clone()));
        let pair = format!("{}{}", leaf.pem(), issuer.pem());
        tree.file("var/lib/kubelet/pki/kubelet.crt", 0o644, pair);
        tree.file("var/lib/kubelet/pki/kubelet.key", 0o600, &leaf.key().pem);
    }

    fn image(&self, node: &Node, component: &str) -> String {
        let Cluster { repository, image_suffix, .. } = self;
        format!("{repository}/{component}:v{}{image_suffix}", self.version_of(node))
    }

    fn path(&self, path: &str) -> String {
        format!("{}/{path}", self.certificates_dir)
    }

    fn flags(
        &self,
        node: &Node,
        component: &str,
        own: &[(&str, &str)],
    ) -> BTreeMap<String, String> {
        let mut flags: BTreeMap<String, String> =
            own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for argument in &self.arguments {
            if argument.component == component && argument.node.is_none_or(|of| of == node.name) {
                flags.insert(argument.name.to_owned(), argument.value.to_owned());
            }
        }
        flags
    }

    fn volumes(&self, component: &str, own: Vec<Volume>) -> Vec<Volume> {
        let more = self.volumes.iter().filter(|(of, _)| *of == component);
        let mut all: Vec<Volume> = own;
        all.extend(more.map(|(_, volume)| volume.clone()));
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// The folders of certificates of Debian's and Fedora's, where they are on the machine.
    fn system_volumes(&self) -> Vec<Volume> {
        let folder = |name, path| Volume::new(name, path, "DirectoryOrCreate", true);
        vec![
            folder("ca-certs", "/etc/ssl/certs"),
            folder("etc-ca-certificates", "/etc/ca-certificates"),
            folder("k8s-certs", self.certificates_dir),
            folder("usr-local-share-ca-certificates", "/usr/local/share/ca-certificates"),
            folder("usr-share-ca-certificates", "/usr/share/ca-certificates"),
        ]
    }

    fn api_server(&self, node: &Node) -> Pod {
        let component = "kube-apiserver";
        let port = self.port.to_string();
        let etcd = match self.etcd {
            Etcd::External => {
                let members: Vec<String> = self
                    .of(Role::Etcd)
                    .map(|member| format!("https://{}:2379", member.host()))
                    .collect();
                members.join(",")
            }
            _ if node.address.contains(':') => "https://[::1]:2379".to_owned(),
            _ => "https://127.0.0.1:2379".to_owned(),
        };
        let issuer = format!("https://kubernetes.default.svc.{}", self.dns_domain);
        let path = |name| self.path(name);
        let own = [
            ("advertise-address", node.address),
            ("allow-privileged", "true"),
            ("authorization-mode", "Node,RBAC"),
            ("client-ca-file", &path("ca.crt")),
            ("enable-admission-plugins", "NodeRestriction"),
            ("enable-bootstrap-token-auth", "true"),
            ("etcd-cafile", &path("etcd/ca.crt")),
            ("etcd-certfile", &path("apiserver-etcd-client.crt")),
            ("etcd-keyfile", &path("apiserver-etcd-client.key")),
            ("etcd-servers", &etcd),
            ("kubelet-client-certificate", &path("apiserver-kubelet-client.crt")),
            ("kubelet-client-key", &path("apiserver-kubelet-client.key")),
            ("kubelet-preferred-address-types", "InternalIP,ExternalIP,Hostname"),
            ("proxy-client-cert-file", &path("front-proxy-client.crt")),
            ("proxy-client-key-file", &path("front-proxy-client.key")),
            ("requestheader-allowed-names", "front-proxy-client"),
            ("requestheader-client-ca-file", &path("front-proxy-ca.crt")),
            ("requestheader-extra-headers-prefix", "X-Remote-Extra-"),
            ("requestheader-group-headers", "X-Remote-Group"),
            ("requestheader-username-headers", "X-Remote-User"),
            ("secure-port", &port),
            ("service-account-issuer", &issuer),
            ("service-account-key-file", &path("sa.pub")),
            ("service-account-signing-key-file", &path("sa.key")),
            ("service-cluster-ip-range", self.service_subnet),
            ("tls-cert-file", &path("apiserver.crt")),
            ("tls-private-key-file", &path("apiserver.key")),
        ];
        let probe = |path| Probe { host: node.address.to_owned(), path, scheme: "HTTPS" };
        let name = "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint";
        Pod {
            component,
            annotation: Some((name, quoted(format!("{}:{port}", node.host())))),
            flags: self.flags(node, component, &own),
            image: self.image(node, component),
            is_old: self.minor_of(node).0 < 34,
            liveness: probe("/livez"),
            readiness: Some(probe("/readyz")),
            startup: probe("/livez"),
            port: self.port,
            resources: &["cpu: 250m"],
            volumes: self.volumes(component, self.system_volumes()),
        }
    }

    fn controller_manager(&self, node: &Node) -> Pod {
        let component = "kube-controller-manager";
        let config = "/etc/kubernetes/controller-manager.conf";
        let path = |name| self.path(name);
        // "If using external CA, pass empty string to controller manager" (controlplane/manifests.go).
        let signer = |name| {
            if self.without_key.contains(&"ca") { String::new() } else { path(name) }
        };
        let own = [
            ("allocate-node-cidrs", "true"),
            ("authentication-kubeconfig", config),
            ("authorization-kubeconfig", config),
            ("bind-address", local(node)),
            ("client-ca-file", &path("ca.crt")),
            ("cluster-cidr", self.pod_subnet),
            ("cluster-name", self.name),
            ("cluster-signing-cert-file", &signer("ca.crt")),
            ("cluster-signing-key-file", &signer("ca.key")),
            ("controllers", "*,bootstrapsigner,tokencleaner"),
            ("kubeconfig", config),
            ("leader-elect", "true"),
            ("requestheader-client-ca-file", &path("front-proxy-ca.crt")),
            ("root-ca-file", &path("ca.crt")),
            ("service-account-private-key-file", &path("sa.key")),
            ("service-cluster-ip-range", self.service_subnet),
            ("use-service-account-credentials", "true"),
        ];
        let mut flags = self.flags(node, component, &own);
        if self.pod_subnet.is_empty() {
            // Without a pod network kubeadm says nothing of networks here.
            for name in ["allocate-node-cidrs", "cluster-cidr", "service-cluster-ip-range"] {
                flags.remove(name);
            }
        }
        let mut volumes = self.system_volumes();
        volumes.push(Volume::new("kubeconfig", config, "FileOrCreate", true));
        if self.minor_of(node).0 < 36 {
            let path = "/usr/libexec/kubernetes/kubelet-plugins/volume/exec";
            volumes.push(Volume::new("flexvolume-dir", path, "DirectoryOrCreate", false));
        }
        let probe = || Probe { host: local(node).to_owned(), path: "/healthz", scheme: "HTTPS" };
        Pod {
            component,
            annotation: None,
            flags,
            image: self.image(node, component),
            is_old: self.minor_of(node).0 < 34,
            liveness: probe(),
            readiness: None,
            startup: probe(),
            port: 10257,
            resources: &["cpu: 200m"],
            volumes: self.volumes(component, volumes),
        }
    }

    fn scheduler(&self, node: &Node) -> Pod {
        let component = "kube-scheduler";
        let config = "/etc/kubernetes/scheduler.conf";
        let own = [
            ("authentication-kubeconfig", config),
            ("authorization-kubeconfig", config),
            ("bind-address", local(node)),
            ("kubeconfig", config),
            ("leader-elect", "true"),
        ];
        let probe = |path| Probe { host: local(node).to_owned(), path, scheme: "HTTPS" };
        let volume = Volume::new("kubeconfig", config, "FileOrCreate", true);
        Pod {
            component,
            annotation: None,
            flags: self.flags(node, component, &own),
            image: self.image(node, component),
            is_old: self.minor_of(node).0 < 34,
            liveness: probe("/livez"),
            readiness: Some(probe("/readyz")),
            startup: probe("/livez"),
            port: 10259,
            resources: &["cpu: 100m"],
            volumes: self.volumes(component, vec![volume]),
        }
    }

    /// How a member got its manifest: the first by `init`, the others by `join`, all anew by `upgrade`.
    fn initial_cluster(&self, node: &Node) -> (String, Option<&'static str>) {
        let peer = |node: &Node| format!("{}=https://{}:2380", node.name, etcd_host(node));
        let role = if self.etcd == Etcd::External { Role::Etcd } else { Role::ControlPlane };
        let members: Vec<&Node> = self.of(role).collect();
        match self.etcd {
            Etcd::External => {
                let all: Vec<String> = members.iter().map(|member| peer(member)).collect();
                (all.join(","), Some("new"))
            }
            Etcd::StackedUpgraded => (peer(node), None),
            Etcd::Stacked => {
                let at = members.iter().position(|member| member.name == node.name).unwrap();
                let known: Vec<String> = members[..=at].iter().map(|member| peer(member)).collect();
                (known.join(","), (at > 0).then_some("existing"))
            }
        }
    }

    fn etcd_pod(&self, node: &Node) -> Pod {
        let component = "etcd";
        let (minor, patch) = self.minor_of(node);
        let is_3_5 = minor < 34;
        let loopback = if node.address.contains(':') { "[::1]" } else { "127.0.0.1" };
        let host = etcd_host(node);
        let client = format!("https://{host}:2379");
        let peer = format!("https://{host}:2380");
        let (initial_cluster, state) = self.initial_cluster(node);
        let path = |name: &str| self.path(&format!("etcd/{name}"));
        let mut own = vec![
            ("advertise-client-urls", client.clone()),
            ("cert-file", path("server.crt")),
            ("client-cert-auth", "true".to_owned()),
            ("data-dir", "/var/lib/etcd".to_owned()),
            ("initial-advertise-peer-urls", peer.clone()),
            ("initial-cluster", initial_cluster),
            ("key-file", path("server.key")),
            ("listen-client-urls", format!("https://{loopback}:2379,{client}")),
            ("listen-metrics-urls", format!("http://{loopback}:2381")),
            ("listen-peer-urls", peer),
            ("name", node.name.to_owned()),
            ("peer-cert-file", path("peer.crt")),
            ("peer-client-cert-auth", "true".to_owned()),
            ("peer-key-file", path("peer.key")),
            ("peer-trusted-ca-file", path("ca.crt")),
            ("snapshot-count", "10000".to_owned()),
            ("trusted-ca-file", path("ca.crt")),
        ];
        if is_3_5 {
            own.push(("experimental-initial-corrupt-check", "true".to_owned()));
            own.push(("experimental-watch-progress-notify-interval", "5s".to_owned()));
        } else {
            own.push(("feature-gates", "InitialCorruptCheck=true".to_owned()));
            own.push(("watch-progress-notify-interval", "5s".to_owned()));
        }
        own.extend(state.map(|state| ("initial-cluster-state", state.to_owned())));
        let own: Vec<(&str, &str)> =
            own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let tag = match (minor, patch) {
            (33, ..=5) => "3.5.21-0",
            (33, _) => "3.5.24-0",
            (34, ..=1) => "3.6.4-0",
            (34, _) => "3.6.5-0",
            (35, _) => "3.6.6-0",
            _ => "3.6.8-0",
        };
        let probe = |path| Probe {
            host: loopback.trim_matches(['[', ']']).to_owned(),
            path,
            scheme: "HTTP",
        };
        let certificates = self.path("etcd");
        let own_volumes = vec![
            Volume::new("etcd-certs", &certificates, "DirectoryOrCreate", false),
            Volume::new("etcd-data", "/var/lib/etcd", "DirectoryOrCreate", false),
        ];
        let name = "kubeadm.kubernetes.io/etcd.advertise-client-urls";
        Pod {
            component,
            annotation: Some((name, client.clone())),
            flags: self.flags(node, component, &own),
            image: format!("{}/etcd:{tag}", self.repository),
            is_old: is_3_5,
            liveness: probe("/livez"),
            readiness: Some(probe("/readyz")),
            startup: probe("/readyz"),
            port: 2381,
            resources: &["cpu: 100m", "memory: 100Mi"],
            volumes: self.volumes(component, own_volumes),
        }
    }
}

fn etcd_host(node: &Node) -> String {
    in_url(node.etcd_address.unwrap_or(node.address))
}

fn local(node: &Node) -> &'static str {
    if node.address.contains(':') { "::1" } else { "127.0.0.1" }
}

/// YAML's writer quotes what begins with a bracket.
fn quoted(text: String) -> String {
    if text.starts_with('[') { format!("'{text}'") } else { text }
}

/// Each node's tree in a folder of its name.
pub fn write_all(trees: &NodeTrees, folder: &Path) {
    for (name, tree) in trees {
        tree.write(&folder.join(name));
    }
}

/// Private keys and kubeconfigs with keys, as they lie on the nodes; of the kubelet's files the key alone.
pub fn secrets(trees: &NodeTrees) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in trees.values().flat_map(|tree| tree.0.values()) {
        let Entry::File { bytes, .. } = entry else { continue };
        let text = String::from_utf8_lossy(bytes);
        let key = ["-----BEGIN EC PRIVATE KEY", "-----BEGIN RSA PRIVATE KEY"];
        if text.contains("client-key-data: ") {
            found.push(bytes.clone());
        } else if let Some(at) = key.iter().find_map(|begin| text.find(begin)) {
            found.push(bytes[at..].to_vec());
        }
    }
    found
}
