//! The forms of the answers, from `shapes/`, which `shapes/generate.py` writes out of the models of the services.

use std::collections::BTreeMap;

use serde::Deserialize;

/// How a service is asked and what it answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Model {
    pub(crate) protocol: Protocol,
    pub(crate) version: String,
    pub(crate) target: String,
    pub(crate) json: String,
    pub(crate) endpoint: String,
    pub(crate) signing: String,
    pub(crate) operations: BTreeMap<String, Form>,
    pub(crate) shapes: BTreeMap<String, Shape>,
}

/// The protocols of AWS, as their models name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Protocol {
    Ec2,
    Query,
    Json,
    RestJson,
    RestXml,
}

/// An operation: method and path, and the shape of its answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Form {
    pub(crate) http: (String, String),
    pub(crate) out: String,
    #[serde(default)]
    pub(crate) payload: Option<String>,
}

/// A structure (`m`), a list (`l`, whose elements are told from nothing else and need no name) or a map (`v`).
#[derive(Debug, Deserialize)]
pub(crate) struct Shape {
    #[serde(default)]
    pub(crate) m: Option<BTreeMap<String, Member>>,
    #[serde(default)]
    pub(crate) l: Option<String>,
    #[serde(default)]
    pub(crate) v: Option<String>,
    #[serde(default)]
    pub(crate) e: String,
    #[serde(default)]
    pub(crate) kn: String,
    #[serde(default)]
    pub(crate) vn: String,
}

/// A member of a structure: its name as the CLI prints it, its type, its mark.
#[derive(Debug, Deserialize)]
pub(crate) struct Member(pub(crate) String, pub(crate) String, #[serde(default)] pub(crate) String);

impl Member {
    /// Whether it is an attribute of its element.
    pub(crate) fn is_attribute(&self) -> bool {
        self.2 == "attr"
    }

    /// Whether the elements of the list or map stand in the structure itself.
    pub(crate) fn is_flat(&self) -> bool {
        self.2 == "flat"
    }
}

macro_rules! texts {
    ($($service:literal),+ $(,)?) => {
        /// The model of a service as text.
        fn text(service: &str) -> Option<&'static str> {
            match service {
                $($service => Some(include_str!(concat!("../shapes/", $service, ".json"))),)+
                _ => None,
            }
        }
    };
}

texts!(
    "accessanalyzer",
    "acm",
    "apigateway",
    "apigatewayv2",
    "backup",
    "cloudfront",
    "cloudtrail",
    "cloudwatch",
    "config",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "efs",
    "eks",
    "elasticache",
    "elbv2",
    "guardduty",
    "iam",
    "kms",
    "lambda",
    "logs",
    "opensearch",
    "rds",
    "redshift",
    "s3",
    "s3control",
    "secretsmanager",
    "securityhub",
    "sns",
    "sqs",
    "ssm",
    "sts",
);

/// The model of a service; nothing for one that is not called.
pub(crate) fn model(service: &str) -> Option<Model> {
    serde_json::from_str(text(service)?).ok()
}

#[cfg(test)]
mod tests {
    use super::model;
    use crate::operations::OPERATIONS;

    #[test]
    fn every_operation_has_a_form_whose_shapes_are_all_there() {
        for operation in OPERATIONS {
            let model = model(operation.service).unwrap();
            let form = &model.operations[operation.name];
            assert!(model.shapes.contains_key(&form.out), "{} {}", operation.service, operation.name);
            for shape in model.shapes.values() {
                let members = shape.m.iter().flatten().map(|(_, member)| &member.1);
                for name in members.chain(&shape.l).chain(&shape.v) {
                    assert!(
                        name.len() == 1 || model.shapes.contains_key(name),
                        "{}: {name}",
                        operation.service
                    );
                }
            }
        }
    }
}
