//! Rego, compiled once and run under a limit of steps.
//!
//! A policy is compiled to the bytecode of regorus' virtual machine, which counts its instructions. What that compiler does not
//! do yet (`with`, `walk` in a loop, some partial objects) is left to regorus' interpreter, which counts nothing: there only the
//! platform's deadline for a whole call is a bound.

mod builtins;
mod calls;
mod deprecated;

use std::cell::RefCell;
use std::sync::Arc;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::unstable::{Expr, Rule, RuleHead};
use regorus::{Engine, PolicyLengthConfig, Value};

/// Instructions of one evaluation: a policy that looks at every container of a large pod needs some thousands.
const INSTRUCTIONS_MAX: usize = 500_000;
/// Largest module, in bytes.
pub(crate) const MODULE_BYTES_MAX: usize = 1 << 20;

/// How deep brackets may stand in one another: regorus' parser tries a bracket as several things, each time anew.
const BRACKETS_MAX: usize = 12;

/// The language of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// Before OPA 1.0: rules without `if` and `contains`.
    V0,
    V1,
}

/// A module's text, and its name in messages.
#[derive(Debug, Clone)]
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Modules that belong together, compiled.
pub(crate) struct Rules {
    machine: RefCell<Machine>,
    /// Names of the rules of the first module, as the text has them.
    pub(crate) names: Vec<String>,
    entries: Vec<String>,
}

enum Machine {
    Bounded(Box<RegoVM>),
    Interpreted(Box<Engine>),
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rules").field("entries", &self.entries).finish_non_exhaustive()
    }
}

