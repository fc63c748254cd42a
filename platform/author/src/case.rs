//! A golden case: what goes in, what the platform answers, and what has to come out.
//!
//! `cases/NAME/input.json` holds the input, `host.json` what stands behind the gate (see [`crate::fakes`]), `expected.json` the
//! answer as it was looked at once. All three are checked as strictly as a manifest: a key that nothing reads would be a
//! condition that nobody tests.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use host::kinds::{Notice, Observation, Resource, Timer};
use host::{Body, Input, InputFile, Manifest, kinds::Event};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::{AuthorError, read};
use crate::fakes::{Played, RawHost};

/// Largest file of a case.
const CASE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Files up to this size are handed over whole; larger ones through a handle. As the engine does it.
const WHOLE_BYTES_MAX: usize = 1024 * 1024;
/// When nothing else is said it is always the same moment, 2026-01-02T03:04:05Z, so that cases give the same answer on every day.
const NOW_DEFAULT: u64 = 1_767_323_045_000_000_000;

/// A golden case.
#[derive(Debug, Clone)]
pub struct Case {
    /// Name of its folder.
    pub name: String,
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// The operator's configuration, as JSON.
    pub(crate) config: Arc<str>,
    /// The time that the guest sees.
    pub(crate) now: u64,
    /// What the plugin is called with.
    pub input: Input,
    /// What stands behind the gate.
    pub(crate) played: Played,
    /// What has to come out, once somebody has looked at it.
    pub(crate) expected: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawInput {
    #[serde(default)]
    config: Map<String, Value>,
    now: Option<String>,
    files: Option<Vec<RawFile>>,
    resources: Option<Vec<RawResource>>,
    events: Option<Vec<RawEvent>>,
    #[serde(default)]
    due: Vec<Timer>,
    #[serde(default)]
    watermark: u64,
    observations: Option<Vec<Observation>>,
    request: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    cursor: Option<Option<String>>,
    notice: Option<RawNotice>,
}

/// Tells `null` from a key that is not there.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawFile {
    path: String,
    interests: Vec<String>,
    #[serde(flatten)]
    bytes: RawBytes,
}

