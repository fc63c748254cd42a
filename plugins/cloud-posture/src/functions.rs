//! Functions of Lambda.

use palisade_sdk::Severity::{Critical, High, Medium};
use serde_json::json;

use crate::body::Body;
use crate::buckets::{actions, policy};
use crate::finding::{Finding, Found, Table, Verdict, quoted, shown};
use crate::names::secret_name;
use crate::time::{DAY, days};

pub(crate) const CHECKS: &Table = &[
    ("lambda-policy-public", Critical, public),
    ("lambda-url-authentication", High, url),
    ("lambda-runtime-end-of-life", Medium, runtime),
    ("lambda-secret-in-environment", Medium, secrets),
];

fn public(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for one in policy(body)? {
        // What function URLs demand is told by the check for that.
        let of_url = one.conditions.iter().any(|condition| {
            condition.key == "lambda:functionurlauthtype" || condition.key == "lambda:invokedviafunctionurl"
        });
        if one.open() && !of_url {
            let message = format!("Anyone may do {} with the function.", actions(&one));
            found.add(
                Finding::at(&one.at, message)
                    .compared(json!({ "Principal": "*" }), json!("named principals, or a source")),
            );
        }
    }
    Ok(true)
}

fn url(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let Some(url) = body.told("UrlConfig")? else { return Ok(false) };
    let kind = url.need("AuthType")?;
    if kind.text()? == "NONE" {
        let message = "Anyone on the internet may call the function's URL.";
        found.add(Finding::at(&kind.at, message).compared(json!("NONE"), json!("AWS_IAM")));
    }
    Ok(true)
}

/// Days on which runtimes were or will be deprecated, from <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html>. A
/// runtime that is not here is supported, or younger than this list.
const RUNTIMES: [(&str, (i64, i64, i64)); 33] = [
    ("nodejs", (2016, 10, 31)),
    ("nodejs4.3", (2020, 3, 5)),
    ("nodejs4.3-edge", (2020, 3, 5)),
    ("nodejs6.10", (2019, 8, 12)),
    ("nodejs8.10", (2020, 3, 6)),
    ("nodejs10.x", (2021, 7, 30)),
    ("nodejs12.x", (2023, 3, 31)),
    ("nodejs14.x", (2023, 12, 4)),
    ("nodejs16.x", (2024, 6, 12)),
    ("nodejs18.x", (2025, 9, 1)),
    ("nodejs20.x", (2026, 4, 30)),
    ("python2.7", (2021, 7, 15)),
    ("python3.6", (2022, 7, 18)),
    ("python3.7", (2023, 12, 4)),
    ("python3.8", (2024, 10, 14)),
    ("python3.9", (2025, 12, 15)),
    ("python3.10", (2026, 10, 31)),
    ("ruby2.5", (2021, 7, 30)),
    ("ruby2.7", (2023, 12, 7)),
    ("ruby3.2", (2026, 3, 31)),
    ("ruby3.3", (2027, 3, 31)),
    ("java8", (2024, 1, 8)),
    ("go1.x", (2024, 1, 8)),
    ("provided", (2024, 1, 8)),
    ("dotnetcore1.0", (2019, 6, 27)),
    ("dotnetcore2.0", (2019, 5, 30)),
    ("dotnetcore2.1", (2022, 1, 5)),
    ("dotnetcore3.1", (2023, 4, 3)),
    ("dotnet5.0", (2022, 5, 10)),
    ("dotnet6", (2024, 12, 20)),
    ("dotnet7", (2024, 5, 14)),
    ("dotnet8", (2026, 11, 10)),
    ("nodejs22.x", (2027, 4, 30)),
];

fn runtime(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let runtime = body.need("Runtime")?;
    let name = runtime.text()?;
    let end = RUNTIMES.iter().find(|(known, _)| *known == name).map(|(_, end)| *end);
    if let Some((year, month, day)) =
        end.filter(|(year, month, day)| body.passed(days(*year, *month, *day) * DAY))
    {
        let message =
            format!("The runtime {} is deprecated since {year:04}-{month:02}-{day:02}.", shown(name));
        found.add(Finding::at(&runtime.at, message).compared(quoted(name), json!("a supported runtime")));
    }
    Ok(true)
}

fn secrets(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let Some(environment) = body.get("Environment")? else { return Ok(false) };
    let names = environment.need("VariableNames")?.items()?;
    for name in &names {
        if secret_name(name.text()?) {
            let message = format!("The environment variable {} is named like a secret.", shown(name.text()?));
            found.add(
                Finding::at(&name.at, message)
                    .compared(quoted(name.text()?), json!("the name of a secret to read")),
            );
        }
    }
    Ok(!names.is_empty())
}
