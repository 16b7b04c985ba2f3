use anyhow::Result;

use super::debian;
use crate::project::{Project, is_there, say};

/// Debian's package of a PKCS#11 token in software, and the program that makes such tokens.
const PACKAGE: &str = "softhsm2";
const PROGRAM: &str = "softhsm2-util";

/// Installs the token that tests sign with. They say so when it is not there.
pub(super) fn install(project: &Project) -> Result<()> {
    if is_there(PROGRAM) {
        say("setup: SoftHSM is there");
        Ok(())
    } else if debian::can_install(project) {
        debian::install(project, &[PACKAGE])
    } else {
        say("setup: no SoftHSM here, so nothing is signed with a token");
        Ok(())
    }
}
