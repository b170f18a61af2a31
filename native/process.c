// Our own process and its children: signals, forks without exec, waiting, rights and limits.
#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "native.h"

// --- signals -----------------------------------------------------------------------------------------------------------------

// The C libraries keep 32 to 34 for themselves and refuse them in sigset_t: the raw calls with a mask of 64 bits do not.
enum { MASK_BYTES = 8 };

uint64_t mask_signals(uint64_t mask) {
    uint64_t before = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &before, (size_t)MASK_BYTES);
    return before;
}

void default_signal(int signal) {
    // The kernel's struct sigaction: handler (SIG_DFL is 0), flags, restorer, mask. Without a handler none of them matters.
    const unsigned long action[4] = { 0 };
    syscall(SYS_rt_sigaction, signal, action, NULL, (size_t)MASK_BYTES);
}

void default_signals(void) {
    for (int signal = 1; signal <= LAST_SIGNAL; signal++)
        default_signal(signal);
}

static JSValue unblock_signals(struct frame *f) {
    (void)f;
    default_signals();
    mask_signals(NO_SIGNALS);
    return JS_UNDEFINED;
}

CALL(kill_process, done(f, kill((pid_t)f->a[0].integer, INT(1))))

// --- children ----------------------------------------------------------------------------------------------------------------

enum { EXIT_SOFTWARE = 70, MOST_DESCRIPTORS = 65536 };

int highest_descriptor(void) {
    DIR *folder = opendir("/proc/self/fd");
    if (folder != NULL) {
        int highest = 0;
        struct dirent *entry;
        while ((entry = readdir(folder)) != NULL)
            if (atoi(entry->d_name) > highest)
                highest = atoi(entry->d_name);
        closedir(folder);
        return highest;
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > MOST_DESCRIPTORS)
        return MOST_DESCRIPTORS;
    return (int)limit.rlim_cur;
}

/** close_range(2) came with Linux 5.9, and container runtimes of before refuse it by EPERM. */
static void close_all(long first, long last) {
    if (first > last || syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0) == 0)
        return;
    long highest = highest_descriptor();
    for (long fd = first; fd <= last && fd <= highest; fd++)
        close((int)fd);
}

static int compare_integers(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static JSValue fork_work(struct frame *f) {
    uint32_t count;
    int64_t *keep = integers(f, "keep", f->a[1].value, 'f', &count);
    if (keep == NULL)
        return JS_EXCEPTION;
    qsort(keep, count, sizeof *keep, compare_integers);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid != 0) {
        js_free(f->ctx, keep);
        return number(f, pid);
    }
    long next = 0;
    for (uint32_t i = 0; i < count; i++) {
        close_all(next, (long)keep[i] - 1);
        next = (long)keep[i] + 1;
    }
    close_all(next, INT_MAX);
    forget_loop();
    default_signals();
    mask_signals(NO_SIGNALS);
    // The parent may have ended before this took effect.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(EXIT_SOFTWARE);
    JSValue result = JS_Call(f->ctx, f->a[0].value, JS_UNDEFINED, 0, NULL);
    _exit(JS_IsException(result) ? EXIT_SOFTWARE : 0);
}

static JSValue wait_id(struct frame *f) {
    siginfo_t info = { 0 };
    pid_t pid = (pid_t)f->a[0].integer;
    int returned = RETRY(waitid(pid == 0 ? P_ALL : P_PID, (id_t)pid, &info, INT(1)));
    if ((returned == -1 && errno == ECHILD) || (returned == 0 && info.si_pid == 0))
        return JS_UNDEFINED;
    if (returned == -1)
        return fail(f);
    if (info.si_code != CLD_STOPPED && info.si_code != CLD_CONTINUED && (INT(1) & WNOWAIT) == 0)
        caller_ended(info.si_pid);
    JSValue status = JS_NewObject(f->ctx);
    put(f->ctx, &status, "pid", JS_NewInt32(f->ctx, info.si_pid));
    put(f->ctx, &status, "code", JS_NewInt32(f->ctx, info.si_code));
    put(f->ctx, &status, "status", JS_NewInt32(f->ctx, info.si_status));
    return status;
}

