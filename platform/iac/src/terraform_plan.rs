//! Terraform plans as `terraform show -json` prints them
//! (<https://developer.hashicorp.com/terraform/internals/json-format>): planned resources, what of them is unknown, and to what
//! their arguments refer.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

/// Most resources of a plan.
const RESOURCES_MAX: usize = 100_000;

/// Modules within each other.
const MODULES_MAX: usize = 32;

/// A resource as it will be.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    pub(crate) address: String,
    /// Address of its module without indices: `module.a.module.b`; empty for the root.
    pub(crate) module: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Index of `count` or `for_each`.
    pub(crate) index: Value,
    pub(crate) provider: String,
    pub(crate) values: Map<String, Value>,
    /// `true` for every value that is known after apply only.
    pub(crate) unknown: Value,
    /// Whether the plan makes it, so that nothing is there that the plan does not say.
    pub(crate) created: bool,
    /// Arguments that the configuration sets, and what they refer to, in the words of the module: `aws_s3_bucket.b`.
    pub(crate) references: BTreeMap<String, Vec<String>>,
    /// JSON Pointer in the plan.
    pub(crate) pointer: String,
}

impl Planned {
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(crate) fn is_unknown(&self, key: &str) -> bool {
        self.unknown.get(key).is_some_and(some_true)
    }
}

/// Whether anything in a tree of unknowns is unknown.
pub(crate) fn some_true(unknown: &Value) -> bool {
    match unknown {
        Value::Bool(unknown) => *unknown,
        Value::Array(items) => items.iter().any(some_true),
        Value::Object(members) => members.values().any(some_true),
        _ => false,
    }
}

/// A plan.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) resources: Vec<Planned>,
    /// Region of the provider where it stands in the configuration.
    pub(crate) region: Option<String>,
    /// Local folders of modules, by address.
    pub(crate) sources: BTreeMap<String, String>,
    /// Whether there are more resources than are read.
    pub(crate) cut: bool,
}

/// What of a resource does not stand in its planned values.
#[derive(Default)]
struct Change {
    created: bool,
    unknown: Value,
}

impl Plan {
    /// Reads a plan. Nothing for what is another document, such as a state or the schemas of providers.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let root = value.pointer("/planned_values/root_module")?;
        let mut configuration = Configuration::default();
        if let Some(module) = value.pointer("/configuration/root_module") {
            configuration.module(module, "", 0);
        }
        let region = value.pointer("/configuration/provider_config/aws/expressions/region/constant_value");
        let mut plan = Self { region: region.and_then(Value::as_str).map(str::to_owned), ..Self::default() };
        let changes = changes(value);
        plan.module(root, "/planned_values/root_module", 0, &changes, &configuration);
        plan.sources = configuration.sources;
        Some(plan)
    }

    fn module(
        &mut self,
        module: &Value,
        pointer: &str,
        depth: usize,
        changes: &HashMap<&str, Change>,
        configuration: &Configuration,
    ) {
        let address = without_indices(module.get("address").and_then(Value::as_str).unwrap_or_default());
        for (place, resource) in list(module, "resources").enumerate() {
            if self.resources.len() >= RESOURCES_MAX {
                self.cut = true;
                return;
            }
            if resource.get("mode").and_then(Value::as_str) == Some("managed") {
                let pointer = format!("{pointer}/resources/{place}");
                self.resources.push(planned(resource, &address, pointer, changes, configuration));
            }
        }
        let inner = list(module, "child_modules").enumerate();
        for (place, child) in inner.take_while(|_| depth < MODULES_MAX) {
            let pointer = format!("{pointer}/child_modules/{place}");
            self.module(child, &pointer, depth + 1, changes, configuration);
        }
    }
}

fn planned(
    resource: &Value,
    module: &str,
    pointer: String,
    changes: &HashMap<&str, Change>,
    configuration: &Configuration,
) -> Planned {
    let text = |key: &str| resource.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (kind, name, address) = (text("type"), text("name"), text("address"));
    let change = changes.get(address.as_str());
    let references = configuration.references.get(&(module.to_owned(), format!("{kind}.{name}")));
    Planned {
        module: module.to_owned(),
        index: resource.get("index").cloned().unwrap_or_default(),
        provider: text("provider_name"),
        values: resource.get("values").and_then(Value::as_object).cloned().unwrap_or_default(),
        unknown: change.map(|change| change.unknown.clone()).unwrap_or_default(),
        created: change.is_some_and(|change| change.created),
        references: references.cloned().unwrap_or_default(),
        pointer,
        kind,
        name,
        address,
    }
}

fn changes(value: &Value) -> HashMap<&str, Change> {
    let change = |resource| {
        let address = Value::as_str(Value::get(resource, "address")?)?;
        let change = resource.get("change")?;
        let created = list(change, "actions").any(|action| action == "create");
        Some((address, Change { created, unknown: change.get("after_unknown").cloned().unwrap_or_default() }))
    };
    list(value, "resource_changes").filter_map(change).collect()
}

/// What the plan says of the configuration it was made of.
#[derive(Debug, Default)]
struct Configuration {
    /// By module and resource: what its arguments refer to.
    references: HashMap<(String, String), BTreeMap<String, Vec<String>>>,
    sources: BTreeMap<String, String>,
}

impl Configuration {
    fn module(&mut self, module: &Value, address: &str, depth: usize) {
        if depth > MODULES_MAX {
            return;
        }
        for resource in list(module, "resources") {
            let Some(name) = resource.get("address").and_then(Value::as_str) else { continue };
            let arguments = resource.get("expressions").and_then(Value::as_object).into_iter().flatten();
            let references = arguments.map(|(key, expression)| {
                let of: BTreeSet<String> =
                    list(expression, "references").filter_map(Value::as_str).map(resource_of).collect();
                (key.clone(), of.into_iter().collect())
            });
            self.references.insert((address.to_owned(), name.to_owned()), references.collect());
        }
        for (name, call) in module.get("module_calls").and_then(Value::as_object).into_iter().flatten() {
            let inner = if address.is_empty() {
                format!("module.{name}")
            } else {
                format!("{address}.module.{name}")
            };
            if let Some(source) =
                call.get("source").and_then(Value::as_str).filter(|source| source.starts_with('.'))
            {
                self.sources.insert(inner.clone(), source.to_owned());
            }
            if let Some(module) = call.get("module") {
                self.module(module, &inner, depth + 1);
            }
        }
    }
}

/// `aws_s3_bucket.b` of `aws_s3_bucket.b[0].id`.
fn resource_of(reference: &str) -> String {
    let mut parts = reference.split('.');
    let (kind, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{kind}.{}", name.split('[').next().unwrap_or_default())
}

/// `module.a.module.b` of `module.a[0].module.b["x.y"]`.
fn without_indices(address: &str) -> String {
    let (mut out, mut inside, mut quoted, mut escaped) = (String::new(), false, false, false);
    for character in address.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if inside => quoted = !quoted,
            '[' if !inside => inside = true,
            ']' if inside && !quoted => inside = false,
            _ if inside => {}
            _ => out.push(character),
        }
    }
    out
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_indices_and_references_their_attributes() {
        assert_eq!(without_indices("module.a[0].module.b[\"x].y\\\"\"].c"), "module.a.module.b.c");
        assert_eq!(resource_of("aws_s3_bucket.b[0].id"), "aws_s3_bucket.b");
        assert_eq!(resource_of("var.x"), "var.x");
    }
}
