//! Doors of the internet, kind by kind.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::aws::access::Access;
use crate::aws::account::{Account, owner, texts, texts_of};
use crate::aws::arn::Arn;
use crate::aws::exposure::{DoorKind, Entry, Verdict};
use crate::aws::network::{Inbound, Ports, Range, access_list, inbound, leads_out};
use crate::aws::public::{self, Open};
use crate::aws::truth::Truth;
use crate::resource::{Key, Resource, inside, list_in, text_in};

type Found<'f> = &'f mut dyn FnMut(&str, Entry);

/// What doors lead through, by the ids that AWS gives inside of a region.
pub(crate) struct Doors<'a> {
    account: &'a Account,
    access: &'a Access,
    groups: BTreeMap<&'a str, (&'a str, Inbound)>,
    /// Access list of each subnet.
    lists: BTreeMap<&'a str, &'a Resource>,
    /// Route table of each subnet that has its own, and of each network.
    tables: BTreeMap<&'a str, &'a Resource>,
    /// Network of each subnet.
    subnets: BTreeMap<&'a str, &'a str>,
}

/// A place in a network.
struct Spot<'a> {
    subnets: Vec<&'a str>,
    groups: Vec<&'a str>,
    /// Security groups are not used here, and let everything in.
    without_groups: bool,
}

/// What becomes of some ports on their way in.
struct Way {
    verdict: Verdict,
    ports: Ports,
    why: String,
    rules: Vec<String>,
}

impl<'a> Doors<'a> {
    pub(crate) fn of(account: &'a Account, access: &'a Access) -> Self {
        let mut doors = Self {
            account,
            access,
            groups: BTreeMap::new(),
            lists: BTreeMap::new(),
            tables: BTreeMap::new(),
            subnets: BTreeMap::new(),
        };
        for resource in account.resources() {
            match resource.kind.as_str() {
                "aws:ec2:security-group" => {
                    if let Some(id) = resource.text(&["GroupId"]) {
                        doors.groups.insert(id, (&resource.id, inbound(resource)));
                    }
                }
                "aws:ec2:network-acl" => {
                    for association in resource.list(&["Associations"]) {
                        doors
                            .lists
                            .extend(text_in(association, &["SubnetId"]).map(|subnet| (subnet, resource)));
                    }
                }
                "aws:ec2:route-table" => doors.table(resource),
                "aws:ec2:subnet" => {
                    let ids = resource.text(&["SubnetId"]).zip(resource.text(&["VpcId"]));
                    doors.subnets.extend(ids);
                }
                _ => {}
            }
        }
        doors
    }

    fn table(&mut self, table: &'a Resource) {
        for association in table.list(&["Associations"]) {
            if let Some(subnet) = text_in(association, &["SubnetId"]) {
                self.tables.insert(subnet, table);
            } else if association.get("Main") == Some(&Value::Bool(true)) {
                self.tables.extend(table.text(&["VpcId"]).map(|network| (network, table)));
            }
        }
    }

    pub(crate) fn all(&self, found: Found<'_>) {
        for resource in self.account.resources() {
            match resource.kind.as_str() {
                "aws:ec2:instance" => self.instance(resource, found),
                "aws:elbv2:load-balancer" => self.load_balancer(resource, found),
                "aws:ecs:service" => self.service(resource, found),
                "aws:lambda:function" => self.function(resource, found),
                "aws:rds:db-instance" | "aws:rds:db-cluster" | "aws:redshift:cluster" => {
                    self.database(resource, found);
                }
                "aws:eks:cluster" => cluster(resource, found),
                "aws:apigateway:rest-api" | "aws:apigatewayv2:api" => gateway(resource, found),
                "aws:cloudfront:distribution" => distribution(resource, found),
                "aws:opensearch:domain" => self.search(resource, found),
                _ => self.data(resource, found),
            }
        }
    }

    fn instance(&self, instance: &Resource, found: Found<'_>) {
        let mut any = false;
        for interface in instance.list(&["NetworkInterfaces"]) {
            let public = text_in(interface, &["Association", "PublicIp"]).is_some()
                || !list_in(interface, &["Ipv6Addresses"]).is_empty();
            if !public {
                continue;
            }
            any = true;
            let subnets = text_in(interface, &["SubnetId"]).into_iter().collect();
            let groups = texts_of(interface, &["Groups"], "GroupId");
            let spot = Spot { subnets, groups, without_groups: false };
            self.entries(instance, DoorKind::PublicAddress, &spot, None, &[&instance.id], found);
        }
        if !any && instance.text(&["PublicIpAddress"]).is_some() {
            let subnets = instance.text(&["SubnetId"]).into_iter().collect();
            let groups = instance.list(&["SecurityGroups"]).iter();
            let groups = groups.filter_map(|group| text_in(group, &["GroupId"])).collect();
            let spot = Spot { subnets, groups, without_groups: false };
            self.entries(instance, DoorKind::PublicAddress, &spot, None, &[&instance.id], found);
        }
    }

