//! Documents in the shapes that Syft and Trivy write, and documents written to hurt.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail it like the test itself"
)]

use ingest::{Bom, IngestError};
use model::{GapCode, Package, PackageType};
use serde_json::{Value, json};

fn read(document: &Value) -> Bom {
    ingest::read(document.to_string().as_bytes()).unwrap()
}

fn cyclonedx(components: Value) -> Value {
    json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "components": components })
}

fn find<'a>(bom: &'a Bom, name: &str) -> &'a Package {
    bom.packages.iter().find(|package| package.name == name).unwrap_or_else(|| panic!("{name} in {bom:#?}"))
}

fn codes(bom: &Bom) -> Vec<GapCode> {
    bom.gaps.iter().map(|gap| gap.code).collect()
}

#[test]
fn syft_cyclonedx() {
    let property = |name: &str, value: &str| json!({ "name": name, "value": value });
    let bom = read(&cyclonedx(json!([
        { "type": "library", "name": "libssl3", "version": "3.0.11-1~deb12u2", "bom-ref": "a",
          "purl": "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl",
          "licenses": [{ "license": { "id": "Apache-2.0" } }, { "license": { "name": "Artistic" } }],
          "properties": [property("syft:location:0:path", "/var/lib/dpkg/status"), property("syft:metadata:source", "openssl")] },
        { "type": "library", "group": "@babel", "name": "core", "version": "7.0.0", "purl": "pkg:npm/%40babel/core@7.0.0" },
        { "type": "library", "group": "org.apache", "name": "commons-io", "version": "2.1", "purl": "pkg:maven/org.apache/commons-io@2.1" },
        { "type": "library", "name": "github.com/A/b/v2", "version": "v2.0.0", "purl": "pkg:golang/github.com/A/b@v2.0.0#v2" },
        { "type": "file", "name": "/etc/passwd" },
        { "type": "operating-system", "name": "debian", "version": "12", "description": "Debian GNU/Linux 12 (bookworm)",
          "properties": [property("syft:distro:id", "debian"), property("syft:distro:versionID", "12"),
                         property("syft:distro:versionCodename", "bookworm")] },
    ])));
    let os = bom.os.as_ref().unwrap();
    assert_eq!(
        (os.id.as_str(), os.version.as_deref(), os.codename.as_deref()),
        ("debian", Some("12"), Some("bookworm"))
    );
    let ssl = find(&bom, "libssl3");
    assert_eq!(ssl.source.as_ref().unwrap().name, "openssl");
    assert_eq!(ssl.licenses, ["Apache-2.0", "Artistic"]);
    assert_eq!(ssl.evidence[0].path, "var/lib/dpkg/status");
    assert_eq!(
        ssl.purl,
        "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl"
    );
    assert_eq!(find(&bom, "@babel/core").kind, PackageType::Npm);
    assert_eq!(find(&bom, "org.apache:commons-io").version, "2.1");
    assert_eq!(find(&bom, "github.com/A/b/v2").kind, PackageType::Golang);
    assert_eq!((bom.packages.len(), bom.gaps.len()), (4, 0), "{:?}", bom.gaps);
}

#[test]
fn trivy_cyclonedx() {
    let bom = read(&cyclonedx(json!([
        { "type": "operating-system", "name": "redhat", "version": "9.1",
          "properties": [{ "name": "aquasecurity:trivy:Class", "value": "os-pkgs" }] },
        { "type": "library", "name": "openssl-libs", "version": "1:3.0.1-43.el9", "purl":
          "pkg:rpm/redhat/openssl-libs@3.0.1-43.el9?arch=x86_64&distro=redhat-9.1&epoch=1",
          "properties": [{ "name": "aquasecurity:trivy:SrcName", "value": "openssl" },
                         { "name": "aquasecurity:trivy:SrcVersion", "value": "3.0.1" },
                         { "name": "aquasecurity:trivy:SrcRelease", "value": "43.el9" },
                         { "name": "aquasecurity:trivy:SrcEpoch", "value": "1" }] },
        { "type": "application", "name": "app/package-lock.json",
          "properties": [{ "name": "aquasecurity:trivy:Type", "value": "npm" }] },
        { "type": "library", "group": "github.com/masterminds", "name": "semver", "version": "v3.2.0",
          "purl": "pkg:golang/github.com/masterminds/semver@v3.2.0" },
    ])));
    assert_eq!(bom.os.as_ref().unwrap().id, "rhel");
    let ssl = find(&bom, "openssl-libs");
    assert_eq!(ssl.version, "1:3.0.1-43.el9");
    let source = ssl.source.as_ref().unwrap();
    assert_eq!((source.name.as_str(), source.version.as_deref()), ("openssl", Some("1:3.0.1-43.el9")));
    assert_eq!((bom.packages.len(), bom.gaps.len()), (2, 0), "{:?}", bom.gaps);
}

