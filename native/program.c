// Becoming another program, in a child (fork and execve) or in this very process.
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "native.h"

/** What src/host/native.d.ts calls Program and ChildProgram. -1 stands for a number that was left out, and for a false one. */
struct program {
    char *file, *directory;
    char **argv, **env;
    int64_t *capabilities, *groups; // NULL where they were left out
    uint32_t capability_count, group_count;
    int64_t umask, nofile, uid, gid, new_group, foreground, stdio[3], dies_with_parent, report;
};

// --- arguments ---------------------------------------------------------------------------------------------------------------

/** A property that is a number or a boolean, the kind of its value (calls.c), and where it goes. */
struct property {
    const char *name;
    char kind;
    size_t place;
};
#define PROPERTY(name, kind, member) { name, kind, offsetof(struct program, member) }
static const struct property of_program[] = {
    PROPERTY("umask", 'm', umask),       PROPERTY("nofile", 'l', nofile),
    PROPERTY("newGroup", 'y', new_group), PROPERTY("diesWithParent", 'y', dies_with_parent),
    PROPERTY("foreground", 'f', foreground), PROPERTY("stdin", 'f', stdio[0]),
    PROPERTY("stdout", 'f', stdio[1]),   PROPERTY("stderr", 'f', stdio[2]),
    PROPERTY("report", 'f', report),
};
static const struct property of_identity[] = { PROPERTY("uid", 'g', uid), PROPERTY("gid", 'g', gid) };

static bool read_numbers(struct frame *f, JSValueConst object, const struct property *list, size_t count, bool optional,
                         struct program *p) {
    for (size_t i = 0; i < count; i++) {
        struct argument a;
        if (!field(f, object, list[i].name, list[i].kind, optional, &a))
            return false;
        if (a.given && (list[i].kind != 'y' || a.integer != 0))
            *(int64_t *)(void *)((char *)p + list[i].place) = a.integer;
    }
    return true;
}

static bool read_text(struct frame *f, JSValueConst object, const char *name, bool optional, char **out) {
    struct argument a;
    if (!field(f, object, name, 's', optional, &a))
        return false;
    *out = a.text;
    return true;
}

static bool read_texts(struct frame *f, JSValueConst object, const char *name, char ***list) {
    JSValue value = JS_GetPropertyStr(f->ctx, object, name);
    if (!JS_IsException(value))
        *list = strings(f, name, value);
    JS_FreeValue(f->ctx, value);
    return *list != NULL;
}

static bool read_integers(struct frame *f, JSValueConst object, const char *name, char kind, int64_t **list, uint32_t *count) {
    JSValue value = JS_GetPropertyStr(f->ctx, object, name);
    bool good = !JS_IsException(value);
    if (good && !JS_IsUndefined(value))
        good = (*list = integers(f, name, value, kind, count)) != NULL;
    JS_FreeValue(f->ctx, value);
    return good;
}

static bool read_identity(struct frame *f, JSValueConst object, struct program *p) {
    JSValue identity = JS_GetPropertyStr(f->ctx, object, "identity");
    bool good = !JS_IsException(identity);
    if (good && !JS_IsUndefined(identity))
        good = is_object(f, "identity", identity) && read_numbers(f, identity, of_identity, LENGTH(of_identity), false, p) &&
               read_integers(f, identity, "groups", 'g', &p->groups, &p->group_count);
    JS_FreeValue(f->ctx, identity);
    return good;
}

static bool read_program(struct frame *f, struct program *p) {
    JSValueConst object = f->a[0].value;
    *p = (struct program){ .umask = -1, .nofile = -1, .uid = -1, .gid = -1, .new_group = -1, .foreground = -1,
                           .stdio = { -1, -1, -1 }, .dies_with_parent = -1, .report = -1 };
    return is_object(f, "argument 1", object) && read_text(f, object, "file", false, &p->file) &&
           read_texts(f, object, "argv", &p->argv) && read_texts(f, object, "env", &p->env) &&
           read_text(f, object, "directory", true, &p->directory) &&
           read_numbers(f, object, of_program, LENGTH(of_program), true, p) &&
           read_integers(f, object, "dropCapabilities", 'C', &p->capabilities, &p->capability_count) &&
           read_identity(f, object, p);
}

static void free_program(JSContext *ctx, struct program *p) {
    js_free(ctx, p->file);
    js_free(ctx, p->directory);
    free_strings(ctx, p->argv);
    free_strings(ctx, p->env);
    js_free(ctx, p->capabilities);
    js_free(ctx, p->groups);
}

// --- steps -------------------------------------------------------------------------------------------------------------------
// Each gives NULL, or the name of the call that failed. They run in a child as well: nothing of the engine, no memory.

