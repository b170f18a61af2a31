// Callers: processes that make calls for us in our memory.
import * as native from "native";
import { check, code, equal, openDescriptors, readAll, thrown } from "./report.ts";

const { WEXITED, POLLIN } = native;
const SIGKILL = 9;
const CLD_EXITED = 1;
const CLD_KILLED = 2;

/** A path where nothing is. */
const placeFor = (name: string): string => `/tmp/nfs-init-${name}-${native.getpid()}`;

/** What a caller's call gives, which is waited for. */
function answerOf(caller: ReturnType<typeof native.startCaller>, post: (pid: number) => void): unknown {
  post(caller.pid);
  check(native.poll(caller.answers, POLLIN, 60_000) > 0, "it answers");
  return native.takeAnswer(caller.pid);
}

/** Closes it, and waits until it has ended by itself. */
function endOf(pid: number): void {
  native.closeCaller(pid);
  equal(native.waitid(pid, WEXITED), { pid, code: CLD_EXITED, status: 0 });
}

/** A line of /proc/PID/status. */
function statusOf(pid: number, name: string): string {
  const fd = native.open(`/proc/${pid}/status`, 0);
  const text = readAll(fd);
  native.close(fd);
  const line = text.split("\n").find((one) => one.startsWith(`${name}:`));
  return line?.split(":")[1]?.trim() ?? "";
}

function countOfMaps(): number {
  const fd = native.open("/proc/self/maps", 0);
  const text = readAll(fd);
  native.close(fd);
  return text.split("\n").length;
}

