// Files and directories, in a folder of /tmp that goes with each case.
import * as native from "native";
import { makeDirectories } from "../../../src/host/small-files.ts";
import { check, code, equal, readAll, thrown } from "./report.ts";

/** Runs in a new folder, which is the working directory. */
function inFolder(work: (folder: string) => void): () => void {
  return () => {
    const folder = `/tmp/nfs-init-native-${native.getpid()}`;
    native.mkdir(folder, 0o700);
    native.chdir(folder);
    try {
      work(folder);
    } finally {
      const pid = native.spawn({ file: "rm", argv: ["rm", "-rf", folder], env: [] });
      native.waitid(pid, native.WEXITED);
    }
  };
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_PATH, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = native;

function put(path: native.CString, text: string): void {
  const fd = native.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644);
  native.write(fd, native.encodeUtf8(text));
  native.close(fd);
}

function contentOf(path: native.CString): string {
  const fd = native.open(path, O_RDONLY);
  const text = readAll(fd);
  native.close(fd);
  return text;
}

function listOf(path: string): readonly (readonly string[])[] {
  const fd = native.open(path, O_RDONLY | O_DIRECTORY);
  const lists: string[][] = [];
  for (let some = native.getdents(fd); some !== undefined; some = native.getdents(fd)) lists.push(some);
  native.close(fd);
  return lists;
}

