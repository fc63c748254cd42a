//! Logs text that would colour, erase and reverse the operator's screen, and lines that look like another's.

use contract::host::log::{Level, write};
use contract::{Assessment, AssetResource, Error};

contract::posture!(check);

const LINES: [&str; 9] = [
    "\u{1b}[2J\u{1b}[31mred",
    "\u{9b}31mred in one character",
    "\u{1b}]0;title\u{7}",
    "over\rwritten",
    "two\nlines",
    "nul\0byte",
    "\u{202e}desrever\u{2066}",
    "back\u{8}\u{7f}space",
    "\u{feff}\u{200b}\u{e0041}unseen",
];

fn check(_resources: Vec<AssetResource>) -> Result<Assessment, Error> {
    for line in LINES {
        write(Level::Info, line);
    }
    let results = LINES.iter().map(|line| contract::failed(line)).collect();
    Ok(Assessment { results, problems: Vec::new() })
}
