//! The members of an event that a profile is made of (`plugins/EVENTS.md`), borrowed from its bytes.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use crate::class::Class;
use crate::fold;
use crate::summary::ITEM_MAX;
use crate::text::{cut, hash};

/// A text, borrowed where it has no escapes; empty where it is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Text::default())
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Body<'a> {
    #[serde(borrow)]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) severity: Text<'a>,
    #[serde(borrow)]
    pub(crate) title: Text<'a>,
    #[serde(borrow)]
    pub(crate) rule: Rule<'a>,
    #[serde(borrow)]
    pub(crate) container: Container<'a>,
    #[serde(borrow)]
    pub(crate) pod: Pod<'a>,
    #[serde(borrow)]
    pub(crate) process: Option<Process<'a>>,
    #[serde(borrow)]
    pub(crate) file: Option<File<'a>>,
    #[serde(borrow)]
    pub(crate) network: Option<Network<'a>>,
    #[serde(borrow)]
    pub(crate) joins: Vec<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Rule<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) techniques: Vec<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Container<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    #[serde(borrow)]
    pub(crate) image: Text<'a>,
    #[serde(borrow)]
    pub(crate) digest: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Pod<'a> {
    #[serde(borrow)]
    pub(crate) namespace: Text<'a>,
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    #[serde(borrow)]
    pub(crate) uid: Text<'a>,
    #[serde(borrow)]
    pub(crate) workload: Workload<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Workload<'a> {
    #[serde(borrow)]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Process<'a> {
    #[serde(borrow)]
    pub(crate) binary: Text<'a>,
    #[serde(borrow)]
    pub(crate) arguments: Text<'a>,
    #[serde(borrow)]
    pub(crate) parent: Parent<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Parent<'a> {
    #[serde(borrow)]
    pub(crate) binary: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct File<'a> {
    #[serde(borrow)]
    pub(crate) path: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Network<'a> {
    #[serde(borrow)]
    pub(crate) protocol: Text<'a>,
    #[serde(borrow)]
    pub(crate) destination_ip: Text<'a>,
    pub(crate) destination_port: Option<u16>,
    #[serde(borrow)]
    pub(crate) destination_name: Text<'a>,
}

/// Ports from here on are given out by the system for one connection (`net.ipv4.ip_local_port_range`).
const EPHEMERAL_PORT: u16 = 32_768;

impl<'a> Body<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| format!("the event's body is not as expected: {error}"))
    }

    /// The first 12 digits of the container's id; empty where it is not known.
    pub(crate) fn container_id(&self) -> &str {
        cut(&self.container.id, 12)
    }

    /// The workload and the container in it; empty where neither is known.
    pub(crate) fn workload(&self) -> String {
        let workload = &self.pod.workload;
        if workload.name.is_empty() {
            return String::new();
        }
        format!("{}/{}/{}/{}", &*self.pod.namespace, &*workload.kind, &*workload.name, &*self.container.name)
    }

    /// Names that stand for this pod or container and no other.
    fn own(&self) -> [&str; 3] {
        [&self.pod.name, &self.pod.uid, self.container_id()]
    }

    /// What the event shows, by class.
    pub(crate) fn items(&self) -> Vec<(Class, String)> {
        let mut items = Vec::with_capacity(2);
        // A connection or a file tells of its process too, but not of how it was called: it is one that was started before.
        let started = matches!(&*self.kind, "process.exec" | "alert");
        if started && let Some(process) = self.process_item() {
            items.push((Class::Process, process));
        }
        if let Some(file) = self.file_item() {
            items.push((Class::File, file));
        }
        if let Some(destination) = self.destination_item() {
            items.push((Class::Destination, destination));
        }
        items.into_iter().map(|(class, item)| (class, bounded(item))).collect()
    }

    pub(crate) fn process_item(&self) -> Option<String> {
        let process = self.process.as_ref().filter(|process| !process.binary.is_empty())?;
        let own = self.own();
        let mut item = fold::path(&process.binary, &own);
        let shape = fold::shape(&process.arguments);
        if !shape.is_empty() {
            item.push(' ');
            item.push_str(&shape);
        }
        item.push_str(" < ");
        if process.parent.binary.is_empty() {
            item.push('?');
        } else {
            item.push_str(&fold::path(&process.parent.binary, &own));
        }
        Some(item)
    }

    fn file_item(&self) -> Option<String> {
        let file = self.file.as_ref().filter(|file| !file.path.is_empty())?;
        Some(fold::file(&file.path, &self.own()))
    }

    fn destination_item(&self) -> Option<String> {
        let network = self.network.as_ref()?;
        let host = if network.destination_name.is_empty() {
            fold::block(&network.destination_ip)?
        } else {
            fold::name(&network.destination_name)
        };
        let protocol = if network.protocol.is_empty() { "?" } else { &*network.protocol };
        let protocol: String = protocol
            .chars()
            .take(8)
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let protocol = if protocol.is_empty() { "?" } else { &protocol };
        Some(match network.destination_port {
            Some(port) if port < EPHEMERAL_PORT => format!("{protocol} {host}:{port}"),
            _ => format!("{protocol} {host}:*"),
        })
    }

    /// What a sensor said, of which process and object: `RULE | BINARY < PARENT | OBJECT`.
    pub(crate) fn alert_item(&self) -> String {
        let process = self.process_item().and_then(|item| Class::Process.coarser(&item, 1));
        let object = self.file_item().or_else(|| self.destination_item());
        let rule: String =
            self.rule.id.chars().take(80).map(|c| if c.is_control() { '_' } else { c }).collect();
        bounded(format!(
            "{rule} | {} | {}",
            process.as_deref().unwrap_or("?"),
            object.as_deref().unwrap_or("?")
        ))
    }

    /// Under which key events like this one belong together: the workload, else what comes nearest.
    pub(crate) fn incident(&self, asset: &str) -> String {
        let begins = |kind: &&str| self.joins.iter().find(|join| join.starts_with(*kind));
        let join = ["workload:", "pod:", "container:", "principal:"].iter().find_map(begins);
        join.map_or(asset, |join| join).to_owned()
    }
}

/// An item that is too long keeps its beginning, and a hash of the whole in place of the rest: two are never taken for one.
fn bounded(item: String) -> String {
    if item.len() <= ITEM_MAX {
        return item;
    }
    format!("{}…{:016x}", cut(&item, ITEM_MAX - 20), hash(&[item.as_bytes()]))
}
