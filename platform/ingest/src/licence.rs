//! Which licence texts may stand as SPDX identifiers.
//!
//! CycloneDX and SPDX both refuse a document whose licence id is not on the SPDX list. Only ids of this short list are
//! written as ids; every other text is written in the form that each format keeps for free text, so that an unknown id
//! costs a little comfort and never the validity of the document.

/// Identifiers that cover nearly all packages of distributions and language registries.
const KNOWN: [&str; 49] = [
    "0BSD",
    "AFL-2.1",
    "AFL-3.0",
    "AGPL-3.0-only",
    "AGPL-3.0-or-later",
    "Apache-1.1",
    "Apache-2.0",
    "Artistic-1.0-Perl",
    "Artistic-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSD-4-Clause",
    "BSL-1.0",
    "bzip2-1.0.6",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC0-1.0",
    "CDDL-1.0",
    "CDDL-1.1",
    "curl",
    "EPL-1.0",
    "EPL-2.0",
    "GFDL-1.3-or-later",
    "GPL-1.0-or-later",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "ISC",
    "LGPL-2.0-or-later",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "MIT",
    "MIT-0",
    "MPL-1.1",
    "MPL-2.0",
    "OFL-1.1",
    "OpenSSL",
    "PSF-2.0",
    "Python-2.0",
    "Ruby",
    "Unicode-3.0",
    "Unlicense",
    "WTFPL",
    "Zlib",
    "ZPL-2.1",
];

/// Whether the text is an SPDX identifier that every reader knows.
pub(crate) fn is_known(text: &str) -> bool {
    KNOWN.contains(&text)
}
