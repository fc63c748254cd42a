//! Dockerfiles as BuildKit reads them (`frontend/dockerfile/parser`): instructions with their lines, in stages.

use std::collections::{BTreeMap, BTreeSet};

use model::{Gap, GapCode};
use serde_json::{Map, Value, json};
use yaml::Lines;

use crate::text::{gap, name, shown};
use crate::tree::Tree;
use crate::{Document, Origin, dockerignore};

/// Largest Dockerfile, in bytes.
pub const DOCKERFILE_BYTES_MAX: usize = 1 << 20;

/// Most instructions of a file.
const INSTRUCTIONS_MAX: usize = 5_000;

/// Endings of files beside Dockerfiles that are none.
const OTHERS: [&str; 4] = [".dockerignore", ".md", ".txt", ".orig"];

/// Every Dockerfile of a tree.
pub(crate) fn read(tree: &Tree, documents: &mut Vec<Document>, gaps: &mut BTreeSet<Gap>) {
    for path in tree.files().filter(|path| is_dockerfile(path)) {
        let ignored = dockerignore::of(tree, path);
        let parsed = tree.bytes(path, DOCKERFILE_BYTES_MAX).and_then(|bytes| {
            parse_dockerfile(&bytes, ignored).map_err(|problem| gap(GapCode::ParseError, path, problem))
        });
        let (body, lines) = match parsed {
            Ok(parsed) => parsed,
            Err(gap) => {
                gaps.insert(gap);
                continue;
            }
        };
        documents.push(Document {
            file: path.to_owned(),
            kind: "dockerfile".to_owned(),
            path: path.to_owned(),
            asset: format!("dockerfile:{path}"),
            body: body.to_string().into_bytes().into(),
            lines,
            origin: Origin::Written,
        });
    }
}

fn is_dockerfile(path: &str) -> bool {
    let name = name(path).to_ascii_lowercase();
    let named = name == "dockerfile" || name == "containerfile" || name.ends_with(".dockerfile");
    let varied = name.starts_with("dockerfile.") || name.starts_with("containerfile.");
    named || varied && !OTHERS.iter().any(|ending| name.ends_with(ending))
}

/// Reads a Dockerfile. The body is `{"globals": [INSTRUCTION], "stages": [STAGE], "dockerignore": [PATTERN] or null}`. A stage has `from` with
/// defaults of arguments put in, `reference` as it is written, `as`, `platform`, `base` (the number of the stage that it builds on),
/// `line` and `instructions`. An instruction has `op` in capitals, `form` (`exec`, `shell`), `args`, `flags`, `text` with its lines
/// joined, `heredocs` and `line`.
///
/// # Errors
/// A sentence about why the bytes are no Dockerfile.
pub fn parse_dockerfile(bytes: &[u8], ignored: Option<Vec<String>>) -> Result<(Value, Lines), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the file is no UTF-8 text".to_owned())?;
    let mut instructions = instructions(text.strip_prefix('\u{feff}').unwrap_or(text))?;
    let first = instructions.iter().position(|one| one.op == "FROM");
    let first = first.ok_or("the file has no FROM, so it is no Dockerfile")?;
    let rest = instructions.split_off(first);
    let globals = instructions;
    if let Some(odd) = globals.iter().find(|one| one.op != "ARG") {
        return Err(format!("line {}: {} stands before FROM", odd.line, shown(&odd.op)));
    }
    let mut lines = Lines::at(rest.first().map_or(1, |from| from.line));
    for (place, global) in globals.iter().enumerate() {
        lines.set(&format!("/globals/{place}"), global.line);
    }
    let arguments = defaults(&globals);
    let mut stages: Vec<Stage> = Vec::new();
    for instruction in rest {
        if instruction.op == "FROM" {
            lines.set(&format!("/stages/{}", stages.len()), instruction.line);
            let stage = Stage::new(&instruction, &arguments, &stages);
            stages.push(stage);
        } else if let Some(stage) = stages.len().checked_sub(1).and_then(|last| stages.get_mut(last)) {
            stage.instructions.push(instruction);
        }
    }
    for (number, stage) in stages.iter().enumerate() {
        for (place, instruction) in stage.instructions.iter().enumerate() {
            lines.set(&format!("/stages/{number}/instructions/{place}"), instruction.line);
        }
    }
    let all = |of: &[Instruction]| of.iter().map(Instruction::value).collect::<Vec<_>>();
    let stages: Vec<Value> = stages
        .iter()
        .map(|stage| {
            let mut value = stage.head.clone();
            value.insert("instructions".to_owned(), all(&stage.instructions).into());
            Value::Object(value)
        })
        .collect();
    Ok((json!({ "globals": all(&globals), "stages": stages, "dockerignore": ignored }), lines))
}

