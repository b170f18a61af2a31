// Reads from an ELF64 little-endian executable what it asks of the system's libraries: elf(5), and the LSB's chapter on symbol versions.
import { closeSync, openSync, readSync } from "node:fs";

export interface ElfNeeds {
  readonly machine: "x86-64" | "AArch64";
  /** Whether it runs at any address (ET_DYN). */
  readonly isRelocatable: boolean;
  /** The dynamic loader; empty where there is none. */
  readonly interpreter: string;
  /** DT_NEEDED: libraries by their sonames. */
  readonly libraries: readonly string[];
  /** Symbol versions by library, such as `GLIBC_2.17` of `libc.so.6`. */
  readonly versions: Readonly<Record<string, readonly string[]>>;
}

const MACHINES: Readonly<Record<number, ElfNeeds["machine"]>> = { 62: "x86-64", 183: "AArch64" };
const SHT_DYNAMIC = 6;
const SHT_GNU_VERNEED = 0x6fff_fffe;
const ET_DYN = 3;
const PT_LOAD = 1;
const PT_INTERP = 3;
const PT_GNU_STACK = 0x6474_e551;
const PT_GNU_RELRO = 0x6474_e552;
const DT_NEEDED = 1n;
const DT_FLAGS = 30n;
const DF_BIND_NOW = 8n;

interface Section {
  readonly type: number;
  readonly content: () => Buffer;
  readonly link: number;
  readonly entries: number;
}

/** How an executable is guarded against being misused once it runs. */
export interface ElfProtection {
  readonly stack: string;
  /** Parts that are loaded both writable and executable. */
  readonly writableCode: number;
  /** Whether tables are read-only once they are relocated, and all of that happens at the start. */
  readonly hasRelro: boolean;
  readonly bindsAtStart: boolean;
}

type Read = (offset: number, length: number) => Buffer;

/** Opens a file for as long as `look` looks at it. */
function reading<T>(path: string, look: (read: Read) => T): T {
  const file = openSync(path, "r");
  try {
    return look((offset, length) => {
      const buffer = Buffer.alloc(length);
      readSync(file, buffer, 0, length, offset);
      return buffer;
    });
  } finally {
    closeSync(file);
  }
}

export function readElfProtection(path: string): ElfProtection {
  return reading(path, (read) => {
    const header = read(0, 64);
    const segments = tableOf(read, header, { offset: 32, size: 54 }).map((entry) => ({
      type: entry.readUInt32LE(0),
      flags: entry.readUInt32LE(4),
    }));
    const dynamic = tableOf(read, header, { offset: 40, size: 58 }).find((one) => one.readUInt32LE(4) === SHT_DYNAMIC);
    const entries =
      dynamic === undefined
        ? Buffer.alloc(0)
        : read(Number(dynamic.readBigUInt64LE(24)), Number(dynamic.readBigUInt64LE(32)));
    const stack = segments.find(({ type }) => type === PT_GNU_STACK)?.flags ?? 7;
    return {
      stack: ["r", "w", "x"].map((letter, index) => ((stack & (4 >> index)) === 0 ? "-" : letter)).join(""),
      writableCode: segments.filter(({ type, flags }) => type === PT_LOAD && (flags & 3) === 3).length,
      hasRelro: segments.some(({ type }) => type === PT_GNU_RELRO),
      bindsAtStart: valuesIn(entries, DT_FLAGS).some((flags) => (flags & DF_BIND_NOW) !== 0n),
    };
  });
}

export function readElfNeeds(path: string): ElfNeeds {
  return reading(path, (read) => {
    const header = read(0, 64);
    if (header.toString("latin1", 0, 6) !== "\u007FELF\u0002\u0001") throw new Error(`${path} is no ELF64 file`);
    const machine = MACHINES[header.readUInt16LE(18)];
    if (machine === undefined) throw new Error(`${path} is for machine ${header.readUInt16LE(18)}`);

    const sections = tableOf(read, header, { offset: 40, size: 58 }).map((entry): Section => {
      const [offset, size] = [Number(entry.readBigUInt64LE(24)), Number(entry.readBigUInt64LE(32))];
      return {
        type: entry.readUInt32LE(4),
        content: () => read(offset, size),
        link: entry.readUInt32LE(40),
        entries: entry.readUInt32LE(44),
      };
    });
    const interpreters = tableOf(read, header, { offset: 32, size: 54 })
      .filter((entry) => entry.readUInt32LE(0) === PT_INTERP)
      .map((entry) => read(Number(entry.readBigUInt64LE(8)), Number(entry.readBigUInt64LE(32)) - 1).toString());
    const withStrings = (type: number): { section: Section; strings: Buffer } | undefined => {
      const section = sections.find((one) => one.type === type);
      const strings = section && sections[section.link];
      return section && strings && { section, strings: strings.content() };
    };
    const dynamic = withStrings(SHT_DYNAMIC);
    const verneed = withStrings(SHT_GNU_VERNEED);
    return {
      machine,
      isRelocatable: header.readUInt16LE(16) === ET_DYN,
      interpreter: interpreters[0] ?? "",
      libraries: dynamic === undefined ? [] : librariesIn(dynamic.section.content(), dynamic.strings),
      versions:
        verneed === undefined ? {} : versionsIn(verneed.section.content(), verneed.section.entries, verneed.strings),
    };
  });
}

/** The entries of the section or program header table; `at` says where the ELF header tells of it. */
function tableOf(
  read: Read,
  header: Buffer,
  at: { readonly offset: number; readonly size: number },
): readonly Buffer[] {
  const offset = Number(header.readBigUInt64LE(at.offset));
  const [size, count] = [header.readUInt16LE(at.size), header.readUInt16LE(at.size + 2)];
  return Array.from({ length: count }, (_, index) => read(offset + index * size, size));
}

function librariesIn(dynamic: Buffer, strings: Buffer): readonly string[] {
  return valuesIn(dynamic, DT_NEEDED).map((at) => text(strings, Number(at)));
}

/** The values of all entries of a kind in the dynamic section. */
function valuesIn(dynamic: Buffer, kind: bigint): readonly bigint[] {
  const values: bigint[] = [];
  for (let at = 0; at < dynamic.length; at += 16) {
    if (dynamic.readBigInt64LE(at) === kind) values.push(dynamic.readBigUInt64LE(at + 8));
  }
  return values;
}

function versionsIn(verneed: Buffer, count: number, strings: Buffer): Readonly<Record<string, readonly string[]>> {
  const versions: Record<string, string[]> = {};
  let at = 0;
  for (let file = 0; file < count; file++) {
    const names: string[] = [];
    let auxiliary = at + verneed.readUInt32LE(at + 8);
    for (let index = 0; index < verneed.readUInt16LE(at + 2); index++) {
      names.push(text(strings, verneed.readUInt32LE(auxiliary + 8)));
      auxiliary += verneed.readUInt32LE(auxiliary + 12);
    }
    versions[text(strings, verneed.readUInt32LE(at + 4))] = names;
    at += verneed.readUInt32LE(at + 12);
  }
  return versions;
}

function text(strings: Buffer, at: number): string {
  return strings.toString("latin1", at, strings.indexOf(0, at));
}