impl Rules {
    /// Compiles modules, of which the first has the rules that are asked for: those of its package that `wanted` names.
    ///
    /// # Errors
    /// What is wrong, with the module and the line.
    pub(crate) fn compile(
        modules: &[Module],
        version: Version,
        data: &serde_json::Value,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Self, String> {
        let mut engine = Engine::new();
        engine.set_rego_v0(version == Version::V0);
        engine.set_policy_length_config(lengths());
        let mut package = String::new();
        for (place, module) in modules.iter().enumerate() {
            flat(module)?;
            let text = match version {
                Version::V0 => deprecated::with_definitions(&module.text),
                Version::V1 => module.text.clone(),
            };
            let its =
                engine.add_policy(module.name.clone(), text).map_err(|error| plain(&error.to_string()))?;
            if place == 0 {
                package = its;
            }
        }
        engine.add_data(value_of(data)?).map_err(|error| plain(&error.to_string()))?;
        let mut names: Vec<String> = engine.get_modules().first().map(|m| rule_names(m)).unwrap_or_default();
        names.retain(|name| wanted(name));
        let entries: Vec<String> = names.iter().map(|name| format!("{package}.{name}")).collect();
        let Some(first) = entries.first() else {
            return Ok(Self {
                machine: RefCell::new(Machine::Interpreted(Box::new(engine))),
                names,
                entries,
            });
        };
        let compiled = engine
            .compile_with_entrypoint(&Arc::from(first.as_str()))
            .map_err(|error| plain(&error.to_string()))?;
        let paths: Vec<&str> = entries.iter().map(String::as_str).collect();
        let machine = match Compiler::compile_from_policy(&compiled, &paths) {
            // What it looks up by computed names may be rules again, and the machine does not watch for that.
            Ok(program) if program.needs_runtime_recursion_check => Machine::Interpreted(Box::new(engine)),
            Ok(program) => {
                calls::refuse_recursion(&program)?;
                let mut program = (*program).clone();
                builtins::guard(&mut program);
                let mut machine = Box::new(RegoVM::new());
                machine.load_program(Arc::new(program));
                machine.set_max_instructions(INSTRUCTIONS_MAX);
                machine.set_data(engine.get_data()).map_err(|error| plain(&error.to_string()))?;
                Machine::Bounded(machine)
            }
            Err(error) if later(&error.to_string()) => Machine::Interpreted(Box::new(engine)),
            Err(error) => return Err(plain(&error.to_string())),
        };
        Ok(Self { machine: RefCell::new(machine), names, entries })
    }

    /// The value of a rule for an input, as JSON; sets are arrays. Nothing where it is undefined.
    ///
    /// # Errors
    /// Why it could not be computed.
    pub(crate) fn value(&self, name: &str, input: &Value) -> Result<Option<serde_json::Value>, String> {
        let place = self.names.iter().position(|known| known == name);
        let Some((place, entry)) = place.and_then(|place| self.entries.get(place).map(|e| (place, e))) else {
            return Ok(None);
        };
        builtins::start();
        let value = match &mut *self.machine.borrow_mut() {
            Machine::Bounded(machine) => {
                machine.set_input(input.clone());
                machine.execute_entry_point_by_index(place).map_err(|error| plain(&error.to_string()))?
            }
            Machine::Interpreted(engine) => {
                engine.set_input(input.clone());
                engine.eval_rule(entry.clone()).map_err(|error| plain(&error.to_string()))?
            }
        };
        if value == Value::Undefined {
            return Ok(None);
        }
        builtins::charge(&value).map_err(|error| plain(&error.to_string()))?;
        let text = value.to_json_str().map_err(|error| plain(&error.to_string()))?;
        serde_json::from_str(&text).map(Some).map_err(|error| error.to_string())
    }
}

/// Refuses a module whose brackets are too deep. Brackets in texts and comments do not count.
fn flat(module: &Module) -> Result<(), String> {
    let (mut depth, mut quote) = (0_usize, None);
    for (number, line) in module.text.lines().enumerate() {
        let mut characters = line.chars();
        // Only a text in backticks goes over the end of a line.
        quote = quote.filter(|open| *open == '`');
        while let Some(character) = characters.next() {
            match (quote, character) {
                (Some('"'), '\\') => _ = characters.next(),
                (Some(open), _) if open == character => quote = None,
                (Some(_), _) => {}
                (None, '"' | '`') => quote = Some(character),
                (None, '#') => break,
                (None, '(' | '[' | '{') => depth += 1,
                (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > BRACKETS_MAX {
                let name = crate::shown(&module.name);
                return Err(format!(
                    "{name} line {}: brackets stand more than {BRACKETS_MAX} deep",
                    number + 1
                ));
            }
        }
    }
    Ok(())
}

fn lengths() -> PolicyLengthConfig {
    let mut lengths = PolicyLengthConfig::default();
    // Templates have long messages on one line.
    lengths.max_col = 4_096.try_into().unwrap_or(lengths.max_col);
    lengths.max_file_bytes = (MODULE_BYTES_MAX + 4_096).try_into().unwrap_or(lengths.max_file_bytes);
    lengths
}

/// JSON as a value of Rego.
///
/// # Errors
/// A number that Rego cannot hold.
pub(crate) fn value_of(json: &serde_json::Value) -> Result<Value, String> {
    serde_json::from_value(json.clone()).map_err(|error| error.to_string())
}

/// What modules find as `data`: what is there for all, and other objects where they ask for them.
///
/// # Errors
/// Modules that ask for other objects where none are given. A test that brings its own (`with data.inventory as …`) asks for none.
pub(crate) fn data_for(
    modules: &[Module],
    mut data: serde_json::Value,
    inventory: Option<&serde_json::Value>,
) -> Result<serde_json::Value, String> {
    let asks = |module: &Module| {
        let own = module.text.matches("with data.inventory").count();
        module.text.matches("data.inventory").count() > own || module.text.contains("data[\"inventory\"]")
    };
    if !modules.iter().any(asks) {
        return Ok(data);
    }
    let Some(inventory) = inventory else {
        return Err("it asks for data.inventory, and no other objects are given here: at admission there are none, and a \
                    scan gives those of the kinds that the annotation metadata.gatekeeper.sh/requires-sync-data, a SyncSet \
                    or a Config names"
            .to_owned());
    };
    if let Some(members) = data.as_object_mut() {
        members.insert("inventory".to_owned(), inventory.clone());
    }
    Ok(data)
}

/// Whether an error of the bytecode compiler is about something that it does not do yet.
fn later(error: &str) -> bool {
    [
        "not supported by the compiler yet",
        "not yet supported",
        "Register overflow",
        "Direct access to 'data' root",
    ]
    .iter()
    .any(|words| error.contains(words))
}

/// The rules of a module, each once, in their order.
fn rule_names(module: &regorus::unstable::Module) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for rule in &module.policy {
        let mut expression = match &**rule {
            Rule::Spec { head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. }, .. } => {
                refr.as_ref()
            }
            Rule::Default { refr, args, .. } if args.is_empty() => refr.as_ref(),
            _ => continue,
        };
        let name = loop {
            match expression {
                Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => expression = refr.as_ref(),
                other => break other.span().text().to_owned(),
            }
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// An error in one line: regorus shows the line of the source with an arrow, which is for terminals.
fn plain(error: &str) -> String {
    let place = error.lines().find_map(|line| line.strip_prefix("--> ")).unwrap_or_default();
    let what = error.lines().rev().find_map(|line| line.trim().strip_prefix("error: "));
    if error.contains("instruction limit") || error.contains("exceeded memory limit") {
        return "it takes more steps than a policy may take for one object".to_owned();
    }
    let what = what.map_or_else(|| error.lines().map(str::trim).collect::<Vec<_>>().join(" "), str::to_owned);
    let mut parts = place.rsplitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(line), Some(file)) => {
            format!("{} line {line}: {}", crate::shown(file), crate::shown(&what))
        }
        _ => crate::shown(&what),
    }
}

#[cfg(test)]
mod tests;
