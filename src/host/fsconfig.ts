// The new mount API: the kernel reads the words of a mount one by one and says which it refuses, without mounting anything.
import type { OptionsRead } from "../mount/ports.ts";
import { errnoName } from "./errno.ts";
import { cString, lastErrno, openLibc } from "./libc.ts";

// Numbers of system calls and commands, the same on all architectures we build for (asm-generic/unistd.h, linux/mount.h).
const SYS_fsopen = 430n;
const SYS_fsconfig = 431n;
const FSOPEN_CLOEXEC = 1n;
const FSCONFIG_SET_FLAG = 0n;
const FSCONFIG_SET_STRING = 1n;
const FSCONFIG_CMD_CREATE = 6n;
const mostMessages = 20;

function openCalls() {
  const { syscall: fsopen } = openLibc({ syscall: { args: ["i64", "ptr", "i64"], returns: "i64" } });
  const { syscall: fsconfig } = openLibc({
    syscall: { args: ["i64", "i64", "i64", "ptr", "ptr", "i64"], returns: "i64" },
  });
  const { close, read } = openLibc({
    close: { args: ["i32"], returns: "i32" },
    read: { args: ["i32", "ptr", "u64"], returns: "i64" },
  });
  return { fsopen, fsconfig, close, read };
}

/** Gives `words` to a context of `fstype`, and where all are accepted has it made as mount(2) would, from `source`. */
export function readOptions(fstype: string, source: string, words: readonly string[]): OptionsRead {
  const { fsopen, fsconfig, close, read } = openCalls();
  const fd = fsopen(SYS_fsopen, cString(fstype), FSOPEN_CLOEXEC);
  if (fd < 0n) return { kind: "unknown" };
  const configure = (command: bigint, name?: string, value?: string): number => {
    const [key, text] = [name, value].map((word) => (word === undefined ? null : cString(word)));
    return fsconfig(SYS_fsconfig, fd, command, key ?? null, text ?? null, 0n) < 0n ? lastErrno() : 0;
  };
  /** What the kernel has to say, a read(2) each, without the letter of its severity. */
  const messages = (): string[] => {
    const said: string[] = [];
    const buffer = new Uint8Array(1_024);
    while (said.length < mostMessages) {
      const length = Number(read(Number(fd), buffer, BigInt(buffer.byteLength)));
      if (length <= 0) break;
      said.push(new TextDecoder().decode(buffer.subarray(2, length)).trim());
    }
    return said;
  };
  try {
    for (const [index, word] of words.entries()) {
      const [, name = "", value] = /^([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
      const failure = configure(value === undefined ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, name, value);
      if (failure !== 0) return { kind: "refused", index, errno: errnoName(failure), said: messages() };
    }
    const failure = configure(FSCONFIG_SET_STRING, "source", source) || configure(FSCONFIG_CMD_CREATE);
    return failure === 0 ? { kind: "accepted" } : { kind: "failed", errno: errnoName(failure), said: messages() };
  } finally {
    close(Number(fd));
  }
}