// --- the program -------------------------------------------------------------------------------------------------------------

static JSValue list_of(JSContext *ctx, char **entries) {
    JSValue list = JS_NewArray(ctx);
    for (uint32_t i = 0; entries[i] != NULL; i++)
        push(ctx, &list, i, new_bytes(ctx, entries[i], strlen(entries[i])));
    return list;
}

CALL(get_argv, list_of(f->ctx, program_argv))
CALL(get_environ, list_of(f->ctx, program_environ))

static JSValue exit_now(struct frame *f) {
    _exit(INT(0));
}

CALL(get_pid, number(f, getpid()))
CALL(get_ppid, number(f, getppid()))
CALL(get_euid, JS_NewInt64(f->ctx, geteuid()))
CALL(get_egid, JS_NewInt64(f->ctx, getegid()))
CALL(get_pgid, number(f, getpgid((pid_t)f->a[0].integer)))

static JSValue get_uname(struct frame *f) {
    struct utsname name;
    if (uname(&name) != 0)
        return fail(f);
    JSValue result = JS_NewObject(f->ctx);
    put(f->ctx, &result, "nodename", new_text(f->ctx, name.nodename, strlen(name.nodename)));
    put(f->ctx, &result, "release", new_text(f->ctx, name.release, strlen(name.release)));
    put(f->ctx, &result, "machine", new_text(f->ctx, name.machine, strlen(name.machine)));
    return result;
}

static JSValue set_umask(struct frame *f) {
    if (f->a[0].integer > 0777)
        return JS_ThrowRangeError(f->ctx, "umask: argument 1 must be a whole number from 0 to 511");
    return JS_NewInt64(f->ctx, umask((mode_t)f->a[0].integer));
}

CALL(change_directory, done(f, chdir(TEXT(0))))
CALL(change_root, done(f, chroot(TEXT(0))))
CALL(set_host_name, done(f, sethostname(TEXT(0), f->a[0].size)))

static JSValue get_cwd(struct frame *f) {
    char path[PATH_MAX];
    return getcwd(path, sizeof path) == NULL ? fail(f) : new_text(f->ctx, path, strlen(path));
}

uint64_t boot_time_ns(void) {
    struct timespec now = { 0 };
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static JSValue get_random(struct frame *f) {
    uint8_t bytes[256]; // so many come whole, and are not interrupted (getrandom(2))
    size_t count = (size_t)f->a[0].integer;
    if (count > sizeof bytes)
        return JS_ThrowRangeError(f->ctx, "getrandom: argument 1 must be a whole number from 0 to 256");
    ssize_t got = RETRY(getrandom(bytes, count, 0));
    return got < 0 ? fail(f) : new_bytes(f->ctx, bytes, (size_t)got);
}

static JSValue processor_count(struct frame *f) {
    unsigned long mask[128]; // 8192 processors, as many as Linux has at most
    long size = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    if (size < 0)
        return fail(f);
    int count = 0;
    for (long i = 0; i < size / (long)sizeof *mask; i++)
        count += __builtin_popcountl(mask[i]);
    return JS_NewInt32(f->ctx, count);
}

// --- rights and limits -------------------------------------------------------------------------------------------------------

static JSValue process_control(struct frame *f) {
    // Others take or give memory by an address, which a number from JavaScript must never be.
    static const int numeric[] = {
        PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_CAPBSET_READ, PR_CAPBSET_DROP,
        PR_GET_SECUREBITS, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER,
    };
    for (size_t i = 0; i < LENGTH(numeric); i++)
        if (numeric[i] == f->a[0].integer)
            return number(f, prctl(numeric[i], (unsigned long)f->a[1].integer, 0L, 0L, 0L));
    return JS_ThrowRangeError(f->ctx, "prctl: not an option that takes a number: %d", INT(0));
}

static double limit_of(rlim_t limit) {
    return limit == RLIM_INFINITY ? INFINITY : (double)limit;
}

static JSValue get_rlimit_nofile(struct frame *f) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return fail(f);
    JSValue result = JS_NewObject(f->ctx);
    put(f->ctx, &result, "soft", JS_NewFloat64(f->ctx, limit_of(limit.rlim_cur)));
    put(f->ctx, &result, "hard", JS_NewFloat64(f->ctx, limit_of(limit.rlim_max)));
    return result;
}

