//! Terraform plans to resources of AWS, in the form in which a running account is described.
//!
//! What is known after apply only is not there, and its key is named in `Unknown`. Where a plan makes a resource, what the plan does not
//! say of it is what AWS does by default; where it only changes one, it is left out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{Gap, GapCode};
use yaml::{Budget, Lines};

use crate::terraform_blocks::Blocks;
use crate::terraform_fields::Body;
use crate::terraform_kinds::{TYPES, Type};
use crate::terraform_parts::{PARTS, Part, after, before};
use crate::terraform_plan::{Plan, Planned};
use crate::text::{folder, gap, joined, shown};
use crate::tree::Tree;
use crate::{Document, Origin};

/// Names that a gap gives.
const NAMED_MAX: usize = 12;

/// Arguments that name a resource where others refer to it.
const NAMES: [&str; 9] =
    ["id", "arn", "bucket", "name", "function_name", "url", "key_id", "identifier", "cluster_identifier"];

/// Every plan of a tree.
pub(crate) fn read(tree: &Tree, plans: &[String], documents: &mut Vec<Document>, gaps: &mut BTreeSet<Gap>) {
    if plans.is_empty() {
        return;
    }
    let blocks = Blocks::read(tree);
    for path in plans {
        match plan(tree, path) {
            Ok(Some((plan, lines))) => {
                let places = Places { blocks: &blocks, plan: &plan, lines: &lines, path };
                resources(&plan, &places, documents, gaps);
            }
            Ok(None) => {}
            Err(gap) => drop(gaps.insert(gap)),
        }
    }
}

fn plan(tree: &Tree, path: &str) -> Result<Option<(Plan, Lines)>, Gap> {
    let bytes = tree.bytes(path, tree.limits.plan_bytes)?;
    let (nodes, text) = (20_000_000, usize::MAX);
    let read = yaml::read(&bytes, &Budget { bytes: usize::MAX, nodes, text, ..Budget::default() });
    let read =
        read.map_err(|error| gap(GapCode::ParseError, path, format!("the plan cannot be read: {error}")))?;
    Ok(read.into_iter().next().and_then(|document| Some((Plan::of(&document.value)?, document.lines))))
}

/// Where resources stand.
struct Places<'a> {
    blocks: &'a Blocks,
    plan: &'a Plan,
    lines: &'a Lines,
    path: &'a str,
}

impl Places<'_> {
    /// File and line of a resource: its block, or else the plan.
    fn of(&self, planned: &Planned) -> (String, u32) {
        let folder = self.folder(&planned.module);
        match self.blocks.find(&planned.kind, &planned.name, folder.as_deref()) {
            Some((file, line)) => (file.to_owned(), line),
            None => (self.path.to_owned(), self.lines.of(&planned.pointer)),
        }
    }

    /// Folder of a module in the tree; nothing for one that comes from elsewhere.
    fn folder(&self, module: &str) -> Option<String> {
        let mut here = folder(self.path).to_owned();
        let (mut address, mut parts) = (String::new(), module.split('.').filter(|part| !part.is_empty()));
        while let (Some(_), Some(name)) = (parts.next(), parts.next()) {
            if !address.is_empty() {
                address.push('.');
            }
            address.push_str(&format!("module.{name}"));
            here = joined(&here, self.plan.sources.get(&address)?)?;
        }
        Some(here)
    }
}

fn resources(plan: &Plan, places: &Places<'_>, documents: &mut Vec<Document>, gaps: &mut BTreeSet<Gap>) {
    let mut building: BTreeMap<usize, (&Type, Body)> = BTreeMap::new();
    let mut unmapped: BTreeMap<&str, usize> = BTreeMap::new();
    let mut parts: Vec<(&Part, &Planned)> = Vec::new();
    for (number, planned) in plan.resources.iter().enumerate() {
        let aws = planned.provider.ends_with("/aws");
        if let Some(of) = TYPES.iter().find(|of| aws && of.name == planned.kind) {
            let mut body = Body::default();
            body.fill(of.fields, &planned.values, &planned.unknown);
            before(planned, &mut body);
            building.insert(number, (of, body));
        } else if let Some(part) = PARTS.iter().find(|part| aws && part.name == planned.kind) {
            parts.push((part, planned));
        } else {
            *unmapped.entry(planned.kind.as_str()).or_default() += 1;
        }
    }
    let index = Index::of(plan);
    let mut apart = BTreeSet::new();
    for (part, planned) in parts {
        match index.parents(plan, part, planned).as_slice() {
            [] => drop(apart.insert(planned.address.as_str())),
            [only] => {
                if let Some((_, body)) = building.get_mut(only) {
                    part.join(planned, body);
                }
            }
            // One of them has it, and nobody knows which.
            several => {
                for number in several {
                    if let Some((_, body)) = building.get_mut(number) {
                        part.keys.iter().for_each(|key| body.hide(key));
                    }
                }
            }
        }
    }
    for (number, (of, mut body)) in building {
        let Some(planned) = plan.resources.get(number) else { continue };
        after(planned, &mut body);
        documents.push(document(of, planned, body, places));
    }
    missing(places.path, &unmapped, &apart, plan.cut, gaps);
}

