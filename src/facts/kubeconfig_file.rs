//! A kubeconfig whole, as client-go reads it: every cluster, user and context with every field.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use super::FactsError;
use super::kubeconfig::MAX_KUBECONFIG;
use super::pem::BASE64;
use crate::secret::Secret;

/// Any value of the file. It may be a secret, so there is no Debug.
pub enum Setting {
    Nothing,
    Text(Zeroizing<String>),
    /// A number or boolean, as it reads.
    Plain(Zeroizing<String>),
    List(Vec<Setting>),
    Map(BTreeMap<String, Setting>),
}

/// What one name stands for: fields by name.
pub type Named = BTreeMap<String, BTreeMap<String, Setting>>;

pub struct KubeconfigFile {
    /// Empty: none.
    pub current: String,
    pub clusters: Named,
    pub contexts: Named,
    pub users: Named,
}

const KEYS: [&str; 4] = ["clusters", "contexts", "current-context", "users"];

impl KubeconfigFile {
    /// `None`: it is YAML of something else.
    pub fn from_yaml(text: &[u8]) -> Result<Option<Self>, FactsError> {
        if text.len() > MAX_KUBECONFIG {
            return Err(FactsError::new("is larger than 1 MiB"));
        }
        // The parser's own message quotes the line, which may be a secret.
        let root: Setting = serde_saphyr::from_slice(text)
            .map_err(|_| FactsError::new("is not one document of YAML"))?;
        let Setting::Map(mut root) = root else {
            return Ok(None);
        };
        let is_config = matches!(root.get("kind"), Some(Setting::Text(kind)) if **kind == "Config");
        if !is_config && !KEYS.iter().any(|key| root.contains_key(*key)) {
            return Ok(None);
        }
        let current = match root.remove("current-context") {
            None | Some(Setting::Nothing) => String::new(),
            Some(Setting::Text(name)) => name.to_string(),
            Some(_) => return Err(FactsError::new("has a current-context that is no text")),
        };
        let mut named = |list: &'static str, key: &'static str| named(root.remove(list), list, key);
        Ok(Some(KubeconfigFile {
            current,
            clusters: named("clusters", "cluster")?,
            contexts: named("contexts", "context")?,
            users: named("users", "user")?,
        }))
    }

    /// Whether a text that could not be read looks like one.
    pub fn is_meant(text: &[u8]) -> bool {
        let has = |word: &[u8]| text.windows(word.len()).any(|part| part == word);
        has(b"current-context") || (has(b"clusters") && has(b"contexts"))
    }
}

/// A URL without the login that may stand in it, and the login.
pub fn without_login(url: &str) -> (String, Option<&str>) {
    let parts = || {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let (login, _) = authority.rsplit_once('@')?;
        Some((scheme, login, rest.get(login.len()..)?))
    };
    match parts() {
        Some((scheme, login, after)) => (format!("{scheme}://…{after}"), Some(login)),
        None => (url.to_owned(), None),
    }
}

/// `- name: NAME` and what it is under `key`. Two of one name are refused, as by client-go.
fn named(list: Option<Setting>, word: &str, key: &str) -> Result<Named, FactsError> {
    let wrong = || FactsError::new(format!("has {word} of another form"));
    let mut all = Named::new();
    let items = match list {
        None | Some(Setting::Nothing) => Vec::new(),
        Some(Setting::List(items)) => items,
        Some(_) => return Err(wrong()),
    };
    for item in items {
        let Setting::Map(mut item) = item else {
            return Err(wrong());
        };
        let name = match item.remove("name") {
            Some(Setting::Text(name) | Setting::Plain(name)) => name.to_string(),
            _ => String::new(),
        };
        let fields = match item.remove(key) {
            None | Some(Setting::Nothing) => BTreeMap::new(),
            Some(Setting::Map(fields)) => fields,
            Some(_) => return Err(wrong()),
        };
        if all.insert(name, fields).is_some() {
            return Err(FactsError::new(format!("has two {word} of one name")));
        }
    }
    Ok(all)
}

impl Setting {
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Setting::Text(text) => Some(text),
            _ => None,
        }
    }

    /// `None`: it is no boolean.
    pub fn as_flag(&self) -> Option<bool> {
        match self {
            Setting::Nothing => Some(false),
            Setting::Plain(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// What a text in base64 stands for; line breaks are passed over, as client-go does.
    pub fn decoded(&self) -> Option<Secret> {
        let text = self.as_text()?;
        let mut compact = Zeroizing::new(Vec::with_capacity(text.len()));
        compact.extend(text.bytes().filter(|byte| !b"\r\n".contains(byte)));
        BASE64.decode(compact.as_slice()).ok().map(Secret::new)
    }

    /// All that it says, in one form for what means the same.
    pub fn canonical(&self) -> Secret {
        let mut bytes = Zeroizing::new(Vec::new());
        self.write(&mut bytes);
        Secret::new(std::mem::take(&mut *bytes))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut text = |kind: u8, text: &str| {
            out.push(kind);
            out.extend_from_slice(&(text.len() as u64).to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        };
        match self {
            Setting::Nothing => out.push(b'0'),
            Setting::Text(value) => text(b't', value),
            Setting::Plain(value) => text(b'p', value),
            Setting::List(items) => {
                text(b'l', &items.len().to_string());
                for item in items {
                    item.write(out);
                }
            }
            Setting::Map(fields) => {
                text(b'm', &fields.len().to_string());
                for (name, value) in fields {
                    Setting::Text(Zeroizing::new(name.clone())).write(out);
                    value.write(out);
                }
            }
        }
    }

    /// Null, and what is as empty as nothing to client-go.
    pub fn is_nothing(&self) -> bool {
        match self {
            Setting::Nothing => true,
            Setting::Text(text) => text.is_empty(),
            Setting::Plain(text) => **text == "false",
            Setting::List(items) => items.is_empty(),
            Setting::Map(fields) => fields.is_empty(),
        }
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnySetting)
    }
}

struct AnySetting;

fn plain(value: impl fmt::Display) -> Setting {
    Setting::Plain(Zeroizing::new(value.to_string()))
}

impl<'de> Visitor<'de> for AnySetting {
    type Value = Setting;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a kubeconfig")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Setting, E> {
        Ok(plain(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Setting, E> {
        Ok(plain(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Setting, E> {
        Ok(plain(value))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Setting, E> {
        Ok(plain(value))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Setting, E> {
        Ok(plain(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Setting, E> {
        Ok(plain(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Setting, E> {
        Ok(Setting::Text(Zeroizing::new(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Setting, E> {
        Ok(Setting::Text(Zeroizing::new(value)))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Setting, E> {
        let text = Zeroizing::new(String::from_utf8_lossy(value).into_owned());
        Ok(Setting::Text(text))
    }

    fn visit_unit<E>(self) -> Result<Setting, E> {
        Ok(Setting::Nothing)
    }

    fn visit_none<E>(self) -> Result<Setting, E> {
        Ok(Setting::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Setting, D::Error> {
        Setting::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Setting, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Setting::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Setting, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((name, value)) = entries.next_entry::<String, Setting>()? {
            map.insert(name, value);
        }
        Ok(Setting::Map(map))
    }
}
