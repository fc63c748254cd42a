//! Where a service is reached, and for which region its requests are signed.

use serde::{Deserialize, Serialize};

use crate::shapes::Model;

/// A partition of AWS: regions with accounts and names of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Partition {
    /// Everywhere else.
    #[default]
    #[serde(rename = "aws")]
    Aws,
    /// China.
    #[serde(rename = "aws-cn")]
    China,
    /// The government of the United States.
    #[serde(rename = "aws-us-gov")]
    Government,
}

impl Partition {
    /// As ARNs name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::Government => "aws-us-gov",
        }
    }

    /// As the ARN names it.
    pub(crate) fn of_arn(arn: &str) -> Option<Self> {
        let name = arn.strip_prefix("arn:")?.split(':').next()?;
        [Self::Aws, Self::China, Self::Government].into_iter().find(|one| one.name() == name)
    }

    /// The region that answers for what has none.
    pub(crate) fn home(self) -> &'static str {
        match self {
            Self::Aws => "us-east-1",
            Self::China => "cn-north-1",
            Self::Government => "us-gov-west-1",
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::China => "amazonaws.com.cn",
            Self::Aws | Self::Government => "amazonaws.com",
        }
    }
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Scheme and host, without a slash at the end.
    pub(crate) origin: String,
    /// The region that it is signed for.
    pub(crate) region: String,
}

/// Where a service is reached for a region; `global` stands for what is of no region.
pub(crate) fn endpoint(
    partition: Partition,
    model: &Model,
    region: &str,
    account: &str,
    instead: Option<&str>,
) -> Endpoint {
    let region = if region == "global" { partition.home() } else { region };
    let suffix = partition.suffix();
    let (host, signed) = match (model.endpoint.as_str(), partition) {
        ("iam", Partition::Aws) => (format!("iam.{suffix}"), "us-east-1"),
        ("iam", Partition::China) => (format!("iam.cn-north-1.{suffix}"), "cn-north-1"),
        ("iam", Partition::Government) => (format!("iam.us-gov.{suffix}"), "us-gov-west-1"),
        ("cloudfront", Partition::China) => (format!("cloudfront.cn-northwest-1.{suffix}"), "cn-northwest-1"),
        ("cloudfront", _) => (format!("cloudfront.{suffix}"), "us-east-1"),
        ("s3-control", _) => (format!("{account}.s3-control.{region}.{suffix}"), region),
        (service, _) => (format!("{service}.{region}.{suffix}"), region),
    };
    let origin =
        instead.map_or_else(|| format!("https://{host}"), |url| url.trim_end_matches('/').to_owned());
    Endpoint { origin, region: signed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{Partition, endpoint};
    use crate::shapes::model;

    #[test]
    fn hosts_are_those_that_aws_documents() {
        for (service, partition, region, host, signed) in [
            ("ec2", Partition::Aws, "eu-west-1", "ec2.eu-west-1.amazonaws.com", "eu-west-1"),
            ("ec2", Partition::China, "cn-north-1", "ec2.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("iam", Partition::Aws, "global", "iam.amazonaws.com", "us-east-1"),
            ("iam", Partition::China, "global", "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("iam", Partition::Government, "global", "iam.us-gov.amazonaws.com", "us-gov-west-1"),
            ("cloudfront", Partition::Aws, "global", "cloudfront.amazonaws.com", "us-east-1"),
            ("ecr", Partition::Aws, "eu-west-1", "api.ecr.eu-west-1.amazonaws.com", "eu-west-1"),
            ("cloudwatch", Partition::Aws, "eu-west-1", "monitoring.eu-west-1.amazonaws.com", "eu-west-1"),
            ("opensearch", Partition::Aws, "eu-west-1", "es.eu-west-1.amazonaws.com", "eu-west-1"),
            ("s3", Partition::Government, "us-gov-east-1", "s3.us-gov-east-1.amazonaws.com", "us-gov-east-1"),
            (
                "s3control",
                Partition::Aws,
                "global",
                "123456789012.s3-control.us-east-1.amazonaws.com",
                "us-east-1",
            ),
        ] {
            let found = endpoint(partition, &model(service).unwrap(), region, "123456789012", None);
            assert_eq!((found.origin, found.region.as_str()), (format!("https://{host}"), signed));
        }
        let here = endpoint(
            Partition::Aws,
            &model("ec2").unwrap(),
            "eu-west-1",
            "1",
            Some("http://127.0.0.1:5000/"),
        );
        assert_eq!(here.origin, "http://127.0.0.1:5000");
    }
}
