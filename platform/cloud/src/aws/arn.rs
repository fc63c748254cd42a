//! Names of AWS resources: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.

/// The parts of an ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arn<'a> {
    pub(crate) partition: &'a str,
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
    pub(crate) resource: &'a str,
}

impl<'a> Arn<'a> {
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let head = parts.next()?;
        let arn = Self {
            partition: parts.next()?,
            service: parts.next()?,
            region: parts.next()?,
            account: parts.next()?,
            resource: parts.next()?,
        };
        (head == "arn").then_some(arn)
    }
}

/// Whether this is the number of an account.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The last part of a name with a path, such as `role/team/NAME`.
pub(crate) fn name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// What people call a resource: of an ARN what follows the word for its kind, such as `team/NAME` of `role/team/NAME`.
pub(crate) fn title(id: &str) -> &str {
    let resource = Arn::of(id).map_or(id, |arn| arn.resource);
    let rest = resource.split_once(['/', ':']).map_or(resource, |(_, rest)| rest);
    if rest.is_empty() { id } else { rest }
}

#[cfg(test)]
mod tests {
    use super::title;

    #[test]
    fn resources_are_called_by_what_follows_their_kind() {
        for (id, name) in [
            ("arn:aws:iam::123456789012:role/team/deploy", "team/deploy"),
            ("arn:aws:lambda:eu-west-1:123456789012:function:resize", "resize"),
            ("arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/resize", "/aws/lambda/resize"),
            ("arn:aws:s3:::invoices", "invoices"),
            ("arn:aws:s3:::odd/", "arn:aws:s3:::odd/"),
            ("nothing", "nothing"),
            ("", ""),
        ] {
            assert_eq!(title(id), name, "{id}");
        }
    }
}
