//! Which rules call which: Rego has no recursion, but regorus' bytecode compiler does not notice all of it, and its machine would
//! overflow the stack.

use std::collections::{BTreeMap, BTreeSet};

use regorus::rvm::instructions::Instruction;
use regorus::rvm::program::Program;

/// Refuses a program whose rules call themselves.
///
/// # Errors
/// The name of a rule that does.
pub(super) fn refuse_recursion(program: &Program) -> Result<(), String> {
    let mut calls: BTreeMap<u16, BTreeSet<u16>> = BTreeMap::new();
    let mut current = None;
    for instruction in &program.instructions {
        let called = match instruction {
            Instruction::RuleInit { rule_index, .. } => {
                current = Some(*rule_index);
                continue;
            }
            Instruction::CallRule { rule_index, .. } => Some(*rule_index),
            Instruction::FunctionCall { params_index } => program
                .instruction_data
                .get_function_call_params(*params_index)
                .map(|call| call.func_rule_index),
            _ => None,
        };
        if let (Some(caller), Some(called)) = (current, called) {
            calls.entry(caller).or_default().insert(called);
        }
    }
    // What calls nothing that is left cannot be part of a circle.
    loop {
        let before = calls.len();
        let left: BTreeSet<u16> = calls.keys().copied().collect();
        calls.retain(|_, called| called.iter().any(|rule| left.contains(rule)));
        if calls.len() == before {
            break;
        }
    }
    let Some(rule) = calls.keys().next().and_then(|place| program.rule_infos.get(usize::from(*place))) else {
        return Ok(());
    };
    Err(format!("rego_recursion_error: the rule {} calls itself, or a rule that does", rule.name))
}
