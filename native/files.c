// Files, pipes and directories.
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "native.h"

/** The raw call: musl sets FD_CLOEXEC by a second one, for kernels that have not known O_CLOEXEC. */
static JSValue open_below(struct frame *f, int directory, const struct argument *a) {
    long flags = a[1].integer | O_CLOEXEC | O_LARGEFILE;
    return number(f, RETRY(syscall(SYS_openat, directory, a[0].text, flags, (mode_t)a[2].integer)));
}

CALL(open_at, open_below(f, INT(0), f->a + 1))
CALL(open_file, open_below(f, AT_FDCWD, f->a))

static JSValue close_file(struct frame *f) {
    // Not again after EINTR: Linux has closed it by then (close(2)).
    return done(f, close(INT(0)) != 0 && errno != EINTR ? -1 : 0);
}

static JSValue read_file(struct frame *f) {
    // Kept: a block made and given up for each read costs two system calls, and its pages each time.
    static uint8_t kept[64 << 10];
    int fd = INT(0);
    size_t count = (size_t)f->a[1].integer;
    uint8_t *data = count <= sizeof kept ? kept : js_malloc(f->ctx, count);
    if (data == NULL)
        return JS_EXCEPTION;
    ssize_t size = f->a[2].given ? RETRY(pread(fd, data, count, (off_t)f->a[2].integer)) : RETRY(read(fd, data, count));
    JSValue result = size < 0 ? fail(f) : new_bytes(f->ctx, data, (size_t)size);
    if (data != kept)
        js_free(f->ctx, data);
    return result;
}

/**
 * A pipe without a reader raises SIGPIPE in the thread that writes, and a file at its limit of size SIGXFSZ. Blocked, they stay
 * pending, where the signalfd would find them and COMMAND get them: what was raised is taken back at once. One that somebody
 * sent to the process waits in another queue, which comes second.
 */
ssize_t write_quietly(int fd, const void *bytes, size_t size, int64_t position) {
    uint64_t before = mask_signals((uint64_t)ALL_SIGNALS);
    ssize_t written = position >= 0 ? RETRY(pwrite(fd, bytes, size, (off_t)position)) : RETRY(write(fd, bytes, size));
    int error = errno;
    int raised = written >= 0 ? 0 : error == EPIPE ? SIGPIPE : error == EFBIG ? SIGXFSZ : 0;
    if (raised != 0) {
        const uint64_t bit = UINT64_C(1) << (raised - 1);
        const struct timespec at_once = { 0 };
        syscall(SYS_rt_sigtimedwait, &bit, NULL, &at_once, sizeof bit);
    }
    mask_signals(before);
    errno = error;
    return written;
}

CALL(write_file, number(f, write_quietly(INT(0), f->a[1].bytes, f->a[1].size, f->a[2].given ? f->a[2].integer : -1)))

static JSValue make_pipe(struct frame *f) {
    int ends[2];
    if (f->a[0].integer != 0 && f->a[0].integer != O_NONBLOCK)
        return JS_ThrowRangeError(f->ctx, "pipe: argument 1 must be 0 or O_NONBLOCK");
    if (pipe2(ends, INT(0) | O_CLOEXEC) != 0)
        return fail(f);
    JSValue result = JS_NewObject(f->ctx);
    put(f->ctx, &result, "readEnd", JS_NewInt32(f->ctx, ends[0]));
    put(f->ctx, &result, "writeEnd", JS_NewInt32(f->ctx, ends[1]));
    return result;
}

static JSValue poll_one(struct frame *f) {
    struct pollfd one = { .fd = INT(0), .events = (short)f->a[1].integer };
    int count = RETRY(poll(&one, 1, INT(2)));
    return number(f, count <= 0 ? count : one.revents);
}

