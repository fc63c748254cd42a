//! How somebody becomes somebody else, and the rights that it takes.

use serde::Serialize;

/// How a step is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountTechnique))]
#[serde(rename_all = "kebab-case")]
pub enum Technique {
    /// Hold every right.
    Everything,
    /// Assume a role whose trust allows it.
    AssumeRole,
    /// Assume a role as somebody whom a SAML provider vouches for.
    AssumeRoleWithSaml,
    /// Assume a role as somebody whom an OpenID Connect provider vouches for.
    AssumeRoleWithWebIdentity,
    /// Assume a role from a pod of a cluster whose provider the role trusts.
    ServiceAccountRole,
    /// Start a machine that runs as a role.
    PassRoleToEc2,
    /// Make a function that runs as a role.
    PassRoleToLambda,
    /// Run a task as a role.
    PassRoleToEcs,
    /// Run a job or session of Glue as a role.
    PassRoleToGlue,
    /// Have CloudFormation act as a role.
    PassRoleToCloudformation,
    /// Run a notebook or job of SageMaker as a role.
    PassRoleToSagemaker,
    /// Run a pipeline as a role.
    PassRoleToDatapipeline,
    /// Run a build as a role.
    PassRoleToCodebuild,
    /// Run a state machine as a role.
    PassRoleToStepfunctions,
    /// Make an access key for a user.
    CreateAccessKey,
    /// Give a user a password.
    CreateLoginProfile,
    /// Change the password of a user.
    UpdateLoginProfile,
    /// Join a group.
    AddUserToGroup,
    /// Attach a policy to a user.
    AttachUserPolicy,
    /// Attach a policy to a group.
    AttachGroupPolicy,
    /// Attach a policy to a role.
    AttachRolePolicy,
    /// Write a policy into a user.
    PutUserPolicy,
    /// Write a policy into a group.
    PutGroupPolicy,
    /// Write a policy into a role.
    PutRolePolicy,
    /// Write a new version of a policy that one has.
    CreatePolicyVersion,
    /// Go back to an old version of a policy that one has.
    SetDefaultPolicyVersion,
    /// Change whom a role trusts.
    UpdateAssumeRolePolicy,
    /// Make a user and give him every right.
    CreateUser,
    /// Make a role, trust oneself, and give it every right.
    CreateRole,
    /// Run commands on a machine.
    SendCommand,
    /// Open a shell on a machine.
    StartSession,
    /// Change the code of a function.
    UpdateFunctionCode,
    /// Run a command in a container of a service.
    EcsExecuteCommand,
    /// Take the credentials of a role from where it runs.
    ComputeRole,
    /// Get through a door to what runs behind it; it takes a flaw in that.
    Exposed,
    /// Read what anybody can read.
    PublicRead,
}

impl Technique {
    /// Why the step works, as a sentence without its end.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::Everything => "policies allow every action on every resource",
            Self::AssumeRole => "the role's trust and the policies of the one who asks allow sts:AssumeRole",
            Self::AssumeRoleWithSaml => "the role trusts whomever the SAML provider vouches for",
            Self::AssumeRoleWithWebIdentity => {
                "the role trusts whomever the OpenID Connect provider vouches for"
            }
            Self::ServiceAccountRole => "the role trusts service accounts of the cluster",
            Self::PassRoleToEc2 => "who starts a machine with a role runs commands on it as that role",
            Self::PassRoleToLambda => "who makes and calls a function with a role runs code as that role",
            Self::PassRoleToEcs => "who runs a task with a role runs containers as that role",
            Self::PassRoleToGlue => "who runs jobs of Glue with a role runs code as that role",
            Self::PassRoleToCloudformation => "who makes a stack with a role makes changes as that role",
            Self::PassRoleToSagemaker => "who runs notebooks or jobs with a role runs code as that role",
            Self::PassRoleToDatapipeline => "who runs a pipeline with a role runs commands as that role",
            Self::PassRoleToCodebuild => "who runs a build with a role runs commands as that role",
            Self::PassRoleToStepfunctions => "who runs a state machine with a role calls AWS as that role",
            Self::CreateAccessKey => "an access key of a user has the rights of the user",
            Self::CreateLoginProfile | Self::UpdateLoginProfile => {
                "who sets the password of a user signs in as the user"
            }
            Self::AddUserToGroup => "members of a group have its policies",
            Self::AttachUserPolicy | Self::PutUserPolicy => {
                "who gives policies to a user that he is or can become has every right"
            }
            Self::AttachGroupPolicy | Self::PutGroupPolicy => {
                "who gives policies to a group that he is in has every right"
            }
            Self::AttachRolePolicy | Self::PutRolePolicy => {
                "who gives policies to a role that he is or can become has every right"
            }
            Self::CreatePolicyVersion => "who writes a policy that he has has every right",
            Self::SetDefaultPolicyVersion => "an older version of a policy that one has may say more",
            Self::UpdateAssumeRolePolicy => "who writes the trust of a role can assume it",
            Self::CreateUser => "who makes a user and its policies and keys has every right",
            Self::CreateRole => "who makes a role, its trust and its policies has every right",
            Self::SendCommand | Self::StartSession => {
                "Systems Manager runs commands on the machine as its administrator"
            }
            Self::UpdateFunctionCode => "who writes the code of a function runs it as the function's role",
            Self::EcsExecuteCommand => "commands run in a container of the service",
            Self::ComputeRole => "what runs there gets the credentials of its role",
            Self::Exposed => "the internet gets to it",
            Self::PublicRead => "anybody can read it",
        }
    }

    /// Actions that it takes, in small letters. Of each list one is enough.
    pub(crate) fn actions(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::AssumeRole => &[&["sts:assumerole"]],
            Self::CreateAccessKey => &[&["iam:createaccesskey"]],
            Self::CreateLoginProfile => &[&["iam:createloginprofile"]],
            Self::UpdateLoginProfile => &[&["iam:updateloginprofile"]],
            Self::AddUserToGroup => &[&["iam:addusertogroup"]],
            Self::AttachUserPolicy => &[&["iam:attachuserpolicy"]],
            Self::AttachGroupPolicy => &[&["iam:attachgrouppolicy"]],
            Self::AttachRolePolicy => &[&["iam:attachrolepolicy"]],
            Self::PutUserPolicy => &[&["iam:putuserpolicy"]],
            Self::PutGroupPolicy => &[&["iam:putgrouppolicy"]],
            Self::PutRolePolicy => &[&["iam:putrolepolicy"]],
            Self::CreatePolicyVersion => &[&["iam:createpolicyversion"]],
            Self::SetDefaultPolicyVersion => &[&["iam:setdefaultpolicyversion"]],
            Self::UpdateAssumeRolePolicy => &[&["iam:updateassumerolepolicy"]],
            Self::CreateUser => &[
                &["iam:createuser"],
                &["iam:createaccesskey", "iam:createloginprofile"],
                &["iam:attachuserpolicy", "iam:putuserpolicy"],
            ],
            Self::CreateRole => &[&["iam:createrole"], &["iam:attachrolepolicy", "iam:putrolepolicy"]],
            Self::SendCommand => &[&["ssm:sendcommand"]],
            Self::StartSession => &[&["ssm:startsession"]],
            Self::UpdateFunctionCode => &[&["lambda:updatefunctioncode"]],
            Self::EcsExecuteCommand => &[&["ecs:executecommand"]],
            _ => &[],
        }
    }
}