#[test]
fn spdx_of_others() {
    let package = |id: &str, name: &str, version: &str, purl: &str, source: &str| {
        json!({ "SPDXID": id, "name": name, "versionInfo": version, "licenseDeclared": "MIT AND LicenseRef-x",
                "sourceInfo": source,
                "externalRefs": [{ "referenceCategory": "PACKAGE_MANAGER", "referenceType": "purl", "referenceLocator": purl }] })
    };
    let document = json!({
        "spdxVersion": "SPDX-2.3",
        "hasExtractedLicensingInfos": [{ "licenseId": "LicenseRef-x", "extractedText": "Some licence" }],
        "packages": [
            package("SPDXRef-1", "python3-yaml", "6.0-3", "pkg:deb/debian/python3-yaml@6.0-3?distro=debian-12",
                    "acquired package info from DPKG DB: /var/lib/dpkg/status"),
            package("SPDXRef-2", "PyYAML", "6.0", "pkg:pypi/pyyaml@6.0", ""),
            package("SPDXRef-3", "libc6", "2.36-9", "pkg:deb/debian/libc6@2.36-9?distro=debian-12", "built package from: glibc 2.36-9"),
            { "SPDXID": "SPDXRef-os", "name": "debian", "versionInfo": "12.4", "primaryPackagePurpose": "OPERATING-SYSTEM" },
            { "SPDXID": "SPDXRef-root", "name": "image", "primaryPackagePurpose": "CONTAINER" },
        ],
        "relationships": [
            { "spdxElementId": "SPDXRef-1", "relatedSpdxElement": "SPDXRef-2", "relationshipType": "OTHER",
              "comment": "ownership-by-file-overlap: the parent claims files of the child" },
            { "spdxElementId": "SPDXRef-2", "relatedSpdxElement": "SPDXRef-2", "relationshipType": "CONTAINS" },
        ],
    });
    let bom = read(&document);
    assert_eq!(bom.os.as_ref().unwrap().version.as_deref(), Some("12.4"));
    assert_eq!(find(&bom, "PyYAML").owner.as_ref().unwrap().name, "python3-yaml");
    assert_eq!(find(&bom, "libc6").source.as_ref().unwrap().name, "glibc");
    assert_eq!(find(&bom, "python3-yaml").evidence[0].path, "var/lib/dpkg/status");
    assert_eq!(find(&bom, "PyYAML").licenses, ["MIT", "Some licence"]);
    assert_eq!((bom.packages.len(), bom.gaps.len()), (3, 0), "{:?}", bom.gaps);
}

#[test]
fn the_distribution_is_the_one_that_packages_agree_on() {
    let deb = |name: &str, distro: &str| json!({ "type": "library", "name": name, "purl": format!("pkg:deb/debian/{name}@1?distro={distro}") });
    let bom = read(&cyclonedx(json!([
        deb("a", "debian-12"),
        deb("b", "debian-12"),
        deb("c", "debian-11"),
        deb("d", "bookworm")
    ])));
    assert_eq!(bom.os.as_ref().unwrap().version.as_deref(), Some("12"));
    let names: Vec<&str> = bom.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!((names, codes(&bom)), (vec!["a", "b", "d"], vec![GapCode::UnknownDistribution]));
    let homeless = read(&cyclonedx(json!([{ "type": "library", "name": "a", "purl": "pkg:deb/a@1" }])));
    assert_eq!((homeless.os.is_none(), codes(&homeless)), (true, vec![GapCode::UnknownDistribution]));
}

#[test]
fn what_nobody_judges_is_listed_and_said() {
    let bom = read(&cyclonedx(json!([
        { "type": "library", "name": "x", "version": "1", "purl": "pkg:swift/github.com/a/x@1" },
        { "type": "library", "name": "plain", "version": "2" },
        { "type": "library", "name": "bad", "version": "3", "purl": "pkg:npm/%zz" },
        { "type": "library", "name": "noversion", "purl": "pkg:npm/noversion" },
        { "type": "container", "name": "image", "purl": "pkg:oci/image@sha256:00" },
        { "type": 7 }, "text", null,
    ])));
    assert_eq!(bom.packages.len(), 4);
    let said: Vec<(GapCode, &str)> = bom.gaps.iter().map(|gap| (gap.code, gap.subject.as_str())).collect();
    let expected = [
        (GapCode::Unsupported, "components without a package URL"),
        (GapCode::Unsupported, "purl type swift"),
        (GapCode::ParseError, "components with a malformed package URL"),
        (GapCode::ParseError, "malformed components"),
        (GapCode::UnreadableVersion, "components without a version"),
    ];
    assert_eq!(said, expected);
    assert!(bom.gaps[3].reason.ends_with("(3 in all)"), "{:?}", bom.gaps);
}

