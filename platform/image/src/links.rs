//! Links inside one layer.
//!
//! A hard link is another name of a file that stands earlier in the same layer; its content has to be read for the
//! new name too. A symbolic link matters where a path that an interest names exactly leads through it. Both may point
//! at a file that nobody wanted under its own name and that is gone from the stream: it is read in a second pass.

use std::collections::{HashMap, VecDeque};

/// Symbolic links followed for one path, as in Linux (`MAXSYMLINKS`).
const SYMLINKS_MAX: usize = 40;

/// Bytes of a path under way; beyond it Linux gives up (`PATH_MAX`), and no entry has such a name.
const PATH_BYTES_MAX: usize = 4096;

/// Hard links to hard links followed; tar writers link to the first name, so one is the rule.
const HARD_LINKS_MAX: usize = 40;

/// Links of one layer, by path.
#[derive(Debug, Default)]
pub(crate) struct Links {
    symbolic: HashMap<String, String>,
    hard: HashMap<String, String>,
    bytes: usize,
    bytes_max: usize,
    /// Links that found no room.
    pub(crate) dropped: u64,
}

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Leads {
    To(String),
    Circle,
}

impl Links {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, ..Self::default() }
    }

    pub(crate) fn add_symbolic(&mut self, path: &str, target: &str) {
        if self.room(path, target) {
            self.hard.remove(path);
            self.symbolic.insert(path.to_owned(), target.to_owned());
        }
    }

    pub(crate) fn add_hard(&mut self, path: &str, target: &str) {
        if self.room(path, target) {
            self.symbolic.remove(path);
            self.hard.insert(path.to_owned(), target.to_owned());
        }
    }

    /// The path is something else now.
    pub(crate) fn forget(&mut self, path: &str) {
        if !self.symbolic.is_empty() {
            self.symbolic.remove(path);
        }
        if !self.hard.is_empty() {
            self.hard.remove(path);
        }
    }

    pub(crate) fn is_symbolic(&self, path: &str) -> bool {
        self.symbolic.contains_key(path)
    }

    /// Hard links, in the order of their paths.
    pub(crate) fn hard(&self) -> Vec<&str> {
        let mut paths: Vec<_> = self.hard.keys().map(String::as_str).collect();
        paths.sort_unstable();
        paths
    }

    /// The first name of a hard-linked file.
    pub(crate) fn follow_hard(&self, path: &str) -> Leads {
        let mut current = path;
        for _ in 0..HARD_LINKS_MAX {
            match self.hard.get(current) {
                Some(target) => current = target,
                None => return Leads::To(current.to_owned()),
            }
        }
        Leads::Circle
    }

    /// Where a path leads when every component that is a symbolic link is followed. The root is the root: `..` above
    /// it stays, and absolute targets start there.
    pub(crate) fn follow_symbolic(&self, path: &str) -> Leads {
        let mut ahead: VecDeque<&str> = path.split('/').collect();
        let mut reached = String::new();
        let mut followed = 0;
        while let Some(component) = ahead.pop_front() {
            match component {
                "" | "." => continue,
                ".." => {
                    reached.truncate(parent_length(&reached));
                    continue;
                }
                name => {
                    if !reached.is_empty() {
                        reached.push('/');
                    }
                    reached.push_str(name);
                }
            }
            if reached.len() > PATH_BYTES_MAX {
                return Leads::To(reached);
            }
            let Some(target) = self.symbolic.get(&reached) else { continue };
            followed += 1;
            if followed > SYMLINKS_MAX {
                return Leads::Circle;
            }
            reached.truncate(if target.starts_with('/') { 0 } else { parent_length(&reached) });
            for component in target.split('/').rev() {
                ahead.push_front(component);
            }
        }
        Leads::To(reached)
    }

    fn room(&mut self, path: &str, target: &str) -> bool {
        // About what two strings and a slot of the map cost beyond their letters.
        const OVERHEAD: usize = 80;
        self.bytes += path.len() + target.len() + OVERHEAD;
        let fits = self.bytes <= self.bytes_max;
        self.dropped += u64::from(!fits);
        fits
    }
}

fn parent_length(path: &str) -> usize {
    path.rfind('/').unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(pairs: &[(&str, &str)]) -> Links {
        let mut links = Links::new(1 << 20);
        for (path, target) in pairs {
            links.add_symbolic(path, target);
        }
        links
    }

    fn leads(pairs: &[(&str, &str)], path: &str) -> Leads {
        links(pairs).follow_symbolic(path)
    }

    fn to(path: &str) -> Leads {
        Leads::To(path.to_owned())
    }

    #[test]
    fn links_are_followed_inside_the_root() {
        assert_eq!(leads(&[], "a/b"), to("a/b"));
        assert_eq!(
            leads(&[("etc/os-release", "../usr/lib/os-release")], "etc/os-release"),
            to("usr/lib/os-release")
        );
        assert_eq!(leads(&[("lib", "usr/lib")], "lib/apk/db"), to("usr/lib/apk/db"));
        assert_eq!(leads(&[("a", "/x/y")], "a/b"), to("x/y/b"));
        assert_eq!(leads(&[("a", "../../../etc/shadow")], "a"), to("etc/shadow"));
        assert_eq!(leads(&[("a", "b"), ("b", "c/."), ("c", "d//e")], "a/f"), to("d/e/f"));
    }

    #[test]
    fn circles_end() {
        assert_eq!(leads(&[("a", "b"), ("b", "a")], "a"), Leads::Circle);
        assert_eq!(leads(&[("a", "a/a")], "a"), Leads::Circle);
        assert_eq!(leads(&[("a", "a")], "a/b"), Leads::Circle);
        let mut hard = Links::new(1 << 20);
        hard.add_hard("a", "b");
        hard.add_hard("b", "a");
        assert_eq!(hard.follow_hard("a"), Leads::Circle);
        assert_eq!(hard.follow_hard("c"), to("c"));
    }

    #[test]
    fn a_path_that_grows_without_end_ends() {
        let deep = "a/".repeat(1 << 19);
        let Leads::To(reached) = leads(&[("etc", &deep)], "etc/os-release") else { panic!("no circle") };
        assert!(reached.len() <= PATH_BYTES_MAX + 2);
    }

    #[test]
    fn room_is_bounded() {
        let mut links = Links::new(1000);
        for number in 0..1000 {
            links.add_hard(&format!("{number}"), "t");
        }
        assert!(links.hard().len() < 20 && links.dropped > 900);
    }
}
