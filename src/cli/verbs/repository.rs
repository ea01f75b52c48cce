//! Repositories of registries, as they are typed.

use crate::cli::report::Failure;
use crate::pipeline::Error;
use crate::publish::destination::shown;
use crate::publish::{Destination, PublishError};
use crate::registry::{RegistryError, Repository, Tag};

/// `HOST/REPOSITORY[:TAG]`
pub(super) fn with_tag(text: &str) -> Result<(Repository, Option<Tag>), Failure> {
    match text.parse::<Destination>() {
        Ok(Destination::Registry(repository, tag)) => Ok((repository, tag)),
        _ => Err(Failure::Usage {
            message: format!("`{}` is not a repository of a registry", shown(text)),
            hint: "write it as `HOST/REPOSITORY`; what is on Docker Hub begins with `docker.io/`".to_owned(),
        }),
    }
}

/// `HOST/REPOSITORY`
pub(super) fn without_tag(text: &str) -> Result<Repository, Failure> {
    match with_tag(text)? {
        (repository, None) => Ok(repository),
        (repository, Some(tag)) => Err(Failure::Usage {
            message: format!("`{text}` has a tag, and the whole repository is meant"),
            hint: format!("leave `:{tag}` away: `{repository}`"),
        }),
    }
}

pub(super) fn failure(error: RegistryError) -> Failure {
    Error::from(PublishError::from(error)).into()
}