/// Bytes in a case: `"text"`, `"base64"`, or `"file"`, a path from the case's folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawBytes {
    Text(String),
    Base64(String),
    File(PathBuf),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawResource {
    asset: String,
    kind: String,
    body: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEvent {
    id: String,
    time: u64,
    source: String,
    asset: String,
    body: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNotice {
    id: String,
    body: Value,
}

/// What a plugin is called with, from a file as `input.json` of a case.
#[derive(Debug)]
pub struct GivenInput {
    /// The operator's configuration, as JSON.
    pub config: Arc<str>,
    /// The time that the guest sees, in nanoseconds since 1970 in UTC, where the file says one.
    pub now: Option<u64>,
    /// The input.
    pub input: Input,
}

impl GivenInput {
    /// Reads a file. Files that it names lie below its folder.
    ///
    /// # Errors
    /// [`AuthorError::Case`] names the file and the key.
    pub fn read(path: &Path) -> Result<Self, AuthorError> {
        let refuse = |problem: String| AuthorError::Case { path: path.to_owned(), problem };
        let raw: RawInput = json(path)?;
        let nanoseconds = |text: &str| {
            let now: jiff::Timestamp = text.parse().map_err(|error| refuse(format!("`now`: {error}")))?;
            u64::try_from(now.as_nanosecond())
                .map_err(|_| refuse("`now` is before 1970 or after 2554".to_owned()))
        };
        let now = raw.now.as_deref().map(nanoseconds).transpose()?;
        let config = Arc::from(Value::Object(raw.config.clone()).to_string());
        let input = raw.input(path.parent().unwrap_or(Path::new("."))).map_err(refuse)?;
        Ok(Self { config, now, input })
    }
}

impl Case {
    /// Reads the case of a folder.
    ///
    /// # Errors
    /// [`AuthorError::Case`] names the file and the key.
    pub(crate) fn read(folder: &Path, manifest: &Manifest) -> Result<Self, AuthorError> {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let path = folder.join("input.json");
        let refuse = |problem: String| AuthorError::Case { path: path.clone(), problem };
        let GivenInput { config, now, input } = GivenInput::read(&path)?;
        if !manifest.declares(input.kind()) {
            return Err(refuse(format!(
                "it is an input of the kind {}, which plugin.toml does not declare",
                input.kind()
            )));
        }
        let host = folder.join("host.json");
        let raw_host = if host.exists() { json::<RawHost>(&host)? } else { RawHost::default() };
        let played = Played::new(raw_host, manifest, folder)
            .map_err(|problem| AuthorError::Case { path: host, problem })?;
        let expected = folder.join("expected.json");
        let expected = if expected.exists() { Some(json(&expected)?) } else { None };
        let now = now.unwrap_or(NOW_DEFAULT);
        Ok(Self { name, folder: folder.to_owned(), config, now, input, played, expected })
    }

    /// Where its expected answer stands.
    pub(crate) fn expected_path(&self) -> PathBuf {
        self.folder.join("expected.json")
    }
}

impl RawInput {
    fn input(self, folder: &Path) -> Result<Input, String> {
        let inputs = [
            self.files.is_some(),
            self.resources.is_some(),
            self.events.is_some(),
            self.observations.is_some(),
            self.request.is_some(),
            self.cursor.is_some(),
            self.notice.is_some(),
        ];
        if inputs.iter().filter(|there| **there).count() != 1 {
            return Err(
                "needs exactly one of files, resources, events, observations, request, cursor and notice"
                    .to_owned(),
            );
        }
        if self.events.is_none() && (!self.due.is_empty() || self.watermark > 0) {
            return Err("`due` and `watermark` belong to `events`".to_owned());
        }
        let body = |value: &Value| value.to_string().into_bytes();
        if let Some(files) = self.files {
            let files = files.into_iter().map(|file| file.read(folder)).collect::<Result<_, _>>()?;
            return Ok(Input::ImageAnalyzer { files });
        }
        if let Some(resources) = self.resources {
            let one = |raw: RawResource| Resource { body: body(&raw.body), asset: raw.asset, kind: raw.kind };
            return Ok(Input::Posture { resources: resources.into_iter().map(one).collect() });
        }
        if let Some(events) = self.events {
            let one = |raw: RawEvent| Event {
                body: body(&raw.body),
                id: raw.id,
                time: raw.time,
                source: raw.source,
                asset: raw.asset,
            };
            let events = events.into_iter().map(one).collect();
            return Ok(Input::Correlator { events, due: self.due, watermark: self.watermark });
        }
        if let Some(observations) = self.observations {
            return Ok(Input::Compliance { observations });
        }
        if let Some(request) = self.request {
            return Ok(Input::Admission { request: body(&request) });
        }
        if let Some(notice) = self.notice {
            return Ok(Input::Notifier { notice: Notice { body: body(&notice.body), id: notice.id } });
        }
        Ok(Input::Collector { cursor: self.cursor.flatten() })
    }
}

impl RawFile {
    fn read(self, folder: &Path) -> Result<InputFile, String> {
        let bytes = self.bytes.read(folder)?;
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(InputFile { path: self.path, size, interests: self.interests, body: file_body(bytes) })
    }
}

/// The bytes of a file as the engine hands them over.
pub(crate) fn file_body(bytes: Vec<u8>) -> Body {
    if bytes.len() <= WHOLE_BYTES_MAX { Body::Whole(bytes) } else { Body::Stored(Arc::new(bytes)) }
}

impl RawBytes {
    pub(crate) fn read(&self, folder: &Path) -> Result<Vec<u8>, String> {
        match self {
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::Base64(text) => base64::engine::general_purpose::STANDARD
                .decode(text)
                .map_err(|error| format!("`base64`: {error}")),
            Self::File(path) => {
                if !path.components().all(|part| matches!(part, Component::Normal(_))) {
                    return Err(format!("`file` {path:?} is no path within the case"));
                }
                read(&folder.join(path), CASE_BYTES_MAX).map_err(|error| error.to_string())
            }
        }
    }
}

/// Reads a JSON file of a case.
fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, AuthorError> {
    serde_json::from_slice(&read(path, CASE_BYTES_MAX)?)
        .map_err(|error| AuthorError::Case { path: path.to_owned(), problem: error.to_string() })
}

/// A manifest of one kind that asks for everything, for tests.
#[cfg(test)]
pub(crate) fn manifest(kind: &str) -> Manifest {
    let interests =
        if kind == "image-analyzer" { "interests = [{ name = \"a\", paths = [\"a\"] }]" } else { "" };
    let text = format!(
        "id = \"a.b\"\nversion = \"1.0.0\"\npublisher = \"p\"\nlicense = \"MIT\"\ndescription = \"d\"\n\
         [kinds.{kind}]\n{interests}\n\
         [capabilities.http]\nwhy = \"w\"\nallow = [{{ host = \"*\", methods = [\"GET\"], paths = [\"/v1/**\"] }}]\n\
         [capabilities.secret]\nwhy = \"w\"\nnames = [\"token\"]\n\
         [capabilities.state]\nwhy = \"w\"\nbytes = 100\n\
         [capabilities.assets]\nwhy = \"w\"\nkinds = [\"workload\"]\n"
    );
    Manifest::parse(&text).unwrap()
}

#[cfg(test)]
mod tests {
    use super::{Case, manifest};
    use host::{Body, Input, Kind};
    use std::path::Path;

    fn case(folder: &Path, kind: &str, input: &str) -> Result<Case, String> {
        let folder = folder.join("one");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("input.json"), input).unwrap();
        Case::read(&folder, &manifest(kind)).map_err(|error| error.to_string())
    }

    #[test]
    fn every_kind_has_its_input() {
        let folder = tempfile::tempdir().unwrap();
        for (kind, input) in [
            (Kind::ImageAnalyzer, r#"{"files": [{"path": "a", "interests": ["a"], "base64": "//4="}]}"#),
            (
                Kind::Posture,
                r#"{"resources": [{"asset": "a", "kind": "k", "body": {}}], "config": {"a": 1}}"#,
            ),
            (
                Kind::Correlator,
                r#"{"events": [], "due": [{"key": "k", "time": 1}], "watermark": 1767323046000000000}"#,
            ),
            (
                Kind::Compliance,
                r#"{"observations": [{"rule": "r", "asset": "a", "status": "not-applicable", "severity": "low"}]}"#,
            ),
            (Kind::Admission, r#"{"request": {"uid": "u"}, "now": "2026-01-02T03:04:05Z"}"#),
            (Kind::Collector, r#"{"cursor": null}"#),
            (Kind::Collector, r#"{"cursor": "c"}"#),
            (Kind::Notifier, r#"{"notice": {"id": "n", "body": {}}}"#),
        ] {
            let case = case(folder.path(), kind.as_str(), input).unwrap();
            assert_eq!(
                (case.input.kind(), case.name.as_str(), case.now),
                (kind, "one", 1_767_323_045_000_000_000)
            );
        }
    }

    #[test]
    fn what_a_case_may_not_say_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for (input, words) in [
            ("{}", "exactly one of"),
            (r#"{"cursor": null, "resources": []}"#, "exactly one of"),
            (r#"{"resources": [], "watermark": 1}"#, "belong to `events`"),
            (r#"{"resource": []}"#, "unknown field `resource`"),
            (r#"{"resources": [], "now": "yesterday"}"#, "`now`"),
            (r#"{"cursor": null}"#, "kind collector, which plugin.toml does not declare"),
        ] {
            let error = case(folder.path(), "posture", input).unwrap_err();
            assert!(error.contains(words) && error.contains("input.json"), "{error}");
        }
        let outside = r#"{"files": [{"path": "a", "interests": [], "file": "../../secret"}]}"#;
        assert!(
            case(folder.path(), "image-analyzer", outside).unwrap_err().contains("no path within the case")
        );
    }

    #[test]
    fn a_large_file_is_lent_as_in_production() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("one")).unwrap();
        std::fs::write(folder.path().join("one/large"), vec![7; 2 << 20]).unwrap();
        let input = r#"{"files": [{"path": "a", "interests": [], "file": "large"}, {"path": "b", "interests": [], "text": "t"}]}"#;
        let Input::ImageAnalyzer { files } = case(folder.path(), "image-analyzer", input).unwrap().input
        else {
            panic!()
        };
        assert!(matches!(files[0].body, Body::Stored(_)) && files[0].size == 2 << 20);
        assert!(matches!(&files[1].body, Body::Whole(bytes) if bytes == b"t"));
    }
}