    fn load_balancer(&self, balancer: &Resource, found: Found<'_>) {
        self.balanced(balancer, balancer, &[&balancer.id], found);
    }

    /// What gets through a load balancer to what is behind it.
    fn balanced(&self, balancer: &Resource, behind: &Resource, path: &[&str], found: Found<'_>) {
        if balancer.text(&["Scheme"]) != Some("internet-facing") {
            let why = "the load balancer is internal";
            found(&behind.id, Entry::web(Verdict::Internal, DoorKind::LoadBalancer, path, why));
            return;
        }
        let subnets = balancer.list(&["AvailabilityZones"]).iter();
        let subnets = subnets.filter_map(|zone| text_in(zone, &["SubnetId"])).collect();
        let groups = texts(balancer.list(&["SecurityGroups"]));
        // Those for networks may do without groups.
        let without_groups = groups.is_empty() && balancer.text(&["Type"]) == Some("network");
        let spot = Spot { subnets, groups, without_groups };
        let listeners = match balancer.key("Listeners") {
            Key::Value(Value::Array(listeners)) => listeners.as_slice(),
            _ => {
                let why = "the listeners of the load balancer are not known";
                found(&behind.id, Entry::web(Verdict::Possible, DoorKind::LoadBalancer, path, why));
                return;
            }
        };
        for listener in listeners {
            let port = listener.get("Port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
            let Some(port) = port else { continue };
            let protocol = match text_in(listener, &["Protocol"]) {
                Some("UDP") => "udp",
                Some("TCP_UDP") => "all",
                _ => "tcp",
            };
            let ports = Ports { protocol: protocol.to_owned(), ..Ports::tcp(port) };
            self.entries(behind, DoorKind::LoadBalancer, &spot, Some(&ports), path, found);
        }
    }

    fn service(&self, service: &Resource, found: Found<'_>) {
        for target in texts_of_list(service, &["loadBalancers"], "targetGroupArn") {
            let Some(group) = self.account.resource(target) else { continue };
            for balancer in texts(group.list(&["LoadBalancerArns"])) {
                if let Some(balancer) = self.account.resource(balancer) {
                    self.balanced(balancer, service, &[&balancer.id, &group.id, &service.id], found);
                }
            }
        }
        let Some(network) = service.at(&["networkConfiguration", "awsvpcConfiguration"]) else { return };
        if text_in(network, &["assignPublicIp"]) == Some("ENABLED") {
            let subnets = texts(list_in(network, &["subnets"]));
            let groups = texts(list_in(network, &["securityGroups"]));
            let spot = Spot { subnets, groups, without_groups: false };
            self.entries(service, DoorKind::PublicAddress, &spot, None, &[&service.id], found);
        }
    }

    fn database(&self, database: &Resource, found: Found<'_>) {
        match database.at(&["PubliclyAccessible"]).and_then(Value::as_bool) {
            Some(true) => {}
            Some(false) => {
                let why = "the endpoint has no public address";
                let path: &[&str] = &[&database.id];
                found(&database.id, Entry::web(Verdict::Internal, DoorKind::Endpoint, path, why));
                return;
            }
            // Clusters of Aurora are reached by their instances.
            None => return,
        }
        let port = database.at(&["Endpoint", "Port"]).or_else(|| database.at(&["Port"]));
        let port = port.and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
        let subnets = database.list(&["DBSubnetGroup", "Subnets"]).iter();
        let subnets = subnets.filter_map(|subnet| text_in(subnet, &["SubnetIdentifier"])).collect();
        let groups = texts_of_list(database, &["VpcSecurityGroups"], "VpcSecurityGroupId");
        let spot = Spot { subnets, groups, without_groups: false };
        let port = port.map(Ports::tcp);
        self.entries(database, DoorKind::Endpoint, &spot, port.as_ref(), &[&database.id], found);
    }

    fn search(&self, domain: &Resource, found: Found<'_>) {
        let path: &[&str] = &[&domain.id];
        let inner = domain.at(&["VPCOptions"]).is_some_and(|options| text_in(options, &["VPCId"]).is_some());
        let entry = if inner {
            Entry::web(Verdict::Internal, DoorKind::Endpoint, path, "the domain is inside of a network")
        } else {
            let within = format!("{}/*", domain.id);
            match public::by_policy(self.access, &domain.id, &["es:eshttpget"], &within).truth {
                Truth::Yes => {
                    Entry::web(Verdict::Open, DoorKind::Endpoint, path, "its policy lets anybody in")
                }
                Truth::Maybe => {
                    let why = "its policy may let anybody in";
                    Entry::web(Verdict::Possible, DoorKind::Endpoint, path, why)
                }
                Truth::No => {
                    let why = "its policy lets nobody in who is not named";
                    Entry::web(Verdict::Filtered, DoorKind::Endpoint, path, why)
                }
            }
        };
        found(&domain.id, entry);
    }

    fn function(&self, function: &Resource, found: Found<'_>) {
        let path: &[&str] = &[&function.id];
        let url = match function.key("UrlConfig") {
            Key::None => return,
            // Plans and older collections do not ask.
            Key::Unknown if !function.unknown().any(|key| key == "UrlConfig") => return,
            Key::Unknown => {
                let why = "whether the function has a URL could not be read";
                found(&function.id, Entry::web(Verdict::Possible, DoorKind::FunctionUrl, path, why));
                return;
            }
            Key::Value(url) => url,
        };
        let entry = if text_in(url, &["AuthType"]) != Some("NONE") {
            Entry::web(Verdict::Internal, DoorKind::FunctionUrl, path, "the URL asks for a signature of AWS")
        } else {
            match public::by_policy(self.access, &function.id, &["lambda:invokefunctionurl"], &function.id)
                .truth
            {
                Truth::Yes => {
                    let why = "the URL asks for nothing, and the function's policy lets anybody call it";
                    Entry::web(Verdict::Open, DoorKind::FunctionUrl, path, why)
                }
                Truth::Maybe => {
                    let why = "the URL asks for nothing, and the function's policy may let anybody call it";
                    Entry::web(Verdict::Possible, DoorKind::FunctionUrl, path, why)
                }
                Truth::No => {
                    let why = "the function's policy lets nobody call the URL";
                    Entry::web(Verdict::Filtered, DoorKind::FunctionUrl, path, why)
                }
            }
        };
        found(&function.id, entry);
    }

    /// Buckets, snapshots and other things that the API of AWS hands out.
    fn data(&self, resource: &Resource, found: Found<'_>) {
        let Open { truth, why } = public::of(self.account, self.access, resource);
        let verdict = match truth {
            Truth::Yes => Verdict::Open,
            Truth::Maybe => Verdict::Possible,
            Truth::No => return,
        };
        found(&resource.id, Entry::web(verdict, DoorKind::AwsApi, &[&resource.id], why));
    }

    fn entries(
        &self,
        resource: &Resource,
        door: DoorKind,
        spot: &Spot<'_>,
        wanted: Option<&Ports>,
        path: &[&str],
        found: Found<'_>,
    ) {
        for way in self.ways(resource, spot, wanted) {
            let entry = Entry::web(way.verdict, door, path, way.why).with_ports(&way.ports);
            found(&resource.id, Entry { rules: way.rules, ..entry });
        }
    }

    /// What becomes of traffic to a place: its routes, then its access lists, then its security groups.
    fn ways(&self, resource: &Resource, spot: &Spot<'_>, wanted: Option<&Ports>) -> Vec<Way> {
        let any = Ports { protocol: "all".to_owned(), from: 0, to: u16::MAX };
        let wanted = wanted.unwrap_or(&any);
        let region =
            (owner(resource).unwrap_or_default(), Arn::of(&resource.id).map_or("", |arn| arn.region));
        let (mut ways, mut unread) = (Vec::new(), BTreeSet::new());
        if spot.without_groups {
            let why = "it has a public address, and no security group";
            ways.push(Way {
                verdict: Verdict::Open,
                ports: wanted.clone(),
                why: why.into(),
                rules: Vec::new(),
            });
        }
        for group in &spot.groups {
            let Some((id, inbound)) = self.groups.get(group) else {
                unread.insert(*group);
                continue;
            };
            let mut add = |ports: &Ports, verdict, why: &str| {
                if let Some(ports) = ports.both(wanted) {
                    ways.push(Way { verdict, ports, why: why.to_owned(), rules: vec![(*id).to_owned()] });
                }
            };
            for ports in &inbound.open {
                add(ports, Verdict::Open, "a security group lets the internet in");
            }
            for ports in &inbound.possible {
                add(
                    ports,
                    Verdict::Possible,
                    "a security group lets in a list of addresses that is not known",
                );
            }
        }
        if !unread.is_empty() || (spot.groups.is_empty() && !spot.without_groups) {
            let why = format!("its security groups were not read in {} {}", region.0, region.1);
            ways.push(Way { verdict: Verdict::Possible, ports: wanted.clone(), why, rules: Vec::new() });
        }
        if ways.is_empty() {
            let why = "no security group lets the internet in".to_owned();
            let rules =
                spot.groups.iter().filter_map(|group| Some(self.groups.get(group)?.0.to_owned())).collect();
            return vec![Way { verdict: Verdict::Filtered, ports: wanted.clone(), why, rules }];
        }
        ways.into_iter().flat_map(|way| self.routed(way, &spot.subnets)).collect()
    }

    /// What subnets make of a way: the best of them decides.
    fn routed(&self, way: Way, subnets: &[&str]) -> Vec<Way> {
        if subnets.is_empty() {
            let why = format!("{}; its subnets, and so its routes and access lists, are not known", way.why);
            return vec![Way { verdict: way.verdict.max(Verdict::Possible), why, ..way }];
        }
        let (mut ways, mut closed) = (Vec::new(), Vec::new());
        for subnet in subnets {
            let table = self.tables.get(subnet).or_else(|| self.tables.get(self.subnets.get(subnet)?));
            let (mut rules, mut verdict, mut why) = (way.rules.clone(), way.verdict, way.why.clone());
            match table.map(|table| (table, leads_out(table))) {
                Some((table, Truth::No)) => {
                    closed.push((table.id.clone(), "no route of its subnet leads to an internet gateway"));
                    continue;
                }
                Some((table, _)) => rules.push(table.id.clone()),
                None => {
                    verdict = verdict.max(Verdict::Possible);
                    why.push_str("; the routes of its subnet are not known");
                }
            }
            let Some(list) = self.lists.get(subnet) else {
                verdict = verdict.max(Verdict::Possible);
                why.push_str("; the access list of its subnet is not known");
                ways.push(Way { verdict, ports: way.ports.clone(), why, rules });
                continue;
            };
            rules.push(list.id.clone());
            // Answers leave from any port to high ones of whoever asked.
            let answers = Ports { protocol: way.ports.protocol.clone(), from: 1_024, to: u16::MAX };
            let through = access_list(list, false, &way.ports);
            if through.is_empty() || access_list(list, true, &answers).is_empty() {
                closed.push((list.id.clone(), "the access list of its subnet keeps the internet out"));
                continue;
            }
            let one = |ports| Way { verdict, ports, why: why.clone(), rules: rules.clone() };
            ways.extend(through.into_iter().map(one));
        }
        if ways.is_empty() {
            let why = closed.first().map_or("", |(_, why)| why).to_owned();
            let rules = closed.into_iter().map(|(id, _)| id).collect();
            ways.push(Way { verdict: Verdict::Filtered, ports: way.ports, why, rules });
        }
        ways
    }
}

fn texts_of_list<'a>(resource: &'a Resource, list: &[&str], key: &str) -> Vec<&'a str> {
    resource.list(list).iter().filter_map(|element| text_in(element, &[key])).collect()
}

