// A program of some 300 bytes that tells when it was started, to the microsecond: its first instructions read the clock.
// It is made here, byte by byte, because every compiler's program would begin with a loader and a libc.

import { chmodSync, writeFileSync } from "node:fs";

/** Which clock it reads: the host's steady one, or the one that bash shows as EPOCHREALTIME. */
export type StampClock = "monotonic" | "realtime";

/** What `stamp PROGRAM ARG...` says. All on the program's clock. */
export interface Run {
  /** Just before execve(PROGRAM). */
  readonly execMs: number;
  /** PROGRAM was waited for. */
  readonly exitMs: number;
  /** PROGRAM's status as wait(2) gives it. */
  readonly status: number;
}

/** The same when PROGRAM ran a `stamp` of its own as COMMAND. */
export interface Stamps extends Run {
  /** COMMAND's first instruction. */
  readonly commandMs: number;
}

const clockNumbers: Readonly<Record<StampClock, number>> = { realtime: 0, monotonic: 1 };

/** System calls by their number on x86-64. */
const calls = {
  write: 1,
  sigprocmask: 14,
  vfork: 58,
  execve: 59,
  exit: 60,
  wait4: 61,
  sigtimedwait: 128,
  mount: 165,
  clockGettime: 228,
} as const;

// The instructions that the program is made of.
const movEax = (value: number): number[] => [0xb8, value, 0, 0, 0];
const movEdx = (value: number): number[] => [0xba, value, 0, 0, 0];
const movEdi = (value: number): number[] => [0xbf, value, 0, 0, 0];
const leaRsi = (offset: number): number[] => [0x48, 0x8d, 0x74, 0x24, offset]; // lea rsi, [rsp + offset]
const syscall = [0x0f, 0x05];

const readClockInto = (clock: StampClock, offset: number): number[] => [
  ...movEax(calls.clockGettime),
  ...movEdi(clockNumbers[clock]),
  ...leaRsi(offset),
  ...syscall,
];

/**
 * The program, an x86-64 ELF file.
 * `stamp` writes the time to standard output (a struct timespec, 16 bytes) and ends;
 * `stamp PROGRAM ARG...` runs PROGRAM, given with its path, and writes 40 bytes when it has ended: the time before execve, the
 * time after wait, the wait status.
 */
export function makeStampProgram(clock: StampClock): Buffer {
  const readClock = (offset: number): number[] => readClockInto(clock, offset);
  const command = [...readClock(0), ...movEdx(16)];
  const writeAndExit = [
    ...movEax(calls.write),
    ...movEdi(1),
    ...leaRsi(0),
    ...syscall,
    ...movEax(calls.exit),
    ...movEdi(0),
    ...syscall,
  ];
  const child = [
    ...readClock(0),
    ...movEax(calls.execve),
    ...bytes(0x48, 0x8b, 0x7d, 8), // mov rdi, [rbp + 8]
    ...bytes(0x48, 0x8d, 0x75, 8), // lea rsi, [rbp + 8]
    ...bytes(0x48, 0x8d, 0x54, 0xdd, 8), // lea rdx, [rbp + rbx * 8 + 8]
    ...syscall,
    ...movEax(calls.exit),
    ...movEdi(127),
    ...syscall,
  ];
  // vfork: the child writes its time into the parent's memory, so that nothing stands between the clock and execve.
  const launch = [
    ...movEax(calls.vfork),
    ...syscall,
    ...bytes(0x85, 0xc0), // test eax, eax
    ...bytes(0x75, child.length), // jnz parent
    ...child,
  ];
  const parent = [
    ...bytes(0x89, 0xc7), // mov edi, eax
    ...movEax(calls.wait4),
    ...leaRsi(32),
    ...bytes(0x31, 0xd2), // xor edx, edx
    ...bytes(0x45, 0x31, 0xd2), // xor r10d, r10d
    ...syscall,
    ...readClock(16),
    ...movEdx(40),
  ];
  const back = Buffer.from([0xe9, 0, 0, 0, 0]); // jmp writeAndExit
  back.writeInt32LE(-(writeAndExit.length + launch.length + parent.length + back.length), 1);
  const code = [
    ...bytes(0x48, 0x8b, 0x1c, 0x24), // mov rbx, [rsp]: argc
    ...bytes(0x48, 0x8d, 0x6c, 0x24, 8), // lea rbp, [rsp + 8]: argv
    ...bytes(0x48, 0x83, 0xec, 64), // sub rsp, 64
    ...bytes(0x83, 0xfb, 1), // cmp ebx, 1
    ...bytes(0x77, command.length + writeAndExit.length), // ja launch
    ...command,
    ...writeAndExit,
    ...launch,
    ...parent,
    ...back,
  ];
  return Buffer.concat([makeElfHeader(headerBytes + code.length), Buffer.from(code)]);
}

/**
 * The waiter, an x86-64 ELF file: it writes the time of its first instruction to standard output, waits for SIGTERM, which it has blocked
 * by then, writes the time at which it got it, and ends. Each time is a struct timespec, 16 bytes.
 */