/** The raw calls: the C libraries' wrappers change all threads of a process, with locks and signals of their own. */
int change_groups(const int64_t *list, uint32_t count) {
    enum { MOST_GROUPS = 65536 }; // NGROUPS_MAX
    static uint32_t groups[MOST_GROUPS];
    if (count > MOST_GROUPS) {
        errno = EINVAL;
        return -1;
    }
    for (uint32_t i = 0; i < count; i++)
        groups[i] = (uint32_t)list[i];
    return (int)syscall(SYS_setgroups, (size_t)count, groups);
}

int change_gid(uint32_t gid) {
    return (int)syscall(SYS_setresgid, gid, gid, gid);
}

int change_uid(uint32_t uid) {
    return (int)syscall(SYS_setresuid, uid, uid, uid);
}

/** From the bounding set, which takes CAP_SETPCAP: while we are who we are. */
static const char *drop_bounding(const struct program *p) {
    for (uint32_t i = 0; i < p->capability_count; i++) {
        unsigned long capability = (unsigned long)p->capabilities[i];
        if (prctl(PR_CAPBSET_READ, capability, 0L, 0L, 0L) == 1 && prctl(PR_CAPBSET_DROP, capability, 0L, 0L, 0L) != 0)
            return "prctl";
    }
    return NULL;
}

/** From the other sets; what leaves the inheritable set leaves the ambient one with it (capabilities(7)). */
static const char *drop_others(const struct program *p) {
    if (p->capabilities == NULL)
        return NULL;
    const struct capability_header header = { CAPABILITY_VERSION, 0 };
    struct capability_sets sets[2];
    if (syscall(SYS_capget, &header, sets) != 0)
        return "capget";
    for (uint32_t i = 0; i < p->capability_count; i++) {
        uint32_t kept = ~(UINT32_C(1) << (p->capabilities[i] & 31));
        struct capability_sets *half = &sets[p->capabilities[i] >> 5];
        half->effective &= kept;
        half->permitted &= kept;
        half->inheritable &= kept;
    }
    return syscall(SYS_capset, &header, sets) == 0 ? NULL : "capset";
}

static const char *limit_files(int64_t soft) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return "getrlimit";
    limit.rlim_cur = (rlim_t)soft < limit.rlim_max ? (rlim_t)soft : limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? NULL : "setrlimit";
}

/** Some directories only the program's own user may enter, and not even root: one on a share that takes root for nobody. */
static bool is_for_others(void) {
    return errno == EACCES || errno == EPERM;
}

static const char *change_identity(const struct program *p) {
    if (p->umask >= 0)
        umask((mode_t)p->umask);
    const char *failed = p->nofile < 0 ? NULL : limit_files(p->nofile);
    if (failed == NULL)
        failed = drop_bounding(p);
    if (failed == NULL && p->groups != NULL && change_groups(p->groups, p->group_count) != 0)
        failed = "setgroups";
    if (failed == NULL && p->gid >= 0 && change_gid((uint32_t)p->gid) != 0)
        failed = "setresgid";
    if (failed == NULL && p->uid >= 0 && change_uid((uint32_t)p->uid) != 0)
        failed = "setresuid";
    return failed == NULL ? drop_others(p) : failed;
}

/** The directory is entered first, as who we are, or else as who the program is to be. */
static const char *change_self(const struct program *p) {
    bool is_there = p->directory == NULL || chdir(p->directory) == 0;
    if (!is_there && !is_for_others())
        return "chdir";
    const char *failed = change_identity(p);
    return failed == NULL && !is_there && chdir(p->directory) != 0 ? "chdir" : failed;
}

/**
 * As glibc's execvpe(3), but that a script without an interpreter is ENOEXEC: musl's ends at a directory of PATH that lies on a dead
 * share.
 */
static const char *execute(const struct program *p) {
    if (*p->file == 0 || strchr(p->file, '/') != NULL) {
        execve(p->file, p->argv, p->env);
        return "execve";
    }
    int outcome = ENOENT;
    const char *folder = getenv("PATH");
    for (folder = folder == NULL ? "/usr/local/bin:/bin:/usr/bin" : folder;; folder++) {
        int length = (int)strcspn(folder, ":");
        char file[PATH_MAX];
        if (snprintf(file, sizeof file, "%.*s%s%s", length, folder, length > 0 ? "/" : "", p->file) < PATH_MAX)
            execve(file, p->argv, p->env);
        else
            errno = ENAMETOOLONG;
        if (errno == EACCES)
            outcome = EACCES;
        else if (errno != ENOENT && errno != ENOTDIR && errno != ESTALE && errno != ENODEV && errno != ETIMEDOUT &&
                 errno != ENAMETOOLONG)
            return "execve";
        folder += length;
        if (*folder == 0)
            break;
    }
    errno = outcome;
    return "execve";
}

