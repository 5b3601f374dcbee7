//! Brings Toxiproxy, which is no package of Debian's.

use std::{env, path::Path};

use anyhow::{Context, Result, ensure};

use crate::program::{program as command, root};

/// What `go install` is asked for.
const PACKAGE: &str = "github.com/Shopify/toxiproxy/v2/cmd/server@latest";
/// Where go is when it is not on the path.
const GO: &str = "/usr/local/go/bin/go";

/// The program `TOXIPROXY_SERVER` names, or one that `go install` brings once.
pub(super) fn program() -> Result<String> {
    if let Ok(named) = env::var("TOXIPROXY_SERVER") {
        return Ok(named);
    }
    let folder = root().join("target/tools/go");
    let built = folder.join("server");
    if !built.exists() {
        let go = if Path::new(GO).exists() { GO } else { "go" };
        let mut install = command(go, &["install", PACKAGE]);
        let output =
            install.env("GOBIN", &folder).output().context("there is no go, and no TOXIPROXY_SERVER")?;
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or("it said nothing").to_owned();
        // Names of hosts that modules come from are nobody's business here.
        let last = last.split("http").next().unwrap_or_default().trim_end_matches([' ', ':', '"']).to_owned();
        ensure!(output.status.success() && built.exists(), "go install: {last}");
    }
    Ok(built.to_str().context("the path is UTF-8")?.to_owned())
}
