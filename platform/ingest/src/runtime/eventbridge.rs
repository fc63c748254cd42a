//! Envelopes of EventBridge. What is inside is read as if it had come alone, so that both ways give the same event.

use std::borrow::Cow;

use model::event::Text;

use super::reader::{Reader, Step};
use super::{Made, ProblemCode, cloudtrail, guardduty};

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Step<Made<'a>> {
    if !reader.object()? {
        return Ok(Made::missing("it is not an object"));
    }
    let mut detail_type: Option<Text<'a>> = None;
    let mut detail: Option<(usize, &'a str)> = None;
    let mut made = None;
    while let Some(key) = reader.key()? {
        match key.as_ref() {
            "detail-type" => detail_type = reader.text()?,
            "detail" => {
                let _ = reader.look();
                let from = reader.at();
                made = detail_type.as_deref().and_then(decoder).map(|read| read(reader)).transpose()?;
                if made.is_none() {
                    reader.skip()?;
                }
                detail = Some((from, reader.slice(from, reader.at())));
            }
            _ => reader.skip()?,
        }
    }
    let (Some(detail_type), Some((from, text))) = (detail_type, detail) else {
        return Ok(Made::missing("`detail-type` or `detail` is missing: not an envelope of EventBridge"));
    };
    let made = match (made, decoder(&detail_type)) {
        (Some(made), _) => made,
        // The type came behind the detail.
        (None, Some(read)) => {
            let (at, depth) = (reader.at(), reader.depth());
            reader.resume(from, depth);
            let made = read(reader)?;
            reader.resume(at, depth);
            made
        }
        (None, None) => {
            let what = "an envelope with a `detail-type` that is not read here; CloudTrail and GuardDuty are";
            return Ok(Made::Refused(ProblemCode::Unsupported, what.into()));
        }
    };
    Ok(match made {
        Made::Event(mut draft) => {
            draft.raw = Some(Cow::Borrowed(text));
            Made::Event(draft)
        }
        other => other,
    })
}

type Decoder<'a> = fn(&mut Reader<'a>) -> Step<Made<'a>>;

fn decoder<'a>(detail_type: &str) -> Option<Decoder<'a>> {
    match detail_type {
        "GuardDuty Finding" => Some(guardduty::read),
        // API calls, logins, service events, insights.
        other if other.ends_with("via CloudTrail") => Some(cloudtrail::read),
        _ => None,
    }
}