fn document(of: &Type, planned: &Planned, mut body: Body, places: &Places<'_>) -> Document {
    if let (Some(region), false) = (&places.plan.region, of.kind.starts_with("aws:iam:")) {
        body.keys.entry("Region".to_owned()).or_insert_with(|| region.as_str().into());
    } else if of.kind.starts_with("aws:iam:") {
        body.keys.insert("Region".to_owned(), "global".into());
    }
    let (file, line) = places.of(planned);
    let known = planned.text("arn").filter(|_| !planned.is_unknown("arn"));
    let own = format!("terraform:{}#{}", places.path, planned.address);
    Document {
        kind: of.kind.to_owned(),
        path: planned.address.clone(),
        asset: known.map_or(own, str::to_owned),
        body: body.end().to_string().into_bytes().into(),
        lines: Lines::at(line),
        origin: Origin::Planned { plan: places.path.to_owned(), address: planned.address.clone() },
        file,
    }
}

/// Says what of a plan is not judged.
fn missing(
    path: &str,
    unmapped: &BTreeMap<&str, usize>,
    apart: &BTreeSet<&str>,
    cut: bool,
    gaps: &mut BTreeSet<Gap>,
) {
    let named = |names: Vec<String>| {
        let more = names.len().saturating_sub(NAMED_MAX);
        let shown = names.into_iter().take(NAMED_MAX).collect::<Vec<_>>().join(", ");
        if more == 0 { shown } else { format!("{shown} and {more} more") }
    };
    if !unmapped.is_empty() {
        let types = unmapped.iter().map(|(kind, count)| format!("{} ({count})", shown(kind))).collect();
        let reason = format!("the plan has resources of types that are not judged: {}", named(types));
        gaps.insert(gap(GapCode::Unsupported, path, reason));
    }
    if !apart.is_empty() {
        let addresses = apart.iter().map(|address| shown(address)).collect();
        let reason =
            format!("parts of resources that are not in the plan, and were not judged: {}", named(addresses));
        gaps.insert(gap(GapCode::NotCollected, path, reason));
    }
    if cut {
        gaps.insert(gap(GapCode::EntryLimit, path, "the plan has more resources than are read"));
    }
}

/// Resources by what others call them.
struct Index<'a> {
    /// By type and name, ARN, id or URL.
    values: HashMap<(&'a str, &'a str), Vec<usize>>,
    /// By module and `TYPE.NAME`.
    addresses: HashMap<(&'a str, String), Vec<usize>>,
}

impl<'a> Index<'a> {
    fn of(plan: &'a Plan) -> Self {
        let mut index = Self { values: HashMap::new(), addresses: HashMap::new() };
        for (number, planned) in plan.resources.iter().enumerate() {
            let names: BTreeSet<&str> = NAMES.iter().filter_map(|key| planned.text(key)).collect();
            for name in names {
                index.values.entry((&planned.kind, name)).or_default().push(number);
            }
            let address = format!("{}.{}", planned.kind, planned.name);
            index.addresses.entry((&planned.module, address)).or_default().push(number);
        }
        index
    }

    /// The resources that a part may belong to: one where it is clear.
    fn parents(&self, plan: &Plan, part: &Part, planned: &Planned) -> Vec<usize> {
        let known = planned.text(part.by).filter(|_| !planned.is_unknown(part.by));
        if let Some(name) = known {
            let all = part.parents.iter().filter_map(|parent| self.values.get(&(*parent, name)));
            let all: Vec<usize> = all.flatten().copied().collect();
            if !all.is_empty() {
                return all;
            }
        }
        let references = planned.references.get(part.by).into_iter().flatten();
        let of_parent = references
            .filter(|name| part.parents.iter().any(|parent| name.split('.').next() == Some(parent)));
        let all = of_parent.filter_map(|name| self.addresses.get(&(planned.module.as_str(), name.clone())));
        let all: Vec<usize> = all.flatten().copied().collect();
        let same = |number: &&usize| {
            plan.resources.get(**number).is_some_and(|parent| parent.index == planned.index)
        };
        match all.iter().filter(same).collect::<Vec<_>>().as_slice() {
            [only] => vec![**only],
            _ => all,
        }
    }
}
