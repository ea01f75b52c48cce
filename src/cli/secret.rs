//! `--secret id=ID,env=VARIABLE` and `--secret id=ID,file=PATH`: the value itself is never an argument, because everybody
//! on a machine can read those.

use std::path::PathBuf;
use std::str::FromStr;

use super::environment;
use super::report::Failure;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretArg {
    /// What templates call it.
    pub id: String,
    from: From,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    Variable(String),
    File(PathBuf),
}

/// An argument that names no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `id=ID,env=VARIABLE` or `id=ID,file=PATH`")]
pub struct BadSecret;

impl FromStr for SecretArg {
    type Err = BadSecret;

    fn from_str(text: &str) -> Result<Self, BadSecret> {
        let (id, from) = text.strip_prefix("id=").and_then(|rest| rest.split_once(',')).ok_or(BadSecret)?;
        let from = match from.split_once('=') {
            Some(("env", name)) if !name.is_empty() => From::Variable(name.to_owned()),
            Some(("file" | "src", path)) if !path.is_empty() => From::File(path.into()),
            _ => return Err(BadSecret),
        };
        let good = !id.is_empty()
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && !id.starts_with('.');
        if good { Ok(Self { id: id.to_owned(), from }) } else { Err(BadSecret) }
    }
}

impl SecretArg {
    /// Its value.
    pub fn read(&self) -> Result<Vec<u8>, Failure> {
        let found = match &self.from {
            From::Variable(name) => environment::variable(name)
                .map(std::os::unix::ffi::OsStringExt::into_vec)
                .ok_or_else(|| format!("the variable `{name}` is not set")),
            From::File(path) => {
                std::fs::read(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))
            }
        };
        found.map_err(|reason| Failure::Usage {
            message: format!("the secret `{}`: {reason}", self.id),
            hint: "`--secret id=ID,env=VARIABLE` takes it from the environment, `--secret id=ID,file=PATH` from a file"
                .to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_in_a_variable_or_a_file() {
        let parsed = "id=token,env=TOKEN".parse::<SecretArg>();
        assert_eq!(parsed, Ok(SecretArg { id: "token".to_owned(), from: From::Variable("TOKEN".to_owned()) }));
        assert!("id=a,file=/x,y".parse::<SecretArg>().is_ok());
        for bad in ["token", "id=,env=X", "id=a", "id=a,value=x", "id=../a,env=X", "id=a,env="] {
            assert_eq!(bad.parse::<SecretArg>(), Err(BadSecret), "{bad}");
        }
    }
}
