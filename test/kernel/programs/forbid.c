// `forbid mount|make-private|new-mount-api PROGRAM [ARG...]` becomes PROGRAM under a seccomp filter (seccomp(2)). `mount`: every
// mount(2) is answered with EPERM. `make-private`: those alone that make mounts private are answered with EACCES, as AppArmor does
// with a profile for NFS only. `new-mount-api`: fsopen(2) is answered with ENOSYS, as before Linux 5.2.
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// linux/filter.h and linux/seccomp.h, which the C library does not bring.
struct sock_filter {
    uint16_t code;
    uint8_t yes, no;
    uint32_t k;
};
struct sock_fprog {
    uint16_t count;
    struct sock_filter *rows;
};
enum { NUMBER = 0, FOURTH_ARGUMENT = 16 + 3 * 8, MODE_FILTER = 2, ALLOW = 0x7fff0000, ERRNO = 0x00050000 };

#define LOAD(offset) { 0x20, 0, 0, offset }
#define SKIP_UNLESS(value, count) { 0x15, 0, count, value }
#define ANSWER(action) { 0x06, 0, 0, action }
#define FAIL(error) ANSWER(ERRNO | (error))

static struct sock_filter no_mount[] = { LOAD(NUMBER), SKIP_UNLESS(SYS_mount, 1), FAIL(EPERM), ANSWER(ALLOW) };
static struct sock_filter no_fsopen[] = { LOAD(NUMBER), SKIP_UNLESS(SYS_fsopen, 1), FAIL(ENOSYS), ANSWER(ALLOW) };
static struct sock_filter no_private[] = {
    LOAD(NUMBER), SKIP_UNLESS(SYS_mount, 3), LOAD(FOURTH_ARGUMENT), SKIP_UNLESS(MS_REC | MS_PRIVATE, 1), FAIL(EACCES), ANSWER(ALLOW),
};

#define FILTER(rows) { sizeof(rows) / sizeof *(rows), rows }
static const struct {
    const char *name;
    struct sock_fprog filter;
} all[] = { { "mount", FILTER(no_mount) }, { "new-mount-api", FILTER(no_fsopen) }, { "make-private", FILTER(no_private) } };

int main(int argc, char **argv) {
    for (size_t i = 0; argc > 2 && i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, argv[1]) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0 &&
            prctl(PR_SET_SECCOMP, (long)MODE_FILTER, &all[i].filter) == 0)
            execvp(argv[2], argv + 2);
    return 99;
}
