//! The cases again, under conditions that come for free in production: nothing granted, a host that does not answer or answers
//! late, input that ends in the middle, no input at all.
//!
//! Any answer is fine here, and so are problems and an error of the plugin's own. What is not: a trap, a broken contract, a limit
//! that was run into. One such resource among thousands would cost the whole batch it is in, and the plugin its good name.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use host::kinds::{Event, Notice, Resource};
use host::services::{AdvisoryAnswer, Caller, HttpRequest, HttpResponse, RelatedAsset};
use host::{Body, Input, InputFile, NoServices, Plugin, Refusal, Services, SharedBytes};
use model::Digest;

use crate::case::{Case, file_body};
use crate::golden::{Conditions, call, fault_lines, is_honest};

/// Parts of a body that are left when it is cut, as numerator and denominator, and bytes taken away besides.
const CUTS: [(usize, usize, usize); 5] = [(0, 1, 0), (1, 4, 0), (1, 2, 0), (3, 4, 0), (1, 1, 1)];

/// A condition that no honest test invents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hardship {
    /// The operator grants nothing.
    NothingGranted,
    /// Every host call fails outside.
    Unavailable,
    /// The first host call is answered, and then the time of the call is up.
    Late,
    /// Every body of the input and of other systems' answers ends early: parts that are left, and bytes less.
    Cut(usize, usize, usize),
    /// There is no input.
    Empty,
}

impl Hardship {
    /// Every hardship.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let cuts = CUTS.map(|(left, of, less)| Self::Cut(left, of, less));
        [Self::NothingGranted, Self::Unavailable, Self::Late, Self::Empty].into_iter().chain(cuts).collect()
    }
}

impl std::fmt::Display for Hardship {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NothingGranted => f.pad("nothing is granted"),
            Self::Unavailable => f.pad("every host call is unavailable"),
            Self::Late => f.pad("host calls after the first come too late"),
            Self::Cut(0, ..) => f.pad("every body is empty"),
            Self::Cut(_, _, 1) => f.pad("every body lacks its last byte"),
            Self::Cut(left, of, _) => write!(f, "every body ends after {left}/{of} of it"),
            Self::Empty => f.pad("the input is empty"),
        }
    }
}

/// A hardship that a plugin does not bear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weakness {
    /// Name of the case.
    pub case: String,
    /// Under what.
    pub hardship: Hardship,
    /// What happened, line by line: the fault, the functions it was in, the last host calls.
    pub lines: Vec<String>,
}

impl Case {
    /// Runs the case under every hardship, and gives those that the plugin did not bear.
    #[must_use]
    pub fn hardships(&self, plugin: &Plugin) -> Vec<Weakness> {
        let bear = |hardship: Hardship| {
            let (input, conditions) = self.under(hardship);
            let fault =
                call(plugin, self, input, &conditions).result.err().filter(|fault| !is_honest(fault))?;
            Some(Weakness { case: self.name.clone(), hardship, lines: fault_lines(&fault) })
        };
        Hardship::all().into_iter().filter_map(bear).collect()
    }

    fn under(&self, hardship: Hardship) -> (Input, Conditions) {
        let usual = Conditions::usual(self, false);
        match hardship {
            Hardship::NothingGranted => (self.input.clone(), Conditions { grant: false, ..usual }),
            Hardship::Unavailable => {
                (self.input.clone(), Conditions { services: Arc::new(NoServices), ..usual })
            }
            Hardship::Late => {
                let late = Late { inner: usual.services, answered: AtomicBool::new(false) };
                (self.input.clone(), Conditions { services: Arc::new(late), ..usual })
            }
            Hardship::Cut(left, of, less) => {
                let cut = move |bytes: &[u8]| cut(bytes, left, of, less);
                (
                    cut_input(&self.input, cut),
                    Conditions { services: self.played.cut(cut).services(), ..usual },
                )
            }
            Hardship::Empty => (emptied(&self.input), usual),
        }
    }
}

fn cut(bytes: &[u8], left: usize, of: usize, less: usize) -> Vec<u8> {
    let length = (bytes.len() / of.max(1)).saturating_mul(left).saturating_sub(less);
    bytes.get(..length.min(bytes.len())).unwrap_or_default().to_vec()
}

fn cut_input(input: &Input, cut: impl Fn(&[u8]) -> Vec<u8>) -> Input {
    match input {
        Input::ImageAnalyzer { files } => {
            let one = |file: &InputFile| {
                let bytes = match &file.body {
                    Body::Whole(bytes) => cut(bytes),
                    Body::Stored(bytes) => cut((**bytes).as_ref()),
                };
                let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                InputFile { size, body: file_body(bytes), ..file.clone() }
            };
            Input::ImageAnalyzer { files: files.iter().map(one).collect() }
        }
        Input::Posture { resources } => {
            let one = |resource: &Resource| Resource { body: cut(&resource.body), ..resource.clone() };
            Input::Posture { resources: resources.iter().map(one).collect() }
        }
        Input::Correlator { events, due, watermark } => {
            let one = |event: &Event| Event { body: cut(&event.body), ..event.clone() };
            let events = events.iter().map(one).collect();
            Input::Correlator { events, due: due.clone(), watermark: *watermark }
        }
        Input::Admission { request } => Input::Admission { request: cut(request) },
        Input::Collector { cursor } => {
            let cursor =
                cursor.as_ref().map(|text| String::from_utf8_lossy(&cut(text.as_bytes())).into_owned());
            Input::Collector { cursor }
        }
        Input::Notifier { notice } => {
            Input::Notifier { notice: Notice { body: cut(&notice.body), id: notice.id.clone() } }
        }
        Input::Compliance { .. } => input.clone(),
    }
}

