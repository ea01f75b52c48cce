//! kiln builds container images that are the same bytes everywhere and never change once they exist.
//!
//! ```text
//! template + lock + context --> plan --> layers --> image --> outputs
//!
//! template/  text -> Template           lock/      what it was resolved to, every input by digest
//! source/    files -> Tree              step/      Template layer + Tree -> Changeset
//! input/     lock -> store              registry/  images of others        transport/ all that speaks HTTP
//! plan/      what will be made, why     layer/     Changeset -> blocks -> bytes
//! residue/   what differs from run to run, taken out of a Changeset
//! assemble/  blocks on all cores        image/     config, manifest, index
//! store/     write-once blobs, names    output/    where the user wants it
//! secret/    what must not land: the search for it in a Changeset
//! packages/  what a distribution offers + what is asked for -> what the lock says; packages + root -> what unpacking changes
//! config/    what a machine or project says about mirrors, tokens, certificates: never about bytes
//! publish/   to registries, layouts, archives: each name once
//! sandbox/   commands in a root of their own, and what they changed
//! compare/   two layers that should be the same -> what differs, why, and what would mend it
//! pipeline/  the only place where the stages meet        cli/  arguments, clock, terminal
//! ```
//! The folders are the nouns; data moves one way. `base`, `tree`, `template`, `config`, `lock`, `plan`, `step`, `residue`,
//! `layer`, `secret`, `compare`, `packages` and `image` compute values and bytes and have no clock, environment, file
//! system, network or thread. `tests/tidy` holds this, and the table of which module may import which.
//!
//! # Promises, and where each is kept
//!
//! | promise | choke point | attacked by |
//! |--|--|--|
//! | same inputs, same bytes | [`layer::blocks`], [`layer::header`], [`layer::codec`], [`base::json`] | `tests/black_box/determinism.rs` |
//! | nothing published is rewritten | [`registry::write::tag`], [`store::refs`] (`move_name`), [`output::place`] | `tests/black_box/push`, `tests/faults/push`, `tests/black_box/outputs.rs` |
//! | what moves goes forward, and leaves a record that only grows | [`publish::channel`] | `tests/black_box/channels.rs`, `tests/faults/push` |
//! | no name for something incomplete | [`publish::push()`] | `tests/faults/push` |
//! | everything that enters is pinned | [`lock::settle()`], [`pipeline::pin()`], [`input`] | `tests/black_box/inputs.rs`, `tests/black_box/repository.rs`, `src/input/tests.rs` |
//! | secrets never land | [`secret`], `pipeline::landing` | `tests/black_box/secrets.rs` |
//! | a step reaches nothing but its image | [`sandbox::confine`], [`sandbox`] (`root`) | `tests/black_box/steps.rs` |
//! | nothing is lost | [`store::blob`] (`commit`), [`output::place`] | `tests/faults` |
//! | every refusal says why and what to do next | `hint()` on every error, [`cli::report`] | `tests/black_box/commands.rs` |
//!
//! # What enters which digest
//!
//! | input | plan | layer key | diff ID | layer blob | manifest |
//! |--|--|--|--|--|--|
//! | template: steps, after substitution | yes | by what they change | by what they change | by the diff ID | by its layers |
//! | commands: what they stand on, are given, their environment, `keep`, the names of secrets | yes | yes | by what they change | by the diff ID | by its layers |
//! | commands: values of secrets, caches, network, mode of the sandbox, processors | no | no | no | no | no |
//! | template: name, version, annotations, config | yes | no | no | no | yes |
//! | context files: content, executable bit, link targets | by the trees | yes | yes | yes | by its layers |
//! | context files: times, owners, umask, hard links, order | no | no | no | no | no |
//! | base image: its manifest | yes | no | no | no | yes |
//! | base image: what a step sees of it (links, accounts, parents) | by the trees | as far as it changes the layer | as the key | by the diff ID | by its layers |
//! | downloads, commits, images, stages: content, modes, targets | by the trees | yes | yes | yes | by its layers |
//! | what commands fetch: content, executable bit, link targets | by the trees | yes | yes | by the diff ID | by its layers |
//! | what commands fetch: times, owners, other modes | no | no | no | no | no |
//! | packages: digests of their files | yes | yes | by what they change | by the diff ID | by its layers |
//! | commits, images, stages: times | by the trees | unless `mtime` is given | as the key | by the diff ID | by its layers |
//! | where an input came from: mirror, file, vendored layout; `kiln.config.toml` | no | no | no | no | no |
//! | name of a base in a registry | yes | no | no | no | as `base.name` |
//! | `epoch` | yes | as times of files | as times of files | by the diff ID | by its layers |
//! | `created` | yes | no | no | no | yes |
//! | tests | no | no | no | no | no |
//! | codec, level, encoder version | yes | no | no | yes | by its layers |
//! | platform | yes | no | no | no | yes |
//! | format profile | yes | yes | yes | yes | by its layers |
//!
//! Never in any of them: paths of the machine, the time, user and host names, the environment, thread counts, processor
//! features, kiln's version.
//!
//! # Decisions that differ from the first design
//!
//! **Parents of a change have an entry.** The design gave a parent directory that exists below no entry. Engines that
//! unpack each layer into a directory of its own (podman and docker on overlayfs) then make the parent with mode 0755, and
//! the overlay shows *that*: a `/tmp` of 1777 became 0755 in a measured podman. So every directory on the way to a change
//! has an entry that repeats what it is ([`step::draft`]).
//!
//! **The key of a layer is what it changes.** A step without a sandbox is a function on trees whose files count by digest,
//! so its result is known in milliseconds on every build. Its digest is the key: a change that cannot reach the bytes never
//! rebuilds a layer, also not a change in a layer below.
//!
//! **Layers with commands are named by what goes in**, and so is everything above them, whether they have run here or not:
//! what stands below, the steps, the trees that they are given, the environment, the epoch ([`pipeline::provision`]). What
//! they became is kept under that name with its contents, and is packed under the digest of what it changes, as every other
//! layer. So a plan does not depend on what a machine has in its store.
//!
//! **A base is unpacked as one directory**, not layer by layer: links of lower layers are followed once, and an overlay has
//! few directories. Two bases that share layers do not share the directory. It is good for one boot, because it is not synced.
//!
//! **The child of the sandbox gets trees as text and contents as an open file**: no tar is written and read for it.
//!
//! **Where a machine allows neither namespaces nor mounts, steps run in a copy** (`sandbox/chroot`), because a runner of
//! other people's machines is often no more. There the promise that a step reaches nothing but its image does not hold: it is
//! the last way that is tried, it is said in a warning, and the digest is the same. Nothing is ever mounted there, also not
//! where that alone would be allowed: a mount that a killed build leaves stands in the way of whoever removes its directory.
//!
//! **Nothing in the sandbox waits for a disk.** `fsync` and its relatives answer that they are done: what a step wrote is read
//! back through the same kernel, and after a crash it is made again. dpkg alone would wait thousands of times
//! ([`sandbox::confine`]).
//!
//! **Packages are unpacked by kiln and configured by dpkg.** Unpacking is a function on trees, whose files come out of the
//! store; what configuring does to conffiles, triggers and alternatives only dpkg knows, so the image's own runs in the
//! sandbox ([`packages::debian::install`], `pipeline::provision::packages`).
//!
//! **An own solver instead of resolvo, own versions instead of debversion, an own reader of `ar`.** The solver has to find
//! apt's sets and to explain itself ([`packages::debian::solver`] says more); the other two are a page each.
//!
//! **A set of packages is pinned by what it stands on**, not by what dpkg's database below says: by the base's manifest and
//! the sets of the steps below. So a build with a lock needs neither the base nor an index to know what to install
//! (`pipeline::packages`). What a command installs by other means is not seen by the solver; dpkg sees it.
//!
//! **On nothing, a set has what is essential**, and what mmdebstrap calls minbase is asked for by name: `?priority(required)`
//! and `apt`. Images need no apt.
//!
//! **Only the base's environment reaches commands**, not `[config] env`: how an image is run must not decide what it is.
//!
//! **Blocks are cut by content.** Fixed blocks would all move when an early file grows. These find each other again, and
//! each remembers the state of both digests behind it, so a build after a small change compresses one or two blocks and
//! hashes from the change on ([`layer::blocks`], [`layer::index`]).
//!
//! **A plan's digest is made of its platforms' digests**, so that machines which build one platform each have the digest of
//! the whole between them ([`plan::PlanHead`]).
//!
//! **What was published by a plan is found by a record beside it**, an artifact that refers to the image: the design looks
//! for a published plan, and the manifest must not change because somebody asks. Layouts get none, because readers take an
//! entry without a name for another image ([`publish::record`]).
//!
//! **A narrowed push under a name is refused**: a name is never rewritten, so one that holds a part of the platforms could
//! never hold the rest. `--part` and `--parts` are the way.
//!
//! **Own reading of credentials instead of `docker_credential`**, which knows docker's file alone
//! ([`registry::credentials`] says more).
//!
//! **annotate-snippets instead of miette**, with a third of the dependencies, and **one table instead of schemars** for the
//! schema: checks, schema and reference cannot disagree ([`template::grammar`]).
//!
//! **A commit is pinned twice**: by its id, and by the SHA-256 of the tar that kiln makes of its files. SHA-1 names the one,
//! the other proves the content, and the tar is found by its digest wherever it is: store, vendored layout, later a cache.
//!
//! **Mirrors of packages may speak plain HTTP**, which nothing else may that leaves this machine: a release is believed for
//! its signature and a file for its digest, and most mirrors have no certificate. Nothing secret goes along
//! ([`transport::Proof`]).
//!
//! **A fetch is pinned by what it was given, not by when.** The digest of what it was given is made from the stage's steps
//! and inputs, not from the stage's files: these have the epoch of the lock, and a moved epoch would run every fetch again.
//! So a build that has the fetched files needs neither base nor sandbox for them. The lock also lists the files, because a
//! machine that gets something else has no old tree to compare with ([`pipeline::fetch`]).
//!
//! **The git program instead of gix.** A git library with a network is more than a hundred crates, and users have what only
//! the program does: credential helpers, `insteadOf`, ssh settings ([`source::git`]).
//!
//! **Stages are trees.** A stage without `run` steps is evaluated like a layer and never packed, unless it is a base: then
//! its layers stand below the image's, named `STAGE/LAYER`.
//!
//! **Units run at once, and none sees another that it does not need.** A stage or an image is evaluated on a thread of its
//! own as soon as the stages that it needs are done. It gets their trees and contents and nothing else, so what it becomes
//! and what is said cannot depend on who was faster. There is one of some things: the commands of a layer that two platforms
//! share, a cache, a base that is unpacked. These have a name and are one unit's at a time; caches because package managers
//! refuse a second user, which would fail a build now and then (`pipeline::units`, `pipeline::provision::turns`). A cache is
//! one build's at a time as well (`pipeline::provision::caches`).
//!
//! **Times of git, images and stages stay** unless `mtime` is given: they are part of what was pinned. Everything else that
//! is copied gets the epoch.
//!
//! **Docker's media types become OCI's** in the manifest of an image on a docker base; the layers' bytes and digests stay.
//!
//! **Own readers of layouts and archives instead of ocipkg**, which holds whole blobs in memory and does not verify them; it
//! reads kiln's output in the tests, as an independent reader.

// In reading order.
pub mod base;
pub mod tree;
pub mod template;
pub mod config;
pub mod lock;
pub mod step;
pub mod residue;
pub mod layer;
pub mod secret;
pub mod compare;
pub mod packages;
pub mod plan;
pub mod assemble;
pub mod image;
pub mod transport;
pub mod registry;
pub mod source;
pub mod store;
pub mod input;
pub mod output;
pub mod publish;
pub mod sandbox;
pub mod pipeline;
pub mod cli;
