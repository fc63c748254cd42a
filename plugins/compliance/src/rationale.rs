//! Why a control stands where it stands, in one sentence that begins with the control's title.

use std::cmp::Reverse;

use crate::catalogue::{Assessment, Control};
use crate::judge::{Proof, Rules, Told};

/// Most rules that one clause names. The observations that a result names tell the others.
const RULES_NAMED_MAX: usize = 10;

pub(crate) fn rationale(control: &Control<'_>, rules: &Rules<'_, '_, '_>, proof: &Proof<'_>) -> String {
    let reasons = match control.assessment {
        Assessment::Manual => {
            vec!["only people can judge it, because nothing that the platform sees shows it".to_owned()]
        }
        Assessment::Automated | Assessment::Partly if control.rules.is_empty() => {
            vec!["nothing was checked, because no rule speaks to it yet".to_owned()]
        }
        Assessment::Automated | Assessment::Partly => reasons(control, rules, proof),
    };
    format!("{}: {}.", control.title, reasons.join("; "))
}

fn reasons(control: &Control<'_>, rules: &Rules<'_, '_, '_>, proof: &Proof<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    decided(control, rules, &mut reasons);
    let gaps: Vec<Told<'_, '_, '_>> =
        rules.pass.iter().filter(|(_, seen)| !seen.untold.is_empty()).copied().collect();
    for (what, rules) in [
        ("not checked everywhere", &gaps),
        ("could not be checked", &rules.untold),
        ("nothing in the scope to check", &rules.inapplicable),
        ("not observed", &rules.unseen),
    ] {
        if !rules.is_empty() {
            reasons.push(format!("{what}: {}", names(rules)));
        }
    }
    if proof.named.len() < proof.all {
        reasons.push(format!("named are {} of {} observations that decide", proof.named.len(), proof.all));
    }
    reasons
}

/// What the rules say that pass or fail.
fn decided(control: &Control<'_>, rules: &Rules<'_, '_, '_>, reasons: &mut Vec<String>) {
    let all = rules.fail.len() + rules.pass.len();
    let mut failing = rules.fail.clone();
    // The sort is stable: equally grave ones stay in the order of the catalogue.
    failing.sort_by_key(|(_, seen)| Reverse(seen.failed.first().map(|worst| worst.severity)));
    if let Some((gravest, _)) = failing.first() {
        reasons.push(gravest.why.trim_end_matches('.').to_owned());
        let verb = if failing.len() == 1 { "fails" } else { "fail" };
        reasons.push(format!("{} of {} {verb}: {}", failing.len(), could_tell(all), names(&failing)));
    } else if all == 0 {
        reasons.push("nothing was observed that could tell".to_owned());
    } else {
        let limits = match control.assessment {
            Assessment::Partly => ", which cannot show that all of the control is met",
            Assessment::Automated | Assessment::Manual => "",
        };
        let verb = if all == 1 { "passes" } else { "pass" };
        reasons.push(format!("{all} of {} {verb}{limits}", could_tell(all)));
    }
}

fn could_tell(count: usize) -> String {
    format!("{count} {} that could tell", if count == 1 { "rule" } else { "rules" })
}

fn names(rules: &[Told<'_, '_, '_>]) -> String {
    let named: Vec<&str> = rules.iter().take(RULES_NAMED_MAX).map(|(map, _)| map.rule.as_ref()).collect();
    match rules.len() - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
