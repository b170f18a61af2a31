// Children: forks that run a function, programs that are started, and how they end.
import * as native from "native";
import { after, check, code, equal, eventually, openDescriptors, ownPath, readAll, thrown } from "./report.ts";

const { WEXITED, WNOHANG, WNOWAIT, WSTOPPED } = native;
const CLD_EXITED = 1;
const CLD_KILLED = 2;
const CLD_STOPPED = 5;

/** What a child says of itself. */
function answerOf(work: (answer: number) => string): string {
  const { readEnd, writeEnd } = native.pipe(0);
  const pid = native.fork(() => {
    native.write(writeEnd, native.encodeUtf8(work(writeEnd)));
  }, [writeEnd]);
  native.close(writeEnd);
  const text = readAll(readEnd);
  native.close(readEnd);
  equal(native.waitid(pid, WEXITED), { pid, code: CLD_EXITED, status: 0 });
  return text;
}

function statusLine(name: string): string {
  const fd = native.open("/proc/self/status", 0);
  const line = readAll(fd)
    .split("\n")
    .find((text) => text.startsWith(`${name}:`));
  native.close(fd);
  return line?.split(":")[1]?.trim() ?? "";
}

const env = native.environ();
const none = "0000000000000000";

/** What a program writes to its stdout. */
function outputOf(script: string, program: Partial<native.ChildProgram> = {}): string {
  const { readEnd, writeEnd } = native.pipe(0);
  const pid = native.spawn({ file: "sh", argv: ["sh", "-c", script], env, stdout: writeEnd, ...program });
  native.close(writeEnd);
  const text = readAll(readEnd);
  native.close(readEnd);
  check(native.waitid(pid, WEXITED)?.pid === pid, "it was ours");
  return text.trim();
}

/** The message of a program that could not be started; no child is left of it. */
function failure(program: Partial<native.ChildProgram>): string {
  const { message } = thrown(() => native.spawn({ file: "/bin/true", argv: ["true"], env, ...program }));
  equal(native.waitid(0, WEXITED | WNOHANG), undefined, "no child is left");
  return message;
}

/** Whether SIGTSTP, sent by kill(2), stops no child of ours. */
function dropsStops(): boolean {
  const pid = native.fork(() => {
    native.kill(native.getpid(), 20);
    native.exit(0);
  }, []);
  const status = native.waitid(pid, WSTOPPED | WEXITED);
  if (status?.code !== CLD_STOPPED) return true;
  native.kill(pid, 18);
  native.waitid(pid, WEXITED);
  return false;
}

