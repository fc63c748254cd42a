//! Where the blocks of resources stand in `.tf` files. A scan of lines, as the language itself is not evaluated here.

use std::collections::BTreeMap;

use crate::text::folder;
use crate::tree::Tree;

/// Largest file, in bytes, and most blocks.
const BYTES_MAX: usize = 4 << 20;
const BLOCKS_MAX: usize = 200_000;

/// Blocks by type and name.
#[derive(Debug, Default)]
pub(crate) struct Blocks(BTreeMap<(String, String), Vec<(String, u32)>>);

impl Blocks {
    pub(crate) fn read(tree: &Tree) -> Self {
        let (mut blocks, mut count) = (BTreeMap::<_, Vec<_>>::new(), 0);
        for path in tree.files().filter(|path| path.ends_with(".tf")) {
            // A file that cannot be read only costs the line.
            let Ok(bytes) = tree.bytes(path, BYTES_MAX) else { continue };
            for (kind, name, line) in blocks_of(&String::from_utf8_lossy(&bytes)) {
                count += 1;
                if count > BLOCKS_MAX {
                    return Self(blocks);
                }
                blocks.entry((kind, name)).or_default().push((path.to_owned(), line));
            }
        }
        Self(blocks)
    }

    /// File and line of a block: the one in the folder of its module, or else the only one that there is.
    pub(crate) fn find(&self, kind: &str, name: &str, module: Option<&str>) -> Option<(&str, u32)> {
        let all = self.0.get(&(kind.to_owned(), name.to_owned()))?;
        let here: Vec<_> = all.iter().filter(|(path, _)| Some(folder(path)) == module).collect();
        let found = match (here.as_slice(), all.as_slice()) {
            ([only], _) => *only,
            ([], [only]) => only,
            _ => return None,
        };
        Some((&found.0, found.1))
    }
}

/// `resource "TYPE" "NAME"` at the beginning of a line, outside of comments and here-documents.
fn blocks_of(text: &str) -> Vec<(String, String, u32)> {
    let (mut all, mut comment, mut document) = (Vec::new(), false, None::<String>);
    for (number, line) in (1..).zip(text.lines()) {
        let trimmed = line.trim();
        if let Some(end) = &document {
            if trimmed == end {
                document = None;
            }
            continue;
        }
        if comment {
            comment = !trimmed.contains("*/");
            continue;
        }
        if trimmed.starts_with("/*") {
            comment = !trimmed.contains("*/");
            continue;
        }
        let word = trimmed.rsplit_once("<<").map(|(_, word)| word.trim_start_matches('-'));
        let plain = |word: &&str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        document = word.filter(plain).filter(|_| !trimmed.starts_with(['#', '/'])).map(str::to_owned);
        let mut quoted = trimmed.split('"');
        if quoted.next().map(str::trim) == Some("resource")
            && let (Some(kind), Some(gap), Some(name)) = (quoted.next(), quoted.next(), quoted.next())
            && gap.trim().is_empty()
        {
            all.push((kind.to_owned(), name.to_owned(), number));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::blocks_of;

    #[test]
    fn blocks_are_found_outside_of_comments_and_documents() {
        let text = "# resource \"a\" \"no\" {\nresource \"a\" \"one\" {\n  x = <<-EOT\nresource \"a\" \"no\" {\n  EOT\n}\n/* x\nresource \"a\" \"no\" {\n*/\n  resource   \"b\"   \"two\" {}\ndata \"a\" \"no\" {}\n";
        let found = blocks_of(text);
        assert_eq!(found, [("a".to_owned(), "one".to_owned(), 2), ("b".to_owned(), "two".to_owned(), 10)]);
    }
}
