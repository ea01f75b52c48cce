//! Who may read.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::http::{Call, Reply};

/// Where tokens are.
pub(crate) const TOKEN_PATH: &str = "/token";

/// What the registry asks for.
#[derive(Default)]
pub(crate) enum Access {
    /// Nothing.
    #[default]
    Open,
    /// A user name and password.
    Basic { user: String, password: String },
    /// A token, which is given to everybody, or to those who have what it takes.
    Token(Tokens),
}

/// The tokens that were given out.
#[derive(Default)]
pub(crate) struct Tokens {
    /// Needed for a token.
    pub(crate) user: Option<(String, String)>,
    /// Gives a token as well.
    pub(crate) refresh: Option<String>,
    /// Where tokens are, if not here.
    pub(crate) realm: Option<String>,
    pub(crate) good: Vec<(String, String)>,
    pub(crate) count: usize,
}

impl Access {
    /// Tokens for everybody.
    pub(crate) fn tokens() -> Self {
        Self::Token(Tokens::default())
    }

    /// Tokens for one user.
    pub(crate) fn tokens_for(user: &str, password: &str) -> Self {
        Self::Token(Tokens { user: Some((user.to_owned(), password.to_owned())), ..Tokens::default() })
    }

    /// No token is good any more.
    pub(crate) fn expire(&mut self) {
        if let Self::Token(tokens) = self {
            tokens.good.clear();
        }
    }

    /// The answer to a request that lacks what it takes.
    pub(crate) fn refusal(&self, call: &Call, place: &str, repository: &str) -> Option<Reply> {
        let given = call.header("authorization").unwrap_or_default();
        let challenge = match self {
            Self::Open => return None,
            Self::Basic { user, password } if given == basic(user, password) => return None,
            Self::Basic { .. } => "Basic realm=\"the registry, of course\"".to_owned(),
            Self::Token(tokens) => {
                let scope = format!("repository:{repository}:pull");
                let good = |(token, known): &(String, String)| {
                    given.strip_prefix("Bearer ") == Some(token) && (repository.is_empty() || *known == scope)
                };
                if tokens.good.iter().any(good) {
                    return None;
                }
                let realm = tokens.realm.clone().unwrap_or_else(|| format!("http://{place}{TOKEN_PATH}"));
                format!("Bearer realm=\"{realm}\",service=\"a, test\",scope=\"{scope}\"")
            }
        };
        let reply = Reply::error(401, "UNAUTHORIZED", "authentication required");
        Some(reply.with("WWW-Authenticate", challenge))
    }

    /// A token for a scope.
    pub(crate) fn token(&mut self, call: &Call) -> Reply {
        let Self::Token(tokens) = self else { return Reply::error(404, "NOT_FOUND", "no tokens here") };
        let refused = || Reply::new(401).body("application/json", r#"{"details":"incorrect username or password"}"#);
        let scope = if call.method == "POST" {
            if tokens.refresh.is_none() || call.form("refresh_token") != tokens.refresh {
                return refused();
            }
            call.form("scope")
        } else {
            let given = call.header("authorization").unwrap_or_default();
            if tokens.user.as_ref().is_some_and(|(user, password)| given != basic(user, password)) {
                return refused();
            }
            call.query("scope")
        };
        tokens.count += 1;
        let token = format!("token-{}", tokens.count);
        tokens.good.push((token.clone(), scope.unwrap_or_default()));
        // Old servers say the one, new ones the other.
        let name = if call.method == "POST" { "access_token" } else { "token" };
        Reply::new(200).body("application/json", format!(r#"{{"{name}":"{token}","expires_in":300}}"#))
    }
}

/// The value of the header.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}