fn cluster(cluster: &Resource, found: Found<'_>) {
    let path: &[&str] = &[&cluster.id];
    let settings = cluster.at(&["resourcesVpcConfig"]);
    let public = settings.and_then(|settings| inside(settings, &["endpointPublicAccess"])?.as_bool());
    let entry = match (public, settings) {
        (Some(false), _) => {
            Entry::web(Verdict::Internal, DoorKind::ClusterApi, path, "the API server has no public endpoint")
        }
        (Some(true), Some(settings)) => {
            let ranges = texts(list_in(settings, &["publicAccessCidrs"]));
            let wide = |range: &&str| Range::of(range).is_some_and(Range::is_internet);
            if ranges.is_empty() || ranges.iter().any(wide) {
                let why = "the API server has a public endpoint for every address";
                Entry::web(Verdict::Open, DoorKind::ClusterApi, path, why)
            } else {
                let why = "the public endpoint of the API server is for some addresses only";
                Entry::web(Verdict::Filtered, DoorKind::ClusterApi, path, why)
            }
        }
        _ => return,
    };
    found(&cluster.id, entry);
}

fn gateway(gateway: &Resource, found: Found<'_>) {
    let path: &[&str] = &[&gateway.id];
    let private = texts(gateway.list(&["endpointConfiguration", "types"])).contains(&"PRIVATE");
    let off = ["disableExecuteApiEndpoint", "DisableExecuteApiEndpoint"];
    let off = off.iter().any(|key| gateway.body.get(*key) == Some(&Value::Bool(true)));
    let (verdict, why) = if private {
        (Verdict::Internal, "the gateway is private")
    } else if off {
        (Verdict::Possible, "the gateway's own endpoint is off; domains of one's own may lead to it")
    } else if gateway.at(&["policy"]).is_some() {
        (Verdict::Possible, "the gateway has a public endpoint and a policy of its own")
    } else {
        (Verdict::Open, "the gateway has a public endpoint")
    };
    found(&gateway.id, Entry::web(verdict, DoorKind::ApiGateway, path, why));
}

fn distribution(distribution: &Resource, found: Found<'_>) {
    if distribution.at(&["DistributionConfig", "Enabled"]) != Some(&Value::Bool(false)) {
        let why = "distributions answer the internet";
        found(&distribution.id, Entry::web(Verdict::Open, DoorKind::Distribution, &[&distribution.id], why));
    }
}
