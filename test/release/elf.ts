// Reads from an ELF64 little-endian executable what it asks of the system's libraries: elf(5), and the LSB's chapter on symbol versions.
import { closeSync, openSync, readSync } from "node:fs";

export interface ElfNeeds {
  readonly machine: "x86-64" | "AArch64";
  /** The dynamic loader. */
  readonly interpreter: string;
  /** DT_NEEDED: libraries by their sonames. */
  readonly libraries: readonly string[];
  /** Symbol versions by library, such as `GLIBC_2.17` of `libc.so.6`. */
  readonly versions: Readonly<Record<string, readonly string[]>>;
}

const MACHINES: Readonly<Record<number, ElfNeeds["machine"]>> = { 62: "x86-64", 183: "AArch64" };
const SHT_DYNAMIC = 6;
const SHT_GNU_VERNEED = 0x6fff_fffe;
const PT_INTERP = 3;
const DT_NEEDED = 1n;

interface Section {
  readonly type: number;
  readonly content: () => Buffer;
  readonly link: number;
  readonly entries: number;
}

export function readElfNeeds(path: string): ElfNeeds {
  const file = openSync(path, "r");
  try {
    const read = (offset: number, length: number): Buffer => {
      const buffer = Buffer.alloc(length);
      readSync(file, buffer, 0, length, offset);
      return buffer;
    };
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
      interpreter: interpreters[0] ?? "",
      libraries: dynamic === undefined ? [] : librariesIn(dynamic.section.content(), dynamic.strings),
      versions:
        verneed === undefined ? {} : versionsIn(verneed.section.content(), verneed.section.entries, verneed.strings),
    };
  } finally {
    closeSync(file);
  }
}

/** The entries of the section or program header table; `at` says where the ELF header tells of it. */
function tableOf(
  read: (offset: number, length: number) => Buffer,
  header: Buffer,
  at: { readonly offset: number; readonly size: number },
): readonly Buffer[] {
  const offset = Number(header.readBigUInt64LE(at.offset));
  const [size, count] = [header.readUInt16LE(at.size), header.readUInt16LE(at.size + 2)];
  return Array.from({ length: count }, (_, index) => read(offset + index * size, size));
}

function librariesIn(dynamic: Buffer, strings: Buffer): readonly string[] {
  const names: string[] = [];
  for (let at = 0; at < dynamic.length; at += 16) {
    if (dynamic.readBigInt64LE(at) === DT_NEEDED) names.push(text(strings, Number(dynamic.readBigUInt64LE(at + 8))));
  }
  return names;
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