/// A service that runs as a role that it is passed.
pub(crate) struct Passing {
    pub(crate) technique: Technique,
    /// Name of the service, which the role has to trust.
    pub(crate) service: &'static str,
    /// Actions besides `iam:PassRole`. Of each list one is enough.
    pub(crate) needs: &'static [&'static [&'static str]],
}

/// Services that run as a role that they are passed.
pub(crate) const PASSINGS: [Passing; 11] = [
    Passing {
        technique: Technique::PassRoleToEc2,
        service: "ec2.amazonaws.com",
        needs: &[&["ec2:runinstances"]],
    },
    Passing {
        technique: Technique::PassRoleToLambda,
        service: "lambda.amazonaws.com",
        needs: &[
            &["lambda:createfunction"],
            &[
                "lambda:invokefunction",
                "lambda:createfunctionurlconfig",
                "lambda:createeventsourcemapping",
                "lambda:addpermission",
            ],
        ],
    },
    Passing {
        technique: Technique::PassRoleToEcs,
        service: "ecs-tasks.amazonaws.com",
        needs: &[
            &["ecs:registertaskdefinition"],
            &["ecs:runtask", "ecs:starttask", "ecs:createservice", "ecs:updateservice"],
        ],
    },
    Passing {
        technique: Technique::PassRoleToGlue,
        service: "glue.amazonaws.com",
        needs: &[&["glue:createdevendpoint", "glue:createsession"]],
    },
    Passing {
        technique: Technique::PassRoleToGlue,
        service: "glue.amazonaws.com",
        needs: &[&["glue:createjob", "glue:updatejob"], &["glue:startjobrun", "glue:createtrigger"]],
    },
    Passing {
        technique: Technique::PassRoleToCloudformation,
        service: "cloudformation.amazonaws.com",
        needs: &[&["cloudformation:createstack", "cloudformation:updatestack"]],
    },
    Passing {
        technique: Technique::PassRoleToSagemaker,
        service: "sagemaker.amazonaws.com",
        needs: &[&["sagemaker:createnotebookinstance"], &["sagemaker:createpresignednotebookinstanceurl"]],
    },
    Passing {
        technique: Technique::PassRoleToSagemaker,
        service: "sagemaker.amazonaws.com",
        needs: &[&["sagemaker:createtrainingjob", "sagemaker:createprocessingjob"]],
    },
    Passing {
        technique: Technique::PassRoleToDatapipeline,
        service: "datapipeline.amazonaws.com",
        needs: &[
            &["datapipeline:createpipeline"],
            &["datapipeline:putpipelinedefinition"],
            &["datapipeline:activatepipeline"],
        ],
    },
    Passing {
        technique: Technique::PassRoleToCodebuild,
        service: "codebuild.amazonaws.com",
        needs: &[
            &["codebuild:createproject", "codebuild:updateproject"],
            &["codebuild:startbuild", "codebuild:startbuildbatch"],
        ],
    },
    Passing {
        technique: Technique::PassRoleToStepfunctions,
        service: "states.amazonaws.com",
        needs: &[
            &["states:createstatemachine", "states:updatestatemachine"],
            &["states:startexecution", "states:startsyncexecution"],
        ],
    },
];

/// Actions of which somebody who holds every right is denied none.
pub(crate) const ADMINISTRATION: [&str; 8] = [
    "iam:createaccesskey",
    "iam:attachuserpolicy",
    "iam:attachrolepolicy",
    "iam:passrole",
    "sts:assumerole",
    "s3:getobject",
    "ec2:runinstances",
    "lambda:createfunction",
];

/// Services of which every right on every resource makes a role a privileged one.
pub(crate) const SENSITIVE_SERVICES: [&str; 14] = [
    "iam",
    "sts",
    "organizations",
    "kms",
    "secretsmanager",
    "ssm",
    "s3",
    "ec2",
    "lambda",
    "dynamodb",
    "rds",
    "cloudformation",
    "eks",
    "ecs",
];
