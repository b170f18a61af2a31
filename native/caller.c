// Calls that may block for ever, made by another process: it shares our memory, or only its part of it, so that its start copies nothing.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"

/** What a call gives besides a number. */
enum gift { NUMBER_ONLY, FILE_STATUS, SPACE, ENTRIES };

/** A call that another process makes for us: its number, what stands before and after the arguments that are given, and what it gives. */
struct remote {
    const char *name;
    long number;
    bool is_at; // the path is one from AT_FDCWD
    bool is_second_at; // the second path too
    long last;
    enum gift gift;
};

enum { STACK_BYTES = 8 << 10, TEXT_BYTES = 48 << 10, RESULT_BYTES = 4 << 10 };

/** In memory that both processes see, whoever copies ours. */
struct caller {
    struct caller *next;
    pid_t pid, parent;
    int requests, answers, taken, told; // ours: to ask, and to hear; its own: to take, and to tell
    int highest; // of our descriptors at its start, where it closes them one by one
    bool is_asked, is_closed, is_gone;
    const struct call *call;
    const struct remote *remote;
    long number, arguments[5], result;
    size_t text_used;
    char result_bytes[RESULT_BYTES] __attribute__((aligned(16)));
    char stack[STACK_BYTES] __attribute__((aligned(16)));
    char text[TEXT_BYTES] __attribute__((aligned(16)));
};

static struct caller *callers;

// --- in the other process ----------------------------------------------------------------------------------------------------
// Nothing but system calls, and those by themselves: the C library keeps errno in memory that is ours as well.

#define BARE __attribute__((no_sanitize("address"), no_sanitize("undefined")))

BARE static long bare(long number, long a, long b, long c, long d, long e) {
#if defined __x86_64__
    register long fourth __asm__("r10") = d;
    register long fifth __asm__("r8") = e;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
                     : "rcx", "r11", "memory");
    return result;
#elif defined __aarch64__
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
#endif
}

/** What other descriptors stand for must not be held open by a call that never returns. */
BARE static void bare_close_between(long first, long last, long highest) {
    if (first > last || bare(SYS_close_range, first, last, 0, 0, 0) == 0)
        return;
    for (long fd = first; fd <= last && fd <= highest; fd++)
        bare(SYS_close, fd, 0, 0, 0, 0);
}