/// The least that the contract allows.
fn emptied(input: &Input) -> Input {
    let nothing = || b"{}".to_vec();
    match input {
        Input::ImageAnalyzer { .. } => Input::ImageAnalyzer { files: Vec::new() },
        Input::Posture { .. } => Input::Posture { resources: Vec::new() },
        Input::Correlator { watermark, .. } => {
            Input::Correlator { events: Vec::new(), due: Vec::new(), watermark: *watermark }
        }
        Input::Compliance { .. } => Input::Compliance { observations: Vec::new() },
        Input::Admission { .. } => Input::Admission { request: nothing() },
        Input::Collector { .. } => Input::Collector { cursor: Some(String::new()) },
        Input::Notifier { notice } => {
            Input::Notifier { notice: Notice { id: notice.id.clone(), body: nothing() } }
        }
    }
}

/// Services whose first answer took half of the call's time, so that the second comes when it is up. Nobody waits for that here:
/// what the plugin sees is the same.
struct Late {
    inner: Arc<dyn Services>,
    answered: AtomicBool,
}

impl Late {
    fn in_time(&self) -> Result<&dyn Services, Refusal> {
        if self.answered.swap(true, Ordering::Relaxed) {
            return Err(Refusal::Unavailable("the time of this call is up".to_owned()));
        }
        Ok(&*self.inner)
    }
}

impl Services for Late {
    fn state_get(&self, caller: &Caller, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.in_time()?.state_get(caller, key)
    }

    fn state_keys(
        &self,
        caller: &Caller,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Refusal> {
        self.in_time()?.state_keys(caller, prefix, after, limit)
    }

    fn state_bytes(&self, caller: &Caller) -> Result<u64, Refusal> {
        self.in_time()?.state_bytes(caller)
    }

    fn http(
        &self,
        caller: &Caller,
        request: &HttpRequest,
        body_bytes_max: usize,
    ) -> Result<HttpResponse, Refusal> {
        self.in_time()?.http(caller, request, body_bytes_max)
    }

    fn advisories(&self, caller: &Caller, purl: &str) -> Result<Vec<AdvisoryAnswer>, Refusal> {
        self.in_time()?.advisories(caller, purl)
    }

    // The gate asks for the kind before every question about an asset; the two are one host call.
    fn asset_kind(&self, caller: &Caller, asset: &str) -> Result<String, Refusal> {
        self.inner.asset_kind(caller, asset)
    }

    fn describe(&self, caller: &Caller, asset: &str) -> Result<Vec<u8>, Refusal> {
        self.in_time()?.describe(caller, asset)
    }

    fn related(
        &self,
        caller: &Caller,
        asset: &str,
        edge: &str,
        limit: usize,
    ) -> Result<Vec<RelatedAsset>, Refusal> {
        self.in_time()?.related(caller, asset, edge, limit)
    }

    fn blob(&self, caller: &Caller, repository: &str, digest: &Digest) -> Result<SharedBytes, Refusal> {
        self.in_time()?.blob(caller, repository, digest)
    }
}

#[cfg(test)]
mod tests {
    use super::{Hardship, cut, cut_input, emptied};
    use host::Input;
    use host::kinds::Resource;

    #[test]
    fn bodies_are_cut_where_the_hardship_says() {
        let left: Vec<String> = Hardship::all()
            .into_iter()
            .filter_map(|hardship| match hardship {
                Hardship::Cut(left, of, less) => Some(cut(b"01234567", left, of, less)),
                _ => None,
            })
            .map(|bytes| String::from_utf8(bytes).unwrap())
            .collect();
        assert_eq!(left, ["", "01", "0123", "012345", "0123456"]);
        let resource = Resource { asset: "a".to_owned(), kind: "k".to_owned(), body: b"{\"a\":1}".to_vec() };
        let Input::Posture { resources } =
            cut_input(&Input::Posture { resources: vec![resource] }, |bytes| cut(bytes, 1, 2, 0))
        else {
            panic!()
        };
        assert_eq!((resources[0].body.as_slice(), resources[0].asset.as_str()), (&b"{\"a"[..], "a"));
    }

    #[test]
    fn nothing_is_the_least_that_the_contract_allows() {
        assert_eq!(emptied(&Input::Posture { resources: Vec::new() }).items(), 0);
        let Input::Admission { request } = emptied(&Input::Admission { request: b"{\"a\":1}".to_vec() })
        else {
            panic!()
        };
        assert_eq!(request, b"{}");
    }
}