export function makeWaiterProgram(clock: StampClock): Buffer {
  const set = 48;
  const writeTime = [...movEax(calls.write), ...movEdi(1), ...leaRsi(0), ...movEdx(timeBytes), ...syscall];
  const setBytes = bytes(0x41, 0xba, 8, 0, 0, 0); // mov r10d, 8
  const code = [
    ...bytes(0x48, 0x83, 0xec, 64), // sub rsp, 64
    ...readClockInto(clock, 0),
    ...bytes(0x48, 0xc7, 0x44, 0x24, set, 0, 0x40, 0, 0), // mov qword [rsp + set], 1 << (SIGTERM - 1)
    ...movEax(calls.sigprocmask),
    ...movEdi(0), // SIG_BLOCK
    ...leaRsi(set),
    ...movEdx(0),
    ...setBytes,
    ...syscall,
    ...writeTime,
    ...movEax(calls.sigtimedwait),
    ...bytes(0x48, 0x8d, 0x7c, 0x24, set), // lea rdi, [rsp + set]
    ...bytes(0x31, 0xf6), // xor esi, esi
    ...movEdx(0),
    ...setBytes,
    ...syscall,
    ...readClockInto(clock, 0),
    ...writeTime,
    ...movEax(calls.exit),
    ...movEdi(0),
    ...syscall,
  ];
  return Buffer.concat([makeElfHeader(headerBytes + code.length), Buffer.from(code)]);
}

/**
 * The mounter, an x86-64 ELF file: `mounter SOURCE TARGET TYPE OPTIONS PROGRAM ARG...` calls mount(2) and executes PROGRAM, given with its
 * path, in its place. Where the mount fails it ends with its errno.
 */
export function makeMounterProgram(): Buffer {
  const argument = (index: number): number => 8 * (index + 1);
  const run = [
    ...movEax(calls.execve),
    ...bytes(0x48, 0x8b, 0x7c, 0x24, argument(5)), // mov rdi, [rsp + PROGRAM]
    ...leaRsi(argument(5)),
    ...bytes(0x48, 0x8b, 0x14, 0x24), // mov rdx, [rsp]: argc
    ...bytes(0x48, 0x8d, 0x54, 0xd4, 16), // lea rdx, [rsp + rdx * 8 + 16]: the environment
    ...syscall,
  ];
  const code = [
    ...movEax(calls.mount),
    ...bytes(0x48, 0x8b, 0x7c, 0x24, argument(1)), // mov rdi, [rsp + SOURCE]
    ...bytes(0x48, 0x8b, 0x74, 0x24, argument(2)), // mov rsi, [rsp + TARGET]
    ...bytes(0x48, 0x8b, 0x54, 0x24, argument(3)), // mov rdx, [rsp + TYPE]
    ...bytes(0x45, 0x31, 0xd2), // xor r10d, r10d: no flags
    ...bytes(0x4c, 0x8b, 0x44, 0x24, argument(4)), // mov r8, [rsp + OPTIONS]
    ...syscall,
    ...bytes(0x85, 0xc0), // test eax, eax
    ...bytes(0x75, run.length), // jnz over it
    ...run,
    ...bytes(0xf7, 0xd8), // neg eax: the errno of either call
    ...bytes(0x89, 0xc7), // mov edi, eax
    ...movEax(calls.exit),
    ...syscall,
  ];
  return Buffer.concat([makeElfHeader(headerBytes + code.length), Buffer.from(code)]);
}

const bytes = (...values: number[]): number[] => values;

const base = 0x400000;
const headerBytes = 120;

/** An ELF header and one program header that loads the whole file, see elf(5). */
function makeElfHeader(fileBytes: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.write("\x7fELF\x02\x01\x01", "latin1");
  header.writeUInt16LE(2, 16); // e_type: ET_EXEC
  header.writeUInt16LE(62, 18); // e_machine: EM_X86_64
  header.writeUInt32LE(1, 20); // e_version
  header.writeBigUInt64LE(BigInt(base + headerBytes), 24); // e_entry
  header.writeBigUInt64LE(64n, 32); // e_phoff
  header.writeUInt16LE(64, 52); // e_ehsize
  header.writeUInt16LE(56, 54); // e_phentsize
  header.writeUInt16LE(1, 56); // e_phnum
  header.writeUInt32LE(1, 64); // p_type: PT_LOAD
  header.writeUInt32LE(5, 68); // p_flags: readable, executable
  header.writeBigUInt64LE(BigInt(base), 80); // p_vaddr
  header.writeBigUInt64LE(BigInt(fileBytes), 96); // p_filesz
  header.writeBigUInt64LE(BigInt(fileBytes), 104); // p_memsz
  header.writeBigUInt64LE(0x1000n, 112); // p_align
  return header;
}

export function writeStampProgram(file: string, clock: StampClock): void {
  writeProgram(file, makeStampProgram(clock));
}

export function writeWaiterProgram(file: string, clock: StampClock): void {
  writeProgram(file, makeWaiterProgram(clock));
}

function writeProgram(file: string, program: Buffer): void {
  if (process.arch !== "x64")
    throw new Error(`the benchmarks' stopwatch is made for x86-64, this machine is ${process.arch}`);
  writeFileSync(file, program);
  chmodSync(file, 0o755);
}

/** What a program writes as a time, and what `stamp PROGRAM` writes at the end. */
export const timeBytes = 16;
export const runBytes = 40;

/** Reads a time in milliseconds. */
export function timeAt(output: Buffer, offset: number): number {
  return Number(output.readBigInt64LE(offset)) * 1000 + Number(output.readBigInt64LE(offset + 8)) / 1e6;
}

/** Reads what `stamp PROGRAM` writes at the end. */
export function parseRun(output: Buffer, offset: number): Run {
  return {
    execMs: timeAt(output, offset),
    exitMs: timeAt(output, offset + timeBytes),
    status: output.readInt32LE(offset + 2 * timeBytes),
  };
}

/** Reads what a `stamp PROGRAM ... stamp` has written, or undefined where COMMAND did not run. */
export function parseStamps(output: Buffer): Stamps | undefined {
  if (output.length !== timeBytes + runBytes) return undefined;
  return { commandMs: timeAt(output, 0), ...parseRun(output, timeBytes) };
}
