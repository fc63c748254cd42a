//! Answers in XML, read once from front to back, with the names and types that the CLI prints.
//!
//! Nothing is resolved but the characters that XML names itself: entities of a document type are refused.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Number, Value};

use crate::shapes::{Form, Model, Protocol, Shape};
use crate::{DEPTH_MAX, time};

/// Reads an answer.
pub(crate) fn read(model: &Model, name: &str, form: &Form, body: &[u8]) -> Result<Value, String> {
    let mut source = Source::of(body);
    let root = source.start()?.ok_or("the answer is empty")?;
    let payload = form.payload.as_deref().filter(|_| model.protocol == Protocol::RestXml);
    if let Some(payload) = payload {
        let members = model.shapes.get(&form.out).and_then(|shape| shape.m.as_ref());
        let kind = members.and_then(|members| members.values().find(|member| member.0 == payload));
        let value = source.value(model, kind.map_or("s", |member| member.1.as_str()), &root, 0)?;
        return Ok(Value::Object(Map::from_iter([(payload.to_owned(), value)])));
    }
    if model.protocol != Protocol::Query {
        return source.value(model, &form.out, &root, 0);
    }
    let wrapper = format!("{name}Result");
    while let Some(child) = source.child()? {
        if child.local_name().as_ref() == wrapper.as_bytes() {
            return source.value(model, &form.out, &child, 0);
        }
        source.skip(&child)?;
    }
    Err(format!("the answer has no {wrapper}"))
}

