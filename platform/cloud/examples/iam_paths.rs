//! Measures identity paths of a large account that it makes up: `cargo run --release --package cloud --example iam_paths`. Asked: 2,000
//! roles with 2,000 policies in less than 2 s.

use std::sync::Arc;
use std::time::Instant;

use cloud::{Resource, aws};
use serde_json::{Value, json};

const COUNT: usize = 2_000;

fn main() {
    let account = aws::Account::of(roles().into_iter().chain(policies()), Default::default());
    let start = Instant::now();
    let access = Arc::new(aws::Access::of(&account));
    let exposure = Arc::new(aws::Exposure::of(&account, &access));
    println!("access and exposure: {:.3} s", start.elapsed().as_secs_f64());
    let begin = Instant::now();
    let attack = aws::Attack::of(&account, access, exposure);
    println!(
        "{} places, {} edges: {:.3} s",
        attack.place_count(),
        attack.edge_count(),
        begin.elapsed().as_secs_f64()
    );
    let begin = Instant::now();
    let found = attack.paths(aws::Sources::All, &aws::Limits::default());
    println!(
        "{} paths of {} sources: {:.3} s",
        found.paths.len(),
        found.sources,
        begin.elapsed().as_secs_f64()
    );
    println!("everything to here: {:.2} s; asked: 2 s", start.elapsed().as_secs_f64());
    let begin = Instant::now();
    let points = attack.choke_points(10);
    println!("{} choke points: {:.3} s", points.len(), begin.elapsed().as_secs_f64());
}

fn arn(rest: &str) -> String {
    format!("arn:aws:iam::123456789012:{rest}")
}

/// Roles that trust their account, a service, or one another.
fn roles() -> Vec<Resource> {
    let role = |number: usize| {
        let principal = match number % 3 {
            0 => json!({ "AWS": arn("root") }),
            1 => json!({ "Service": "lambda.amazonaws.com" }),
            _ => json!({ "AWS": arn(&format!("role/role-{}", (number * 7) % COUNT)) }),
        };
        let trust = json!({ "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal }] });
        let attached: Vec<Value> =
            (0..5).map(|step| json!({ "PolicyArn": arn(&format!("policy/policy-{}", (number + step * 401) % COUNT)) })).collect();
        let body = json!({ "Account": "123456789012", "RoleName": format!("role-{number}"),
            "AssumeRolePolicyDocument": trust, "AttachedManagedPolicies": attached });
        Resource::new(arn(&format!("role/role-{number}")), "aws:iam:role", body)
    };
    (0..COUNT).map(role).collect()
}

/// Policies of several kinds, of which many have wildcards and some deny.
fn policies() -> Vec<Resource> {
    let policy = |number: usize| {
        let near = arn(&format!("role/role-{}*", number % 200));
        let (action, resource) = match number % 10 {
            0 => ("sts:AssumeRole", near.as_str()),
            1 => ("iam:PassRole", near.as_str()),
            2 => ("lambda:*", "*"),
            3 => ("iam:UpdateAssumeRolePolicy", near.as_str()),
            4 => ("s3:Get*", "*"),
            5 if number == 1_005 => ("*", "*"),
            6 => ("ec2:Describe*", "*"),
            _ => ("logs:*", "*"),
        };
        let statements = json!([
            { "Effect": "Allow", "Action": action, "Resource": resource },
            { "Effect": "Deny", "Action": ["iam:*", "sts:*"], "Resource": arn(&format!("role/role-{}", (number * 13) % COUNT)) },
        ]);
        let body = json!({ "Account": "123456789012", "Document": { "Statement": statements } });
        Resource::new(arn(&format!("policy/policy-{number}")), "aws:iam:policy", body)
    };
    (0..COUNT).map(policy).collect()
}
