//! `kiln login` and `kiln logout`

use std::io::Read;
use std::process::ExitCode;

use crate::cli::args::{Login, Logout};
use crate::cli::report::Failure;
use crate::cli::session::Session;
use crate::input::InputError;
use crate::pipeline::Error;
use crate::registry::{Asked, Keeper, Namespace, RegistryError, Whose};
use crate::transport::Secret;

/// Bytes of a password: a header that is longer is refused by most servers.
const PASSWORD_MAX_BYTES: u64 = 8 * 1024;

/// Tries credentials on a registry, and keeps them if it takes them.
pub fn login(args: &Login, session: &Session) -> Result<ExitCode, Failure> {
    let namespace = namespace(&args.registry)?;
    let files = session.environment.network.credentials();
    let keeper = files.keeper(&namespace).map_err(failure)?;
    let (user, password) = credentials(args, &namespace, session)?;
    let network = session.network(&args.network)?;
    let progress = session.progress();
    let news = |news: crate::transport::News| progress.news(&news);
    let client = network.client(&news).map_err(Error::from)?;
    let asked = client.login(&namespace, &user, &password).map_err(failure)?;
    files.keep(&keeper, &namespace, &user, &password).map_err(failure)?;
    if asked == Asked::Nothing {
        session
            .report
            .note(&format!("`{}` asks nobody who they are: the password was not tried", namespace.registry()));
    }
    session.report.note(&format!("logged in to `{namespace}` as `{user}`; the password is in {}", place(&keeper)));
    if let Keeper::File(path) = &keeper {
        let path = path.display();
        session.report.warn(
            &format!("whoever can read `{path}` can read the password: base64 is no encryption"),
            Some("name a helper in it, such as `\"credsStore\": \"pass\"`, and log in again".to_owned()),
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes files and helpers forget credentials.
pub fn logout(args: &Logout, session: &Session) -> Result<ExitCode, Failure> {
    let files = session.environment.network.credentials();
    let one = args.registry.as_deref().map(namespace).transpose()?;
    let mut found = Vec::new();
    let mut first_failure = None;
    for kept in files.kept(one.as_ref().map_or(Whose::All, Whose::Of)) {
        let forgotten = kept.and_then(|kept| files.forget(&kept).map(|()| kept));
        match forgotten {
            Ok(kept) => {
                session.report.note(&format!("`{}`: removed from {}", kept.key, place(&kept.keeper)));
                found.push(kept);
            }
            // The others are to be forgotten all the same.
            Err(error) => first_failure = first_failure.or(Some(error)),
        }
    }
    if let Some(error) = first_failure {
        return Err(failure(error));
    }
    if found.is_empty() {
        let from = one.map_or_else(|| "any registry".to_owned(), |namespace| format!("`{namespace}`"));
        session.report.note(&format!("not logged in to {from}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn namespace(text: &str) -> Result<Namespace, Failure> {
    text.parse().map_err(|error: RegistryError| Failure::Usage {
        message: error.to_string(),
        hint: error.hint().unwrap_or_default(),
    })
}

fn place(keeper: &Keeper) -> String {
    match keeper {
        Keeper::File(path) => format!("`{}`", path.display()),
        Keeper::Helper { name, .. } => format!("`docker-credential-{name}`"),
    }
}

/// Who it is, from the command line, stdin and the terminal.
fn credentials(args: &Login, namespace: &Namespace, session: &Session) -> Result<(String, Secret), Failure> {
    if let Some(user) = args.user.as_ref().filter(|_| args.password_stdin) {
        if session.environment.stdin_is_terminal {
            return Err(wrong("stdin is a terminal, which would show the password", "leave `--password-stdin` away"));
        }
        return checked(user.clone(), from_stdin()?);
    }
    let mut prompt = session.prompt().ok_or_else(|| {
        let hint = "give `-u USER --password-stdin`, and the password on stdin";
        wrong("there is no terminal on which to ask for the user and the password", hint)
    })?;
    let user = args.user.clone().map_or_else(|| prompt.line(&format!("user for `{namespace}`")), Ok)?;
    let password = prompt.secret(&format!("password of `{user}`"))?;
    checked(user, password)
}

/// The text of stdin without the end of its last line: a password may end with any other character, also a blank.
fn from_stdin() -> Result<Secret, Failure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(PASSWORD_MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| wrong(&format!("the password cannot be read: {error}"), "give it on stdin"))?;
    if bytes.len() as u64 > PASSWORD_MAX_BYTES {
        let message = format!("the password is longer than {PASSWORD_MAX_BYTES} bytes");
        return Err(wrong(&message, "give nothing else on stdin"));
    }
    // The error of the conversion holds what it could not convert.
    let text = String::from_utf8(bytes).map_err(|_| wrong("the password is not UTF-8", "give it as text"))?;
    Ok(Secret::new(without_line_end(&text)))
}

fn without_line_end(text: &str) -> &str {
    text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).unwrap_or(text)
}

/// Refuses what cannot be sent (RFC 7617, section 2) or kept.
fn checked(user: String, password: Secret) -> Result<(String, Secret), Failure> {
    if user.is_empty() || user.contains(|c: char| c == ':' || c.is_control()) {
        return Err(wrong("a user name is not empty and has no colon and no control character", "check `-u USER`"));
    }
    if password.reveal().is_empty() || password.reveal().contains('\0') {
        return Err(wrong("a password is not empty and has no zero byte", "type it, or give it on stdin"));
    }
    Ok((user, password))
}

fn wrong(message: &str, hint: &str) -> Failure {
    Failure::Usage { message: message.to_owned(), hint: hint.to_owned() }
}

fn failure(error: RegistryError) -> Failure {
    Error::from(InputError::from(error)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_no_part_of_a_password() {
        for (text, password) in [
            ("a", "a"),
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            ("a \r", "a \r"),
            ("{\n}\n", "{\n}"),
            ("\n", ""),
        ] {
            assert_eq!(without_line_end(text), password, "{text:?}");
        }
    }

    #[test]
    fn what_no_header_can_say_is_refused() {
        let good = checked("kim".to_owned(), Secret::new("a:b\nc"));
        assert_eq!(good.expect("a line end is allowed").1.reveal(), "a:b\nc");
        for (user, password) in [("", "x"), ("a:b", "x"), ("a\nb", "x"), ("kim", ""), ("kim", "hunter\0")] {
            let error = checked(user.to_owned(), Secret::new(password)).expect_err("refused");
            assert!(error.exit_code() == 2 && !format!("{error:?}").contains("hunter"), "{error:?}");
        }
    }
}
