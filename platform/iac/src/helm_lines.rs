//! Which line of a template a rendered line came from, where there is only one that it can be.

use std::collections::HashMap;

/// Lines of a template by what is written there.
#[derive(Debug)]
pub(crate) struct Template {
    /// Whole lines, without indentation; nothing where there are two.
    whole: HashMap<String, Option<u32>>,
    /// Keys of lines that have one.
    keys: HashMap<String, Option<u32>>,
}

impl Template {
    pub(crate) fn new(text: &str) -> Self {
        let mut template = Self { whole: HashMap::new(), keys: HashMap::new() };
        for (number, line) in (1..).zip(text.lines()) {
            let once = |there: &mut Option<u32>| *there = None;
            template.whole.entry(line.trim().to_owned()).and_modify(once).or_insert(Some(number));
            if let Some(key) = key(line) {
                template.keys.entry(key.to_owned()).and_modify(once).or_insert(Some(number));
            }
        }
        template
    }

    /// The one line that says the same, or else the one that has the same key.
    pub(crate) fn line(&self, rendered: &str) -> Option<u32> {
        if let Some(found) = self.whole.get(rendered.trim()) {
            return *found;
        }
        *self.keys.get(key(rendered)?)?
    }
}

/// The key of a line in block form, quoted or not, behind the dash of a list.
fn key(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches("- ").trim_start();
    let (key, rest) = line.split_once(':')?;
    let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./\"'".contains(&byte));
    let key = key.trim_matches(['"', '\'']);
    (plain && !key.is_empty() && (rest.is_empty() || rest.starts_with(' '))).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::Template;

    #[test]
    fn a_line_is_found_where_it_can_only_be_one() {
        let template = Template::new(
            "kind: Pod\nspec:\n  {{- if .Values.x }}\n  hostPID: {{ .Values.pid }}\n  containers:\n  - name: a\n    image: {{ .Values.image }}\n  - name: b\n    image: nginx\n    \"tty\": true\n",
        );
        let cases = [
            ("kind: Pod", Some(1)),
            ("  hostPID: true", Some(4)),
            ("  - name: b", Some(8)),
            // Two lines have that key.
            ("    image: other", None),
            ("    image: nginx", Some(9)),
            ("      tty: false", Some(10)),
            ("  hostIPC: true", None),
            ("", None),
        ];
        for (line, wanted) in cases {
            assert_eq!(template.line(line), wanted, "{line}");
        }
    }
}