#[test]
fn the_same_package_twice_is_one() {
    let at = |path: &str| {
        json!({ "type": "library", "name": "a", "version": "1", "purl": "pkg:npm/a@1",
        "properties": [{ "name": "syft:location:0:path", "value": path }] })
    };
    let bom = read(&cyclonedx(json!([at("/z"), at("/b"), at("/b")])));
    let paths: Vec<&str> = bom.packages[0].evidence.iter().map(|place| place.path.as_str()).collect();
    assert_eq!((bom.packages.len(), paths), (1, vec!["b", "z"]));
}

#[test]
fn other_formats_and_versions_are_refused_by_name() {
    let code = |document: &str| ingest::read(document.as_bytes()).unwrap_err().code();
    assert_eq!(code("<bom/>"), "document-malformed");
    assert_eq!(code("[]"), "document-malformed");
    assert_eq!(code("{}"), "document-format-unknown");
    assert_eq!(code(r#"{"bomFormat":"CycloneDX","specVersion":"1.2"}"#), "document-version-unsupported");
    assert_eq!(code(r#"{"bomFormat":"CycloneDX","specVersion":"2.0"}"#), "document-version-unsupported");
    assert_eq!(code(r#"{"bomFormat":"Other","specVersion":"1.5"}"#), "document-format-unknown");
    assert_eq!(code(r#"{"spdxVersion":"SPDX-2.1"}"#), "document-version-unsupported");
    assert_eq!(
        code(r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}"#),
        "document-version-unsupported"
    );
    assert!(ingest::read(b"\xef\xbb\xbf{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.3\"}").is_ok());
}

#[test]
fn deep_nesting_costs_nothing() {
    for open in [r#"{"a":"#, "["] {
        let deep = format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","x":{}"#, open.repeat(2_000_000));
        assert!(matches!(ingest::read(deep.as_bytes()), Err(IngestError::Json { .. })));
    }
    let levels = 20_000;
    let nested = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{}{}]}}"#,
        r#"{"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1","components":["#.repeat(levels),
        "]}".repeat(levels),
    );
    let bom = ingest::read(nested.as_bytes()).unwrap();
    assert_eq!((bom.packages.len(), codes(&bom)), (1, vec![GapCode::DepthLimit]));
}

#[test]
fn a_flood_of_components_is_capped_with_a_gap() {
    let one = r#"{"type":"library","name":"a","purl":"pkg:npm/a@1"}"#;
    let many = vec![one; 500_010].join(",");
    let bom = ingest::read(
        format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{many}]}}"#).as_bytes(),
    )
    .unwrap();
    assert_eq!(bom.packages.len(), 1);
    assert_eq!(codes(&bom), [GapCode::EntryLimit]);
    assert!(bom.gaps[0].reason.contains("10 in all"), "{:?}", bom.gaps);
    let too_large = vec![b' '; ingest::limits::DOCUMENT_BYTES + 1];
    assert_eq!(ingest::read(&too_large).unwrap_err().code(), "document-too-large");
}

#[test]
fn overlong_and_overlarge_parts_are_gaps() {
    let long = "a".repeat(5000);
    let big: Vec<Value> = (0..60_000).map(|n| json!({ "name": n.to_string(), "value": "x" })).collect();
    let bom = read(&cyclonedx(json!([
        { "type": "library", "name": long, "version": "1" },
        { "type": "library", "name": "b", "version": "1", "purl": "pkg:npm/b@1", "properties": big },
    ])));
    assert_eq!((bom.packages.len(), codes(&bom)), (1, vec![GapCode::NameLimit, GapCode::SizeLimit]));
}

#[test]
fn circles_of_ownership_and_unknown_ids_do_no_harm() {
    let claim = |from: &str, to: &str| json!({ "spdxElementId": from, "relatedSpdxElement": to, "relationshipType": "OTHER", "comment": "ownership-by-file-overlap" });
    let package = |id: &str, purl: &str| {
        json!({ "SPDXID": id, "name": id, "versionInfo": "1",
        "externalRefs": [{ "referenceType": "purl", "referenceLocator": purl }] })
    };
    let bom = read(&json!({
        "spdxVersion": "SPDX-2.3",
        "packages": [package("a", "pkg:deb/debian/a@1?distro=debian-12"), package("b", "pkg:deb/debian/b@1?distro=debian-12")],
        "relationships": [claim("a", "b"), claim("b", "a"), claim("a", "a"), claim("x", "a"), claim("a", "x"), { "comment": "ownership-by-file-overlap" }],
    }));
    assert_eq!((bom.packages.len(), bom.gaps.len()), (2, 0));
    assert!(bom.packages.iter().all(|package| package.owner.is_none()));
}