export const cases = {
  "a failure names the errno, the call and the path": () => {
    const error = thrown(() => native.open("/nonexistent/é", O_RDONLY)) as native.NativeError;
    equal(error.message, "ENOENT: no such file or directory, open '/nonexistent/é'");
    equal([error.name, error.code, error.syscall], ["Error", "ENOENT", "open"]);
    check((error.stack ?? "").includes("at "), "a stack");
    equal(thrown(() => native.close(1_000)).message, "EBADF: bad file descriptor, close");
    equal(thrown(() => native.mount("a", "/nonexistent", "x", 0, "password=secret")).message.includes("secret"), false);
    equal(thrown(() => native.openTree(1_000, "a", 0)).message, "EBADF: bad file descriptor, open_tree 'a'");
    check(thrown(() => native.stat("a".repeat(5_000))).message.length < 500, "a long name is cut");
  },
  "files are written and read, whole and in places": inFolder(() => {
    put("file", "0123456789");
    const fd = native.open("file", O_RDWR);
    equal(native.decodeUtf8(native.read(fd, 4)), "0123");
    equal(native.decodeUtf8(native.read(fd, 4, 8)), "89");
    equal(native.read(fd, 4, 1_000).byteLength, 0);
    equal(native.read(fd, 0).byteLength, 0);
    equal(native.write(fd, native.encodeUtf8("x"), 20), 1);
    equal(native.decodeUtf8(native.read(fd, 100, 4)), "456789\0\0\0\0\0\0\0\0\0\0x");
    native.ftruncate(fd, 3);
    native.fsync(fd);
    equal(native.fstat(fd).size, 3);
    native.close(fd);
    equal(contentOf("file"), "012");
    equal(
      code(() => native.open("file", O_WRONLY | O_CREAT | O_EXCL, 0o600)),
      "EEXIST",
    );
  }),
  "a megabyte is read at once, and what is read is the reader's own": inFolder(() => {
    put("file", "a".repeat(2 ** 20));
    const fd = native.open("file", O_RDONLY);
    const bytes = native.read(fd, 2 ** 20);
    equal([bytes.byteLength, bytes.buffer.byteLength, bytes.byteOffset], [2 ** 20, 2 ** 20, 0]);
    bytes.fill(98);
    equal(native.read(fd, 2 ** 20).byteLength, 0);
    equal(native.read(fd, 1, 0)[0], 97);
  }),
  "names that are not UTF-8 are taken as bytes": inFolder(() => {
    const name = new Uint8Array([0xff, 0x61]);
    put(name, "odd");
    equal(contentOf(name), "odd");
    equal(listOf("."), [["\uFFFDa"]]);
    native.rename(name, "even");
    native.unlink("even");
    equal(listOf("."), [[]]);
  }),
  "what a file is": inFolder((folder) => {
    put("file", "abc");
    const fd = native.open("file", O_RDONLY);
    native.fchmod(fd, 0o640);
    native.fchown(fd, native.geteuid(), native.getegid());
    const stat = native.stat("file");
    equal(
      [stat.type, stat.mode, stat.size, stat.uid, stat.gid],
      ["file", 0o640, 3, native.geteuid(), native.getegid()],
    );
    equal(native.fstat(fd), stat);
    check(typeof stat.dev === "bigint" && typeof stat.ino === "bigint", "whole numbers");
    equal(native.stat(folder).type, "directory");
    equal(native.stat("/dev/null").type, "character");
    equal(native.lstat("/proc/self").type, "symlink");
    equal(native.fstat(native.pipe(0).readEnd).type, "fifo");
    equal(native.fstat(native.socket(native.AF_UNIX, native.SOCK_STREAM)).type, "socket");
    native.access("file", native.R_OK);
    equal(
      code(() => native.access("file/x", native.F_OK)),
      "ENOTDIR",
    );
    equal(native.realpath("."), folder);
    equal(
      code(() => native.readlink("file")),
      "EINVAL",
    );
    equal(native.getcwd(), folder);
  }),
  "directories are opened and made from a directory": inFolder((folder) => {
    const here = native.open(".", O_PATH | O_DIRECTORY | O_NOFOLLOW);
    native.mkdirat(here, "a", 0o755);
    native.mkdirat(native.AT_FDCWD, "a/b", 0o700);
    const inner = native.openat(here, "a", O_RDONLY | O_DIRECTORY);
    equal(native.getdents(inner), ["b"]);
    native.close(native.openat(inner, "new", O_WRONLY | O_CREAT, 0o600));
    equal(native.stat(`${folder}/a/new`).mode, 0o600);
    equal(
      code(() => native.openat(here, "missing", O_RDONLY)),
      "ENOENT",
    );
  }),
  "a large directory is read bit by bit": inFolder(() => {
    for (let index = 0; index < 3_000; index++) put(`a-file-with-a-rather-long-name-${index}`, "");
    const lists = listOf(".");
    check(lists.length > 1, "more than one call");
    equal(new Set(lists.flat()).size, 3_000);
  }),
  "every descriptor is closed on exec": () => {
    const { readEnd, writeEnd } = native.pipe(0);
    const opened = [
      readEnd,
      writeEnd,
      native.open("/dev/null", 0),
      native.openat(native.AT_FDCWD, "/", native.O_PATH),
      native.socket(native.AF_UNIX, native.SOCK_STREAM),
    ];
    for (const fd of opened) equal(native.fcntl(fd, native.F_GETFD, 0), native.FD_CLOEXEC);
  },
  "a lock that is held is not waited for": inFolder(() => {
    put("lock", "");
    const [first, second] = [native.open("lock", O_RDONLY), native.open("lock", O_RDONLY)];
    native.flock(first, native.LOCK_EX | native.LOCK_NB);
    equal(
      code(() => native.flock(second, native.LOCK_EX | native.LOCK_NB)),
      "EAGAIN",
    );
    native.flock(first, native.LOCK_UN);
    native.flock(second, native.LOCK_SH | native.LOCK_NB);
  }),
  "a pipe is polled": () => {
    const { readEnd, writeEnd } = native.pipe(native.O_NONBLOCK);
    equal(
      code(() => native.read(readEnd, 1)),
      "EAGAIN",
    );
    equal(native.poll(readEnd, native.POLLIN, 0), 0);
    equal(native.poll(writeEnd, native.POLLOUT, 0), native.POLLOUT);
    native.close(writeEnd);
    equal(native.poll(readEnd, native.POLLIN, -1), native.POLLHUP);
    equal(native.fcntl(readEnd, native.F_GETFL, 0) & native.O_NONBLOCK, native.O_NONBLOCK);
  },
  "several descriptors are polled at once": () => {
    const [first, second] = [native.pipe(0), native.pipe(0)];
    const ends = [first.readEnd, second.readEnd];
    equal(native.ppoll(ends, native.POLLIN, 0), [0, 0]);
    native.write(second.writeEnd, native.encodeUtf8("x"));
    equal(native.ppoll(ends, native.POLLIN, -1), [0, native.POLLIN]);
    native.close(first.writeEnd);
    equal(native.ppoll(ends, native.POLLIN, 60_000), [native.POLLHUP, native.POLLIN]);
    equal(native.ppoll([], native.POLLIN, 0), []);
  },
  "children that all miss the same directories above theirs make them side by side": inFolder(() => {
    for (let round = 0; round < 50; round++) {
      const { readEnd, writeEnd } = native.pipe(0);
      const make = (index: number) => () => {
        readAll(readEnd);
        makeDirectories(`${round}/above/${index}`);
      };
      const children = Array.from({ length: 8 }, (_, index) => native.fork(make(index), [readEnd]));
      native.close(writeEnd);
      native.close(readEnd);
      equal(
        children.map((pid) => native.waitid(pid, native.WEXITED)?.status),
        children.map(() => 0),
      );
    }
  }),
  "another root hides what lies outside": inFolder((folder) => {
    put("file", "inside");
    const { readEnd, writeEnd } = native.pipe(0);
    const pid = native.fork(() => {
      let answer: string;
      try {
        native.chroot(folder);
        answer = contentOf("/file");
      } catch (error) {
        answer = (error as native.NativeError).code;
      }
      native.write(writeEnd, native.encodeUtf8(answer));
    }, [writeEnd]);
    native.close(writeEnd);
    const isAllowed = native.geteuid() === 0 && ((native.capget().effective >> 18n) & 1n) === 1n;
    equal(readAll(readEnd), isAllowed ? "inside" : "EPERM");
    native.waitid(pid, native.WEXITED);
  }),
  "a host has another name for those who asked for names of their own": () => {
    const before = native.uname().nodename;
    const { readEnd, writeEnd } = native.pipe(0);
    const pid = native.fork(() => {
      let answer: string;
      try {
        native.unshare(native.CLONE_NEWUTS);
        native.sethostname("another");
        answer = native.uname().nodename;
      } catch (error) {
        answer = (error as native.NativeError).code;
      }
      native.write(writeEnd, native.encodeUtf8(answer));
    }, [writeEnd]);
    native.close(writeEnd);
    const isAllowed = native.geteuid() === 0 && ((native.capget().effective >> 21n) & 1n) === 1n;
    equal(readAll(readEnd), isAllowed ? "another" : "EPERM");
    native.waitid(pid, native.WEXITED);
    equal(native.uname().nodename, before);
  },
  "the size of a file system": () => {
    const { type, totalBytes, freeBytes, availableBytes } = native.statfs("/proc");
    equal([type, totalBytes, freeBytes, availableBytes], [0x9fa0, 0, 0, 0]);
    const root = native.statfs("/");
    check(
      root.totalBytes > 0 && root.freeBytes <= root.totalBytes && root.availableBytes <= root.freeBytes,
      "in this order",
    );
  },
  "mounts are made and moved, where that is allowed": inFolder((folder) => {
    try {
      native.unshare(native.CLONE_NEWNS);
    } catch {
      return;
    }
    native.mount("none", "/", null, native.MS_REC | native.MS_PRIVATE, null);
    native.mkdir("a", 0o755);
    native.mkdir("b", 0o755);
    native.mount("name", "a", "tmpfs", native.MS_NOSUID, "size=64k");
    equal(native.statfs("a").totalBytes, 65_536);
    native.mount("a", "b", null, native.MS_BIND, null);
    native.umount2(`${folder}/b`, native.UMOUNT_NOFOLLOW);
    native.umount2("a", native.MNT_DETACH);
    equal(
      code(() => native.umount2("a", 0)),
      "EINVAL",
    );
    const context = native.fsopen("tmpfs");
    native.fsconfig(context, "size", "128k");
    native.fsconfigCreate(context);
    const tree = native.fsmount(context, 0);
    native.moveMount(tree, native.AT_FDCWD, "a");
    equal(native.statfs("a").totalBytes, 131_072);
    const copy = native.openTree(native.AT_FDCWD, "a", native.OPEN_TREE_CLONE | native.AT_RECURSIVE);
    native.moveMount(copy, native.open("b", O_PATH | O_DIRECTORY), "");
    equal(native.statfs("b").totalBytes, 131_072);
    // The descriptors hold them.
    equal(
      code(() => native.umount2("b", 0)),
      "EBUSY",
    );
    native.umount2("b", native.MNT_DETACH);
    native.umount2("a", native.MNT_DETACH);
    const bad = native.fsopen("tmpfs");
    equal(
      code(() => native.fsconfig(bad, "nonsense", null)),
      "EINVAL",
    );
    check(native.decodeUtf8(native.read(bad, 1_000)).includes("nonsense"), "the kernel's words");
    equal(
      code(() => native.read(bad, 1_000)),
      "ENODATA",
    );
    for (const fd of [context, tree, copy, bad]) equal(native.fcntl(fd, native.F_GETFD, 0), native.FD_CLOEXEC);
  }),
};