/// The code and message of an error, wherever in the document they stand.
pub(crate) fn error(body: &[u8]) -> Option<(String, String)> {
    let mut source = Source::of(body);
    let (mut code, mut message) = (None, None);
    for _ in 0..1_000 {
        let Ok(event) = source.reader.read_event() else { break };
        match event {
            Event::Start(start) if start.local_name().as_ref() == b"Code" && code.is_none() => {
                code = source.text().ok();
            }
            Event::Start(start) if start.local_name().as_ref() == b"Message" && message.is_none() => {
                message = source.text().ok();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    Some((code?, message.unwrap_or_default()))
}

struct Source<'a> {
    reader: Reader<&'a [u8]>,
}

impl<'a> Source<'a> {
    fn of(body: &'a [u8]) -> Self {
        let mut reader = Reader::from_reader(body);
        reader.config_mut().expand_empty_elements = true;
        Self { reader }
    }

    fn event(&mut self) -> Result<Event<'a>, String> {
        self.reader.read_event().map_err(|error| format!("the answer is not XML: {error}"))
    }

    /// The root element.
    fn start(&mut self) -> Result<Option<BytesStart<'a>>, String> {
        loop {
            match self.event()? {
                Event::Start(start) => return Ok(Some(start)),
                Event::Eof => return Ok(None),
                _ => {}
            }
        }
    }

    /// The next element in the one that is open; nothing at its end, which is read.
    fn child(&mut self) -> Result<Option<BytesStart<'a>>, String> {
        loop {
            match self.event()? {
                Event::Start(start) => return Ok(Some(start)),
                Event::End(_) => return Ok(None),
                Event::Eof => return Err("the answer is cut off".to_owned()),
                _ => {}
            }
        }
    }

    fn skip(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        let skipped = self.reader.read_to_end(start.name());
        skipped.map(|_| ()).map_err(|error| format!("the answer is cut off: {error}"))
    }

    /// The text of the element that is open, to its end. Elements in it are no text.
    fn text(&mut self) -> Result<String, String> {
        let mut text = String::new();
        loop {
            match self.event()? {
                Event::Text(part) => {
                    text.push_str(&part.decode().map_err(|_| "the answer is not UTF-8".to_owned())?);
                }
                Event::CData(part) => {
                    text.push_str(&part.decode().map_err(|_| "the answer is not UTF-8".to_owned())?);
                }
                Event::GeneralRef(part) => text.push(character(&part)?),
                Event::Start(start) => self.skip(&start)?,
                Event::End(_) => return Ok(text),
                Event::Eof => return Err("the answer is cut off".to_owned()),
                _ => {}
            }
        }
    }

    /// The element that is open, as a type of the model.
    fn value(
        &mut self,
        model: &Model,
        kind: &str,
        start: &BytesStart<'_>,
        depth: usize,
    ) -> Result<Value, String> {
        if depth > DEPTH_MAX {
            return Err("the answer is nested too deeply".to_owned());
        }
        if kind.len() == 1 {
            return primitive(kind, self.text()?);
        }
        let Some(shape) = model.shapes.get(kind) else {
            self.skip(start)?;
            return Ok(Value::Null);
        };
        if shape.m.is_some() {
            self.structure(model, shape, start, depth)
        } else if let Some(element) = &shape.l {
            let mut items = Vec::new();
            while let Some(child) = self.child()? {
                items.push(self.value(model, element, &child, depth + 1)?);
            }
            Ok(Value::Array(items))
        } else {
            let mut map = Map::new();
            while let Some(child) = self.child()? {
                if child.local_name().as_ref() == shape.e.as_bytes() {
                    self.entry(model, shape, &mut map, depth)?;
                } else {
                    self.skip(&child)?;
                }
            }
            Ok(Value::Object(map))
        }
    }

    fn structure(
        &mut self,
        model: &Model,
        shape: &Shape,
        start: &BytesStart<'_>,
        depth: usize,
    ) -> Result<Value, String> {
        let mut out = Map::new();
        let Some(members) = &shape.m else { return Ok(Value::Object(out)) };
        for attribute in start.attributes().flatten() {
            let name = String::from_utf8_lossy(attribute.key.local_name().into_inner()).into_owned();
            if let Some(member) = members.get(&name).filter(|member| member.is_attribute()) {
                let value = attribute.unescape_value().map_err(|_| "an attribute is not text".to_owned())?;
                out.insert(member.0.clone(), Value::String(value.into_owned()));
            }
        }
        while let Some(child) = self.child()? {
            let name = String::from_utf8_lossy(child.local_name().into_inner()).into_owned();
            let Some(member) = members.get(&name).filter(|member| !member.is_attribute()) else {
                self.skip(&child)?;
                continue;
            };
            if !member.is_flat() {
                let value = self.value(model, &member.1, &child, depth + 1)?;
                out.insert(member.0.clone(), value);
                continue;
            }
            let Some(flat) = model.shapes.get(&member.1) else { continue };
            if let Some(element) = &flat.l {
                let value = self.value(model, element, &child, depth + 1)?;
                if let Value::Array(items) =
                    out.entry(member.0.clone()).or_insert_with(|| Value::Array(Vec::new()))
                {
                    items.push(value);
                }
            } else if let Value::Object(map) =
                out.entry(member.0.clone()).or_insert_with(|| Value::Object(Map::new()))
            {
                self.entry(model, flat, map, depth)?;
            }
        }
        Ok(Value::Object(out))
    }

    /// One entry of a map, whose element is open.
    fn entry(
        &mut self,
        model: &Model,
        shape: &Shape,
        map: &mut Map<String, Value>,
        depth: usize,
    ) -> Result<(), String> {
        let (mut key, mut value) = (None, Value::Null);
        while let Some(child) = self.child()? {
            let name = child.local_name();
            if name.as_ref() == shape.kn.as_bytes() {
                key = Some(self.text()?);
            } else if name.as_ref() == shape.vn.as_bytes() {
                value = self.value(model, shape.v.as_deref().unwrap_or("s"), &child, depth + 1)?;
            } else {
                self.skip(&child)?;
            }
        }
        if let Some(key) = key {
            map.insert(key, value);
        }
        Ok(())
    }
}

fn character(reference: &quick_xml::events::BytesRef<'_>) -> Result<char, String> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Ok(character);
    }
    let name: &[u8] = reference.as_ref();
    match name {
        b"amp" => Ok('&'),
        b"lt" => Ok('<'),
        b"gt" => Ok('>'),
        b"quot" => Ok('"'),
        b"apos" => Ok('\''),
        _ => Err("the answer has an entity that XML does not name".to_owned()),
    }
}

