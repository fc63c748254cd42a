//! The report as one HTML page.

use std::fmt::Write as _;

use super::Report;
use super::block::{Block, Table, visible};
use super::content::blocks;

/// Dark on light, tables that scroll by keyboard where they are too wide, and paper without what only a screen needs. Contrast of text is 7 to 1 and more.
const STYLE: &str = "\
:root{color-scheme:light}\
body{margin:0 auto;max-width:75rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff}\
h1,h2,h3{line-height:1.2}\
nav ul{padding-left:1.25rem}\
a{color:#0b3d91}\
a:focus-visible,div:focus-visible{outline:3px solid #0b3d91;outline-offset:2px}\
div{overflow-x:auto}\
table{border-collapse:collapse;width:100%;margin:1rem 0}\
caption{text-align:left;font-weight:600;padding:.25rem 0}\
th,td{border:1px solid #767676;padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere;min-width:3.5rem}\
thead th{background:#eef1f6;overflow-wrap:normal}\
tbody th{font-weight:600}\
@media print{body{max-width:none;padding:0;font-size:9pt}nav{display:none}div{overflow:visible}thead{display:table-header-group}tr{break-inside:avoid}h2,h3,caption{break-after:avoid}}";

/// The report as a page that fetches nothing and runs nothing.
#[must_use]
pub fn html(report: &Report<'_>) -> String {
    let blocks = blocks(report);
    let title = format!("Compliance evidence: {}", report.judged.assessment.scope);
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    let _ = writeln!(out, "<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>", escaped(&title));
    contents(&blocks, &mut out);
    out.push_str("<main>\n");
    let mut tables = 0;
    for (number, block) in blocks.iter().enumerate() {
        match block {
            Block::Heading(level, text) => {
                let _ = writeln!(out, "<h{level} id=\"s{number}\">{}</h{level}>", escaped(text));
            }
            Block::Paragraph(text) => {
                let _ = writeln!(out, "<p>{}</p>", escaped(text));
            }
            Block::Table(table) => {
                tables += 1;
                put_table(table, tables, &mut out);
            }
        }
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn contents(blocks: &[Block], out: &mut String) {
    out.push_str("<nav aria-label=\"Contents\">\n<ul>\n");
    for (number, block) in blocks.iter().enumerate() {
        if let Block::Heading(2, text) = block {
            let _ = writeln!(out, "<li><a href=\"#s{number}\">{}</a></li>", escaped(text));
        }
    }
    out.push_str("</ul>\n</nav>\n");
}

fn put_table(table: &Table, number: usize, out: &mut String) {
    let _ = writeln!(out, "<div role=\"region\" aria-labelledby=\"t{number}\" tabindex=\"0\">\n<table>");
    let _ = writeln!(out, "<caption id=\"t{number}\">{}</caption>\n<thead>\n<tr>", escaped(&table.caption));
    for (heading, _) in &table.columns {
        let _ = writeln!(out, "<th scope=\"col\">{}</th>", escaped(heading));
    }
    out.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (place, cell) in row.iter().enumerate() {
            let (open, close) = if place == 0 { ("<th scope=\"row\">", "</th>") } else { ("<td>", "</td>") };
            let _ = write!(out, "{open}{}{close}", escaped(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in visible(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