/// One instruction.
struct Instruction {
    op: String,
    flags: Map<String, Value>,
    text: String,
    heredocs: Vec<String>,
    line: u32,
    escape: char,
}

impl Instruction {
    /// The list of the JSON form, if it is written so.
    fn list(&self) -> Option<Vec<String>> {
        let json = self.text.trim();
        json.starts_with('[').then(|| serde_json::from_str(json).ok()).flatten()
    }

    fn value(&self) -> Value {
        let (form, args) = match self.list() {
            Some(list) => ("exec", list),
            None => ("shell", words(&self.text, self.escape)),
        };
        let mut value = json!({
            "op": self.op, "form": form, "args": args, "flags": self.flags, "text": self.text, "line": self.line,
        });
        if let (false, Some(value)) = (self.heredocs.is_empty(), value.as_object_mut()) {
            value.insert("heredocs".to_owned(), self.heredocs.clone().into());
        }
        value
    }
}

struct Stage {
    head: Map<String, Value>,
    name: Option<String>,
    instructions: Vec<Instruction>,
}

impl Stage {
    fn new(from: &Instruction, arguments: &BTreeMap<String, String>, before: &[Self]) -> Self {
        let words = words(&from.text, from.escape);
        let reference = words.first().cloned().unwrap_or_default();
        let resolved = expand(&reference, arguments);
        let named = words.get(1).is_some_and(|word| word.eq_ignore_ascii_case("as"));
        let name = words.get(2).filter(|_| named).cloned();
        let same =
            |stage: &Self| stage.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&resolved));
        let mut head = Map::new();
        head.insert("base".to_owned(), before.iter().rposition(same).into());
        head.insert("from".to_owned(), resolved.into());
        head.insert("reference".to_owned(), reference.into());
        head.insert("as".to_owned(), name.clone().into());
        head.insert("platform".to_owned(), from.flags.get("platform").cloned().unwrap_or_default());
        head.insert("line".to_owned(), from.line.into());
        Self { head, name, instructions: Vec::new() }
    }
}

/// Lines with their numbers, and the character that continues them.
struct Reader<'a> {
    lines: std::iter::Zip<std::ops::RangeFrom<u32>, std::str::Lines<'a>>,
    escape: char,
}

fn instructions(text: &str) -> Result<Vec<Instruction>, String> {
    let mut reader = Reader { lines: (1..).zip(text.lines()), escape: escape(text) };
    let mut all = Vec::new();
    while let Some((line, text)) = reader.logical() {
        if all.len() >= INSTRUCTIONS_MAX {
            return Err(format!("line {line}: there are more than {INSTRUCTIONS_MAX} instructions"));
        }
        let (op, rest) = text.split_once(|character: char| character.is_whitespace()).unwrap_or((&text, ""));
        if op.is_empty() || !op.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(format!("line {line}: {} is no instruction", shown(op)));
        }
        let op = op.to_ascii_uppercase();
        let (flags, rest) = flags(rest.trim());
        let heredocs = if matches!(op.as_str(), "RUN" | "COPY" | "ADD") {
            reader.heredocs(rest, line)?
        } else {
            Vec::new()
        };
        all.push(Instruction { op, flags, text: rest.to_owned(), heredocs, line, escape: reader.escape });
    }
    Ok(all)
}

/// Parser directives stand before everything else, one a line.
fn escape(text: &str) -> char {
    for line in text.lines() {
        let Some((key, value)) = line.trim().strip_prefix('#').and_then(|line| line.split_once('=')) else {
            break;
        };
        if key.trim().eq_ignore_ascii_case("escape") {
            return if value.trim() == "`" { '`' } else { '\\' };
        }
        if !key.trim().bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            break;
        }
    }
    '\\'
}

