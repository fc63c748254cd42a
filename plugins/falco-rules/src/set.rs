//! The configuration: which rules there are, compiled.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use palisade_sdk::{Config, Error};
use serde::Deserialize;

use crate::compile::compile;
use crate::definitions::{Definitions, Priority, Problem, RawFile, Rule};
use crate::program::Program;
use crate::rule_id;
use crate::source::Source;

/// The pack, as the platform's reader makes it of `rules/*.yaml`.
const PACK: &str = include_str!(concat!(env!("OUT_DIR"), "/pack.json"));
/// Files of one configuration.
const FILES_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawConfig {
    #[serde(default)]
    rules: Vec<RawFile>,
    #[serde(default = "yes")]
    pack: bool,
    #[serde(default)]
    rule_ids: RuleIds,
    #[serde(default)]
    minimum_priority: Option<String>,
    #[serde(default)]
    okta_organization: String,
}

fn yes() -> bool {
    true
}

/// Under which rule of the manifest detections of the operator's own rules stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RuleIds {
    /// One for each source; the rule is named in the evidence.
    #[default]
    Source,
    /// One named like the rule, where the platform takes rules from the configuration.
    Rule,
}

/// All rules of a configuration.
#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) definitions: Definitions,
    pub(crate) organization: String,
    /// Names of the pack's rules, which have rules of the manifest of their own.
    of_pack: BTreeSet<String>,
    rule_ids: RuleIds,
    /// Made when an event of the source comes.
    programs: [OnceCell<Program>; Source::ALL.len()],
}

thread_local! {
    static LAST: RefCell<Option<(Config, Rc<Set>)>> = const { RefCell::new(None) };
}

impl Set {
    /// The rules of a configuration. Read once as long as the configuration stays the same and the instance lives.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for what is not a configuration. A rule that cannot be used is none: it costs itself.
    pub(crate) fn of(config: &Config) -> Result<Rc<Self>, Error> {
        LAST.with(|last| {
            if let Some((known, set)) = &*last.borrow()
                && known == config
            {
                return Ok(Rc::clone(set));
            }
            let set = Rc::new(Self::read(config)?);
            *last.borrow_mut() = Some((config.clone(), Rc::clone(&set)));
            Ok(set)
        })
    }

    fn read(config: &Config) -> Result<Self, Error> {
        let raw: RawConfig = config.parse()?;
        if raw.rules.len() > FILES_MAX {
            let count = raw.rules.len();
            return Err(Error::InvalidConfig(format!(
                "rules: {count} files are there; at most {FILES_MAX} are allowed"
            )));
        }
        let minimum = match &raw.minimum_priority {
            None => Priority::Debug,
            Some(word) => Priority::of(word).ok_or_else(|| {
                Error::InvalidConfig(format!("minimum-priority: {word:?} is not a priority of Falco's rules"))
            })?,
        };
        let mut definitions = Definitions::default();
        let mut of_pack = BTreeSet::new();
        if raw.pack {
            let pack: Vec<RawFile> = serde_json::from_str(PACK)
                .map_err(|error| Error::Other(format!("the built-in rules cannot be read: {error}")))?;
            pack.iter().for_each(|file| definitions.take(file));
            of_pack.extend(definitions.rules.iter().map(|rule| rule.name.clone()));
        }
        raw.rules.iter().for_each(|file| definitions.take(file));
        for rule in &mut definitions.rules {
            rule.enabled &= rule.priority >= minimum;
        }
        Ok(Self {
            definitions,
            organization: raw.okta_organization,
            of_pack,
            rule_ids: raw.rule_ids,
            programs: Default::default(),
        })
    }

    pub(crate) fn program(&self, source: Source) -> &Program {
        const NONE: &Program = &Program::NONE;
        let cell = self.programs.get(source.place());
        cell.map_or(NONE, |cell| cell.get_or_init(|| compile(&self.definitions, source)))
    }

    /// All that is wrong with the rules; for this every source is compiled.
    pub(crate) fn problems(&self) -> Vec<&Problem> {
        let compiled = Source::ALL.into_iter().flat_map(|source| &self.program(source).problems);
        self.definitions.problems.iter().chain(compiled).collect()
    }

    /// What cannot be used, as far as it is known by now.
    pub(crate) fn known_errors(&self) -> Vec<String> {
        let compiled = self.programs.iter().filter_map(OnceCell::get).flat_map(|program| &program.problems);
        let errors = self.definitions.problems.iter().chain(compiled).filter(|problem| !problem.warning);
        errors.map(ToString::to_string).collect()
    }

    /// The rule of the manifest that a rule's detections stand under.
    pub(crate) fn rule_id(&self, rule: &Rule) -> String {
        if self.of_pack.contains(&rule.name) || self.rule_ids == RuleIds::Rule {
            return rule_id(&rule.name);
        }
        Source::of_rule(&rule.source).map(Source::rule).unwrap_or_default().to_owned()
    }
}