/** Descriptors of a child. Those that have a number below 3 are put out of the way first, so that they may be exchanged. */
static const char *redirect(const struct program *p, int *report) {
    int from[3];
    if (*report >= 0 && *report < 3 && (*report = fcntl(*report, F_DUPFD_CLOEXEC, 3)) < 0)
        return "fcntl";
    for (int fd = 0; fd < 3; fd++) {
        from[fd] = (int)p->stdio[fd];
        if (from[fd] >= 0 && from[fd] < 3 && (from[fd] = fcntl(from[fd], F_DUPFD_CLOEXEC, 3)) < 0)
            return "fcntl";
    }
    for (int fd = 0; fd < 3; fd++)
        if (from[fd] >= 0 && dup2(from[fd], fd) < 0)
            return "dup2";
    return NULL;
}

// --- children ----------------------------------------------------------------------------------------------------------------

/** What a child that could not become the program tells its parent; `step` is the same address in both. */
struct report {
    int error;
    const char *step;
};

/** Where a child that borrows our memory leaves it. */
static struct report told;

static const char *change_child(const struct program *p, pid_t parent, int *report) {
    if (p->new_group > 0 && setpgid(0, 0) != 0)
        return "setpgid";
    // From the background too: SIGTTOU is blocked as yet. Before 0 to 2 become others.
    if (p->foreground >= 0 && tcsetpgrp((int)p->foreground, getpgrp()) != 0)
        return "tcsetpgrp";
    const char *failed = redirect(p, report);
    if (failed == NULL)
        failed = change_self(p);
    // A change of user takes this away again (prctl(2)), so it comes after. The parent may have ended before.
    if (failed == NULL && p->dies_with_parent > 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        failed = "prctl";
    if (failed == NULL && p->dies_with_parent > 0 && getppid() != parent)
        _exit(1);
    return failed;
}

static _Noreturn void run_child(const struct program *p, pid_t parent, int report) {
    const char *failed = change_child(p, parent, &report);
    if (failed == NULL) {
        default_signals();
        mask_signals(NO_SIGNALS);
        failed = execute(p);
    }
    told = (struct report){ errno, failed };
    if (p->report >= 0)
        dprintf(report, "%s %s", failed, errno_name(told.error));
    else if (report >= 0)
        (void)!write(report, &told, sizeof told);
    _exit(127);
}

static JSValue fail_step(struct frame *f, int error, const char *step, const struct program *p) {
    const char *path = strcmp(step, "execve") == 0 ? p->file : NULL;
    return fail_as(f->ctx, errno_name(error), errno_text(error), step, path);
}

/** vfork(2) spares the copy of our memory: the child borrows it until it executes, and no descriptor is needed to hear of it. */
static pid_t lend_memory(const struct program *p) {
    pid_t parent = getpid();
    pid_t pid = vfork();
    if (pid == 0)
        run_child(p, parent, -1);
    return pid;
}

/** A copy of our memory, where it becomes another user: what the kernel then does to it (prctl(2), PR_SET_DUMPABLE) is not ours. */
static pid_t copy_memory(const struct program *p) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        run_child(p, parent, ends[1]);
    int error = errno;
    close(ends[1]);
    if (pid > 0 && RETRY(read(ends[0], &told, sizeof told)) != sizeof told)
        told.step = NULL;
    close(ends[0]);
    errno = error;
    return pid;
}

/** A copy that tells its report itself, and is not waited for. */
static pid_t leave_to_itself(const struct program *p) {
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        run_child(p, parent, (int)p->report);
    return pid;
}

static JSValue start_child(struct frame *f, const struct program *p) {
    if (p->report >= 0) {
        pid_t pid = leave_to_itself(p);
        return pid < 0 ? fail_step(f, errno, "fork", p) : JS_NewInt32(f->ctx, pid);
    }
    told.step = NULL;
    pid_t pid = p->uid < 0 && p->gid < 0 ? lend_memory(p) : copy_memory(p);
    // Some sandboxes know fork(2) alone.
    if (pid < 0 && (errno == ENOSYS || errno == EPERM))
        pid = copy_memory(p);
    if (pid < 0)
        return fail_step(f, errno, "fork", p);
    if (told.step == NULL)
        return JS_NewInt32(f->ctx, pid);
    struct report why = told;
    RETRY(waitpid(pid, NULL, 0));
    return fail_step(f, why.error, why.step, p);
}

static JSValue spawn(struct frame *f) {
    struct program p;
    JSValue result = read_program(f, &p) ? start_child(f, &p) : JS_EXCEPTION;
    free_program(f->ctx, &p);
    return result;
}

static JSValue become(struct frame *f) {
    struct program p;
    JSValue result = JS_EXCEPTION;
    if (read_program(f, &p)) {
        const char *failed = change_self(&p);
        if (failed == NULL) {
            default_signals();
            mask_signals(NO_SIGNALS);
            failed = execute(&p);
            int error = errno;
            mask_signals((uint64_t)ALL_SIGNALS);
            errno = error;
        }
        result = fail_step(f, errno, failed, &p);
    }
    free_program(f->ctx, &p);
    return result;
}

static const struct call calls[] = {
    { "spawn", "v", spawn, NULL },
    { "execve", "v", become, NULL },
};
const struct part program_part = { calls, LENGTH(calls), NULL, 0 };