static JSValue get_capabilities(struct frame *f) {
    const struct capability_header header = { CAPABILITY_VERSION, 0 };
    struct capability_sets sets[2];
    if (syscall(SYS_capget, &header, sets) != 0)
        return fail(f);
    JSValue result = JS_NewObject(f->ctx);
    put(f->ctx, &result, "effective", JS_NewBigUint64(f->ctx, (uint64_t)sets[1].effective << 32 | sets[0].effective));
    put(f->ctx, &result, "permitted", JS_NewBigUint64(f->ctx, (uint64_t)sets[1].permitted << 32 | sets[0].permitted));
    put(f->ctx, &result, "inheritable", JS_NewBigUint64(f->ctx, (uint64_t)sets[1].inheritable << 32 | sets[0].inheritable));
    return result;
}

static JSValue set_groups(struct frame *f) {
    uint32_t count;
    int64_t *list = integers(f, "groups", f->a[0].value, 'g', &count);
    if (list == NULL)
        return JS_EXCEPTION;
    JSValue result = done(f, change_groups(list, count));
    js_free(f->ctx, list);
    return result;
}

CALL(set_gid, done(f, change_gid((uint32_t)f->a[0].integer)))
CALL(set_uid, done(f, change_uid((uint32_t)f->a[0].integer)))
CALL(unshare_flags, done(f, unshare(INT(0))))

static const struct call calls[] = {
    { "argv", "", get_argv, NULL },
    { "environ", "", get_environ, NULL },
    { "exit", "n", exit_now, "_exit" },
    { "getpid", "", get_pid, NULL },
    { "getppid", "", get_ppid, NULL },
    { "geteuid", "", get_euid, NULL },
    { "getegid", "", get_egid, NULL },
    { "getpgid", "i", get_pgid, NULL },
    { "uname", "", get_uname, NULL },
    { "sethostname", "s", set_host_name, NULL },
    { "umask", "m", set_umask, NULL },
    { "chdir", "p", change_directory, NULL },
    { "chroot", "p", change_root, NULL },
    { "getcwd", "", get_cwd, NULL },
    { "getrandom", "c", get_random, NULL },
    { "processorCount", "", processor_count, "sched_getaffinity" },
    { "fork", "Fv", fork_work, NULL },
    { "waitid", "fi", wait_id, NULL },
    { "kill", "ik", kill_process, NULL },
    { "unblockSignals", "", unblock_signals, NULL },
    { "prctl", "iu", process_control, NULL },
    { "getrlimitNofile", "", get_rlimit_nofile, "getrlimit" },
    { "capget", "", get_capabilities, NULL },
    { "setgroups", "v", set_groups, NULL },
    { "setresgid", "g", set_gid, NULL },
    { "setresuid", "g", set_uid, NULL },
    { "unshare", "i", unshare_flags, NULL },
};
static const struct number numbers[] = {
    NUMBER(WNOHANG), NUMBER(WSTOPPED), NUMBER(WEXITED), NUMBER(WNOWAIT),
    NUMBER(PR_SET_CHILD_SUBREAPER), NUMBER(PR_CAPBSET_READ), NUMBER(CLONE_NEWNS),
    NUMBER(CLONE_NEWUTS),
};
const struct part process_part = { calls, LENGTH(calls), numbers, LENGTH(numbers) };
