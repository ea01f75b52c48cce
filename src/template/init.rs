//! What `kiln init` writes: a template that builds as it is, and the files it copies.

/// The name of the template.
pub const INIT_NAME: &str = "kiln.toml";

/// The template, commented.
pub const INIT: &str = include_str!("init/kiln.toml");

/// Everything that is written, as paths from the directory and texts, the template first. `kiln init` also writes
/// [`super::schema()`] as `kiln.schema.json`, which the template's first line names for editors.
pub const INIT_FILES: &[(&str, &str)] = &[(INIT_NAME, INIT), ("www/index.html", include_str!("init/index.html"))];
