//! The words of `component`, and which of them each component has.

use crate::config::fields::{KEY, RENEW_BEFORE, REVISION, SAN, SERVER, VALIDITY};
use crate::config::flags::{FLAG, IMAGE};
use crate::config::keypair::{self, CERTIFICATE};
use crate::config::shape::{Field, Many, One, Shape, blocks, many, one, one_of, word};
use crate::name::Organization;
use crate::spec::{Component, EtcdTopology, KubeletClient};

pub const SHAPE: Shape = Shape {
    word: "component",
    example: Some("apiserver"),
    names: one_of::<Component>(),
    means: "What holds for everything that one component of Kubernetes uses, on every node.",
    fields: &[
        KEY.field,
        VALIDITY.field,
        RENEW_BEFORE.field,
        REVISION.field.means("A higher number asks for new keys of this component on every node, once."),
        SAN.field,
        TOPOLOGY.field,
        SERVING.field,
        CONFIG.field,
        ADMIN_GROUP.field,
        KUBELET_CLIENT_GROUP.field,
        SUPER.field,
        CLIENT.field,
        SERVER
            .field
            .means(
                "The API server that its kubeconfig names on every node, for a proxy on each node, say. \
                The API server's certificate must have the host.",
            )
            .follows(
                "the endpoint; for controller-manager and scheduler the API server of their own node",
            ),
        PORT.field,
        USER.field,
        GROUP.field,
        IMAGE.field,
        FLAG.field,
        KEYPAIR,
    ],
    knows: |name, word| {
        let component = Component::ALL.into_iter().find(|component| component.as_str() == name);
        // The service accounts' key pairs have no certificates.
        let (word, inner) = word.split_once('.').unwrap_or((word, ""));
        inner != CERTIFICATE.word()
            && component.is_some_and(|component| fields(component).any(|known| known == word))
    },
    shows: "component \"apiserver\" san=\"api.example.com\"\n\
        component \"kubelet\" serving=#true config=#true\n\
        component \"kube-proxy\"",
    ..Shape::PLAIN
};

pub const TOPOLOGY: One<EtcdTopology> = one(word("topology")
    .means("Where etcd runs.")
    .one_of::<EtcdTopology>()
    .same("\"stacked\"")
    .sample("\"external\"")
    .above(&["node \"etcd1\" role=\"etcd\" address=\"10.0.0.31\""]));
pub const SERVING: One<bool> = one(word("serving")
    .means(
        "Whether kpki issues the certificates that kubelets serve with; else each makes its own.",
    )
    .flag());
pub const CONFIG: One<bool> = one(word("config")
    .means("Whether kpki writes the kubelets' configuration, /var/lib/kubelet/config.yaml.")
    .flag());
/// Of apiserver-kubelet-client.
pub const KUBELET_CLIENT_GROUP: Many<Organization> = many(
    word("kubelet-client-group")
        .means("All organizations of apiserver-kubelet-client, whatever the version asks for.")
        .text(GROUPS)
        .follows(VERSIONS)
        .sample("\"system:masters\""),
);
/// Of admin.
pub const ADMIN_GROUP: Many<Organization> = many(
    word("admin-group")
        .means("All organizations of the certificate in admin.conf, whatever the version asks for.")
        .text(GROUPS)
        .follows(VERSIONS)
        .sample("\"system:masters\""),
);
const GROUPS: &str = "names of groups; #null for none";
const VERSIONS: &str = "those of the version";
pub const SUPER: One<bool> = one(word("super")
    .means("Whether somebody has a super-admin.conf, which RBAC does not limit.")
    .flag()
    .same("#true")
    .sample("#false"));
pub const CLIENT: One<KubeletClient> = one(word("client")
    .means("Where kubelets have their client certificates from.")
    .one_of::<KubeletClient>()
    .same("\"issued\"")
    .sample("\"self-rotated\""));
pub const PORT: One<u16> = one(word("port")
    .means(
        "Where the API server listens. Kubeconfigs of its node follow, and the endpoint of a single \
        control-plane node.",
    )
    .number(1, 65_535)
    .same("6443")
    .sample("8443"));
pub const USER: One<u32> = one(word("user")
    .means(
        "The number of the user as whom the process runs. Its secrets are then that user's, with mode \
        0600, on the nodes.",
    )
    .number(1, 2_147_483_647)
    .follows("root")
    .sample("65534"));
pub const GROUP: One<u32> = one(word("group")
    .means(
        "The number of the group as which the process runs; it goes with user. Of service-account: the \
        group that reads sa.key, where the API server and the controller manager run as two users.",
    )
    .number(1, 2_147_483_647)
    .follows("the number of user")
    .sample("65534")
    .with(&["user 65534"]));

/// The word for the organization of the component's leaf that the version decides otherwise.
pub fn group_word(component: Component) -> Option<Many<Organization>> {
    match component {
        Component::Apiserver => Some(KUBELET_CLIENT_GROUP),
        Component::Admin => Some(ADMIN_GROUP),
        _ => None,
    }
}

/// What every leaf has.
pub const LEAF: [Field; 4] = [KEY.field, VALIDITY.field, RENEW_BEFORE.field, REVISION.field];
const KEYPAIR: Field = blocks(&keypair::SHAPE);

/// What each component's block may hold.
pub fn fields(component: Component) -> impl Iterator<Item = &'static str> + Clone {
    // A key pair without a certificate: nothing expires.
    const PAIR: [Field; 4] = [KEY.field, REVISION.field, GROUP.field, KEYPAIR];
    let (all, own): (&[Field], &[Field]) = match component {
        Component::Apiserver => (
            &LEAF,
            const {
                &[
                    SAN.field,
                    KUBELET_CLIENT_GROUP.field,
                    PORT.field,
                    USER.field,
                    GROUP.field,
                    IMAGE.field,
                    FLAG.field,
                ]
            },
        ),
        Component::ControllerManager | Component::Scheduler => {
            (&LEAF, const { &[SERVER.field, USER.field, GROUP.field, IMAGE.field, FLAG.field] })
        }
        Component::Etcd => (
            &LEAF,
            const { &[SAN.field, TOPOLOGY.field, USER.field, GROUP.field, IMAGE.field, FLAG.field] },
        ),
        Component::Kubelet => {
            (&LEAF, const { &[SAN.field, SERVING.field, CONFIG.field, CLIENT.field, SERVER.field] })
        }
        Component::ServiceAccount => (&PAIR, &[]),
        Component::Admin => (&LEAF, const { &[ADMIN_GROUP.field, SUPER.field, SERVER.field] }),
        Component::KubeProxy => (&LEAF, const { &[SERVER.field] }),
    };
    all.iter().chain(own).map(|field| field.word)
}
