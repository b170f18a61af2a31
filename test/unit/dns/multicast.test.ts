// Questions to multicast DNS and what is taken from the answers, whatever they are.
import { describe, expect, test } from "vitest";
import { decodeAnswer, encodeQuery, isMulticastName } from "../../../src/dns/multicast.ts";
import { random } from "../fakes/random.ts";

const id = 0x1234;
const A = 1;
const PTR = 12;
const AAAA = 28;
const name = "nas.local";

const word = (value: number) => [(value >> 8) & 0xff, value & 0xff];
const label = (text: string) => [Buffer.byteLength(text), ...Buffer.from(text)];
const nameBytes = (text: string) => [...text.split(".").flatMap(label), 0];
const pointer = (offset: number) => word(0xc000 | offset);

interface Record {
  readonly owner?: readonly number[];
  readonly type?: number;
  readonly recordClass?: number;
  readonly data?: readonly number[];
  /** Where it is not that of the data. */
  readonly length?: number;
}

function record({ owner = nameBytes(name), type = A, recordClass = 1, data = [192, 0, 2, 7], length }: Record = {}) {
  return [...owner, ...word(type), ...word(recordClass), 0, 0, 0, 120, ...word(length ?? data.length), ...data];
}

interface Message {
  readonly id?: number;
  readonly flags?: number;
  readonly questions?: readonly (readonly number[])[];
  readonly answers?: readonly (readonly number[])[];
  readonly authorities?: readonly (readonly number[])[];
  readonly additionals?: readonly (readonly number[])[];
}

function message({
  id: ownId = id,
  flags = 0x8400,
  questions = [],
  answers = [],
  authorities = [],
  additionals = [],
}: Message): Uint8Array {
  const sections = [questions, answers, authorities, additionals];
  const counts = sections.flatMap((section) => word(section.length));
  return Uint8Array.from([...word(ownId), ...word(flags), ...counts, ...sections.flat(2)]);
}

const question = (text = name, type = A) => [...nameBytes(text), ...word(type), ...word(1)];
const found = (parts: Message, asked = name) => decodeAnswer(message(parts), asked, id);
const ipv6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];

describe("a name", () => {
  test.each(["nas.local", "nas.local.", "NAS.LOCAL", "a.b.local", "my-nas.Local."])("%s is asked for", (text) => {
    expect(isMulticastName(text)).toBe(true);
  });

  test.each(["nas", "local", ".local", "local.", "nas.locals", "nas.local.test", "nas.localhost", "", "nas.local.."])(
    "%j is not",
    (text) => {
      expect(isMulticastName(text)).toBe(false);
    },
  );
});

