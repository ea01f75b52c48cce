//! Who may read and write.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::http::{Call, Reply};
use super::settings::Right;

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
    /// A token is good for so many requests.
    pub(crate) uses: Option<usize>,
    pub(crate) good: Vec<Token>,
    pub(crate) count: usize,
}

/// One token.
pub(crate) struct Token {
    text: String,
    /// What was asked for.
    scopes: Vec<Scope>,
    used: usize,
}

/// One thing that may be done to a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) repository: String,
    pub(crate) action: Action,
}

/// What may be done to a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Pull,
    Push,
}

impl Action {
    fn word(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
        }
    }

    /// Who may do it.
    pub(super) fn right(self) -> Right {
        match self {
            Self::Pull => Right::Read,
            Self::Push => Right::Write,
        }
    }
}

impl Scope {
    pub(crate) fn new(repository: &str, action: Action) -> Self {
        Self { repository: repository.to_owned(), action }
    }

    /// Those of a `scope` parameter, with blanks between (RFC 6749, section 3.3).
    fn parse(text: &str) -> Vec<Self> {
        let mut scopes = Vec::new();
        for one in text.split(' ') {
            let Some((repository, actions)) = one.strip_prefix("repository:").and_then(|rest| rest.rsplit_once(':'))
            else {
                continue;
            };
            for action in [Action::Pull, Action::Push] {
                if actions.split(',').any(|word| word == action.word()) {
                    scopes.push(Self::new(repository, action));
                }
            }
        }
        scopes
    }

    /// As they are asked for: `repository:R:pull,push repository:FROM:pull`.
    fn shown(scopes: &[Self]) -> String {
        let mut out = String::new();
        let mut last = None;
        for scope in scopes {
            if last == Some(&scope.repository) {
                out.push_str(&format!(",{}", scope.action.word()));
                continue;
            }
            let gap = if out.is_empty() { "" } else { " " };
            out.push_str(&format!("{gap}repository:{}:{}", scope.repository, scope.action.word()));
            last = Some(&scope.repository);
        }
        out
    }
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

    /// Tokens for everybody, each good for so many requests.
    pub(crate) fn tokens_with_uses(uses: usize) -> Self {
        Self::Token(Tokens { uses: Some(uses), ..Tokens::default() })
    }

    /// No token is good any more.
    pub(crate) fn expire(&mut self) {
        if let Self::Token(tokens) = self {
            tokens.good.clear();
        }
    }

    /// The answer to a request of somebody who is not known, or did not ask for all that the request needs.
    pub(super) fn refusal(&mut self, call: &Call, base: &str, needs: &[Scope]) -> Option<Reply> {
        let given = call.header("authorization").unwrap_or_default();
        let challenge = match self {
            Self::Open => return None,
            Self::Basic { user, password } if given == basic(user, password) => return None,
            Self::Basic { .. } => "Basic realm=\"the registry, of course\"".to_owned(),
            Self::Token(tokens) => {
                if tokens.use_one(given.strip_prefix("Bearer ").unwrap_or_default(), needs) {
                    return None;
                }
                let realm = tokens.realm.clone().unwrap_or_else(|| format!("{base}{TOKEN_PATH}"));
                let scope = match needs {
                    [] => String::new(),
                    needs => format!(",scope=\"{}\"", Scope::shown(needs)),
                };
                format!("Bearer realm=\"{realm}\",service=\"a, test\"{scope}")
            }
        };
        let reply = Reply::error(401, "UNAUTHORIZED", "authentication required");
        Some(reply.with("WWW-Authenticate", challenge))
    }

    /// A token for what is asked for.
    pub(super) fn token(&mut self, call: &Call) -> Reply {
        let Self::Token(tokens) = self else { return Reply::error(404, "NOT_FOUND", "no tokens here") };
        let refused = || Reply::new(401).body("application/json", r#"{"details":"incorrect username or password"}"#);
        let asked = if call.method == "POST" {
            if tokens.refresh.is_none() || call.form("refresh_token") != tokens.refresh {
                return refused();
            }
            call.form("scope").into_iter().collect()
        } else {
            let given = call.header("authorization").unwrap_or_default();
            if tokens.user.as_ref().is_some_and(|(user, password)| given != basic(user, password)) {
                return refused();
            }
            call.queries("scope")
        };
        tokens.count += 1;
        let text = format!("token-{}", tokens.count);
        let scopes = asked.iter().flat_map(|scope| Scope::parse(scope)).collect();
        tokens.good.push(Token { text: text.clone(), scopes, used: 0 });
        // Old servers say the one, new ones the other.
        let name = if call.method == "POST" { "access_token" } else { "token" };
        Reply::new(200).body("application/json", format!(r#"{{"{name}":"{text}","expires_in":300}}"#))
    }
}

impl Tokens {
    /// Whether a token is good for that; if so, it is used once more.
    fn use_one(&mut self, given: &str, needs: &[Scope]) -> bool {
        let Some(at) = self.good.iter().position(|token| token.text == given) else { return false };
        let token = &mut self.good[at];
        if !needs.iter().all(|need| token.scopes.contains(need)) {
            return false;
        }
        token.used += 1;
        if self.uses.is_some_and(|most| token.used >= most) {
            self.good.remove(at);
        }
        true
    }
}

/// The value of the header.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}
