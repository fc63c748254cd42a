//! What runs as a role: machines, functions, services and nodes, and who can run commands in them.

use std::collections::HashMap;

use crate::aws::account::owner;
use crate::aws::attack::Place;
use crate::aws::attack_build::{Builder, List};
use crate::aws::rights::{Rights, Target};
use crate::aws::techniques::Technique;
use crate::aws::truth::Truth;
use crate::resource::{Resource, text_in};

/// Reads what runs as a role into the table of steps.
pub(crate) struct Computing<'b, 'a> {
    builder: &'b mut Builder<'a>,
    /// Role of each instance profile.
    profiles: HashMap<&'a str, &'a str>,
}

impl<'b, 'a> Computing<'b, 'a> {
    pub(crate) fn of(builder: &'b mut Builder<'a>) -> Self {
        let profiles = builder.account.of_kind("aws:iam:instance-profile").filter_map(|profile| {
            let role = profile.list(&["Roles"]).first().and_then(|role| text_in(role, &["Arn"]))?;
            Some((profile.id.as_str(), role))
        });
        let mut profiles: HashMap<&str, &str> = profiles.collect();
        for role in builder.account.of_kind("aws:iam:role") {
            for profile in role.list(&["InstanceProfileList"]) {
                profiles.extend(text_in(profile, &["Arn"]).map(|profile| (profile, role.id.as_str())));
            }
        }
        Self { builder, profiles }
    }

    pub(crate) fn all(&mut self) {
        let account = self.builder.account;
        for resource in account.resources() {
            match resource.kind.as_str() {
                "aws:ec2:instance" => self.instance(resource),
                "aws:lambda:function" => {
                    let role = resource.text(&["Role"]).unwrap_or_default();
                    if self.runs(resource, role) {
                        self.target(resource, &resource.id, List::Functions, Truth::Yes);
                    }
                }
                "aws:ecs:service" => self.service(resource),
                "aws:eks:nodegroup" => {
                    let role = resource.text(&["nodeRole"]).unwrap_or_default();
                    self.runs(resource, role);
                }
                _ => {}
            }
        }
    }

    fn instance(&mut self, instance: &Resource) {
        let profile = instance.text(&["IamInstanceProfile", "Arn"]).unwrap_or_default();
        let Some(role) = self.profiles.get(profile).copied() else { return };
        if !self.runs(instance, role) {
            return;
        }
        // Systems Manager reaches what its agent has told of; whether it runs, nobody says here.
        let access = self.builder.access;
        let agent = access.identities.find(role).map_or(Truth::No, |(number, identity)| {
            Rights::of(access).one((number, identity), "ssm:updateinstanceinformation", &instance.id, &[])
        });
        let agent = if agent == Truth::Yes { Truth::Yes } else { Truth::Maybe };
        self.target(instance, &instance.id, List::Instances, agent);
    }

    fn service(&mut self, service: &Resource) {
        let definition = service.text(&["taskDefinition"]).unwrap_or_default();
        let definition = self.builder.account.resource(definition);
        let role = definition.and_then(|definition| definition.text(&["taskRoleArn"])).unwrap_or_default();
        let commands =
            service.at(&["enableExecuteCommand"]).and_then(serde_json::Value::as_bool) == Some(true);
        if self.runs(service, role) && commands {
            let cluster = service.text(&["clusterArn"]).unwrap_or_default();
            self.target(service, cluster, List::Services, Truth::Maybe);
        }
    }

    /// Joins what runs to its role, if that was collected.
    fn runs(&mut self, resource: &Resource, role: &str) -> bool {
        let Some((number, _)) = self.builder.access.identities.find(role) else { return false };
        let place = self.builder.place(Place::Resource { id: resource.id.clone() });
        self.builder.join(place, Technique::ComputeRole, number, Truth::Yes);
        true
    }

    fn target(&mut self, resource: &Resource, arn: &str, list: fn(String) -> List, truth: Truth) {
        let place = self.builder.place(Place::Resource { id: resource.id.clone() });
        let target = Target { place, arn: arn.to_owned(), truth, tags: resource.tags() };
        self.builder.lists.add(list(owner(resource).unwrap_or_default().to_owned()), target);
    }
}
