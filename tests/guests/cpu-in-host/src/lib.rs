//! Calls cheap functions of the host for ever: hardly any time passes in the guest itself.

use contract::host::{clock, config, metrics};
use contract::{Assessment, AssetResource, Error};

contract::posture!(check);

fn check(_resources: Vec<AssetResource>) -> Result<Assessment, Error> {
    loop {
        metrics::add("calls", clock::now() ^ config::get().len() as u64);
    }
}
