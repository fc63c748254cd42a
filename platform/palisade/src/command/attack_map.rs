//! `palisade attack-map`: techniques of MITRE ATT&CK, the rules that name them, and what replayed tests prove.

use std::fmt::Write as _;

use anyhow::Result;
use attack::{Coverage, Map, Platform, Standing, standing};

use crate::attack_map::{built_in, proofs};
use crate::cli::{AttackMap, AttackPlatform, GraphFormat};
use crate::config::Config;
use crate::exit::Outcome;
use crate::output::{visible, write_document, write_stdout};

/// Runs the command. A test of the own rules that fails is an outcome, and so is a technique that ATT&CK does not have.
pub(crate) fn run(what: &AttackMap, config: &Config) -> Result<Outcome> {
    let own = if what.rules.is_empty() { Vec::new() } else { proofs(&what.rules, config)? };
    let base = if what.without_built_in { Map::new([]) } else { (*built_in()).clone() };
    let map = base.with(own);
    let platform = what.platform.map(|platform| match platform {
        AttackPlatform::Containers => Platform::Containers,
        AttackPlatform::Iaas => Platform::Iaas,
    });
    let coverage = Coverage::of(&map);
    if let Some(file) = &what.navigator {
        let layer = serde_json::to_string_pretty(&coverage.layer("Palisade", platform))?;
        write_document(&format!("{layer}\n"), Some(file))?;
    }
    let wrong = wrong(&map);
    match what.print {
        GraphFormat::Json => write_stdout(&format!("{}\n", serde_json::to_string_pretty(&map)?))?,
        GraphFormat::Table => write_stdout(&table(&coverage, platform, &wrong))?,
    }
    Ok(if wrong.is_empty() { Outcome::Clean } else { Outcome::PolicyFailed })
}

/// What keeps rules from being a proof, one line each.
fn wrong(map: &Map) -> Vec<String> {
    let mut wrong = Vec::new();
    for rule in &map.rules {
        for id in &rule.techniques {
            let standing = standing(id);
            if standing != Standing::Current {
                wrong.push(format!(
                    "{}: {} names {id}, which is {} in ATT&CK {}",
                    rule.file,
                    rule.rule,
                    standing.word(),
                    attack::VERSION
                ));
            }
        }
        if rule.failed > 0 {
            wrong.push(format!(
                "{}: {} tests of {} failed; `palisade rules test` tells more",
                rule.file, rule.failed, rule.rule
            ));
        }
    }
    wrong
}

fn table(coverage: &Coverage, platform: Option<Platform>, wrong: &[String]) -> String {
    let mut text =
        format!("{:<10} {:<46} {:>5} {:>6} {:>5}\n", "TECHNIQUE", "NAME", "RULES", "PROVED", "TESTS");
    let is_shown = |cell: &&attack::Cell| platform.is_some() || cell.is_covered() || !cell.rules.is_empty();
    for cell in coverage.cells(platform).filter(is_shown) {
        let through = match cell.is_direct() || cell.through.is_empty() {
            true => String::new(),
            false => format!("   through {}", cell.through.iter().copied().collect::<Vec<_>>().join(", ")),
        };
        let _ = writeln!(
            text,
            "{:<10} {:<46} {:>5} {:>6} {:>5}{through}",
            cell.technique.id,
            cell.technique.name,
            cell.rules.len(),
            cell.proofs.len(),
            cell.tests
        );
    }
    text.push('\n');
    for one in Platform::ALL.into_iter().filter(|one| platform.is_none_or(|platform| platform == *one)) {
        let counts = coverage.counts(one);
        let _ = writeln!(
            text,
            "{}: {} of {} techniques proved by replayed tests, {} with those that a sub-technique proves",
            one.name(),
            counts.direct,
            counts.techniques,
            counts.covered
        );
    }
    for line in wrong {
        let _ = writeln!(text, "wrong: {}", visible(line));
    }
    text
}