fn primitive(kind: &str, text: String) -> Result<Value, String> {
    let short = text.trim();
    let odd = |what: &str| format!("the answer has a {what} that is none");
    Ok(match kind {
        "i" => Value::Number(short.parse::<i64>().map_err(|_| odd("number"))?.into()),
        "f" => {
            let number = short.parse::<f64>().ok().and_then(Number::from_f64);
            Value::Number(number.ok_or_else(|| odd("number"))?)
        }
        "b" => Value::Bool(match short {
            "true" | "True" | "1" => true,
            "false" | "False" | "0" | "" => false,
            _ => return Err(odd("boolean")),
        }),
        "t" => Value::String(time::of_text(short)),
        "d" => Value::String(text.split_whitespace().collect()),
        _ => Value::String(text),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::read;
    use crate::shapes::model;

    fn answer(service: &str, operation: &str, body: &str) -> Result<Value, String> {
        let model = model(service).unwrap();
        read(&model, operation, &model.operations[operation], body.as_bytes())
    }

    #[test]
    fn names_and_types_are_those_of_the_cli() {
        let body = r#"<?xml version="1.0"?><DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
            <requestId>r</requestId><securityGroupInfo><item><groupId>sg-1</groupId><groupDescription>a &amp; &#98;</groupDescription>
            <ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort><groups/>
            <ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item></ipPermissions><tagSet/></item></securityGroupInfo>
            </DescribeSecurityGroupsResponse>"#;
        let expected = json!({ "SecurityGroups": [{
            "GroupId": "sg-1", "Description": "a & b", "Tags": [],
            "IpPermissions": [{ "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [],
                "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }],
        }] });
        assert_eq!(answer("ec2", "DescribeSecurityGroups", body), Ok(expected));
    }

    #[test]
    fn wrappers_maps_and_attributes_are_read() {
        let body = "<GetAccountSummaryResponse><GetAccountSummaryResult><SummaryMap><entry><key>Users</key><value>7</value>\
            </entry></SummaryMap></GetAccountSummaryResult><ResponseMetadata/></GetAccountSummaryResponse>";
        assert_eq!(answer("iam", "GetAccountSummary", body), Ok(json!({ "SummaryMap": { "Users": 7 } })));
        let body = r#"<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList><Grant>
            <Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>u</URI></Grantee>
            <Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>"#;
        let expected = json!({ "Owner": { "ID": "o" },
            "Grants": [{ "Grantee": { "Type": "Group", "URI": "u" }, "Permission": "READ" }] });
        assert_eq!(answer("s3", "GetBucketAcl", body), Ok(expected));
        let body = "<ServerSideEncryptionConfiguration><Rule><BucketKeyEnabled>true</BucketKeyEnabled></Rule><Rule/>\
            </ServerSideEncryptionConfiguration>";
        let expected =
            json!({ "ServerSideEncryptionConfiguration": { "Rules": [{ "BucketKeyEnabled": true }, {}] } });
        assert_eq!(answer("s3", "GetBucketEncryption", body), Ok(expected));
        let body = "<LocationConstraint xmlns=\"x\">eu-west-1</LocationConstraint>";
        assert_eq!(answer("s3", "GetBucketLocation", body), Ok(json!({ "LocationConstraint": "eu-west-1" })));
    }

    #[test]
    fn what_is_cut_off_or_strange_is_told() {
        for (body, wanted) in [
            ("", "empty"),
            ("<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId>", "cut off"),
            ("<DescribeVpcsResponse><other><a>", "cut off"),
            (
                "<!DOCTYPE a [<!ENTITY b \"c\">]><DescribeVpcsResponse><vpcSet><item><vpcId>&b;</vpcId></item></vpcSet></DescribeVpcsResponse>",
                "entity",
            ),
            (
                "<DescribeVpcsResponse><vpcSet><item><isDefault>perhaps</isDefault></item></vpcSet></DescribeVpcsResponse>",
                "boolean",
            ),
            ("<DescribeVpcsResponse><vpcSet></item></DescribeVpcsResponse>", "not XML"),
        ] {
            let error = answer("ec2", "DescribeVpcs", body).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }

    #[test]
    fn errors_are_found_in_every_dress() {
        let body = b"<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow</Message></Error></Errors></Response>";
        assert_eq!(super::error(body), Some(("RequestLimitExceeded".into(), "slow".into())));
        assert_eq!(super::error(b"<html><p>no"), None);
    }
}
