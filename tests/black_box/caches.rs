//! Caches that several builds work with.

use crate::harness::require_root;
use crate::system::with_shell;

#[test]
fn two_builds_at_once_do_not_work_with_one_cache() {
    if !require_root() {
        return;
    }
    let steps = "[[layer]]\nname = 'cached'\nrun = '''\n\
        mkdir /first/busy || exit 8; mkdir /second/busy || exit 9; sleep 3; rm -r /first/busy /second/busy\n'''\n\
        cache = ['/first', '/second']\n";
    let Some(project) = with_shell(steps) else { return };
    project.kiln(&["lock"]).ok();
    for mode in ["root", "chroot"] {
        let build = || project.kiln(&["build", "--no-cache", "--sandbox", mode]).run().expect_code(0);
        let (one, other) = std::thread::scope(|scope| {
            let one = scope.spawn(build);
            (build(), one.join().expect("it ended"))
        });
        assert_eq!(one.digest(), other.digest());
        let said = |ended: &crate::harness::Ended| ended.stderr.contains("waits for another build");
        assert!(said(&one) != said(&other), "one of them waits and says so: {} {}", one.all(), other.all());
    }
}
