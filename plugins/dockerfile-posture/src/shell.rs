//! The commands of `RUN`, as far as they can be told apart without being a shell.

use crate::body::File;

/// Most commands of a file that are looked at.
const COMMANDS_MAX: usize = 20_000;

/// One command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Command {
    /// Place of its instruction.
    pub(crate) at: String,
    /// Name and arguments, without quotes, and without assignments and `sudo` before them.
    pub(crate) words: Vec<String>,
    /// Assignments before the name.
    pub(crate) set: Vec<String>,
    pub(crate) sudo: bool,
    /// Whether what the command before prints is read by this one.
    pub(crate) piped: bool,
}

impl Command {
    /// Name of the program, without its folder.
    pub(crate) fn name(&self) -> &str {
        self.words.first().map(|name| name.rsplit('/').next().unwrap_or(name)).unwrap_or_default()
    }

    /// Arguments that are no options.
    pub(crate) fn plain(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(1).map(String::as_str).filter(|word| !word.starts_with('-'))
    }

    /// Whether one of the arguments is this.
    pub(crate) fn has(&self, wanted: &str) -> bool {
        self.words.iter().skip(1).any(|word| word == wanted)
    }

    /// Whether a short option is given, alone or among others.
    pub(crate) fn flag(&self, letter: char) -> bool {
        self.words.iter().skip(1).any(|word| {
            word.strip_prefix('-')
                .is_some_and(|letters| !letters.starts_with('-') && letters.contains(letter))
        })
    }
}

/// Every command of every `RUN`.
pub(crate) fn commands(file: &File) -> Vec<Command> {
    let mut all = Vec::new();
    for (at, run) in file.all("RUN") {
        if run.form == "exec" {
            // `["sh", "-c", "…"]` is what the shell form would be.
            match run.args.as_slice() {
                [_, flag, text] if flag.ends_with('c') && flag.starts_with('-') => split(&at, text, &mut all),
                words => all.push(command(&at, words.to_vec(), false)),
            }
        } else {
            split(&at, &run.text, &mut all);
            run.heredocs.iter().for_each(|text| split(&at, text, &mut all));
        }
        if all.len() > COMMANDS_MAX {
            all.truncate(COMMANDS_MAX);
            break;
        }
    }
    all
}

fn split(at: &str, text: &str, all: &mut Vec<Command>) {
    let (mut words, mut word, mut quote, mut piped) = (Vec::new(), None::<String>, None::<char>, false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some('"') | None, '\\') => {
                let next = characters.next().filter(|next| *next != '\n');
                word.get_or_insert_default().extend(next);
            }
            (Some(_), _) => word.get_or_insert_default().push(character),
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => while characters.next_if(|next| *next != '\n').is_some() {},
            (None, '&' | '|' | ';' | '\n' | '(' | ')') if !(character == '(' && word.is_some()) => {
                // `2>&1` and `&>` are redirections.
                let redirect = character == '&'
                    && (word.as_deref().is_some_and(|word| word.ends_with('>'))
                        || characters.peek() == Some(&'>'));
                if redirect {
                    word.get_or_insert_default().push(character);
                    continue;
                }
                words.extend(word.take());
                let double = characters.next_if_eq(&character).is_some();
                if !words.is_empty() {
                    all.push(command(at, std::mem::take(&mut words), piped));
                    piped = false;
                }
                piped = character == '|' && !double || piped && character == '\n';
            }
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    if !words.is_empty() {
        all.push(command(at, words, piped));
    }
}

fn command(at: &str, words: Vec<String>, piped: bool) -> Command {
    let mut command = Command { at: at.to_owned(), piped, ..Command::default() };
    for word in words {
        if !command.words.is_empty() {
            command.words.push(word);
            continue;
        }
        let name = word.split_once('=').map(|(name, _)| name).filter(|name| !name.is_empty());
        let assigned =
            name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
        match word.as_str() {
            _ if assigned => command.set.push(word),
            "sudo" => command.sudo = true,
            "then" | "do" | "else" | "if" | "!" | "{" | "}" | "while" | "exec" | "env" | "command"
            | "time" => {}
            option if command.sudo && option.starts_with('-') => {}
            _ => command.words.push(word),
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::{Command, split};

    fn all(text: &str) -> Vec<Command> {
        let mut all = Vec::new();
        split("x", text, &mut all);
        all
    }

    #[test]
    fn commands_are_told_apart() {
        let words = |text| all(text).into_iter().map(|one| one.words.join(" ")).collect::<Vec<_>>();
        assert_eq!(words("a b && c 'd && e' || f; g # h\ni"), ["a b", "c d && e", "f", "g", "i"]);
        assert_eq!(words("a > /dev/null 2>&1 && (cd x && b)"), ["a > /dev/null 2>&1", "cd x", "b"]);
        assert_eq!(words("X=1 Y=2 env sudo -E apt-get update"), ["apt-get update"]);
        assert_eq!(words("if ! a; then b; fi"), ["a", "b", "fi"]);
        let piped: Vec<bool> = all("a | b || c | \n d").into_iter().map(|one| one.piped).collect();
        assert_eq!(piped, [false, true, false, true]);
        assert_eq!(all("A=b")[0].set, ["A=b"]);
    }
}
