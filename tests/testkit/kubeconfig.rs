//! A kubeconfig as a client reads it.

use std::path::Path;

/// The members of a kubeconfig that a client uses, its data decoded to PEM.
#[derive(Debug)]
pub struct Kubeconfig {
    pub server: String,
    pub cluster: String,
    pub context: String,
    pub user: String,
    pub namespace: Option<String>,
    pub authority: String,
    pub certificate: String,
    pub key: String,
}

impl Kubeconfig {
    /// Follows `current-context` as a client does. Names must agree, or this panics.
    pub fn from_value(config: &serde_json::Value) -> Self {
        let text = |value: &serde_json::Value| {
            value.as_str().unwrap_or_else(|| panic!("no text in {value}")).to_owned()
        };
        let named = |list: &str, name: &str| {
            let list = config[list].as_array().unwrap_or_else(|| panic!("no {list}"));
            let found = list.iter().find(|member| member["name"] == name);
            found.unwrap_or_else(|| panic!("no {name} in {list:?}")).clone()
        };
        let pem = |value: &serde_json::Value| {
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::STANDARD.decode(text(value)).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(config["apiVersion"], "v1");
        assert_eq!(config["kind"], "Config");
        let context_name = text(&config["current-context"]);
        let context = named("contexts", &context_name)["context"].clone();
        let cluster_name = text(&context["cluster"]);
        let user_name = text(&context["user"]);
        let cluster = named("clusters", &cluster_name)["cluster"].clone();
        let user = named("users", &user_name)["user"].clone();
        Kubeconfig {
            server: text(&cluster["server"]),
            cluster: cluster_name,
            context: context_name,
            user: user_name,
            namespace: context.get("namespace").map(text),
            authority: pem(&cluster["certificate-authority-data"]),
            certificate: pem(&user["client-certificate-data"]),
            key: pem(&user["client-key-data"]),
        }
    }

    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        Self::from_value(&serde_saphyr::from_str(&text).unwrap())
    }
}
