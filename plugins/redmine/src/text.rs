//! Texts of an issue. What findings say comes from feeds and scanned files: it stands in a block that formats nothing, bounded.

use crate::settings::Markup;
use crate::{Member, Wanted};

/// Longest subject that Redmine takes, in characters.
const SUBJECT_MAX: usize = 255;
/// Longest line about a finding, in characters.
const LINE_MAX: usize = 400;

/// Title and marker.
pub(crate) fn subject(wanted: &Wanted) -> String {
    let marker = format!(" ({})", wanted.marker);
    let room = SUBJECT_MAX.saturating_sub(marker.chars().count());
    line(&format!("[{}] {}", wanted.severity, wanted.title), room) + &marker
}

/// What is to be done.
pub(crate) fn description(wanted: &Wanted, markup: Markup) -> String {
    let mut lines = vec![format!("Findings: {}", wanted.total)];
    lines.extend(wanted.owner.as_ref().map(|owner| format!("Owner: {owner}")));
    lines.push(String::new());
    lines.extend(wanted.members.iter().map(of_member));
    let others = wanted.total.saturating_sub(wanted.members.len() as u64);
    if others > 0 {
        lines.push(format!("and {others} more"));
    }
    let lines: Vec<String> = lines.iter().map(|one| line(one, LINE_MAX)).collect();
    block(&lines.join("\n"), markup)
}

fn of_member(member: &Member) -> String {
    let mut text = format!("{} {}: {} on {}", member.severity, member.rule, member.title, member.asset);
    if let Some(package) = &member.package {
        text += &format!("; package {package} {}", member.version.as_deref().unwrap_or_default());
    }
    if let Some(version) = member.fixed.first() {
        text += &format!("; mended in {version}");
    }
    text
}

/// One line without control characters, at most so many characters.
fn line(text: &str, most: usize) -> String {
    let flat: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if flat.chars().count() <= most {
        return flat;
    }
    let mut cut: String = flat.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Text in which nothing has a meaning. What would end the block is broken.
fn block(text: &str, markup: Markup) -> String {
    match markup {
        Markup::Markdown => format!("~~~~\n{}\n~~~~", text.replace("~~~", "~ ~ ~")),
        Markup::Textile => format!("<pre>\n{}\n</pre>", text.replace("</", "< /")),
    }
}