describe("a question", () => {
  test.each([
    [4, A],
    [6, AAAA],
  ] as const)("for IPv%d is one, and asks for an answer to whoever asks", (family, type) => {
    const expected = message({ flags: 0, questions: [question(name, type)] });
    expect(encodeQuery(name, family, id)).toEqual(expected);
    expect(encodeQuery(`${name}.`, family, id)).toEqual(expected);
  });

  test("has its labels in UTF-8", () => {
    const query = encodeQuery("größe.local", 4, id) ?? new Uint8Array();
    expect([...query.subarray(12, 20)]).toEqual(label("größe"));
  });

  test("takes labels of 63 bytes and names of 255, and none that are longer", () => {
    const longest = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}`;
    expect(encodeQuery(`${longest}.${"d".repeat(55)}.local`, 4, id)?.byteLength).toBe(12 + 255 + 4);
    expect(encodeQuery(`${longest}.${"d".repeat(56)}.local`, 4, id)).toBeUndefined();
    expect(encodeQuery(`${"a".repeat(64)}.local`, 4, id)).toBeUndefined();
    expect(encodeQuery(`${"ä".repeat(32)}.local`, 4, id)).toBeUndefined();
    expect(encodeQuery("a..local", 4, id)).toBeUndefined();
    expect(encodeQuery(".local", 4, id)).toBeUndefined();
  });
});

describe("an answer", () => {
  test("gives the addresses of the name, each once, in its order", () => {
    const answers = [
      record(),
      record({ data: [192, 0, 2, 8] }),
      record(),
      record({ type: AAAA, data: ipv6 }),
      record({ type: AAAA, data: [...ipv6.slice(0, 15), 255] }),
    ];
    expect(found({ answers })).toEqual(["192.0.2.7", "192.0.2.8", "2001:db8:0:0:0:0:0:7", "2001:db8:0:0:0:0:0:ff"]);
  });

  test("may repeat the question, set the bit of a record that is the only one, and write the name in capitals", () => {
    const answers = [record({ owner: nameBytes("Nas.LOCAL"), recordClass: 0x8001 })];
    expect(found({ questions: [question()], answers })).toEqual(["192.0.2.7"]);
    expect(found({ answers }, "NAS.local.")).toEqual(["192.0.2.7"]);
  });

  test("may have them in any section, among records of other kinds and names", () => {
    const others = [
      record({ type: PTR, data: nameBytes("other.local") }),
      record({ owner: nameBytes("other.local"), data: [192, 0, 2, 99] }),
      record({ recordClass: 3, data: [192, 0, 2, 98] }),
      record({ type: 47, data: [] }),
    ];
    const additionals = [...others, record({ data: [192, 0, 2, 9] })];
    expect(found({ answers: others, authorities: [record()], additionals })).toEqual(["192.0.2.7", "192.0.2.9"]);
  });

  test("has no link-local address, which means nothing without an interface", () => {
    for (const [first, second] of [
      [0xfe, 0x80],
      [0xfe, 0xbf],
    ] as const) {
      expect(found({ answers: [record({ type: AAAA, data: [first, second, ...ipv6.slice(2)] })] })).toEqual([]);
    }
    expect(found({ answers: [record({ type: AAAA, data: [0xfe, 0xc0, ...ipv6.slice(2)] })] })).toHaveLength(1);
    expect(found({ answers: [record({ type: AAAA, data: [0xfd, 0x80, ...ipv6.slice(2)] })] })).toHaveLength(1);
  });

  test.each<[string, Message]>([
    ["to another question", { id: id + 1 }],
    ["that is a question", { flags: 0x0000 }],
    ["that says that there is no such name", { flags: 0x8403 }],
  ])("%s is none", (_, change) => {
    expect(found({ answers: [record()], ...change })).toEqual([]);
  });

  test.each([
    ["too short for IPv4", record({ data: [192, 0, 2] })],
    ["too long for IPv4", record({ data: [192, 0, 2, 7, 0] })],
    ["that of IPv4 and said to be IPv6", record({ type: AAAA })],
    ["longer than the message", record({ length: 400 })],
  ])("whose address is %s gives none", (_, answer) => {
    expect(found({ answers: [answer] })).toEqual([]);
  });

  test("gives what comes before the place where it is cut off", () => {
    const whole = message({ answers: [record(), record({ data: [192, 0, 2, 8] })] });
    const first = 12 + record().length;
    for (let length = 0; length < whole.byteLength; length++) {
      expect(decodeAnswer(whole.subarray(0, length), name, id)).toEqual(length < first ? [] : ["192.0.2.7"]);
    }
  });
});

describe("a name in an answer that points to another place", () => {
  const start = 12;

  test("is that name, also after labels of its own, and what follows it is read", () => {
    const questions = [question()];
    const whole = pointer(start);
    const localAlone = start + 4;
    const answers = [
      record({ owner: whole }),
      record({ owner: [...label("nas"), ...pointer(localAlone)], data: [192, 0, 2, 8] }),
      record({ owner: [...label("other"), ...pointer(localAlone)], data: [192, 0, 2, 9] }),
      record({ data: [192, 0, 2, 10] }),
    ];
    expect(found({ questions, answers })).toEqual(["192.0.2.7", "192.0.2.8", "192.0.2.10"]);
  });

  test("may point to one that points on", () => {
    const answers = [record(), record({ owner: pointer(start), data: [192, 0, 2, 8] })];
    const second = start + record().length;
    expect(found({ answers: [...answers, record({ owner: pointer(second), data: [192, 0, 2, 9] })] })).toEqual([
      "192.0.2.7",
      "192.0.2.8",
      "192.0.2.9",
    ]);
  });

  test.each([
    ["itself", pointer(start)],
    ["a later place", pointer(start + 20)],
    ["a place behind the end", pointer(0x3fff)],
    ["labels that lead to it again", [...label("nas"), ...pointer(start)]],
    ["half of a pointer", [0xc0]],
    ["a length of the reserved kinds", [0x40, 0, 0]],
    ["another one of these", [0x80, 0, 0]],
  ])("and leads to %s ends the reading", (_, owner) => {
    expect(found({ answers: [record({ owner }), record()] })).toEqual([]);
  });

  test("is not longer than a name may be, by whatever way", () => {
    // Each of these is one label before the one before.
    const owners: (readonly number[])[] = [];
    let at = start;
    for (let count = 0; count < 300; count++) {
      const owner = count === 0 ? nameBytes(name) : [...label("a"), ...pointer(at)];
      if (count > 0) at += record({ owner: owners[count - 1] ?? [] }).length;
      owners.push(
        count === 0 ? owner : [...label("a"), ...pointer(at - record({ owner: owners[count - 1] ?? [] }).length)],
      );
    }
    const answers = owners.map((owner) => record({ owner }));
    expect(found({ answers: [...answers, record({ data: [192, 0, 2, 8] })] })).toEqual(["192.0.2.7"]);
  });
});

describe("whatever comes", () => {
  test("is read to an end without a fault: nonsense", () => {
    const { bytes } = random(3);
    for (let round = 0; round < 20_000; round++) {
      const nonsense = bytes(120);
      nonsense.set(word(id).slice(0, nonsense.byteLength));
      if (nonsense.byteLength > 3) nonsense[2] = 0x84;
      if (nonsense.byteLength > 3) nonsense[3] = 0;
      expect(Array.isArray(decodeAnswer(nonsense, name, id))).toBe(true);
    }
  });

  test("is read to an end without a fault: an answer with some bytes changed, and only addresses come of it", () => {
    const { below } = random(4);
    const answers = [record(), record({ owner: pointer(12), type: AAAA, data: ipv6 }), record({ owner: pointer(12) })];
    const whole = message({ questions: [question()], answers });
    let heard = 0;
    for (let round = 0; round < 20_000; round++) {
      const changed = whole.slice(0, below(4) === 0 ? below(whole.byteLength) : whole.byteLength);
      for (let count = 1 + below(3); count > 0 && changed.byteLength > 4; count--) {
        changed[4 + below(changed.byteLength - 4)] = below(3) === 0 ? 0xc0 | below(64) : below(256);
      }
      const addresses = decodeAnswer(changed, name, id);
      heard += addresses.length;
      for (const address of addresses)
        expect(address).toMatch(/^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7})$/);
    }
    expect(heard).toBeGreaterThan(1_000);
  });

  test("is read in a time that grows with its length only", () => {
    // 64 KiB of pointers, each to the one before.
    const owners = Array.from({ length: 4_000 }, (_, index) =>
      record({ owner: index === 0 ? nameBytes(name) : pointer(12) }),
    );
    const startedMs = performance.now();
    expect(found({ answers: owners })).toEqual(["192.0.2.7"]);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});
