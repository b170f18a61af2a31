// Valid answers of every kind to start from, and what is done to them: bytes changed, cut, put together anew, lengths that lie.
import type { Random } from "../unit/fakes/random.ts";
import { accepted, fragment, join, opaque, words } from "../unit/fakes/server.ts";

const attributes3 = words(1, 2, 0o755, 4, 0, 0, ...Array.from({ length: 16 }, (_, index) => index));
const channel = words(0, 16_384, 16_384, 0, 16, 1, 0);
const values4 = join(words(2, 0o755), opaque("root"), opaque("0"));
const session = new Uint8Array(16).fill(0x11);

/** Results of procedures, by the decoder that reads them. */
export const results = {
  port: [words(2_049), words(0)],
  address: [opaque("::.8.1"), opaque("2001:db8::1.78.80"), opaque("")],
  portList: [words(1, 100_000, 2, 6, 111, 1, 100_003, 3, 17, 2_049, 0), words(0)],
  addressList: [
    join(words(1, 100_000, 4), opaque("tcp6"), opaque("::.0.111"), opaque("superuser"), words(0)),
    join(words(1, 100_000, 4), opaque("local"), opaque("/run/rpcbind.sock"), opaque("superuser"), words(0)),
  ],
  exports: [
    join(words(1), opaque("/srv/exp"), words(1), opaque("*"), words(0, 1), opaque("/"), words(0, 0)),
    join(words(1), opaque("/data"), words(1), opaque("10.0.0.0/8"), words(1), opaque("@web"), words(0, 0)),
  ],
  mount: [join(words(0), opaque(new Uint8Array(28)), words(2, 1, 390_003)), words(13)],
  access: [join(words(0), attributes3, words(0x1f)), words(0, 0, 3), words(70, 0)],
  lookup: [
    join(words(0, 0, 4, 24, 0, 15, 0, 9, 0, 2, 0x002, 0x32), opaque(values4), words(3, 0, 0x0c, 0x0c)),
    join(words(2, 0, 2, 24, 0, 15, 2)),
    words(10_021, 0, 0),
  ],
  handle: [join(words(0, 0, 3, 24, 0, 15, 0, 10, 0), opaque(new Uint8Array(128)))],
  exchangeId: [join(words(0, 0, 1, 42, 0, 1, 2, 3, 0, 0), opaque("server"), opaque("scope"), words(0))],
  createSession: [join(words(0, 0, 1, 43, 0), session, words(1, 0), channel, channel)],
  sequence: [join(words(0, 0, 2, 53, 0), session, words(1, 0, 0, 0, 0, 24, 0))],
} as const satisfies Record<string, readonly Uint8Array[]>;

/** Whole replies to the call 7. */
export const replies: readonly Uint8Array[] = [
  ...Object.values(results)
    .flat()
    .map((result) => join(accepted(7, 0), result)),
  ...[1, 3, 4, 5].map((status) => accepted(7, status)),
  accepted(7, 2, 3, 4),
  join(words(7, 1, 0, 1), opaque(new Uint8Array(20)), words(0, 2_049)),
  words(7, 1, 1, 0, 2, 2),
  words(7, 1, 1, 1, 5),
];

/** Streams with record marks. */
export const streams: readonly Uint8Array[] = [
  ...replies.map((reply) => fragment(reply)),
  join(...replies.slice(0, 3).map((reply) => fragment(reply))),
  ...replies.slice(0, 6).map((reply) => join(fragment(reply.subarray(0, 9), false), fragment(reply.subarray(9)))),
];

/** Numbers at which lengths, counts and yes or no go wrong. */
const boundaries = [
  0, 1, 2, 3, 4, 5, 7, 8, 16, 64, 65, 128, 129, 255, 256, 400, 401, 1_024, 1_025, 16_384, 16_385, 0xffff, 0x1_0000,
  0x1_0001, 0x10_0000, 0x7fff_ffff, 0x8000_0000, 0x8000_0004, 0x8001_0001, 0xffff_fffc, 0xffff_ffff,
];

/** An input made from valid ones. */
export function distort(valid: readonly Uint8Array[], source: Random): Uint8Array {
  let bytes = source.pick(valid).slice();
  for (let changes = 1 + source.below(4); changes > 0; changes--) bytes = distortOnce(bytes, valid, source);
  return bytes;
}

function distortOnce(bytes: Uint8Array<ArrayBuffer>, valid: readonly Uint8Array[], source: Random) {
  const at = source.below(bytes.byteLength + 1);
  const wordAt = Math.min(at & ~3, bytes.byteLength - 4);
  switch (source.below(9)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return joined(bytes, source.bytes(64));
    case 2:
    case 3:
      if (wordAt >= 0) new DataView(bytes.buffer).setUint32(wordAt, source.pick(boundaries));
      return bytes;
    case 4:
      if (at < bytes.byteLength) bytes[at] = source.below(256);
      return bytes;
    case 5: {
      // A piece once more, as lists have it.
      const piece = bytes.subarray(at & ~3, (at & ~3) + 4 * source.below(16));
      return joined(bytes.subarray(0, at & ~3), piece, piece, bytes.subarray(at & ~3));
    }
    case 6:
      return joined(bytes.subarray(0, at), bytes.subarray(at + source.below(16)));
    case 7: {
      const other = source.pick(valid);
      return joined(bytes.subarray(0, at), other.subarray(source.below(other.byteLength + 1)));
    }
    default:
      return source.below(8) === 0 ? Uint8Array.from(source.bytes(128)) : Uint8Array.from(smallWords(source));
  }
}

/** Random words that are mostly small: they get further than random bytes do. */
function smallWords(source: Random): Uint8Array {
  return words(...Array.from({ length: source.below(40) }, () => source.below(source.below(4) === 0 ? 2 ** 32 : 4)));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(join(...parts));
}