BARE static int serve(void *opaque) {
    struct caller *c = opaque;
    long low = c->taken < c->told ? c->taken : c->told, high = c->taken < c->told ? c->told : c->taken;
    bare_close_between(0, low - 1, c->highest);
    bare_close_between(low + 1, high - 1, c->highest);
    bare_close_between(high + 1, INT32_MAX, c->highest);
    // The parent may have ended before this took effect.
    if (bare(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && bare(SYS_getppid, 0, 0, 0, 0, 0) == c->parent) {
        char turn;
        const long *a = c->arguments;
        while (bare(SYS_read, c->taken, (long)&turn, 1, 0, 0) == 1) {
            do
                c->result = bare(c->number, a[0], a[1], a[2], a[3], a[4]);
            while (c->result == -EINTR && c->number != SYS_close);
            if (bare(SYS_write, c->told, (long)&turn, 1, 0, 0) != 1)
                break;
        }
    }
    bare(SYS_exit_group, 0, 0, 0, 0, 0);
    return 0;
}

// --- callers -----------------------------------------------------------------------------------------------------------------

static void free_when_over(struct caller *c) {
    if (!c->is_gone || !c->is_closed)
        return;
    struct caller **place = &callers;
    while (*place != c)
        place = &(*place)->next;
    *place = c->next;
    munmap(c, sizeof *c);
}

void caller_ended(pid_t pid) {
    for (struct caller *c = callers; c != NULL; c = c->next) {
        if (c->pid != pid || c->is_gone)
            continue;
        c->is_gone = true;
        free_when_over(c);
        return;
    }
}

/** The one of that pid whose process has not been waited for; throws where there is none. */
static struct caller *caller_of(struct frame *f) {
    for (struct caller *c = callers; c != NULL; c = c->next)
        if (c->pid == INT(0) && !c->is_closed)
            return c;
    JS_ThrowRangeError(f->ctx, "%s: argument 1 must be the pid of a caller", f->call->name);
    return NULL;
}

/** Signals stay blocked in it: it ends by SIGKILL, or when its requests end. */
static pid_t start(struct caller *c) {
    c->parent = getpid();
    pid_t pid = clone(serve, c->stack + STACK_BYTES, CLONE_VM | SIGCHLD, c);
    // Some sandboxes and emulators know a process with the memory of another only as a thread.
    if (pid < 0 && (errno == ENOSYS || errno == EPERM || errno == EINVAL) && (pid = fork()) == 0)
        serve(c);
    return pid;
}

static void close_quietly(int fd) {
    if (fd >= 0)
        close(fd);
}

static JSValue start_caller(struct frame *f) {
    struct caller *c = mmap(NULL, sizeof *c, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (c == MAP_FAILED)
        return fail(f);
    int to[2] = { -1, -1 }, from[2] = { -1, -1 };
    // An answer is taken when it is there, and never waited for.
    bool is_ready = pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0 && fcntl(from[0], F_SETFL, O_NONBLOCK) == 0;
    pid_t pid = is_ready ? 0 : -1;
    if (pid == 0) {
        c->taken = to[0];
        c->requests = to[1];
        c->answers = from[0];
        c->told = from[1];
        // A range that holds none.
        c->highest = syscall(SYS_close_range, ~0U, ~0U, 0) == 0 ? 0 : highest_descriptor();
        pid = start(c);
    }
    int error = errno;
    close_quietly(to[0]);
    close_quietly(from[1]);
    if (pid < 0) {
        close_quietly(to[1]);
        close_quietly(from[0]);
        munmap(c, sizeof *c);
        errno = error;
        return fail(f);
    }
    c->pid = pid;
    c->next = callers;
    callers = c;
    JSValue result = JS_NewObject(f->ctx);
    put(f->ctx, &result, "pid", JS_NewInt32(f->ctx, pid));
    put(f->ctx, &result, "answers", JS_NewInt32(f->ctx, c->answers));
    return result;
}

static JSValue close_caller(struct frame *f) {
    struct caller *c = caller_of(f);
    if (c == NULL)
        return JS_EXCEPTION;
    close(c->requests);
    close(c->answers);
    c->is_closed = true;
    free_when_over(c);
    return JS_UNDEFINED;
}

// --- calls -------------------------------------------------------------------------------------------------------------------

static const struct remote remotes[] = {
    { "mountBy", SYS_mount, false, false, 0, NUMBER_ONLY },
    { "umount2By", SYS_umount2, false, false, 0, NUMBER_ONLY },
    { "statfsBy", SYS_statfs, false, false, 0, SPACE },
    { "statBy", SYS_newfstatat, true, false, 0, FILE_STATUS },
    { "mkdirBy", SYS_mkdirat, true, false, 0, NUMBER_ONLY },
    { "rmdirBy", SYS_unlinkat, true, false, AT_REMOVEDIR, NUMBER_ONLY },
    { "unlinkBy", SYS_unlinkat, true, false, 0, NUMBER_ONLY },
    { "renameBy", SYS_renameat, true, true, 0, NUMBER_ONLY },
    { "openBy", SYS_openat, true, false, 0, NUMBER_ONLY },
    { "closeBy", SYS_close, false, false, 0, NUMBER_ONLY },
    { "writeBy", SYS_write, false, false, 0, NUMBER_ONLY },
    { "fchmodBy", SYS_fchmod, false, false, 0, NUMBER_ONLY },
    { "getdentsBy", SYS_getdents64, false, false, 0, ENTRIES },
};

/** Puts bytes where the other process sees them; NULL where they are too many. */
static char *shown(struct caller *c, const void *bytes, size_t size) {
    if (size > sizeof c->text - c->text_used)
        return NULL;
    char *place = c->text + c->text_used;
    memcpy(place, bytes, size);
    c->text_used += size;
    return place;
}

/** Sets the arguments of a call; false where its texts are too long. */
static bool set_arguments(struct frame *f, struct caller *c) {
    const struct remote *remote = c->remote;
    int count = 0;
    memset(c->arguments, 0, sizeof c->arguments);
    c->text_used = 0;
    if (remote->is_at)
        c->arguments[count++] = AT_FDCWD;
    const char *kind = f->call->arguments + 1; // after the caller's pid
    for (const struct argument *a = f->a + 1; *kind != 0; kind++) {
        if (*kind == '?')
            continue;
        long value = *kind == 'S' ? 0 : (long)a->integer;
        if (a->text != NULL || *kind == 'b') {
            char *place = a->text != NULL ? shown(c, a->text, a->size + 1) : shown(c, a->bytes, a->size);
            if (place == NULL)
                return false;
            value = (long)place;
        }
        c->arguments[count++] = value;
        if (*kind == 'b')
            c->arguments[count++] = (long)a->size;
        if (remote->is_second_at && count == 2)
            c->arguments[count++] = AT_FDCWD;
        a++;
    }
    if (remote->number == SYS_openat)
        c->arguments[2] |= O_CLOEXEC;
    if (remote->gift != NUMBER_ONLY)
        c->arguments[count++] = (long)c->result_bytes;
    if (remote->gift == ENTRIES)
        c->arguments[count++] = RESULT_BYTES;
    else if (remote->gift == FILE_STATUS || remote->number == SYS_unlinkat)
        c->arguments[count++] = remote->last;
    return true;
}

/** Has a call made; what comes of it is taken once `answers` can be read. */
static JSValue post(struct frame *f) {
    struct caller *c = caller_of(f);
    if (c == NULL)
        return JS_EXCEPTION;
    if (c->is_asked)
        return JS_ThrowRangeError(f->ctx, "%s: this caller is asked already", f->call->name);
    const struct remote *remote = remotes;
    while (strcmp(remote->name, f->call->name) != 0)
        remote++;
    c->call = f->call;
    c->remote = remote;
    c->number = remote->number;
    if (!set_arguments(f, c)) {
        errno = E2BIG;
        return fail(f);
    }
    if (write_quietly(c->requests, "", 1, -1) != 1)
        return fail(f);
    c->is_asked = true;
    return JS_UNDEFINED;
}

/** Throws what a call has failed with, with the path that it was given first. */
static JSValue fail_answer(struct frame *f, const struct caller *c) {
    const char *kind = strchr(c->call->arguments, 'p');
    const char *path = kind == NULL ? NULL : c->text;
    // What stands before the path of mount(2) is no path.
    for (const char *one = c->call->arguments + 1; kind != NULL && one < kind; one++)
        if (*one == 's' || *one == 'S')
            path += strlen(path) + 1;
    return fail_as(f->ctx, errno_name((int)-c->result), errno_text((int)-c->result), c->call->syscall, path);
}

static JSValue take_answer(struct frame *f) {
    struct caller *c = caller_of(f);
    if (c == NULL)
        return JS_EXCEPTION;
    char turn;
    ssize_t size = RETRY(read(c->answers, &turn, 1));
    if (size < 0)
        return fail(f);
    if (size == 0)
        return JS_UNDEFINED;
    c->is_asked = false;
    if (c->result < 0)
        return fail_answer(f, c);
    switch (c->remote->gift) {
    case FILE_STATUS:
        return file_status(f->ctx, (const struct stat *)(const void *)c->result_bytes);
    case SPACE:
        return file_system_space(f->ctx, (const struct statfs *)(const void *)c->result_bytes);
    case ENTRIES:
        return c->result == 0 ? JS_NULL : entry_names(f->ctx, c->result_bytes, c->result);
    default:
        return JS_NewInt64(f->ctx, c->result);
    }
}

static const struct call calls[] = {
    { "startCaller", "", start_caller, "clone" },
    { "closeCaller", "i", close_caller, NULL },
    { "takeAnswer", "i", take_answer, NULL },
    // The source comes first but the target tells more; the data may hold a password.
    { "mountBy", "ispSuS", post, "mount" },
    { "umount2By", "ipi", post, "umount2" },
    { "statfsBy", "ip", post, "statfs" },
    { "statBy", "ip", post, "stat" },
    { "mkdirBy", "ipm", post, "mkdir" },
    { "rmdirBy", "ip", post, "rmdir" },
    { "unlinkBy", "ip", post, "unlink" },
    { "renameBy", "ipp", post, "rename" },
    { "openBy", "ipi?m", post, "open" },
    { "closeBy", "if", post, "close" },
    { "writeBy", "ifb", post, "write" },
    { "fchmodBy", "ifm", post, "fchmod" },
    { "getdentsBy", "if", post, "getdents64" },
};
const struct part caller_part = { calls, LENGTH(calls), NULL, 0 };