impl Reader<'_> {
    /// The next instruction with its continuations. Comments and empty lines between them are dropped.
    fn logical(&mut self) -> Option<(u32, String)> {
        let (mut begin, mut text) = (None, String::new());
        for (number, line) in self.lines.by_ref() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            begin = begin.or(Some(number));
            match line.trim_end().strip_suffix(self.escape) {
                // As BuildKit does it: with nothing between, but with the next line's indentation.
                Some(part) => text.push_str(part),
                None => {
                    text.push_str(line);
                    break;
                }
            }
        }
        Some((begin?, text.trim().to_owned()))
    }

    /// The contents of here-documents that an instruction announces.
    fn heredocs(&mut self, text: &str, line: u32) -> Result<Vec<String>, String> {
        let mut all = Vec::new();
        for (word, tabs) in announced(text) {
            let mut content = String::new();
            loop {
                let Some((_, next)) = self.lines.next() else {
                    return Err(format!("line {line}: the here-document {} does not end", shown(&word)));
                };
                let next = if tabs { next.trim_start_matches('\t') } else { next };
                if next == word {
                    break;
                }
                content.push_str(next);
                content.push('\n');
            }
            all.push(content);
        }
        Ok(all)
    }
}

/// The words that end here-documents, and whether tabs before lines are dropped.
fn announced(text: &str) -> Vec<(String, bool)> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<<") {
        rest = after;
        // `<<<` gives a text, no document.
        if after.starts_with('<') {
            rest = after.trim_start_matches('<');
            continue;
        }
        let attached =
            before.chars().next_back().is_none_or(|last| last.is_whitespace() || last.is_ascii_digit());
        let (tabs, word) = after.strip_prefix('-').map_or((false, after), |word| (true, word));
        let quote = word.chars().next().filter(|first| matches!(first, '"' | '\''));
        let word = quote.map_or(word, |quote| word.strip_prefix(quote).unwrap_or(word));
        let end = word
            .find(|last: char| !(last.is_ascii_alphanumeric() || last == '_' || last == '-' || last == '.'));
        let word = word.get(..end.unwrap_or(word.len())).unwrap_or_default();
        if attached && word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
            all.push((word.to_owned(), tabs));
        }
    }
    all
}

/// `--name=value` and `--name` before the arguments.
fn flags(text: &str) -> (Map<String, Value>, &str) {
    let (mut flags, mut rest) = (Map::new(), text);
    while let Some(flag) = rest.strip_prefix("--") {
        let (flag, after) =
            flag.split_once(|character: char| character.is_whitespace()).unwrap_or((flag, ""));
        let (name, value) = flag.split_once('=').unwrap_or((flag, "true"));
        if name.is_empty() {
            break;
        }
        flags.insert(name.to_owned(), value.into());
        rest = after.trim_start();
    }
    (flags, rest)
}

/// Words between spaces, quotes taken off.
fn words(text: &str, escape: char) -> Vec<String> {
    let (mut all, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None | Some('"'), _) if character == escape => {
                word.get_or_insert_default().extend(characters.next());
            }
            (None, _) if character.is_whitespace() => all.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    all.extend(word);
    all
}

/// Arguments before the first stage that have a default.
fn defaults(globals: &[Instruction]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for global in globals {
        for word in words(&global.text, global.escape) {
            if let Some((name, value)) = word.split_once('=') {
                let value = expand(value, &all);
                // A chain of arguments that double each other is no name of an image.
                all.insert(name.to_owned(), value.chars().take(1_000).collect());
            }
        }
    }
    all
}

/// Puts in variables that are known; others stay as they are written.
fn expand(text: &str, arguments: &BTreeMap<String, String>) -> String {
    let (mut out, mut rest) = (String::new(), text);
    // No name is longer, and a file of nothing but variables would be.
    while let Some((before, after)) = rest.split_once('$').filter(|_| out.len() < 4_096) {
        out.push_str(before);
        let (name, modifier, next) = match after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some((inside, next)) => {
                let end = inside.find(':').unwrap_or(inside.len());
                (inside.get(..end).unwrap_or_default(), inside.get(end..).unwrap_or_default(), next)
            }
            None => {
                let end = after
                    .find(|last: char| !(last.is_ascii_alphanumeric() || last == '_'))
                    .unwrap_or(after.len());
                (after.get(..end).unwrap_or_default(), "", after.get(end..).unwrap_or_default())
            }
        };
        let known = arguments.get(name).filter(|value| !value.is_empty());
        match (known, modifier.strip_prefix(":-"), modifier.strip_prefix(":+")) {
            (Some(_), _, Some(other)) => out.push_str(other),
            (Some(value), ..) => out.push_str(value),
            (None, Some(default), _) => out.push_str(default),
            (None, ..) => {
                let written = after.len() - next.len();
                out.push('$');
                out.push_str(after.get(..written).unwrap_or_default());
            }
        }
        rest = next;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
#[path = "dockerfile_tests.rs"]
mod tests;