static JSValue poll_all(struct frame *f) {
    uint32_t count;
    int64_t *list = integers(f, "fds", f->a[0].value, 'f', &count);
    if (list == NULL)
        return JS_EXCEPTION;
    struct pollfd *all = js_mallocz(f->ctx, (count + 1) * sizeof *all);
    for (uint32_t i = 0; all != NULL && i < count; i++)
        all[i] = (struct pollfd){ .fd = (int)list[i], .events = (short)f->a[1].integer };
    js_free(f->ctx, list);
    if (all == NULL)
        return JS_EXCEPTION;
    int64_t ms = INT(2);
    struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    JSValue result = JS_UNDEFINED;
    if (RETRY(ppoll(all, count, ms < 0 ? NULL : &time, NULL)) == -1)
        result = fail(f);
    else {
        result = JS_NewArray(f->ctx);
        for (uint32_t i = 0; i < count; i++)
            push(f->ctx, &result, i, JS_NewInt32(f->ctx, all[i].revents));
    }
    js_free(f->ctx, all);
    return result;
}

static JSValue control(struct frame *f) {
    int command = INT(1);
    // Others take an address, or open a descriptor that is not closed on exec.
    if (command != F_GETFD && command != F_SETFD && command != F_GETFL && command != F_SETFL)
        return JS_ThrowRangeError(f->ctx, "fcntl: not a command that takes a number: %d", command);
    return number(f, fcntl(INT(0), command, INT(2)));
}

CALL(lock, done(f, RETRY(flock(INT(0), INT(1)))))

// --- what a file is ----------------------------------------------------------------------------------------------------------

static const char *type_of(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return "directory";
    case S_IFLNK:
        return "symlink";
    case S_IFIFO:
        return "fifo";
    case S_IFSOCK:
        return "socket";
    case S_IFCHR:
        return "character";
    case S_IFBLK:
        return "block";
    default:
        return "file";
    }
}

JSValue file_status(JSContext *ctx, const struct stat *stat) {
    JSValue result = JS_NewObject(ctx);
    put(ctx, &result, "type", JS_NewString(ctx, type_of(stat->st_mode)));
    put(ctx, &result, "mode", JS_NewInt32(ctx, stat->st_mode & 07777));
    put(ctx, &result, "uid", JS_NewUint32(ctx, stat->st_uid));
    put(ctx, &result, "gid", JS_NewUint32(ctx, stat->st_gid));
    put(ctx, &result, "size", JS_NewInt64(ctx, stat->st_size));
    put(ctx, &result, "dev", JS_NewBigUint64(ctx, stat->st_dev));
    put(ctx, &result, "ino", JS_NewBigUint64(ctx, stat->st_ino));
    put(ctx, &result, "mtime", JS_NewInt64(ctx, stat->st_mtim.tv_sec));
    return result;
}

static JSValue stat_result(struct frame *f, int returned, const struct stat *stat) {
    return returned != 0 ? fail(f) : file_status(f->ctx, stat);
}

static JSValue stat_file(struct frame *f) {
    struct stat result;
    return stat_result(f, stat(TEXT(0), &result), &result);
}

static JSValue lstat_file(struct frame *f) {
    struct stat result;
    return stat_result(f, lstat(TEXT(0), &result), &result);
}

static JSValue fstat_file(struct frame *f) {
    struct stat result;
    return stat_result(f, fstat(INT(0), &result), &result);
}

CALL(may_access, done(f, access(TEXT(0), INT(1))))

static JSValue read_link(struct frame *f) {
    char target[PATH_MAX];
    ssize_t size = readlink(TEXT(0), target, sizeof target);
    return size < 0 ? fail(f) : new_text(f->ctx, target, (size_t)size);
}

static JSValue real_path(struct frame *f) {
    char path[PATH_MAX];
    return realpath(TEXT(0), path) == NULL ? fail(f) : new_text(f->ctx, path, strlen(path));
}

// --- directories -------------------------------------------------------------------------------------------------------------

/** An entry as the kernel writes it (getdents64(2)). */
struct entry {
    uint64_t inode, offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

JSValue entry_names(JSContext *ctx, const char *entries, long size) {
    JSValue names = JS_NewArray(ctx);
    uint32_t count = 0;
    for (long at = 0; at < size;) {
        const struct entry *entry = (const struct entry *)(const void *)(entries + at);
        if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0)
            push(ctx, &names, count++, new_text(ctx, entry->name, strlen(entry->name)));
        at += entry->size;
    }
    return names;
}

