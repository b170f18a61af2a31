// Mounts: mount(2) and its like, and the calls of file system contexts (Linux 5.2), for which the C libraries have no wrappers.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"

// linux/mount.h and linux/fcntl.h
enum {
    CONTEXT_CLOEXEC = 1, // FSOPEN_CLOEXEC and FSMOUNT_CLOEXEC
    SET_FLAG = 0, // FSCONFIG_*
    SET_STRING = 1,
    CMD_CREATE = 6,
    FROM_EMPTY_PATH = 4, // MOVE_MOUNT_F_EMPTY_PATH: what the descriptor itself stands for
    TO_EMPTY_PATH = 0x40, // MOVE_MOUNT_T_EMPTY_PATH
    TREE_CLONE = 1,
    RECURSIVE = 0x8000,
};

JSValue file_system_space(JSContext *ctx, const struct statfs *stat) {
    double unit = (double)(stat->f_frsize != 0 ? stat->f_frsize : stat->f_bsize);
    JSValue result = JS_NewObject(ctx);
    put(ctx, &result, "type", JS_NewUint32(ctx, (uint32_t)stat->f_type));
    put(ctx, &result, "totalBytes", JS_NewFloat64(ctx, (double)stat->f_blocks * unit));
    put(ctx, &result, "freeBytes", JS_NewFloat64(ctx, (double)stat->f_bfree * unit));
    put(ctx, &result, "availableBytes", JS_NewFloat64(ctx, (double)stat->f_bavail * unit));
    return result;
}

static JSValue get_statfs(struct frame *f) {
    struct statfs stat;
    return RETRY(statfs(TEXT(0), &stat)) != 0 ? fail(f) : file_system_space(f->ctx, &stat);
}

static JSValue mount_source(struct frame *f) {
    const struct argument *a = f->a;
    return done(f, mount(a[0].text, a[1].text, a[2].text, (unsigned long)a[3].integer, a[4].text));
}

CALL(unmount, done(f, umount2(TEXT(0), INT(1))))
CALL(open_context, number(f, syscall(SYS_fsopen, TEXT(0), CONTEXT_CLOEXEC)))

static JSValue configure(struct frame *f) {
    const struct argument *a = f->a;
    int command = a[2].text == NULL ? SET_FLAG : SET_STRING;
    return done(f, syscall(SYS_fsconfig, (int)a[0].integer, command, a[1].text, a[2].text, 0));
}

CALL(create, done(f, syscall(SYS_fsconfig, INT(0), CMD_CREATE, NULL, NULL, 0)))
CALL(mount_context, number(f, syscall(SYS_fsmount, INT(0), CONTEXT_CLOEXEC, (unsigned)f->a[1].integer)))

static JSValue copy_tree(struct frame *f) {
    const struct argument *a = f->a;
    return number(f, syscall(SYS_open_tree, (int)a[0].integer, a[1].text, (unsigned)a[2].integer | O_CLOEXEC));
}

static JSValue move_tree(struct frame *f) {
    const struct argument *a = f->a;
    return done(f, syscall(SYS_move_mount, (int)a[0].integer, "", (int)a[1].integer, a[2].text, FROM_EMPTY_PATH | TO_EMPTY_PATH));
}

static const struct call calls[] = {
    { "statfs", "p", get_statfs, NULL },
    // The source comes first but the target tells more; the data may hold a password.
    { "mount", "spSuS", mount_source, NULL },
    { "umount2", "pi", unmount, NULL },
    { "fsopen", "p", open_context, NULL },
    { "fsconfig", "fpS", configure, NULL },
    { "fsconfigCreate", "f", create, "fsconfig" },
    { "fsmount", "fu", mount_context, NULL },
    { "openTree", "dpu", copy_tree, "open_tree" },
    { "moveMount", "fdp", move_tree, "move_mount" },
};
static const struct number numbers[] = {
    NUMBER(MS_RDONLY), NUMBER(MS_NOSUID), NUMBER(MS_NODEV), NUMBER(MS_NOEXEC), NUMBER(MS_REMOUNT), NUMBER(MS_BIND),
    NUMBER(MS_MOVE), NUMBER(MS_REC), NUMBER(MS_PRIVATE), NUMBER(MS_SLAVE), NUMBER(MNT_FORCE), NUMBER(MNT_DETACH), NUMBER(UMOUNT_NOFOLLOW),
    { "OPEN_TREE_CLONE", TREE_CLONE }, { "AT_RECURSIVE", RECURSIVE },
};
const struct part mount_part = { calls, LENGTH(calls), numbers, LENGTH(numbers) };