export const cases = {
  "a caller makes calls one after the other, and gives what each gives": () => {
    const caller = native.startCaller();
    const at = (post: (pid: number) => void) => answerOf(caller, post);
    const folder = placeFor("callers");
    at((pid) => native.mkdirBy(pid, folder, 0o700));
    equal((at((pid) => native.statBy(pid, folder)) as native.Stat).type, "directory");
    const { O_RDWR, O_CREAT, O_EXCL, O_DIRECTORY } = native;
    const fd = at((pid) => native.openBy(pid, `${folder}/é`, O_RDWR | O_CREAT | O_EXCL, 0o600)) as number;
    equal(
      at((pid) => native.writeBy(pid, fd, native.encodeUtf8("written"))),
      7,
    );
    at((pid) => native.fchmodBy(pid, fd, 0o640));
    at((pid) => native.closeBy(pid, fd));
    at((pid) => native.renameBy(pid, `${folder}/é`, `${folder}/b`));
    equal(native.stat(`${folder}/b`).mode, 0o640);
    const file = native.open(`${folder}/b`, 0);
    equal(readAll(file), "written");
    native.close(file);
    const directory = at((pid) => native.openBy(pid, folder, O_DIRECTORY)) as number;
    equal(
      at((pid) => native.getdentsBy(pid, directory)),
      ["b"],
    );
    equal(
      at((pid) => native.getdentsBy(pid, directory)),
      null,
    );
    equal(
      (at((pid) => native.statfsBy(pid, folder)) as ReturnType<typeof native.statfs>).type,
      native.statfs(folder).type,
    );
    at((pid) => native.unlinkBy(pid, `${folder}/b`));
    at((pid) => native.rmdirBy(pid, folder));
    equal(
      code(() => native.stat(folder)),
      "ENOENT",
    );
    endOf(caller.pid);
  },
  "a call that fails in a caller throws what it would throw here": () => {
    const caller = native.startCaller();
    const missing = placeFor("missing");
    const { MS_BIND } = native;
    const pairs: readonly (readonly [(pid: number) => void, () => unknown])[] = [
      [(pid) => native.statBy(pid, missing), () => native.stat(missing)],
      [(pid) => native.openBy(pid, missing, 0), () => native.open(missing, 0)],
      [(pid) => native.renameBy(pid, missing, "/x"), () => native.rename(missing, "/x")],
      [(pid) => native.umount2By(pid, missing, 0), () => native.umount2(missing, 0)],
      [(pid) => native.closeBy(pid, 1_000), () => native.close(1_000)],
      [
        (pid) => native.mountBy(pid, "nas:/secret", missing, "none", MS_BIND, "password=x"),
        () => native.mount("nas:/secret", missing, "none", MS_BIND, "password=x"),
      ],
    ];
    for (const [elsewhere, here] of pairs) {
      const [one, other] = [thrown(() => answerOf(caller, elsewhere)), thrown(here)];
      equal(one.message, other.message);
      equal((one as native.NativeError).code, (other as native.NativeError).code);
      equal((one as native.NativeError).syscall, (other as native.NativeError).syscall);
    }
    endOf(caller.pid);
  },
  "a failing call in a caller is no failure of ours": () => {
    const caller = native.startCaller();
    const missing = placeFor("missing");
    for (let time = 0; time < 2_000; time++) {
      native.statBy(caller.pid, missing);
      // Meanwhile others fail here, by another errno.
      for (let call = 0; call < 5; call++) {
        equal(
          code(() => native.close(1_000)),
          "EBADF",
        );
      }
      check(native.poll(caller.answers, POLLIN, 60_000) > 0, "it answers");
      equal(
        code(() => native.takeAnswer(caller.pid)),
        "ENOENT",
      );
    }
    endOf(caller.pid);
  },
  "a caller has two descriptors of its own and none of ours, and no signal reaches it but SIGKILL": () => {
    const ours = native.open("/", 0);
    const { pid, answers } = native.startCaller();
    answerOf({ pid, answers }, (one) => native.statBy(one, "/"));
    const folder = native.open(`/proc/${pid}/fd`, native.O_DIRECTORY);
    equal(native.getdents(folder)?.length, 2);
    native.close(folder);
    native.close(ours);
    equal(statusOf(pid, "SigBlk"), "fffffffffffbfeff");
    equal(statusOf(pid, "PPid"), String(native.getpid()));
    equal(statusOf(pid, "Threads"), "1");
    endOf(pid);
  },
  "a caller that hangs holds up nobody, takes no other call, and can be killed": () => {
    const fifo = placeFor("fifo");
    const made = native.spawn({ file: "mkfifo", argv: ["mkfifo", fifo], env: native.environ() });
    native.waitid(made, WEXITED);
    const hung = native.startCaller();
    const other = native.startCaller();
    native.openBy(hung.pid, fifo, native.O_RDONLY);
    equal(native.poll(hung.answers, POLLIN, 50), 0);
    equal(
      code(() => native.takeAnswer(hung.pid)),
      "EAGAIN",
    );
    check(thrown(() => native.statBy(hung.pid, "/")) instanceof RangeError, "it is asked already");
    equal((answerOf(other, (pid) => native.statBy(pid, "/")) as native.Stat).type, "directory");
    native.kill(hung.pid, SIGKILL);
    check(native.poll(hung.answers, POLLIN, 60_000) > 0, "its end is seen");
    equal(native.takeAnswer(hung.pid), undefined);
    equal(native.waitid(hung.pid, WEXITED), { pid: hung.pid, code: CLD_KILLED, status: SIGKILL });
    native.closeCaller(hung.pid);
    for (const call of [native.closeCaller, native.takeAnswer]) {
      check(thrown(() => call(hung.pid)) instanceof RangeError, "it is a caller no longer");
    }
    endOf(other.pid);
    native.unlink(fifo);
  },
  "a caller that is asked although it is gone is EPIPE": () => {
    const { pid } = native.startCaller();
    native.kill(pid, SIGKILL);
    native.waitid(pid, WEXITED);
    equal(
      code(() => native.statBy(pid, "/")),
      "EPIPE",
    );
    native.closeCaller(pid);
  },
  "arguments of a caller's call that are too long are refused, and the next ones are taken": () => {
    const caller = native.startCaller();
    const fd = answerOf(caller, (pid) => native.openBy(pid, "/dev/null", native.O_WRONLY)) as number;
    const most = 48 * 1024;
    equal(
      code(() => native.writeBy(caller.pid, fd, new Uint8Array(most + 1))),
      "E2BIG",
    );
    equal(
      answerOf(caller, (pid) => native.writeBy(pid, fd, new Uint8Array(most))),
      most,
    );
    endOf(caller.pid);
  },
  "nothing is left of a hundred callers, however they end": () => {
    const descriptors = openDescriptors();
    const maps = countOfMaps();
    for (let time = 0; time < 50; time++) {
      endOf(native.startCaller().pid);
      const { pid } = native.startCaller();
      native.statBy(pid, "/");
      native.kill(pid, SIGKILL);
      native.closeCaller(pid);
      native.waitid(pid, WEXITED);
    }
    equal(openDescriptors(), descriptors);
    check(countOfMaps() <= maps + 3, "their memory is given back");
  },
};