static JSValue get_entries(struct frame *f) {
    char buffer[32768] __attribute__((aligned(8)));
    long size = syscall(SYS_getdents64, INT(0), buffer, sizeof buffer);
    if (size <= 0)
        return size < 0 ? fail(f) : JS_UNDEFINED;
    return entry_names(f->ctx, buffer, size);
}

CALL(make_directory_at, done(f, mkdirat(INT(0), TEXT(1), (mode_t)f->a[2].integer)))
CALL(make_directory, done(f, mkdir(TEXT(0), (mode_t)f->a[1].integer)))
CALL(unlink_file, done(f, unlink(TEXT(0))))
CALL(remove_directory, done(f, rmdir(TEXT(0))))
CALL(rename_file, done(f, rename(TEXT(0), TEXT(1))))
CALL(change_mode, done(f, fchmod(INT(0), (mode_t)f->a[1].integer)))
CALL(change_owner, done(f, fchown(INT(0), (uid_t)f->a[1].integer, (gid_t)f->a[2].integer)))
CALL(truncate_file, done(f, RETRY(ftruncate(INT(0), (off_t)f->a[1].integer))))
CALL(sync_file, done(f, RETRY(fsync(INT(0)))))

static const struct call calls[] = {
    { "openat", "dpi?m", open_at, NULL },
    { "open", "pi?m", open_file, NULL },
    { "close", "f", close_file, NULL },
    { "read", "fc?l", read_file, NULL },
    { "write", "fb?l", write_file, NULL },
    { "pipe", "u", make_pipe, "pipe2" },
    { "poll", "fei", poll_one, NULL },
    { "ppoll", "vei", poll_all, NULL },
    { "fcntl", "fii", control, NULL },
    { "flock", "fi", lock, NULL },
    { "stat", "p", stat_file, NULL },
    { "lstat", "p", lstat_file, NULL },
    { "fstat", "f", fstat_file, NULL },
    { "access", "pi", may_access, NULL },
    { "readlink", "p", read_link, NULL },
    { "realpath", "p", real_path, NULL },
    { "getdents", "f", get_entries, "getdents64" },
    { "mkdirat", "dpm", make_directory_at, NULL },
    { "mkdir", "pm", make_directory, NULL },
    { "unlink", "p", unlink_file, NULL },
    { "rmdir", "p", remove_directory, NULL },
    { "rename", "pp", rename_file, NULL },
    { "fchmod", "fm", change_mode, NULL },
    { "fchown", "fgg", change_owner, NULL },
    { "ftruncate", "fl", truncate_file, NULL },
    { "fsync", "f", sync_file, NULL },
};
static const struct number numbers[] = {
    NUMBER(O_RDONLY), NUMBER(O_WRONLY), NUMBER(O_RDWR), NUMBER(O_CREAT), NUMBER(O_EXCL), NUMBER(O_TRUNC), NUMBER(O_NONBLOCK),
    NUMBER(O_DIRECTORY), NUMBER(O_NOFOLLOW), NUMBER(O_PATH), NUMBER(O_TMPFILE), NUMBER(AT_FDCWD),
    NUMBER(POLLIN), NUMBER(POLLOUT), NUMBER(POLLERR), NUMBER(POLLHUP),
    NUMBER(F_GETFD), NUMBER(F_SETFD), NUMBER(F_GETFL), NUMBER(F_SETFL), NUMBER(FD_CLOEXEC),
    NUMBER(LOCK_SH), NUMBER(LOCK_EX), NUMBER(LOCK_NB), NUMBER(LOCK_UN),
    NUMBER(R_OK), NUMBER(W_OK), NUMBER(X_OK), NUMBER(F_OK),
};
const struct part file_part = { calls, LENGTH(calls), numbers, LENGTH(numbers) };
