// Signals the runtime cannot take: real-time ones, and SIGSTKFLT. A handler of our own writes their numbers to a pipe.
import { toArrayBuffer } from "bun:ffi";
import { constants } from "node:os";
import { openLibc } from "./libc.ts";

const SIGSTKFLT = 16;
/** The first real-time signal that is a program's own: the C libraries keep those before it for themselves. */
const firstRealTime = 34;
const lastSignal = 64;

const ownSignals = [
  SIGSTKFLT,
  ...Array.from({ length: lastSignal - firstRealTime + 1 }, (_, index) => firstRealTime + index),
];

const O_NONBLOCK = 0x800;
const O_CLOEXEC = 0x8_0000;
const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const pageBytes = 65_536;
const SA_RESTART = 0x1000_0000;
/** struct sigaction of 64-bit glibc and musl: handler, mask of 128 bytes, flags, restorer. */
const sigactionBytes = 152;
const flagsOffset = 136;

/**
 * Takes the signals the runtime does not know (`process.on("SIGRTMIN")` fails in it). A JavaScript function cannot be a signal
 * handler, so the handler is a dozen machine instructions: write(2) of the signal's number to a pipe, the old self-pipe trick,
 * and a SIGCHLD to ourselves, which the runtime does take and on which the pipe is read. Returns a function that takes the
 * numbers that have come, each as often as its signal came. Where memory cannot be made executable, nothing is taken.
 */
export function takeOwnSignals(): () => readonly number[] {
  const libc = openLibc({
    mmap: { args: ["u64", "u64", "i32", "i32", "i32", "i64"], returns: "ptr" },
    mprotect: { args: ["ptr", "u64", "i32"], returns: "i32" },
    pipe2: { args: ["ptr", "i32"], returns: "i32" },
    read: { args: ["i32", "ptr", "u64"], returns: "i64" },
    sigaction: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  });
  const ends = new Int32Array(2);
  const page = libc.mmap(0n, BigInt(pageBytes), PROT_READ | PROT_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0n);
  if (page === null || Number(page) === -1 || libc.pipe2(ends, O_NONBLOCK | O_CLOEXEC) !== 0) return () => [];
  const [readEnd = -1, writeEnd = -1] = ends;
  const code = process.arch === "x64" ? handlerOfX64(writeEnd) : handlerOfArm64(writeEnd);
  new Uint8Array(toArrayBuffer(page, 0, code.byteLength)).set(code);
  if (libc.mprotect(page, BigInt(pageBytes), PROT_READ | PROT_EXEC) !== 0) return () => [];

  const action = new DataView(new ArrayBuffer(sigactionBytes));
  action.setBigUint64(0, BigInt(page), true);
  action.setInt32(flagsOffset, SA_RESTART, true);
  for (const signal of ownSignals) libc.sigaction(signal, new Uint8Array(action.buffer), null);

  const buffer = new Uint8Array(256);
  return () => {
    const length = Number(libc.read(readEnd, buffer, BigInt(buffer.byteLength)));
    return length > 0 ? [...buffer.subarray(0, length)] : [];
  };
}

const SIGCHLD = constants.signals.SIGCHLD;

function littleEndian(value: number): readonly number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff];
}

function handlerOfX64(pipe: number): Uint8Array {
  return new Uint8Array(
    [
      [0x57], //                               push rdi            the signal's number
      [0x48, 0x89, 0xe6], //                   mov rsi, rsp
      [0xbf, ...littleEndian(pipe)], //        mov edi, pipe
      [0xba, ...littleEndian(1)], //           mov edx, 1
      [0xb8, ...littleEndian(1)], //           mov eax, SYS_write
      [0x0f, 0x05], //                         syscall
      [0xbf, ...littleEndian(process.pid)], // mov edi, pid
      [0xbe, ...littleEndian(SIGCHLD)], //     mov esi, SIGCHLD
      [0xb8, ...littleEndian(62)], //          mov eax, SYS_kill
      [0x0f, 0x05], //                         syscall
      [0x5f], //                               pop rdi
      [0xc3], //                               ret
    ].flat(),
  );
}

function handlerOfArm64(pipe: number): Uint8Array {
  const move = (register: number, value: number) => (0x5280_0000 | (value << 5) | register) >>> 0;
  const moveHigh = (register: number, value: number) => (0x72a0_0000 | (value << 5) | register) >>> 0;
  const svc = 0xd400_0001;
  return new Uint8Array(
    [
      0xf81f_0fe0, //                        str x0, [sp, #-16]!    the signal's number
      0x9100_03e1, //                        mov x1, sp
      move(0, pipe), //                      mov w0, pipe
      move(2, 1), //                         mov w2, 1
      move(8, 64), //                        mov w8, SYS_write
      svc,
      move(0, process.pid & 0xffff), //      mov w0, pid
      moveHigh(0, process.pid >>> 16),
      move(1, SIGCHLD), //                   mov w1, SIGCHLD
      move(8, 129), //                       mov w8, SYS_kill
      svc,
      0xf841_07e0, //                        ldr x0, [sp], #16
      0xd65f_03c0, //                        ret
    ].flatMap(littleEndian),
  );
}