export const cases = {
  "a forked child has a copy of everything, and ends with 0": () => {
    const value = { is: "ours" };
    equal(
      answerOf(() => value.is),
      "ours",
    );
  },
  "a forked child that throws ends with 70": () => {
    const pid = native.fork(() => {
      throw new Error("not printed");
    }, []);
    equal(native.waitid(pid, WEXITED), { pid, code: CLD_EXITED, status: 70 });
  },
  "a forked child keeps the descriptors it is told to, with their numbers, and no other": () => {
    const kept = Array.from({ length: 4 }, () => native.open("/dev/null", 0));
    const others = Array.from({ length: 100 }, () => native.open("/dev/null", 0));
    const high = others.at(-1) ?? 0;
    native.onSignal(() => {});
    const text = answerOf((answer) => {
      // /proc/self/fd itself takes a number while it is read.
      return JSON.stringify(openDescriptors().filter((name) => name !== String(answer)));
    });
    equal(text, "[]");
    const { readEnd, writeEnd } = native.pipe(0);
    const keep = [high, ...kept, writeEnd, high];
    native.fork(() => {
      native.write(writeEnd, native.encodeUtf8(JSON.stringify(openDescriptors())));
    }, keep);
    native.close(writeEnd);
    equal(
      (JSON.parse(readAll(readEnd)) as string[]).map(Number).toSorted((left, right) => left - right),
      [...new Set(keep)].toSorted((left, right) => left - right),
    );
  },
  "a forked child has no signal blocked and none ignored, and is killed with its parent": () => {
    native.onSignal(() => {});
    equal(
      answerOf(() => statusLine("SigBlk") + statusLine("SigIgn") + statusLine("SigCgt")),
      none + none + none,
    );
  },
  "a forked child dies with its parent": () => {
    const { readEnd, writeEnd } = native.pipe(0);
    const pid = native.fork(() => {
      // Its own child, which would go on for ever.
      native.fork(() => {
        for (;;) native.poll(0x7fff_ffff, 0, 1_000);
      }, [writeEnd]);
    }, [writeEnd]);
    native.close(writeEnd);
    native.waitid(pid, WEXITED);
    // The end of the pipe comes when nobody holds it.
    equal(readAll(readEnd), "");
  },
  "timers and watches do nothing in a forked child, and its callbacks never run": () => {
    native.setTimer(1, () => native.exit(3));
    equal(
      answerOf((answer) => {
        native.setTimer(0, () => native.exit(4));
        native.watch(answer, native.POLLOUT, () => native.exit(5));
        native.onSignal(() => native.exit(6));
        native.poll(answer, 0, 20);
        return "whole";
      }),
      "whole",
    );
  },
  "a forked child writes to a pipe that nobody reads without dying of it": () => {
    const { readEnd, writeEnd } = native.pipe(0);
    native.close(readEnd);
    equal(
      answerOf(() => code(() => native.write(1_000, new Uint8Array(1)))),
      "EBADF",
    );
    const pid = native.fork(() => {
      native.exit(code(() => native.write(writeEnd, new Uint8Array(1))) === "EPIPE" ? 9 : 1);
    }, [writeEnd]);
    equal(native.waitid(pid, WEXITED)?.status, 9);
  },
  "a hundred children are forked and reaped, and their memory does not add up": () => {
    for (let index = 0; index < 100; index++) native.fork(() => native.exit(index), []);
    const sum = Array.from({ length: 100 }, () => native.waitid(0, WEXITED)?.status ?? 0).reduce(
      (left, right) => left + right,
      0,
    );
    equal(sum, 4_950);
  },
  "waitid tells how a child has ended, was killed and has stopped": () => {
    const wait = () => {
      for (;;) native.poll(0x7fff_ffff, 0, 1_000);
    };
    const ended = native.fork(() => native.exit(7), []);
    equal(native.waitid(ended, WEXITED | WNOWAIT), { pid: ended, code: CLD_EXITED, status: 7 });
    equal(native.waitid(ended, WEXITED | WNOHANG), { pid: ended, code: CLD_EXITED, status: 7 });
    equal(native.waitid(ended, WEXITED | WNOHANG), undefined);
    const killed = native.fork(wait, []);
    equal(native.waitid(killed, WEXITED | WNOHANG), undefined);
    native.kill(killed, 64);
    equal(native.waitid(killed, WEXITED), { pid: killed, code: CLD_KILLED, status: 64 });
    const stopped = native.fork(wait, []);
    native.kill(stopped, 19);
    equal(native.waitid(stopped, WSTOPPED), { pid: stopped, code: CLD_STOPPED, status: 19 });
    native.kill(stopped, 9);
    equal(native.waitid(0, WEXITED), { pid: stopped, code: CLD_KILLED, status: 9 });
    equal(native.waitid(0, WEXITED), undefined);
  },
  "a program runs with its arguments and environment, as bytes": () => {
    equal(
      outputOf('echo "$0 $1 $x"', {
        argv: ["sh", "-c", 'echo "$0 $1 $x"', "name", new Uint8Array([0xc3, 0xa9])],
        env: ["x=y"],
      }),
      "name é y",
    );
    equal(native.decodeUtf8(native.argv()[0] ?? new Uint8Array()) !== "", true);
  },
  "a program has every signal at its default and none blocked, and none of our descriptors": () => {
    native.open("/dev/null", 0);
    native.onSignal(() => {});
    native.setTimer(60_000, () => {});
    equal(outputOf("grep -E 'SigBlk|SigIgn' /proc/self/status | tr -d '\\n'"), `SigBlk:\t${none}SigIgn:\t${none}`);
    equal(
      outputOf("ls -l /proc/self/fd | grep -c -E 'anon_inode|/dev/null'", {
        stderr: 2,
        stdin: native.open("/dev/zero", 0),
      }),
      "0",
    );
  },
  "a program is in a group of its own where that is asked for": () => {
    const script = "cut -d ' ' -f 1,5 /proc/$$/stat";
    const [pid, group] = outputOf(script, { newGroup: true }).split(" ");
    equal(pid, group);
    equal(outputOf(script).split(" ")[1], String(native.getpgid(0)));
  },
  "descriptors become a program's 0, 1 and 2, whatever their numbers": () => {
    const first = native.pipe(0);
    const second = native.pipe(0);
    equal(outputOf("echo a; echo b >&2", { stderr: second.writeEnd }), "a");
    native.close(second.writeEnd);
    equal(readAll(second.readEnd), "b\n");
    native.write(first.writeEnd, native.encodeUtf8("given"));
    native.close(first.writeEnd);
    equal(outputOf("cat", { stdin: first.readEnd }), "given");
    // Exchanged: 0 is the pipe's write end and 1 its read end.
    equal(
      answerOf((answer) => {
        const null0 = native.open("/dev/null", 0);
        equal(null0, 0);
        const { readEnd, writeEnd } = native.pipe(0);
        equal([readEnd, writeEnd], [1, 2]);
        const pid = native.spawn({
          file: "sh",
          argv: ["sh", "-c", "cat <&2; cat >&0"],
          env,
          stdin: writeEnd,
          stdout: answer,
          stderr: readEnd,
        });
        native.close(writeEnd);
        void pid;
        native.kill(pid, 9);
        native.waitid(pid, WEXITED);
        return "done";
      }),
      "done",
    );
  },
  "a child's own steps stand in nobody's way, where 0 to 2 are closed": () => {
    equal(
      answerOf((answer) => {
        const program = { argv: ["sh", "-c", `pwd >&${answer}`], env, stdin: answer, stdout: answer, stderr: answer };
        // What the child tells its parent by has a number below 3.
        equal(
          code(() => native.spawn({ ...program, file: "/nonexistent" })),
          "ENOENT",
        );
        const directory = "/proc";
        native.fcntl(answer, native.F_SETFD, 0);
        native.waitid(native.spawn({ ...program, file: "sh", directory }), WEXITED);
        return "told";
      }),
      "/proc\ntold",
    );
  },
  "umask, limit of files and directory are a program's own": () => {
    const directory = "/proc";
    equal(outputOf("umask; ulimit -n; pwd", { umask: 0o27, nofile: 123, directory }), "0027\n123\n/proc");
    const hard = native.getrlimitNofile().hard;
    if (hard !== Infinity) equal(outputOf("ulimit -n", { nofile: hard + 1_000 }), String(hard));
    check(native.getcwd() !== "/proc", "not ours");
  },
  "a program that cannot be started throws with the step that failed": () => {
    equal(failure({ file: "/nonexistent" }), "ENOENT: no such file or directory, execve '/nonexistent'");
    equal(failure({ file: "nonexistent-program" }), "ENOENT: no such file or directory, execve 'nonexistent-program'");
    equal(failure({ file: "" }), "ENOENT: no such file or directory, execve ''");
    equal(failure({ file: "/dev/null" }), "EACCES: permission denied, execve '/dev/null'");
    equal(failure({ file: "/etc/passwd/x" }), "ENOTDIR: not a directory, execve '/etc/passwd/x'");
    equal(failure({ directory: "/nonexistent" }), "ENOENT: no such file or directory, chdir");
    equal(failure({ stdin: 1_000 }), "EBADF: bad file descriptor, dup2");
    equal(failure({ foreground: native.open("/dev/null", 0) }).split(",")[1], " tcsetpgrp");
    const { syscall, code: name } = thrown(() =>
      native.spawn({ file: "/dev/null", argv: [], env }),
    ) as native.NativeError;
    equal([syscall, name], ["execve", "EACCES"]);
  },
  "a child tells its report why it cannot be a program, and nobody waits for it": () => {
    const reportOf = (program: Partial<native.ChildProgram>) => {
      const { readEnd, writeEnd } = native.pipe(0);
      const pid = native.spawn({ file: "/bin/true", argv: ["true"], env, report: writeEnd, ...program });
      native.close(writeEnd);
      const text = readAll(readEnd);
      native.close(readEnd);
      return { text, status: native.waitid(pid, WEXITED)?.status };
    };
    equal(reportOf({}), { text: "", status: 0 });
    equal(reportOf({ file: "/nonexistent" }), { text: "execve ENOENT", status: 127 });
    equal(reportOf({ directory: "/nonexistent" }), { text: "chdir ENOENT", status: 127 });
    // The report ends when the program runs, not when that ends.
    const fifo = native.pipe(0);
    const { readEnd, writeEnd } = native.pipe(0);
    const pid = native.spawn({
      file: "sh",
      argv: ["sh", "-c", "read line"],
      env,
      stdin: fifo.readEnd,
      report: writeEnd,
    });
    native.close(writeEnd);
    equal(readAll(readEnd), "");
    equal(native.waitid(pid, WEXITED | WNOHANG), undefined, "it runs");
    native.kill(pid, 9);
    equal(native.waitid(pid, WEXITED)?.status, 9);
  },
  "a program that may not become another user throws with that step": () => {
    if (native.geteuid() === 0) return;
    equal(failure({ identity: { uid: 0, gid: 0, groups: [] } }), "EPERM: operation not permitted, setgroups");
    equal(failure({ identity: { uid: 0, gid: 0 } }), "EPERM: operation not permitted, setresgid");
  },
  "a program becomes another user, with its groups and without what was dropped": () => {
    if (native.geteuid() !== 0) return;
    equal(
      outputOf("id -u; id -g; id -G", { identity: { uid: 1234, gid: 5678, groups: [5678, 90] } }),
      "1234\n5678\n5678 90",
    );
    const SYS_ADMIN = 21;
    const lines = outputOf("grep -E 'CapInh|CapPrm|CapEff|CapBnd|CapAmb' /proc/self/status", {
      dropCapabilities: [SYS_ADMIN, 34],
    });
    for (const line of lines.split("\n")) {
      const bits = BigInt(`0x${line.split("\t")[1] ?? ""}`);
      equal((bits >> BigInt(SYS_ADMIN)) & 1n, 0n, line);
      equal((bits >> 34n) & 1n, 0n, line);
    }
    check(lines.includes(statusLine("CapEff").slice(-6, -6) || "Cap"), "others stay");
  },
  "a script without an interpreter is ENOEXEC, and PATH is ours": () => {
    const path = `/tmp/nfs-init-script-${native.getpid()}`;
    const fd = native.open(path, native.O_WRONLY | native.O_CREAT | native.O_EXCL, 0o755);
    native.write(fd, native.encodeUtf8("echo hello\n"));
    native.close(fd);
    try {
      equal(failure({ file: path }), `ENOEXEC: exec format error, execve '${path}'`);
    } finally {
      native.unlink(path);
    }
  },
  "a program dies with its parent where that is asked for": () => {
    const { readEnd, writeEnd } = native.pipe(0);
    const pid = native.fork(() => {
      native.spawn({
        file: "sleep",
        argv: ["sleep", "100"],
        env,
        stdout: writeEnd,
        diesWithParent: true,
        identity: { uid: native.geteuid(), gid: native.getegid() },
      });
    }, [writeEnd]);
    native.close(writeEnd);
    native.waitid(pid, WEXITED);
    equal(readAll(readEnd), "");
  },
  "a process becomes another program": () => {
    const { readEnd, writeEnd } = native.pipe(0);
    const pid = native.fork(() => {
      native.fcntl(writeEnd, native.F_SETFD, 0);
      native.execve({ file: "sh", argv: ["sh", "-c", `echo $$ >&${writeEnd}; umask >&${writeEnd}`], env, umask: 0o77 });
    }, [writeEnd]);
    native.close(writeEnd);
    equal(readAll(readEnd), `${pid}\n0077\n`);
  },
  "a process that could not become another program goes on, with its signals waiting again": async () => {
    equal(
      code(() => native.execve({ file: "/nonexistent", argv: ["x"], env })),
      "ENOENT",
    );
    native.kill(native.getpid(), 15);
    const told: number[] = [];
    native.onSignal((signal) => told.push(signal));
    await eventually(() => told.length > 0, "SIGTERM");
  },
  "a child that was stopped by itself goes on": async () => {
    const pid = native.fork(() => {
      native.stopSelf(20);
      native.stopSelf(19);
      native.exit(5);
    }, []);
    // The kernel drops SIGTSTP where nobody could let the process go on: in an orphaned process group, as a detached shell makes one.
    for (const signal of dropsStops() ? [19] : [20, 19]) {
      equal(native.waitid(pid, WSTOPPED), { pid, code: CLD_STOPPED, status: signal });
      native.kill(pid, 18);
    }
    equal(native.waitid(pid, WEXITED)?.status, 5);
    await after(0);
  },
  "a program becomes the foreground of the terminal, and we take it back": () => {
    // Standard input is one where the test runs it in a terminal.
    if (!native.isatty(0)) return;
    const own = native.getpgid(0);
    equal(native.tcgetpgrp(0), own);
    const [pid, group, foreground] = outputOf("cut -d ' ' -f 1,5,8 /proc/$$/stat", {
      newGroup: true,
      foreground: 0,
    }).split(" ");
    equal([group, foreground], [pid, pid]);
    // From the background, which would stop a program that does not block SIGTTOU.
    equal(native.tcgetpgrp(0) === own, false);
    native.tcsetpgrp(0, own);
    equal(native.tcgetpgrp(0), own);
  },
  "what the process is": () => {
    equal(native.getpid(), Number(native.readlink("/proc/self")));
    equal(statusLine("PPid"), String(native.getppid()));
    equal(native.umask(0o22), Number.parseInt(statusLine("Umask"), 8));
    equal(Number.parseInt(statusLine("Umask"), 8), 0o22);
    const hex = (bits: bigint) => bits.toString(16).padStart(16, "0");
    equal(hex(native.capget().effective), statusLine("CapEff"));
    equal(hex(native.capget().permitted), statusLine("CapPrm"));
    equal(hex(native.capget().inheritable), statusLine("CapInh"));
    check(native.processorCount() >= 1, "a processor");
    equal(native.getrandom(256).byteLength, 256);
    check(native.decodeLatin1(native.getrandom(16)) !== native.decodeLatin1(native.getrandom(16)), "random");
    check(ownPath().startsWith("/"), "a path");
    equal(native.prctl(native.PR_SET_CHILD_SUBREAPER, 1), 0);
    check([0, 1].includes(native.prctl(native.PR_CAPBSET_READ, 21)), "a bit");
    equal(
      code(() => native.prctl(native.PR_CAPBSET_READ, 99)),
      "EINVAL",
    );
    equal(
      code(() => native.getpgid(0x7fff_ffff)),
      "ESRCH",
    );
    const { machine, release, nodename } = native.uname();
    check(release.includes(".") && machine !== "" && nodename !== "", release);
  },
};
